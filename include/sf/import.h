/* SPDX-License-Identifier: Apache-2.0 */
/* How a model is read: what the caller of a frontend may choose. */
#ifndef SF_IMPORT_H
#define SF_IMPORT_H

#include <sf/tensor.h>

SF_BEGIN_DECLS

/* The content of an input that is known before the model runs. */
typedef struct
{
  const char *name;
  SfTensor tensor; /* borrowed, dense; any dtype that converts to the input's */
} SfKnownInput;

/* Everything borrowed; zeroes are the defaults, lists may be NULL. */
typedef struct
{
  const char *frontend;    /* plugin; NULL: the one that claims the file */
  int64_t batch_size;      /* 0: the model's own default */
  uint64_t seed;           /* of the initial weights */
  const char *const *args; /* "name=value", NULL-terminated: the model's own arguments (--arg) */
  const char *const *dims; /* "name=N", NULL-terminated: symbolic dimensions (--dim) */
  /* Inputs known now. A frontend takes one as a constant where its source wants the numbers to know
   * a shape (the target of a reshape, a trip count), and it is no input then; what it does not need
   * stays one. */
  const SfKnownInput *known;
  size_t n_known;

  /* What the caller adds to the model to train it; applied by sf_import, whatever the frontend.
   *
   * Loss of a model that has none: "softmax_ce" (logits, labels i32 of the same shape without the
   * dimension of the classes) or "mse" (target of the same shape). A softmax or log_softmax that
   * ends the output is passed over by softmax_ce, which holds one. */
  const char *loss;
  const char *loss_output;   /* output that it compares, and the prediction; NULL: the first one */
  int64_t classes_axis;      /* dimension of the classes in the output of softmax_ce; 0: the last */
  const char *target;        /* new input with what the output should be; NULL: "target". Without a
                                loss: the input that the model's own loss compares with */
  const char *const *freeze; /* patterns (* and ?) of parameters that are not trained */
  const char *const *feed;   /* "INPUT=FIELD[:scale=A,shift=B]": field of a dataset that an input
                                takes, value = stored * A + B */
} SfImportOptions;

SF_END_DECLS
#endif

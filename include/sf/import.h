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
   * a shape (the target of a reshape, a trip count); what it does not need stays an input. */
  const SfKnownInput *known;
  size_t n_known;
} SfImportOptions;

SF_END_DECLS
#endif

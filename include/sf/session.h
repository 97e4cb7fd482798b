/* SPDX-License-Identifier: Apache-2.0 */
/* A session: a PEF on a backend, stepped by the caller.
 *
 *   g_autoptr (SfPef) pef = sf_pef_open ("digits.pef", &error);
 *   g_autoptr (SfSession) session = sf_session_open (pef, NULL, &error);
 *   sf_session_step (session, "train", SF_PHASES_ALL, inputs, outputs, &hyper, &error);
 *
 * Two sessions in two threads work; one session is used by one thread at a time. No process
 * globals, no signal handlers. */
#ifndef SF_SESSION_H
#define SF_SESSION_H

#include <sf/graph.h>
#include <sf/options.h>
#include <sf/pef.h>
#include <sf/tensor.h>

SF_BEGIN_DECLS

typedef struct SfSession SfSession;

#define SF_PHASES_ALL ((1u << SF_PHASE_FWD) | (1u << SF_PHASE_BWD) | (1u << SF_PHASE_OPT))

typedef struct
{
  const char *backend;                   /* plugin name; NULL: "rdu" */
  int n_threads;                         /* 0: sf_threads_available () */
  bool f64;                              /* cpu only */
  bool exact_firing;                     /* rdu only */
  const SfOptionValues *backend_options; /* NULL: defaults */
} SfSessionOptions;

/* What the host computes for a step. Optimizer scalars that are not overridden come from the PEF's
 * facts and the optimizer plugin's derive. */
typedef struct
{
  int64_t step;             /* of training, from 1 */
  uint64_t seed;            /* of dropout and the like */
  double lr;                /* of this step, after the schedule; NaN: the compiled default */
  const char *const *names; /* further scalars by name ("momentum", "weight_decay", "head.lr"),
                               NULL-terminated; NULL: none */
  const double *values;
} SfHyper;

/* Keeps a reference to `pef`. options NULL: defaults. */
SF_API SfSession *sf_session_open (SfPef *pef, const SfSessionOptions *options, GError **error);
SF_API void sf_session_free (SfSession *session);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfSession, sf_session_free)
SF_API SfPef *sf_session_pef (SfSession *session); /* borrowed */
SF_API const char *sf_session_backend (const SfSession *session);

typedef struct
{
  const char *name; /* borrowed */
  SfDtype dtype;
  SfShape shape;
  SfOutputRole role; /* outputs only */
} SfPort;

/* Interface of an entry ("train", "eval"); false when there is no such entry or index. */
SF_API bool sf_session_input (const SfSession *session, const char *entry, size_t index,
                              SfPort *out);
SF_API bool sf_session_output (const SfSession *session, const char *entry, size_t index,
                               SfPort *out);
SF_API bool sf_session_state (const SfSession *session, size_t index, SfPort *out);

/* Runs `phases` of `entry`. inputs: one tensor per input, in interface order, shapes equal, any
 * dtype that converts without loss of meaning (integers narrow when their values fit, which is
 * checked; labels and indices are checked against the bounds the program needs); needed with phase
 * FWD only. outputs: one per output, data NULL = not wanted; else filled; may be NULL. Where some
 * are wanted, what only the others need may be left out. Tensors are borrowed. */
SF_API bool sf_session_step (SfSession *session, const char *entry, unsigned phases,
                             const SfTensor *inputs, SfTensor *outputs, const SfHyper *hyper,
                             GError **error);

/* States by name; gradients as "grad:<parameter>" between phases BWD and OPT. Read: tensor->data
 * NULL allocates. */
SF_API bool sf_session_read (SfSession *session, const char *name, SfTensor *tensor,
                             GError **error);
SF_API bool sf_session_write (SfSession *session, const char *name, const SfTensor *tensor,
                              GError **error);

/* Another thread or a signal handler may set *flag: a running step then stops between launches with
 * SF_ERROR_CANCELLED. NULL: none. */
SF_API void sf_session_set_cancel (SfSession *session, volatile const int *flag);
/* The backend's "key=value" lines; owned. */
SF_API char *sf_session_describe (SfSession *session);

SF_END_DECLS
#endif

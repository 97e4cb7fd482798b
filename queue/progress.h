/* SPDX-License-Identifier: Apache-2.0 */
/* How far a step is, as it says itself.
 *
 * A step finds the path of a file in SF_PROGRESS and may append lines of JSON to it, each in one
 * write: {"at":1763900000.1,"epoch":2,"epochs":12,"batch":40,"batches":120,"loss":0.31,
 * "test_accuracy":0.97,"batches_per_second":53.2,"eta_s":12.5}. `sf train`, `eval` and `infer` do;
 * so can any command. All members may be missing, others are passed over. */
#ifndef QUEUE_PROGRESS_H
#define QUEUE_PROGRESS_H

#include <sf/json.h>

typedef struct
{
  int64_t epoch, epochs;      /* from 1; 0: not known */
  int64_t batch, batches;     /* done, of the epoch; 0: not known */
  double loss, test_accuracy; /* NAN: not known; so are those below */
  double batches_per_second, eta_s;
} SfStepProgress;

/* The last whole line of the step's file; false when there is none that can be read. */
bool sf_step_progress_read (const char *attempt_folder, int step, SfStepProgress *out);

/* Part of the step that is done, 0 to 1; NAN when it is not known. */
double sf_step_progress_done (const SfStepProgress *progress);
/* "epoch 2 of 12, loss 0.3100, 12 s left"; "" when nothing is known. Owned: g_free. */
char *sf_step_progress_text (const SfStepProgress *progress);

/* For whoever looks at the job: what is known, or null. Owned: json_decref. */
json_t *sf_step_progress_json (const SfStepProgress *progress);

#endif

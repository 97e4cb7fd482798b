/* SPDX-License-Identifier: Apache-2.0 */
/* How far a verb is: a bar for people, lines of JSON for programs. */
#ifndef TOOLS_SF_PROGRESS_H
#define TOOLS_SF_PROGRESS_H

#include <glib.h>

#include <sf/dtype.h>

/* The file that lines are appended to; set by the batch queue for the steps of its jobs. */
#define SF_PROGRESS_VARIABLE "SF_PROGRESS"

typedef struct
{
  const char *verb;
  int64_t epoch, epochs;      /* from 1; 0: the work has no epochs */
  int64_t batch, batches;     /* done, of the epoch */
  int64_t left;               /* batches to come, all epochs */
  double loss, test_accuracy; /* the latest; NAN: none */
} SfVerbProgress;

/* Called after each batch; cheap. Two outlets, each as often as it is looked at:
 * - on a stderr that is a terminal, for work of more than two seconds, a line with bar, rate and
 *   time left, cleared by `batch` == `batches`;
 * - in the file that SF_PROGRESS names, twice a second and after the last batch,
 *   {"at":1763900000.123,"do":"train","epoch":2,"epochs":12,"batch":40,"batches":120,"loss":0.31,
 *    "test_accuracy":0.97,"batches_per_second":53.2,"eta_s":12.5}; "at" is since 1970, what is not
 *   known is left out. */
void sf_verb_progress (const SfVerbProgress *now);

#endif

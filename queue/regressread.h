/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of reading a suite that job files do not have. */
#ifndef QUEUE_REGRESSREAD_H
#define QUEUE_REGRESSREAD_H

#include "queue/jobread.h"
#include "queue/regress.h"

/* Keys of job files that mean nothing in a suite. `own`: what a model says for itself. */
bool sf_regress_refuse_keys (SfConfigNode *root, SfConfigNode *own, GError **error);
/* `options` of `own`, set in the job's steps: { verb = { option = value; }; }. */
bool sf_regress_read_options (SfJobFile *job, SfConfigNode *own, GError **error);
/* `rules` of `root`, and over them those of `own`; NONE for metrics that no step of the job gives.
 */
bool sf_regress_read_rules (const SfJobFile *job, SfConfigNode *root, SfConfigNode *own,
                            SfRule rules[SF_N_METRICS], GError **error);
/* Whether `except` of either leaves case `index` of this model out. */
bool sf_regress_read_except (SfConfigNode *root, SfConfigNode *own, const char *model,
                             const GPtrArray *dimensions, size_t index, bool *left_out,
                             GError **error);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Evaluation over rows that are open already. */
#ifndef SF_CORE_RUN_EVAL_H
#define SF_CORE_RUN_EVAL_H

#include <sf/run.h>

#include "core/run/feed.h"

/* As sf_eval, over `feed`, which was opened for the entry "eval"; hooks NULL: none. */
bool sf_eval_feed (SfSession *session, SfDataFeed *feed, const SfEvalHooks *hooks,
                   SfEvalResult *result, GError **error);

#endif

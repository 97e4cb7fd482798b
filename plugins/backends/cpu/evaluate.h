/* SPDX-License-Identifier: Apache-2.0 */
/* sf_evaluate, as the backend offers it. */
#ifndef SF_CPU_EVALUATE_H
#define SF_CPU_EVALUATE_H

#include <sf/evaluate.h>

bool cpu_evaluate (const SfGraph *graph, const SfEvaluateOptions *options, const SfFeed *feeds,
                   size_t n_feeds, SfFetch *fetches, size_t n_fetches, GError **error);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs of `sfbatch`, one file each; main.c lists them. */
#ifndef TOOLS_SFBATCH_VERBS_H
#define TOOLS_SFBATCH_VERBS_H

#include "tools/tool.h"

extern const SfVerb sf_batch_new;
extern const SfVerb sf_batch_submit;
extern const SfVerb sf_batch_list;
extern const SfVerb sf_batch_show;
extern const SfVerb sf_batch_logs;
extern const SfVerb sf_batch_cancel;
extern const SfVerb sf_batch_top;
extern const SfVerb sf_batch_wait;
extern const SfVerb sf_batch_history;
extern const SfVerb sf_batch_regress;
extern const SfVerb sf_batch_golden;
extern const SfVerb sf_batch_hold;
extern const SfVerb sf_batch_release;
extern const SfVerb sf_batch_retry;
extern const SfVerb sf_batch_report;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The attempts at a job. */
#ifndef TOOLS_SFBATCH_SHOW_ATTEMPTS_H
#define TOOLS_SFBATCH_SHOW_ATTEMPTS_H

#include <sf/json.h>

#include "queue/store.h"

/* `attempts` as sf_store_list_attempts gives them. A table on stdout. */
void sf_show_attempts (const GPtrArray *attempts);
/* Owned: json_decref. */
json_t *sf_show_attempts_json (const GPtrArray *attempts);

/* Time that all of them took, without that of one that runs. */
int64_t sf_show_attempts_us (const GPtrArray *attempts);

#endif

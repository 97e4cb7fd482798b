/* SPDX-License-Identifier: Apache-2.0 */
/* When a job that has ended badly gets another attempt. */
#ifndef QUEUE_RETRY_H
#define QUEUE_RETRY_H

#include <sf/json.h>

#include "queue/state.h"

typedef struct
{
  int64_t max;                  /* attempts after the first; 0: none */
  int64_t delay_s, max_delay_s; /* before the first of them, and at most */
  double factor;                /* of the delay from one to the next */
  unsigned on;                  /* bits 1 << SfJobState */
} SfRetryRule;

/* Whether a job whose attempt `attempt` (from 1) ended that way gets another one, and after how
 * long. */
bool sf_retry_applies (const SfRetryRule *rule, SfJobState state, int64_t attempt,
                       int64_t *delay_us);

/* Owned: json_decref. */
json_t *sf_retry_json (const SfRetryRule *rule);
/* `name` is for messages. */
bool sf_retry_from_json (const json_t *json, SfRetryRule *out, const char *name, GError **error);

#endif

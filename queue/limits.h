/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of the system on a process (getrlimit): a job has those of whoever submitted it, not those
 * of the shell that happened to start the daemon. */
#ifndef QUEUE_LIMITS_H
#define QUEUE_LIMITS_H

#include <sf/json.h>

enum
{
  SF_N_LIMITS = 16
};

/* The soft limits, by number of the resource; -1: none. */
typedef struct
{
  bool known;
  int64_t soft[SF_N_LIMITS];
} SfLimits;

/* Of this process. */
SfLimits sf_limits_read (void);
/* Of this process from now on, as far as its hard limits let it. Safe after fork. */
void sf_limits_apply (const SfLimits *limits);
/* What a shell took from its daemon - files and memory of any size, time - is given back to it, as
 * far as the hard limits let it. */
void sf_limits_widen (void);

/* An array. Owned. */
json_t *sf_limits_json (const SfLimits *limits);
bool sf_limits_from_json (const json_t *array, SfLimits *out, const char *name, GError **error);

#endif

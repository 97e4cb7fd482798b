/* SPDX-License-Identifier: Apache-2.0 */
/* What core/run alone asks of a profile: the records themselves. */
#ifndef SF_CORE_RUN_PROFILE_H
#define SF_CORE_RUN_PROFILE_H

#include <sf/profile.h>

typedef struct
{
  uint32_t worker;
  uint32_t step; /* from 0 */
  SfRecord record;
} SfProfileRecord;

/* Of the first steps that were measured, step by step and within a step worker by worker. */
const GArray *sf_profile_records (const SfProfile *profile); /* borrowed, of SfProfileRecord */
/* When a step began and ended. */
void sf_profile_step (const SfProfile *profile, uint32_t step, int64_t *begin_ns, int64_t *end_ns);
int64_t sf_profile_n_left_out (const SfProfile *profile); /* records of later steps */
const SfProgram *sf_profile_program (const SfProfile *profile);
uint32_t sf_profile_entry (const SfProfile *profile);

#endif

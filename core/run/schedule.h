/* SPDX-License-Identifier: Apache-2.0 */
/* Learning-rate schedules, computed by the host in f64. */
#ifndef SF_CORE_RUN_SCHEDULE_H
#define SF_CORE_RUN_SCHEDULE_H

#include <sf/error.h>

typedef enum
{
  SF_SCHEDULE_CONSTANT,
  SF_SCHEDULE_STEP,   /* times `factor` every `every` steps */
  SF_SCHEDULE_COSINE, /* to `floor` times the rate at the last step (Loshchilov and Hutter, ICLR
                         2017, without restarts) */
  SF_SCHEDULE_LINEAR, /* likewise, along a line */
} SfScheduleKind;

typedef struct
{
  SfScheduleKind kind;
  double lr;            /* at the end of the warm-up */
  int64_t n_steps;      /* of the whole training */
  int64_t warmup_steps; /* step s <= warm-up: lr * s / warm-up */
  int64_t every;
  double factor, floor;
} SfSchedule;

bool sf_schedule_kind_parse (const char *name, SfScheduleKind *out, GError **error);
/* Rate of training step `step`, from 1. */
double sf_schedule_lr (const SfSchedule *schedule, int64_t step);

#endif

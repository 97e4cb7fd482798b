/* SPDX-License-Identifier: Apache-2.0 */
/* SfSchedule: the learning rate of a step. */
#include "core/run/schedule.h"

#include <math.h>
#include <sf/exact.h>
#include <string.h>

static const char *const names[] = { "constant", "step", "cosine", "linear" };

bool
sf_schedule_kind_parse (const char *name, SfScheduleKind *out, GError **error)
{
  for (size_t i = 0; i < G_N_ELEMENTS (names); i++)
    if (strcmp (names[i], name) == 0)
      {
        *out = (SfScheduleKind) i;
        return true;
      }
  return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                  "schedule \"%s\": wanted constant, step, cosine or linear", name);
}

double
sf_schedule_lr (const SfSchedule *schedule, int64_t step)
{
  if (step <= schedule->warmup_steps)
    return schedule->lr * (double) step / (double) schedule->warmup_steps;
  int64_t done = step - 1 - schedule->warmup_steps,
          span = schedule->n_steps - schedule->warmup_steps;
  double part = span > 1 ? CLAMP ((double) done / (double) (span - 1), 0.0, 1.0) : 0.0;
  switch (schedule->kind)
    {
    case SF_SCHEDULE_STEP:
      return schedule->lr
             * sf_exact_pow (schedule->factor, floor ((double) done / (double) schedule->every));
    case SF_SCHEDULE_COSINE:
      return schedule->lr
             * (schedule->floor
                + (1 - schedule->floor) * 0.5 * (1 + sf_exact_cos (part * 3.141592653589793)));
    case SF_SCHEDULE_LINEAR:
      return schedule->lr * (1 - (1 - schedule->floor) * part);
    case SF_SCHEDULE_CONSTANT:
    default:
      return schedule->lr;
    }
}

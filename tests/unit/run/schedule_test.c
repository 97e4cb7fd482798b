/* SPDX-License-Identifier: Apache-2.0 */
/* Learning rates against values worked out by hand. */
#include "core/run/schedule.h"

#include "tests/support/sftest.h"

#include <math.h>

typedef struct
{
  const char *name;
  SfSchedule schedule;
  int64_t step;
  double rate;
} Case;

#define STEP(warmup)                                 \
  {                                                  \
    SF_SCHEDULE_STEP, 0.8, 100, (warmup), 10, 0.5, 0 \
  }
#define COSINE(warmup)                                         \
  {                                                            \
    SF_SCHEDULE_COSINE, 2.0, 5 + (warmup), (warmup), 0, 0, 0.1 \
  }
#define LINEAR(warmup)                                         \
  {                                                            \
    SF_SCHEDULE_LINEAR, 2.0, 5 + (warmup), (warmup), 0, 0, 0.1 \
  }

static const Case cases[] = {
  { "constant first", { SF_SCHEDULE_CONSTANT, 0.1, 10, 0, 0, 0, 0 }, 1, 0.1 },
  { "constant last", { SF_SCHEDULE_CONSTANT, 0.1, 10, 0, 0, 0, 0 }, 10, 0.1 },
  { "warm-up first", { SF_SCHEDULE_CONSTANT, 0.1, 10, 4, 0, 0, 0 }, 1, 0.025 },
  { "warm-up third", { SF_SCHEDULE_CONSTANT, 0.1, 10, 4, 0, 0, 0 }, 3, 0.075 },
  { "warm-up ends", { SF_SCHEDULE_CONSTANT, 0.1, 10, 4, 0, 0, 0 }, 4, 0.1 },
  { "after warm-up", { SF_SCHEDULE_CONSTANT, 0.1, 10, 4, 0, 0, 0 }, 5, 0.1 },
  { "step 1", STEP (0), 1, 0.8 },
  { "step 10", STEP (0), 10, 0.8 },
  { "step 11", STEP (0), 11, 0.4 },
  { "step 20", STEP (0), 20, 0.4 },
  { "step 21", STEP (0), 21, 0.2 },
  { "step counts from the warm-up's end", STEP (3), 13, 0.8 },
  { "step falls after the warm-up", STEP (3), 14, 0.4 },
  /* 2 (0.1 + 0.9 (1 + cos (pi t)) / 2) at t = 0, 1/4, 1/2, 1; cos (pi / 4) = 0.7071067811865476 */
  { "cosine first", COSINE (0), 1, 2.0 },
  { "cosine quarter", COSINE (0), 2, 2 * (0.1 + 0.45 * 1.7071067811865476) },
  { "cosine half", COSINE (0), 3, 1.1 },
  { "cosine last", COSINE (0), 5, 0.2 },
  { "cosine beyond the end", COSINE (0), 9, 0.2 },
  { "cosine half after warm-up", COSINE (2), 5, 1.1 },
  { "linear first", LINEAR (0), 1, 2.0 },
  { "linear quarter", LINEAR (0), 2, 1.55 },
  { "linear last", LINEAR (0), 5, 0.2 },
  { "linear beyond the end", LINEAR (0), 6, 0.2 },
  { "linear last after warm-up", LINEAR (2), 7, 0.2 },
  { "a training of one step", { SF_SCHEDULE_COSINE, 0.5, 1, 0, 0, 0, 0 }, 1, 0.5 },
};

SF_TEST_CASES (Schedule, Rate, cases, G_N_ELEMENTS (cases), sf_test_row_name)
{
  const Case *c = data;
  SF_CHECK_NEAR (sf_schedule_lr (&c->schedule, c->step), c->rate, 1e-14);
}

SF_TEST (Schedule, Names)
{
  static const char *const names[] = { "constant", "step", "cosine", "linear" };
  g_autoptr (GError) error = NULL;
  SfScheduleKind kind;
  for (size_t i = 0; i < G_N_ELEMENTS (names); i++)
    {
      SF_CHECK (sf_schedule_kind_parse (names[i], &kind, &error));
      SF_CHECK_INT (kind, (int64_t) i);
    }
  SF_CHECK (!sf_schedule_kind_parse ("cosin", &kind, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_ARGUMENT,
                  "schedule \"cosin\": wanted constant, step, cosine or linear");
}

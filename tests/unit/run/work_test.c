/* SPDX-License-Identifier: Apache-2.0 */
/* The least time of a stage: bytes fill the levels of memory, flops go at the rate of their kind.
 */
#include "core/run/work.h"

#include "tests/support/sftest.h"

static const SfPeak peak = {
  .f32_flops = 100,
  .bf16_flops = 200,
  .n_levels = 3,
  .level = { { "L2", 1000, 50, 100 }, { "L3", 5000, 10, 5 }, { "memory", INT64_MAX, 1, 2 } }
};

/* 1000 bytes at 100, then 4000 at 10, then the rest at 2 bytes a second. */
static const struct
{
  double bytes, seconds;
  const char *limit;
} cases[] = {
  { 0, 0, "L2" },      { 500, 5, "L2" },    { 1050, 15, "L2" },       { 2000, 110, "L3" },
  { 5000, 410, "L3" }, { 5500, 660, "L3" }, { 7000, 1410, "memory" },
};

SF_TEST (Work, BytesFillTheLevels)
{
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const SfStageWork work = { .bytes = cases[i].bytes };
      const char *limit;
      double seconds = sf_peak_bytes_seconds (&peak, &work, &limit);
      SF_CHECK_NEAR (seconds, cases[i].seconds, 1e-9);
      SF_CHECK_STR (limit, cases[i].limit);
    }
}

SF_TEST (Work, FlopsGoAtTheRateOfTheirKind)
{
  const SfPeak without = { .f32_flops = 100 };
  const char *limit;
  SF_CHECK_NEAR (sf_peak_flops_seconds (&peak, &(SfStageWork){ .flops = 400 }, &limit), 4, 1e-9);
  SF_CHECK_STR (limit, "f32");
  const SfStageWork pairs = { .flops = 400, .is_bf16 = true };
  SF_CHECK_NEAR (sf_peak_flops_seconds (&peak, &pairs, &limit), 2, 1e-9);
  SF_CHECK_STR (limit, "bf16");
  SF_CHECK_NEAR (sf_peak_flops_seconds (&without, &pairs, &limit), 4, 1e-9);
  SF_CHECK_STR (limit, "f32");
}

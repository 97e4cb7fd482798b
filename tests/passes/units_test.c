/* SPDX-License-Identifier: Apache-2.0 */
/* What units a section gets: as many as help, no more. */
#include <sf/plugin/timing.h>

#include "tests/passes/passes.h"

#define TO_TILE "autodiff|legalise|fuse|section max_groups = 1;|tile%s"

/* One op on x [rows, columns], and for `linear` a weight of [out, columns]; compiled alone. */
static TestResult
compile_op (const char *op, int64_t rows, int64_t columns, int64_t out, const char *options)
{
  SfGraph *g = sf_graph_new ("test");
  SfValue x = sf_graph_input (g, "x", SF_F32, SF_SHAPE (rows, columns), NULL);
  SfValue y;
  if (out > 0)
    {
      SfShape shape = SF_SHAPE (out, columns);
      y = sf_graph_op2 (g, op, x,
                        sf_graph_state (g, "w", SF_STATE_PARAM, SF_F32, shape, NULL, NULL), NULL);
    }
  else
    y = sf_graph_op1 (g, op, x, NULL);
  sf_graph_output (g, "y", SF_OUTPUT_PREDICTION, y, NULL);
  g_autoptr (SfModule) module = test_module (g);
  g_autofree char *passes = g_strdup_printf (TO_TILE, options);
  TestResult result = test_run (module, passes, "sn10", NULL);
  SF_CHECK_NO_ERROR (result.error);
  return result;
}

/* 2048 x 4096 by 4096 x 1024 at f32, tokens of 32768 elements: 8 rows, ceil (8 / 6) x ceil (1024 /
 * 32) = 64 blocks an iteration, each of 4096 x 4 cycles. On one PCU 256 iterations take 268 million
 * cycles, on 64, beyond which there is nothing to spread, 4.2; memory needs 0.5 for 48 MiB. */
SF_TEST (Units, StageAloneTakesWhatItCanUse)
{
  TestResult result = compile_op ("linear", 2048, 4096, 1024, "");
  if (result.program == NULL)
    return;
  g_autoptr (SfArch) arch = sf_arch_load ("sn10", NULL);
  SfStageEstimate estimate = sf_estimate_stage (result.program, 0, 0, arch);
  SfStage stage = sf_config_stage (result.program, 0, 0);
  SF_CHECK_INT (estimate.iterations, 256);
  SF_CHECK_INT (estimate.widest, 64);
  SF_CHECK_INT (stage.n_pcus, 64);
  SF_CHECK_INT (stage.interval_cycles, 4096 * 4);
  SF_CHECK_INT (estimate.bound, SF_BOUND_COMPUTE);
  test_result_clear (&result);
}

/* 8 MiB in and out: 163840 cycles of memory. On one PCU each of 32 lanes and 6 slots makes 2
 * million results in 2097152 / 32 / 6 = 10923 cycles; reading from one PMU takes 131072. Little
 * helps. */
SF_TEST (Units, MemoryNeedsFew)
{
  TestResult result = compile_op ("relu", 2048, 1024, 0, "");
  if (result.program == NULL)
    return;
  g_autoptr (SfArch) arch = sf_arch_load ("sn10", NULL);
  SfStage stage = sf_config_stage (result.program, 0, 0);
  SfSectionEstimate section = sf_estimate_section (result.program, 0, arch, NULL);
  SF_CHECK (stage.n_pcus <= 8);
  for (uint32_t b = 0; b < 2; b++)
    SF_CHECK (sf_config_buffer (result.program, 0, b).n_pmus <= 8);
  SF_CHECK_INT (section.memory_cycles, 163840);
  SF_CHECK (section.cycles < 163840 + 163840 / 20);
  SF_CHECK_INT (section.bound, SF_BOUND_MEMORY);
  test_result_clear (&result);
}

/* A choice of sizes is never worse than the first of them, and here better: 1 MiB at one token of
 * 32768 elements each waits for 8 of them to come one after the other, smaller ones overlap. */
SF_TEST (Units, TokensAreChosen)
{
  g_autoptr (SfArch) arch = sf_arch_load ("sn10", NULL);
  TestResult one = compile_op ("relu", 256, 1024, 0, " token_tries = 1;");
  TestResult four = compile_op ("relu", 256, 1024, 0, " token_tries = 4;");
  if (one.program == NULL || four.program == NULL)
    return;
  SF_CHECK_INT (sf_config_buffer (one.program, 0, 0).token_elems, 32768);
  SF_CHECK (sf_config_buffer (four.program, 0, 0).token_elems < 32768);
  SF_CHECK (sf_estimate_section (four.program, 0, arch, NULL).cycles
            < sf_estimate_section (one.program, 0, arch, NULL).cycles);
  test_result_clear (&one);
  test_result_clear (&four);
}

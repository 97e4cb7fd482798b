/* SPDX-License-Identifier: Apache-2.0 */
/* Sections whose time can be computed by hand; the calculation stands beside each. Units are placed
 * in reading order of the grid: PCUs at (0,0), (2,0), (4,0) ..., PMUs at (1,0), (3,0), (5,0) ...,
 * AGCUs at (-1,0), (20,0), (-1,1), (20,1). Ways go along the row first, a hop takes a cycle. */
#include <sf/plugin/timing.h>

#include "tests/support/sftest.h"
#include "tests/unit/program/sample.h"
#include "tests/unit/timing/machine.h"

#define ALL(n)               \
  {                          \
    .size = (n), .stride = 1 \
  }
#define BLOCK(n)                            \
  {                                         \
    .coef = { 1 }, .size = (n), .stride = 1 \
  }

static uint32_t
add_buffer (SfProgram *program, SfShape shape, int64_t tokens, int64_t depth)
{
  SfBuffer b = { "b", SF_F32, shape, tokens, sf_shape_n_elems (&shape) / tokens, depth, 1 };
  return sf_config_add_buffer (program, 0, &b);
}

static void
add_stream (SfProgram *program, uint32_t buffer, bool out)
{
  SfStream s = { buffer, out, (uint32_t) sf_config_n_streams (program, 0) };
  sf_config_add_stream (program, 0, &s);
}

/* y = relu (x), [8, 1024], a row a token. */
static void
add_relu (SfProgram *program, uint32_t x, uint32_t y)
{
  SfOperand operands[] = {
    { SF_OPERAND_IN, x, SF_F32, SF_SHAPE (8, 1024), 0, 1, { BLOCK (1), ALL (1024) } },
    { SF_OPERAND_OUT, y, SF_F32, SF_SHAPE (8, 1024), 0, 1, { BLOCK (1), ALL (1024) } },
  };
  SfInstr instr
      = { .op = "relu", .version = 1, .n_src = 1, .n_dst = 1, .src = { 0 }, .dst = { 1 } };
  SfStage stage = { .name = "relu",
                    .n_counters = 1,
                    .counter = { { 8, 1, SF_COUNTER_PARALLEL } },
                    .n_operands = 2,
                    .operands = operands,
                    .n_instrs = 1,
                    .instrs = &instr,
                    .n_pcus = 1 };
  sf_config_add_stage (program, 0, &stage);
}

static SfProgram *
new_program (void)
{
  SfProgram *program = sf_program_new ();
  sf_program_add_config (program);
  return program;
}

static int64_t
cycles_on (SfProgram *program, const MachineFigure *figures)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfArch) arch = machine_with (figures);
  sample_place (program, 0, arch);
  sample_route (program, 0);
  int64_t cycles = sf_timing_section_cycles (program, 0, arch, NULL, &error);
  SF_CHECK (error == NULL);
  return cycles;
}

static SfProgram *
copy_program (void)
{
  SfProgram *program = new_program ();
  uint32_t x = add_buffer (program, SF_SHAPE (8, 1024), 8, 2);
  uint32_t y = add_buffer (program, SF_SHAPE (8, 1024), 8, 2);
  add_stream (program, x, false);
  add_stream (program, y, true);
  add_relu (program, x, y);
  return program;
}

/* A token is 4096 bytes: 64 vectors, 64 cycles over a net. An iteration computes 32 blocks of 32
 * lanes in ceil (32 / 6) = 6 cycles and reads for 64.
 * Tokens 0 and 1 are asked for at 0: complete at 64 + 100 + 2 hops = 166 and 230.
 * Iterations 0 and 1 run at 166 .. 230 .. 294, which gives room for tokens 2 and 3: 230 + 166 = 396
 * and 294 + 166 = 460. So two tokens take 230 cycles: iteration 6 begins at 166 + 3 x 230 = 856, 7
 * ends at 984. Its results are complete 1 hop + 16 + 3 hops later, at 1004, sent at 1068, and have
 * arrived after 17 hops. */
SF_TEST (Section, TokensThatWaitForRoomPayTheLatency)
{
  g_autoptr (SfProgram) program = copy_program ();
  SF_CHECK_INT (cycles_on (program, NULL), 1085);
}

/* At 16 bytes a cycle a token takes 256 cycles, there and back 16 x 256 = 4096, and the last one 17
 * hops more. Memory may stand still for no longer than a token is on its way: latency and hops 102,
 * its iteration 64 + 20, twice since the buffers hold two. */
SF_TEST (Section, MemoryBoundTimeFollowsTheBandwidth)
{
  g_autoptr (SfProgram) program = copy_program ();
  const MachineFigure full[] = { { "bytes_per_cycle", 16 }, { NULL, 0 } };
  const MachineFigure half[] = { { "bytes_per_cycle", 8 }, { NULL, 0 } };
  int64_t a = cycles_on (program, full), b = cycles_on (program, half);
  SF_CHECK (a >= 4096 + 17 && a <= 4096 + 17 + 2 * 186);
  SF_CHECK (b >= 8192 + 17 && b <= 8192 + 17 + 2 * 186);
}

/* y = x w, [256, 512] x [512, 128], 32 rows a token, on 4 PCUs. An iteration has ceil (32 / 6) x
 * ceil (128 / 32) = 24 blocks of K = 512 x 4 cycles (f32): 6 on each PCU, 12288 cycles. Reading w
 * anew takes 4096 vectors, x 1024: less. w comes at 4096 + 100 + 17 hops = 4213; 8 iterations
 * later, at 102517, all is computed. The PCU at (0,0) has the longest way, 3 hops from w and 5 to
 * y: complete 8 + 16 later, at 102541; y's last token has 256 vectors and 7 hops: 102804. */
SF_TEST (Section, ComputeBoundGemmTakesItsBlocks)
{
  g_autoptr (SfProgram) program = new_program ();
  uint32_t x = add_buffer (program, SF_SHAPE (256, 512), 8, 2);
  uint32_t w = add_buffer (program, SF_SHAPE (512, 128), 1, 1);
  uint32_t y = add_buffer (program, SF_SHAPE (256, 128), 8, 2);
  add_stream (program, x, false);
  add_stream (program, w, false);
  add_stream (program, y, true);
  SfOperand operands[] = {
    { SF_OPERAND_IN, x, SF_F32, SF_SHAPE (256, 512), 0, 1, { BLOCK (32), ALL (512) } },
    { SF_OPERAND_IN, w, SF_F32, SF_SHAPE (512, 128), -1, 0, { ALL (512), ALL (128) } },
    { SF_OPERAND_OUT, y, SF_F32, SF_SHAPE (256, 128), 0, 1, { BLOCK (32), ALL (128) } },
  };
  SfInstr instr
      = { .op = "gemm", .version = 1, .n_src = 2, .n_dst = 1, .src = { 0, 1 }, .dst = { 2 } };
  SfStage stage = { .name = "gemm",
                    .n_counters = 1,
                    .counter = { { 256, 32, SF_COUNTER_PARALLEL } },
                    .n_operands = 3,
                    .operands = operands,
                    .n_instrs = 1,
                    .instrs = &instr,
                    .n_pcus = 4 };
  sf_config_add_stage (program, 0, &stage);
  SF_CHECK_INT (cycles_on (program, NULL), 102804);
}

/* Two stages one after the other overlap: the first is through with iteration 7 at 984 as in the
 * copy, its result is complete 1 + 16 + 3 cycles later, at 1004. The second, at PCU (2,0), reads
 * from PMU (3,0) and writes to (5,0): ends at 1068, complete 1 + 16 + 3 later at 1088, sent at
 * 1152, 15 hops. */
SF_TEST (Section, StagesOverlap)
{
  g_autoptr (SfProgram) program = new_program ();
  uint32_t x = add_buffer (program, SF_SHAPE (8, 1024), 8, 2);
  uint32_t h = add_buffer (program, SF_SHAPE (8, 1024), 8, 2);
  uint32_t y = add_buffer (program, SF_SHAPE (8, 1024), 8, 2);
  add_stream (program, x, false);
  add_stream (program, y, true);
  add_relu (program, x, h);
  add_relu (program, h, y);
  SF_CHECK_INT (cycles_on (program, NULL), 1167);
}

/* Two stages, at (0,0) and (2,0), read x at (1,0) from either side. With two ports the last token,
 * there after 8 x 64 + 102 = 614, is read until 678. With one port 16 times 64 vectors go through
 * it from 166 on, until 1190: 512 cycles later, give or take a part of a transfer. */
SF_TEST (Section, ReadersSharePorts)
{
  g_autoptr (SfProgram) program = new_program ();
  uint32_t x = add_buffer (program, SF_SHAPE (8, 1024), 8, 8);
  uint32_t y = add_buffer (program, SF_SHAPE (8, 1024), 8, 8);
  uint32_t z = add_buffer (program, SF_SHAPE (8, 1024), 8, 8);
  add_stream (program, x, false);
  add_stream (program, y, true);
  add_stream (program, z, true);
  add_relu (program, x, y);
  add_relu (program, x, z);
  const MachineFigure two[] = { { "pmu_read_ports", 2 }, { NULL, 0 } };
  const MachineFigure one[] = { { "pmu_read_ports", 1 }, { NULL, 0 } };
  int64_t a = cycles_on (program, two), b = cycles_on (program, one);
  SF_CHECK (a >= 678 + 16 + 64 && a <= 678 + 16 + 64 + 40);
  SF_CHECK (b - a >= 512 - 8 && b - a <= 512 + 8);
}

/* ---- the edges ---- */

static int64_t
try_cycles (SfProgram *program, const MachineFigure *figures, GError **error)
{
  g_autoptr (SfArch) arch = machine_with (figures);
  sample_place (program, 0, arch);
  sample_route (program, 0);
  return sf_timing_section_cycles (program, 0, arch, NULL, error);
}

/* One stage, y = relu (x) over `rows` tokens of `width`. */
static SfProgram *
rows_program (int64_t rows, int64_t tokens, int64_t width, int64_t depth, bool out)
{
  SfProgram *program = new_program ();
  SfShape shape = SF_SHAPE (rows, width);
  SfBuffer b = { "b", SF_F32, shape, tokens, width, depth, 1 };
  sf_config_add_buffer (program, 0, &b);
  sf_config_add_buffer (program, 0, &b);
  add_stream (program, 0, false);
  if (out)
    add_stream (program, 1, true);
  SfOperand operands[] = {
    { SF_OPERAND_IN, 0, SF_F32, shape, 0, 1, { BLOCK (1), ALL (width) } },
    { SF_OPERAND_OUT, 1, SF_F32, shape, 0, 1, { BLOCK (1), ALL (width) } },
  };
  SfInstr instr
      = { .op = "relu", .version = 1, .n_src = 1, .n_dst = 1, .src = { 0 }, .dst = { 1 } };
  SfStage stage = { .name = "relu",
                    .n_counters = 1,
                    .counter = { { rows, 1, SF_COUNTER_PARALLEL } },
                    .n_operands = 2,
                    .operands = operands,
                    .n_instrs = 1,
                    .instrs = &instr,
                    .n_pcus = 1 };
  sf_config_add_stage (program, 0, &stage);
  return program;
}

SF_TEST (Edge, NothingTakesNoTime)
{
  g_autoptr (SfProgram) none = rows_program (0, 0, 16, 1, true);
  SF_CHECK_INT (cycles_on (none, NULL), 0);
  g_autoptr (SfProgram) thin = rows_program (4, 4, 0, 1, true);
  SF_CHECK (cycles_on (thin, NULL) >= 4);
}

/* Token 3 comes at 4 x 64 + 102 = 358, is read until 422 and written with it. */
SF_TEST (Edge, WithoutStreamsOutAllHasToEnd)
{
  g_autoptr (SfProgram) program = rows_program (4, 4, 1024, 4, false);
  SF_CHECK_INT (cycles_on (program, NULL), 422);
}

/* 2 x 2^42 bytes at 1 byte a second of 10^9 cycles: more than 2^62. */
SF_TEST (Edge, TooLongIsRefused)
{
  g_autoptr (GError) error = NULL;
  const MachineFigure slow[] = { { "bytes_per_s", 1 }, { NULL, 0 } };
  g_autoptr (SfProgram) program = rows_program (4, 4, (int64_t) 1 << 38, 4, true);
  SF_CHECK_INT (try_cycles (program, slow, &error), -1);
  SF_CHECK_ERROR (error, SF_ERROR_UNSUPPORTED, "more than 2^62 cycles");
}

/* A reader that wants all eight tokens of a buffer that holds two. */
SF_TEST (Edge, AStopIsSaid)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfProgram) program = new_program ();
  uint32_t x = add_buffer (program, SF_SHAPE (8, 1024), 8, 2);
  uint32_t y = add_buffer (program, SF_SHAPE (8, 1024), 1, 1);
  add_stream (program, x, false);
  add_stream (program, y, true);
  SfOperand operands[] = {
    { SF_OPERAND_IN, x, SF_F32, SF_SHAPE (8, 1024), -1, 0, { ALL (8), ALL (1024) } },
    { SF_OPERAND_OUT, y, SF_F32, SF_SHAPE (8, 1024), -1, 0, { ALL (8), ALL (1024) } },
  };
  SfInstr instr
      = { .op = "relu", .version = 1, .n_src = 1, .n_dst = 1, .src = { 0 }, .dst = { 1 } };
  SfStage stage = { .name = "relu",
                    .n_operands = 2,
                    .operands = operands,
                    .n_instrs = 1,
                    .instrs = &instr,
                    .n_pcus = 1 };
  sf_config_add_stage (program, 0, &stage);
  SF_CHECK_INT (try_cycles (program, NULL, &error), -1);
  SF_CHECK_ERROR (error, SF_ERROR_CHECK_FAILED, "stream 0 stops after 2 of 8 iterations");
}

SF_TEST (Section, WithoutRoutesIsRefused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfArch) arch = machine_with (NULL);
  g_autoptr (SfProgram) program = copy_program ();
  SF_CHECK_INT (sf_timing_section_cycles (program, 0, arch, NULL, &error), -1);
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_ARGUMENT, "0 places and 0 routes");
}

/* A loaded section is not loaded again; a host launch between does not unload it. */
SF_TEST (Entry, LoadsAddUp)
{
  const MachineFigure quick[] = { { "config_load_ns", 0 }, { NULL, 0 } };
  const MachineFigure slow[] = { { "config_load_ns", 777 }, { NULL, 0 } };
  g_autoptr (SfArch) a = machine_with (quick);
  g_autoptr (SfArch) b = machine_with (slow);
  g_autoptr (SfProgram) program = sample_program (NULL, a);
  g_autoptr (SfTiming) x = sf_timing_new (program, 0, a, NULL);
  g_autoptr (SfTiming) y = sf_timing_new (program, 0, b, NULL);
  SF_REQUIRE (x != NULL && y != NULL);
  SF_CHECK_INT (sf_timing_n_launches (x), 4);
  SF_CHECK_INT (sf_timing_cycles (y) - sf_timing_cycles (x), 3 * 777);
  int64_t at = 0;
  for (size_t l = 0; l < 4; l++)
    {
      SfLaunchTime launch = sf_timing_launch (y, l);
      SF_CHECK_INT (launch.start_cycles, at);
      at += launch.load_cycles + launch.cycles;
    }
  SF_CHECK_INT (at, sf_timing_cycles (y));
  /* 10000 ns, and 2 x 192 bytes at 25 bytes a cycle. */
  SF_CHECK_INT (sf_timing_launch (y, 2).cycles, 10000 + 16);
}

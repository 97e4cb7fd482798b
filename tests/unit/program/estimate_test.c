/* SPDX-License-Identifier: Apache-2.0 */
/* T0 against sections reckoned by hand. The machine has round figures: 1 GHz, memory of 64 bytes a
 * cycle behind 100 cycles, PCUs of 16 lanes and 4 stages, e^x of four passes through the tail. What
 * ways and pipelines add between units is an assumption of T0 and allowed for by SLACK. */
#include <sf/plugin/timing.h>

#include "tests/support/sftest.h"

#define SLACK 100 /* of a few hops and pipelines of 10 cycles */

static SfArch *
machine (const char *bytes_per_s)
{
  g_autofree char *folder = sf_test_tmpdir ();
  g_autofree char *text = g_strdup_printf (
      "name = \"round\"; clock_hz = 1000000000L; rdu_tiles = 1; columns = 8; rows = 8;\n"
      "pcus_per_tile = 32; pmus_per_tile = 32; agcus_per_tile = 16; pcu_lanes = 16;\n"
      "pcu_stages = 4; matrix_cycles_8bit = 1; matrix_cycles_16bit = 1;\n"
      "matrix_cycles_32bit = 1; simd_cycles_8bit = 1; simd_cycles_16bit = 1;\n"
      "simd_cycles_32bit = 1; pcu_latency_cycles = 10; pmu_bytes = 1048576; pmu_banks = 16;\n"
      "pmu_read_ports = 2; pmu_write_ports = 2; vector_bytes = 64; vector_channels = 8;\n"
      "scalar_channels = 8; control_channels = 8; vector_flows = 64; scalar_flows = 64;\n"
      "control_flows = 64; hop_cycles = 1; fifo_vectors = 4; agcu_vectors = 1;\n"
      "config_load_ns = 1000; host_bytes_per_s = 16000000000L; host_launch_ns = 5000;\n"
      "memory = ( { name = \"m\"; bytes = 1073741824L; bytes_per_s = %sL; latency_ns = 100; } );\n"
      "ops = ( { op = \"gemm\"; count = \"matrix\"; }, { op = \"exp\"; count = \"out\"; tail = 4; },"
      " { op = \"relu\"; count = \"out\"; body = 1; }, { op = \"add\"; count = \"out\"; body = 1; },"
      " { op = \"conv2d\"; count = \"matrix\"; } );\n",
      bytes_per_s);
  g_autofree char *path = sf_test_write_file (folder, "round.cfg", text, -1);
  g_autoptr (GError) error = NULL;
  SfArch *arch = sf_arch_load (path, &error);
  SF_CHECK_STR (error != NULL ? error->message : "", "");
  return arch;
}

/* f32 rows that pass by blocks, the number of tokens given. */
static uint32_t
add_buffer (SfProgram *program, SfShape shape, int64_t tokens, int64_t depth, int64_t n_pmus)
{
  SfBuffer b = { .name = "b",
                 .dtype = SF_F32,
                 .shape = shape,
                 .tokens = tokens,
                 .token_elems = sf_shape_n_elems (&shape) / tokens,
                 .depth = depth,
                 .n_pmus = n_pmus };
  return sf_config_add_buffer (program, 0, &b);
}

static void
add_stream (SfProgram *program, uint32_t buffer, bool out)
{
  SfStream s = { buffer, out, (uint32_t) sf_config_n_streams (program, 0) };
  sf_config_add_stream (program, 0, &s);
}

/* Rows of `shape` by counter 0, `tokens` blocks of them; `resident`: all of it. */
static SfOperand
operand (SfOperandKind kind, uint32_t buffer, SfShape shape, int64_t tokens, bool resident)
{
  SfOperand o = { kind, buffer, SF_F32, shape, resident ? -1 : 0, resident ? 0 : 1, { { 0 } } };
  for (int d = 0; d < shape.rank; d++)
    o.dim[d] = (SfAccess){ .size = shape.dim[d], .stride = 1 };
  if (!resident)
    {
      o.dim[0].coef[0] = 1;
      o.dim[0].size = shape.dim[0] / tokens;
    }
  return o;
}

/* dst = op (src...), rows by blocks; all buffers have one shape. */
static uint32_t
add_map (SfProgram *program, const char *op, const uint32_t *src, uint32_t n_src, uint32_t dst,
         int64_t n_pcus)
{
  SfOperand operands[3];
  SfBuffer b = sf_config_buffer (program, 0, dst);
  SfInstr instr = { .op = op, .version = 1, .n_src = n_src, .n_dst = 1, .dst = { n_src } };
  for (uint32_t i = 0; i <= n_src; i++)
    operands[i] = operand (i < n_src ? SF_OPERAND_IN : SF_OPERAND_OUT, i < n_src ? src[i] : dst,
                           b.shape, b.tokens, false);
  for (uint32_t i = 0; i < n_src; i++)
    instr.src[i] = i;
  SfStage stage
      = { .name = op,
          .n_counters = 1,
          .counter = { { b.shape.dim[0], b.shape.dim[0] / b.tokens, SF_COUNTER_PARALLEL } },
          .n_operands = n_src + 1,
          .operands = operands,
          .n_instrs = 1,
          .instrs = &instr,
          .n_pcus = n_pcus };
  return sf_config_add_stage (program, 0, &stage);
}

static void
check_between (int64_t found, int64_t least, int64_t most)
{
  SF_CHECK (found >= least && found <= most);
  if (found < least || found > most)
    g_printerr ("found %" G_GINT64_FORMAT ", wanted %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT "\n",
                found, least, most);
}

static SfProgram *
gemm_program (int64_t n_pcus)
{
  SfProgram *program = sf_program_new ();
  sf_program_add_config (program);
  SfShape x = SF_SHAPE (64, 256), w = SF_SHAPE (256, 64), y = SF_SHAPE (64, 64);
  add_buffer (program, x, 8, 2, 1);
  add_buffer (program, w, 1, 1, 4);
  add_buffer (program, y, 8, 2, 1);
  add_stream (program, 0, false);
  add_stream (program, 1, false);
  add_stream (program, 2, true);
  SfOperand operands[] = { operand (SF_OPERAND_IN, 0, x, 8, false),
                           operand (SF_OPERAND_IN, 1, w, 1, true),
                           operand (SF_OPERAND_OUT, 2, y, 8, false) };
  SfInstr instr
      = { .op = "gemm", .version = 1, .n_src = 2, .n_dst = 1, .src = { 0, 1 }, .dst = { 2 } };
  SfStage stage = { .name = "gemm",
                    .n_counters = 1,
                    .counter = { { 64, 8, SF_COUNTER_PARALLEL } },
                    .n_operands = 3,
                    .operands = operands,
                    .n_instrs = 1,
                    .instrs = &instr,
                    .n_pcus = n_pcus };
  sf_config_add_stage (program, 0, &stage);
  return program;
}

/* An iteration takes 8 rows: ceil (8 / 4) ceil (64 / 16) = 8 blocks of 256 cycles, on 4 PCUs
 * 2 x 256 = 512. It reads 8 x 256 x 4 / 64 = 128 vectors of x from one PMU and 1024 of w from four:
 * 256 cycles; it writes 32. w takes 65536 / 64 = 1024 cycles to come, beside it the two tokens of x
 * for which there is room, 128 each, and the latency of memory, 100; then 8 x 512, and 32 for the
 * last token's way out. */
SF_TEST (Estimate, GemmIsBoundByCompute)
{
  g_autoptr (SfArch) arch = machine ("64000000000");
  g_autoptr (SfProgram) program = gemm_program (4);
  SfStageEstimate stage = sf_estimate_stage (program, 0, 0, arch);
  SF_CHECK_INT (stage.iterations, 8);
  SF_CHECK_INT (stage.compute_cycles, 512);
  SF_CHECK_INT (stage.read_cycles, 256);
  SF_CHECK_INT (stage.write_cycles, 32);
  SF_CHECK_INT (stage.interval_cycles, 512);
  SF_CHECK_INT (stage.widest, 8);
  SF_CHECK_INT (stage.bound, SF_BOUND_COMPUTE);
  SfSectionEstimate section = sf_estimate_section (program, 0, arch, NULL);
  int64_t wanted = 2 * 128 + 1024 + 100 + 8 * 512 + 32;
  check_between (section.cycles, wanted, wanted + SLACK);
  SF_CHECK_INT (section.memory_bytes, 65536 + 65536 + 16384);
  SF_CHECK_INT (section.memory_cycles, 2304);
  SF_CHECK_INT (section.bound, SF_BOUND_COMPUTE);
  SF_CHECK_INT (section.stage, 0);
}

/* On 16 PCUs only 8 blocks are there to spread: 256 cycles, as on 8; w from four PMUs takes as
 * long. With one PMU for w, reading its 1024 vectors is what an iteration takes. */
SF_TEST (Estimate, NothingIsFasterThanItsWidestOrItsReads)
{
  g_autoptr (SfArch) arch = machine ("64000000000");
  g_autoptr (SfProgram) program = gemm_program (16);
  SF_CHECK_INT (sf_estimate_stage (program, 0, 0, arch).compute_cycles, 256);
  sf_config_set_buffer (program, 0, 1, 1, 1);
  SfStageEstimate stage = sf_estimate_stage (program, 0, 0, arch);
  SF_CHECK_INT (stage.read_cycles, 1024);
  SF_CHECK_INT (stage.interval_cycles, 1024);
  SF_CHECK_INT (stage.bound, SF_BOUND_READ);
  SF_CHECK_INT (stage.buffer, 1);
}

/* 1 MiB in, 1 MiB out, 64 bytes a cycle: 32768 cycles; at half the bandwidth 65536. Besides, the
 * first token comes after 100 cycles, and for two tokens of 512 cycles each nothing goes out yet.
 */
SF_TEST (Estimate, StreamIsBoundByMemory)
{
  static const char *const rates[] = { "64000000000", "32000000000" };
  for (int i = 0; i < 2; i++)
    {
      g_autoptr (SfArch) arch = machine (rates[i]);
      g_autoptr (SfProgram) program = sf_program_new ();
      sf_program_add_config (program);
      uint32_t x = add_buffer (program, SF_SHAPE (1024, 256), 32, 2, 2);
      uint32_t y = add_buffer (program, SF_SHAPE (1024, 256), 32, 2, 2);
      add_stream (program, x, false);
      add_stream (program, y, true);
      add_map (program, "relu", &x, 1, y, 4);
      SfSectionEstimate section = sf_estimate_section (program, 0, arch, NULL);
      int64_t wanted = 32768 * (i + 1);
      SF_CHECK_INT (section.memory_cycles, wanted);
      check_between (section.cycles, wanted, wanted + 1024 + 100 + SLACK);
      SF_CHECK_INT (section.bound, SF_BOUND_MEMORY);
      SF_CHECK_INT (section.stage, SF_NONE);
    }
}

/* Tokens of 8192 elements: 512 blocks of 4 passes, 1024 cycles on two PCUs, 2048 on one. A token
 * comes in 512 + 100 cycles, the first stage adds 1024 once, the second sets the pace: 8 x 2048;
 * the last token leaves in 512. */
SF_TEST (Estimate, SlowerStageSetsThePace)
{
  g_autoptr (SfArch) arch = machine ("64000000000");
  g_autoptr (SfProgram) program = sf_program_new ();
  sf_program_add_config (program);
  uint32_t b[3];
  for (int i = 0; i < 3; i++)
    b[i] = add_buffer (program, SF_SHAPE (256, 256), 8, 2, 1);
  add_stream (program, b[0], false);
  add_stream (program, b[2], true);
  add_map (program, "exp", &b[0], 1, b[1], 2);
  add_map (program, "exp", &b[1], 1, b[2], 1);
  SF_CHECK_INT (sf_estimate_stage (program, 0, 0, arch).interval_cycles, 1024);
  SF_CHECK_INT (sf_estimate_stage (program, 0, 1, arch).interval_cycles, 2048);
  SfSectionEstimate section = sf_estimate_section (program, 0, arch, NULL);
  int64_t wanted = 512 + 100 + 1024 + 8 * 2048 + 512;
  check_between (section.cycles, wanted, wanted + SLACK);
  SF_CHECK_INT (section.stage, 1);
  SF_CHECK_INT (section.bound, SF_BOUND_COMPUTE);
}

/* a = exp x; y = a + exp exp a. A token passes in 3 x 1024 (two PCUs) and 512 (reading for the sum)
 * cycles; until then its place in a is taken. With depth d, a takes d tokens in that time: with 4
 * the pace is a stage's 1024, with 2 the round's 3584 for two, and 16 tokens need 7 rounds, one
 * token more and the last's way through. Each of 8 rounds adds pipelines and ways to SLACK. */
SF_TEST (Estimate, ShallowSkipHoldsBack)
{
  static const int64_t depths[] = { 4, 2 };
  static const int64_t before_last[] = { 15 * 1024, 7 * 3584 + 1024 };
  for (int i = 0; i < 2; i++)
    {
      g_autoptr (SfArch) arch = machine ("64000000000");
      g_autoptr (SfProgram) program = sf_program_new ();
      sf_program_add_config (program);
      uint32_t b[5];
      for (int k = 0; k < 5; k++)
        b[k] = add_buffer (program, SF_SHAPE (512, 256), 16, k == 1 ? depths[i] : 2,
                           k == 1 ? 2 : 1);
      add_stream (program, b[0], false);
      add_stream (program, b[4], true);
      add_map (program, "exp", &b[0], 1, b[1], 2);
      add_map (program, "exp", &b[1], 1, b[2], 2);
      add_map (program, "exp", &b[2], 1, b[3], 2);
      add_map (program, "add", (uint32_t[]){ b[1], b[3] }, 2, b[4], 2);
      int64_t wanted = 512 + 100 + before_last[i] + 3584 + 512;
      check_between (sf_estimate_section (program, 0, arch, NULL).cycles, wanted,
                     wanted + 8 * SLACK);
    }
}

/* Loads and host launches: 1000 ns and 5000 ns at 1 GHz; 1600 bytes at 16 GB/s take 100 ns. */
SF_TEST (Estimate, LoadsAndHostLaunches)
{
  g_autoptr (SfArch) arch = machine ("64000000000");
  SF_CHECK_INT (sf_estimate_load (arch), 1000);
  SF_CHECK_INT (sf_estimate_host (arch, 1600), 5100);
  SF_CHECK_STR (sf_bound_name (SF_BOUND_READ), "PMU reads");
}

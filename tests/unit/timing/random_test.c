/* SPDX-License-Identifier: Apache-2.0 */
/* Random sections on random machines: T1 comes to an end, gives the same twice, and is never faster
 * on a machine that is worse. */
#include <sf/plugin/timing.h>

#include "tests/support/sftest.h"
#include "tests/unit/program/sample.h"
#include "tests/unit/timing/machine.h"

enum
{
  N_SECTIONS = 150,
  N_MAX_BUFFERS = 12,
  N_ROWS = 24,
};

/* ---- sections ---- */

typedef struct
{
  GRand *rand;
  SfProgram *program;
  int64_t width;
  uint32_t n_buffers;
  bool read[N_MAX_BUFFERS];
} Section;

static int64_t
pick (GRand *rand, int64_t from, int64_t to)
{
  return g_rand_int_range (rand, (gint32) from, (gint32) to + 1);
}

/* A row is a token. All tokens fit: no choice of skips can come to a stop. */
static uint32_t
add_buffer (Section *s)
{
  SfShape shape = SF_SHAPE (N_ROWS, s->width);
  SfDtype dtype = pick (s->rand, 0, 1) ? SF_F32 : SF_BF16;
  int64_t depth = pick (s->rand, 0, 2) ? N_ROWS : N_ROWS / 2;
  SfBuffer b = { "b", dtype, shape, N_ROWS, s->width, depth, pick (s->rand, 1, 3) };
  s->n_buffers++;
  return sf_config_add_buffer (s->program, 0, &b);
}

static void
add_stream (Section *s, uint32_t buffer, bool out)
{
  SfStream stream = { buffer, out, (uint32_t) sf_config_n_streams (s->program, 0) };
  sf_config_add_stream (s->program, 0, &stream);
  s->read[buffer] = s->read[buffer] || out;
}

#define ROW                                    \
  {                                            \
    { .coef = { 1 }, .size = 1, .stride = 1 }, \
    {                                          \
      .size = s->width, .stride = 1            \
    }                                          \
  }

static void
add_stage (Section *s, uint32_t a, uint32_t b, uint32_t y)
{
  static const char *const ops[] = { "add", "mul", "div", "pow" };
  const SfShape shape = SF_SHAPE (N_ROWS, s->width);
  SfOperand operands[] = {
    { SF_OPERAND_IN, a, SF_F32, shape, 0, 1, ROW },
    { SF_OPERAND_IN, b, SF_F32, shape, 0, 1, ROW },
    { SF_OPERAND_OUT, y, SF_F32, shape, 0, 1, ROW },
  };
  SfInstr instr = { .op = ops[pick (s->rand, 0, 3)],
                    .version = 1,
                    .n_src = 2,
                    .n_dst = 1,
                    .src = { 0, 1 },
                    .dst = { 2 } };
  SfStage stage = { .name = "stage",
                    .n_counters = 1,
                    .counter = { { N_ROWS, 1, SF_COUNTER_PARALLEL } },
                    .n_operands = 3,
                    .operands = operands,
                    .n_instrs = 1,
                    .instrs = &instr,
                    .n_pcus = pick (s->rand, 1, 5) };
  s->read[a] = s->read[b] = true;
  sf_config_add_stage (s->program, 0, &stage);
}

static SfProgram *
random_section (GRand *rand)
{
  Section s = { .rand = rand, .program = sf_program_new (), .width = pick (rand, 1, 40) * 16 };
  sf_program_add_config (s.program);
  int64_t n_inputs = pick (rand, 1, 3), n_stages = pick (rand, 1, 6);
  for (int64_t i = 0; i < n_inputs; i++)
    add_stream (&s, add_buffer (&s), false);
  for (int64_t i = 0; i < n_stages; i++)
    {
      uint32_t a = (uint32_t) pick (rand, 0, s.n_buffers - 1);
      uint32_t b = (uint32_t) pick (rand, 0, s.n_buffers - 1);
      add_stage (&s, a, b, add_buffer (&s));
    }
  for (uint32_t b = 0; b < s.n_buffers; b++)
    if (!s.read[b] || pick (rand, 0, 5) == 0)
      add_stream (&s, b, true);
  return s.program;
}

/* ---- machines ---- */

/* A figure of the machine, what it may be, and whether more of it is better. */
typedef struct
{
  const char *key;
  int64_t values[4];
  bool more_is_better;
} Range;

static const Range ranges[] = {
  { "bytes_per_cycle", { 8, 32, 128, 1024 }, true },
  { "latency_ns", { 0, 20, 100, 400 }, false },
  { "pmu_read_ports", { 1, 2, 2, 4 }, true },
  { "vector_channels", { 1, 2, 4, 8 }, true },
  { "agcus_per_tile", { 2, 4, 16, 32 }, true },
  { "agcu_vectors", { 1, 1, 1, 2 }, true },
  { "hop_cycles", { 1, 1, 2, 4 }, false },
  { "pcu_latency_cycles", { 0, 8, 16, 40 }, false },
  { "simd_cycles_32bit", { 1, 1, 2, 8 }, false },
};

static int64_t
cycles_of (SfProgram *program, const MachineFigure *figures)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfArch) arch = machine_with (figures);
  sample_place (program, 0, arch);
  sample_route (program, 0);
  int64_t cycles = sf_timing_section_cycles (program, 0, arch, NULL, &error);
  SF_CHECK_NO_ERROR (error);
  SF_CHECK_INT (sf_timing_section_cycles (program, 0, arch, NULL, NULL), cycles);
  return cycles;
}

static void
random_machine (GRand *rand, MachineFigure *figures)
{
  for (size_t k = 0; k < G_N_ELEMENTS (ranges); k++)
    figures[k] = (MachineFigure){ ranges[k].key, ranges[k].values[pick (rand, 0, 3)] };
}

/* Who is served first may change when a machine becomes slower, and with it what overlaps: of two
 * orders that are both fair one may be better, so a twentieth is allowed. Streams that share AGCUs
 * are placed by their number, which is therefore left alone. */
SF_TEST (Random, WorseMachinesAreNotFaster)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (20260101);
  for (int i = 0; i < N_SECTIONS; i++)
    {
      MachineFigure figures[G_N_ELEMENTS (ranges) + 1] = { { NULL, 0 } };
      g_autoptr (SfProgram) program = random_section (rand);
      random_machine (rand, figures);
      int64_t before = cycles_of (program, figures);
      size_t k = (size_t) pick (rand, 0, G_N_ELEMENTS (ranges) - 1);
      if (g_str_equal (ranges[k].key, "agcus_per_tile"))
        k = 0;
      int64_t value = figures[k].value;
      figures[k].value = ranges[k].more_is_better ? MAX (value / 2, 1) : 2 * value + 1;
      int64_t after = cycles_of (program, figures);
      SF_CHECK_MSG (after * 20 >= before * 19,
                    "section %d: %s %" G_GINT64_FORMAT " -> %" G_GINT64_FORMAT ": %" G_GINT64_FORMAT
                    " -> %" G_GINT64_FORMAT " cycles",
                    i, ranges[k].key, value, figures[k].value, before, after);
    }
}

/* What every section takes at least: its bytes at the memory's rate, each stage's vectors at one a
 * cycle and source. */
SF_TEST (Random, NoFasterThanItsBytes)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (20260102);
  for (int i = 0; i < N_SECTIONS; i++)
    {
      MachineFigure figures[G_N_ELEMENTS (ranges) + 1] = { { NULL, 0 } };
      g_autoptr (SfProgram) program = random_section (rand);
      random_machine (rand, figures);
      int64_t bytes = 0;
      for (uint32_t t = 0; t < sf_config_n_streams (program, 0); t++)
        {
          SfBuffer b = sf_config_buffer (program, 0, sf_config_stream (program, 0, t).buffer);
          bytes += sf_shape_n_elems (&b.shape) * (int64_t) sf_dtype_bytes (b.dtype);
        }
      int64_t cycles = cycles_of (program, figures);
      SF_CHECK_MSG (cycles * figures[0].value >= bytes,
                    "section %d: %" G_GINT64_FORMAT " cycles for %" G_GINT64_FORMAT
                    " bytes at %" G_GINT64_FORMAT,
                    i, cycles, bytes, figures[0].value);
    }
}

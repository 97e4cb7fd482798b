/* SPDX-License-Identifier: Apache-2.0 */
/* Sections whose time can be had with pencil and paper. The calculation stands beside each; the
 * models have to come to it.
 *
 * The machine (bench.cfg) has 1 GHz, vectors of 32 bytes, 8 lanes x 4 stages, 2 cycles a step of
 * the systolic array in f32 and 1 in bf16, a pipeline of 16 cycles, a memory latency of 100 cycles,
 * and, unless a case says otherwise, here 1 TB/s, so that an AGCU's one vector a cycle is what
 * limits a stream. Tokens are 16 rows x 64 f32 = 4096 bytes = 128 vectors. Hops are left out of the
 * calculations: they are a few cycles each. */
#include "tests/support/sftest.h"
#include "tests/timing/models.h"
#include "tests/timing/sections.h"

#define FAST_MEMORY                \
  {                                \
    "0.bytes_per_s", 1000000000000 \
  }

typedef struct
{
  const char *name;
  SectionFunc section;
  Shape shape;
  Figure figures[8];
  int64_t cycles; /* as calculated */
  Models models;
} Case;

static const Case cases[] = {
  /* An iteration: 4 firings (2 blocks of columns x 2 of K) of ceil (16 / 4) ceil (24 / 8) = 12
   * blocks of 32 x 2 cycles = 3072; in the last block of K add and relu of 16 x 24, 2 x 2 x 48
   * blocks of a slot, over 4 stages = 48. 8 x 3120 = 24960. Before: 100 + 384 vectors of w, which
   * take longer than x. After: 16 + 96 vectors of the last rows. */
  { "compute_bound_gemm", section_gemm, { .depth = 4 }, { FAST_MEMORY }, 484 + 24960 + 112 },
  /* Half the blocks to each of two PCUs: 24 x 64 + 24 = 1560. */
  { "gemm_on_two_pcus",
    section_gemm,
    { .depth = 4, .pcus = 2 },
    { FAST_MEMORY },
    484 + 8 * 1560 + 112 },
  /* 48 blocks of 32 cycles + 48; w has 192 vectors, a token of y 48. */
  { "gemm_in_bf16",
    section_gemm,
    { .depth = 4, .dtype = SF_BF16 },
    { FAST_MEMORY },
    292 + 8 * (48 * 32 + 48) + 64 },
  /* 16 lanes: ceil (24 / 16) = 2 instead of 3 blocks of columns: 4 x 8 x 64 = 2048; 24 blocks of
   * 16 results in the place of 48: 24. */
  { "gemm_on_16_lanes",
    section_gemm,
    { .depth = 4 },
    { FAST_MEMORY, { "pcu_lanes", 16 } },
    484 + 8 * (2048 + 24) + 112 },
  /* A systolic array of 1 cycle a step. */
  { "gemm_twice_the_rate",
    section_gemm,
    { .depth = 4 },
    { FAST_MEMORY, { "matrix_cycles_32bit", 1 } },
    484 + 8 * (1536 + 48) + 112 },
  /* A systolic array so slow that the SIMD pipeline is faster: ceil (16 x 24 / 8) = 48 blocks of 32
   * cycles in each of 4 firings = 6144. */
  { "gemm_by_simd",
    section_gemm,
    { .depth = 4 },
    { FAST_MEMORY, { "matrix_cycles_32bit", 64 } },
    484 + 8 * (6144 + 48) + 112 },
  /* 11 rows in the last of 2 blocks: 4 x 3 x 3 blocks there in the place of 4 x 4 x 3; add and
   * relu of 11 x 24: 2 x 2 x 33 / 4 = 33. 66 vectors of the last rows. */
  { "gemm_short_last_block",
    section_short_gemm,
    { .depth = 4 },
    { FAST_MEMORY },
    484 + 3120 + 36 * 64 + 33 + 16 + 66 },

  /* 8 tokens in, 8 out: 65536 bytes at 8 bytes a cycle; the latency is not waited for again, but
   * for the first vector. */
  { "bandwidth_bound_stream", section_copy, { .depth = 4 }, { { NULL } }, 8192 },
  { "half_the_bandwidth",
    section_copy,
    { .depth = 4 },
    { { "0.bytes_per_s", 4000000000 } },
    16384 },
  /* A token of 128 vectors each 128 cycles: 100 + 8 x 128 to the last, which is then read (128),
   * and sent (16 + 128). */
  { "agcu_bound_stream", section_copy, { .depth = 8 }, { FAST_MEMORY }, 100 + 8 * 128 + 128 + 144 },
  /* 2 deep: a token's place is taken from its request on: 100 + 128, then 128 in the reading
   * iteration. Two tokens every 356 cycles: the last but one is asked for after 100 + 128 + 128 +
   * 2 x 356, the last is read one token later. */
  { "too_shallow_for_the_latency",
    section_copy,
    { .depth = 2 },
    { FAST_MEMORY },
    228 + 3 * 356 + 2 * 128 + 144 },
  { "no_latency",
    section_copy,
    { .depth = 8 },
    { FAST_MEMORY, { "0.latency_ns", 0 }, { "pcu_latency_cycles", 0 } },
    8 * 128 + 128 + 128 },

  /* relu takes 32 cycles, exp 128 passes of the tail; both read and write 128 vectors: a token each
   * 128 cycles through all of in, relu, exp, out. */
  { "two_stage_pipeline",
    section_pipeline,
    { .depth = 4 },
    { FAST_MEMORY },
    100 + 8 * 128 + 128 + 16 + 128 + 16 + 128 },
  /* SIMD of 32 cycles a step: relu 32 x 32 = 1024 cycles, which exp waits for. */
  { "pipeline_slow_first_stage",
    section_pipeline,
    { .depth = 4 },
    { FAST_MEMORY, { "simd_cycles_32bit", 32 } },
    228 + 8 * 1024 + 16 + 128 + 16 + 128 },
  /* Two PMUs a buffer and two PCUs: 64 vectors each; the AGCU's 128 a token remain. */
  { "pipeline_two_units",
    section_pipeline,
    { .depth = 8, .pcus = 2, .pmus = 2 },
    { FAST_MEMORY },
    100 + 8 * 128 + 64 + 16 + 64 + 16 + 128 },

  /* A token of x is held from its request to the end of `add`: in 128, g 128 + 16, f 128 + 16, add
   * 128 = 544 (latency of the memory 0; about 10 hops: 554). With D places a token takes
   * max (128, 554 / D). T0 takes it that the ways to g and `add` have hops in common, as they do
   * when the compiler places them; here they part at x. */
  { "skip_of_1",
    section_skip,
    { .depth = 2, .skip_depth = 1 },
    { FAST_MEMORY, { "0.latency_ns", 0 } },
    8 * 554 + 16 + 128,
    MODELS_THAT_SEE_PLACES },
  { "skip_of_2",
    section_skip,
    { .depth = 3, .skip_depth = 2 },
    { FAST_MEMORY, { "0.latency_ns", 0 } },
    3 * 554 + 554 + 128 + 16 + 128,
    MODELS_THAT_SEE_PLACES },
  { "skip_of_6",
    section_skip,
    { .depth = 3, .skip_depth = 6 },
    { FAST_MEMORY, { "0.latency_ns", 0 } },
    7 * 128 + 554 + 16 + 128,
    MODELS_THAT_SEE_PLACES },
  /* Two places for g and f are too few: 128 + 16 + some hops until they are full, 128 until they
   * are empty again: two tokens every 280 cycles. */
  { "double_buffers_see_the_latency",
    section_skip,
    { .depth = 2, .skip_depth = 6 },
    { FAST_MEMORY, { "0.latency_ns", 0 } },
    7 * 140 + 554 + 16 + 128,
    MODELS_THAT_SEE_PLACES },

  /* Rows of 12 in blocks of 5, 5, 2, channels in 2 blocks: M = 60, 60, 24 positions, N = 16, K =
   * 36: 30 + 30 + 12 blocks, twice, of 36 x 2 = 10368; relu 16 x 144 / 8 / 4 = 72. Before: 144
   * vectors; after: 288. */
  { "convolution", section_conv, { .depth = 4 }, { FAST_MEMORY }, 244 + 8 * 10440 + 304 },
  /* dw += dy^T x: ceil (32 / 4) ceil (24 / 8) = 24 blocks of 16 x 2 in each of 2 firings = 1536. */
  { "weight_gradient",
    section_gradient,
    { .depth = 4 },
    { FAST_MEMORY },
    196 + 8 * 1536 + 16 + 192 },
  /* 3 slots / 4 stages, but 2 passes of the tail: 256 cycles a token. */
  { "softmax", section_softmax, { .depth = 4 }, { FAST_MEMORY }, 228 + 8 * 256 + 144 },
  /* All of x goes through `max` (8 x 128 behind the stream), then through `sub` (8 x 128). */
  { "twice_through",
    section_statistics,
    { .depth = 4 },
    { FAST_MEMORY },
    100 + 8 * 128 + 128 + 16 + 8 * 128 + 16 + 128 },

  /* Four copies of 8 x 128 vectors. One AGCU for all streams in, one for all out, each 4096
   * vectors; the first four tokens are in after 512. */
  { "two_agcus",
    section_many,
    { .depth = 4 },
    { FAST_MEMORY, { "agcus_per_tile", 2 } },
    100 + 512 + 144 + 4096 },
  /* The same on 2 AGCUs of four vectors: each stream has its vector a cycle. */
  { "two_wide_agcus",
    section_many,
    { .depth = 8 },
    { FAST_MEMORY, { "agcus_per_tile", 2 }, { "agcu_vectors", 4 }, { "vector_channels", 8 } },
    100 + 8 * 128 + 128 + 144 },
};

SF_TEST_CASES (ByHand, Section, cases, G_N_ELEMENTS (cases), sf_test_row_name)
{
  const Case *c = data;
  g_autoptr (SfArch) arch = machine_new (c->figures);
  g_autoptr (SfProgram) program = c->section (&c->shape);
  section_place (program, arch, false);
  g_autoptr (GError) error = NULL;
  sf_program_verify (program, arch, SF_CHECK_ROUTE, &error);
  SF_REQUIRE_NO_ERROR (error);
  models_check (program, arch, NULL, c->cycles, c->models);
}

/* Hops of 50 cycles: AGCU (-1,0) to x (1,0) 2, to the PCU (0,0) 1, to y (3,0) 3, to AGCU (8,0) 5.
 */
SF_TEST (ByHand, LongHops)
{
  const Shape shape = { .depth = 8 };
  g_autoptr (SfArch) arch = machine_new (
      (const Figure[]){ FAST_MEMORY, { "hop_cycles", 50 }, { NULL } });
  g_autoptr (SfProgram) program = section_copy (&shape);
  section_place (program, arch, false);
  models_check (program, arch, NULL, 100 + 100 + 8 * 128 + 128 + 50 + 16 + 150 + 128 + 250,
                MODELS_THAT_SEE_PLACES);
}

/* ---- memory ---- */

/* Cycles of a section on a machine by each model, T2 first. */
static void
cycles_by_model (SectionFunc section, const Figure *figures, const uint32_t *levels,
                 int64_t cycles[3])
{
  const Shape shape = { .depth = 4 };
  g_autoptr (SfArch) arch = machine_new (figures);
  g_autoptr (SfProgram) program = section (&shape);
  section_place (program, arch, false);
  cycles[0] = model_t2 (program, arch, levels);
  cycles[1] = model_t1 (program, arch, levels);
  cycles[2] = model_t0 (program, arch, levels);
}

/* Half the bandwidth: twice the time of what waits for it, the same time for what computes. */
SF_TEST (ByHand, HalfTheBandwidth)
{
  int64_t whole[3], half[3];
  cycles_by_model (section_copy, (const Figure[]){ { "0.bytes_per_s", 4000000000 }, { NULL } },
                   NULL, whole);
  cycles_by_model (section_copy, (const Figure[]){ { "0.bytes_per_s", 2000000000 }, { NULL } },
                   NULL, half);
  for (int i = 0; i < 3; i++)
    SF_CHECK_NEAR ((double) half[i] / (double) whole[i], 2, 0.01);
  cycles_by_model (section_gemm, (const Figure[]){ FAST_MEMORY, { NULL } }, NULL, whole);
  cycles_by_model (section_gemm, (const Figure[]){ { "0.bytes_per_s", 500000000000 }, { NULL } },
                   NULL, half);
  for (int i = 0; i < 3; i++)
    SF_CHECK_NEAR ((double) half[i] / (double) whole[i], 1, 0.001);
}

/* x in one level, y in another, of 8 and of 4 bytes a cycle. Both in the first: 65536 / 8. Apart:
 * y's 32768 / 4, after the first token has come (100 + 512), been read and written (128 + 16). Both
 * in the second: 65536 / 4. */
SF_TEST (ByHand, TwoLevels)
{
  static const Figure two[] = { { "1.bytes_per_s", 4000000000 }, { NULL } };
  static const struct
  {
    uint32_t levels[2];
    int64_t wanted;
  } rows[] = { { { 0, 0 }, 8192 }, { { 0, 1 }, 612 + 144 + 8192 }, { { 1, 1 }, 16384 } };
  for (size_t r = 0; r < G_N_ELEMENTS (rows); r++)
    {
      int64_t cycles[3];
      cycles_by_model (section_copy, two, rows[r].levels, cycles);
      for (int i = 0; i < 3; i++)
        SF_CHECK_NEAR ((double) cycles[i] / (double) rows[r].wanted, 1, 0.02);
    }
}

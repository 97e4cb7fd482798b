/* SPDX-License-Identifier: Apache-2.0 */
/* T1 against T2: every section here under every turn of the machine, for several numbers of units
 * and depths, and at random. Most are within 5 %; where many nets fight for few channels, what a
 * resource's clock of work says is further off, but never 20 %. */
#include <inttypes.h>
#include <stdio.h>

#include "tests/support/sftest.h"
#include "tests/timing/models.h"
#include "tests/timing/sections.h"

typedef struct
{
  const char *name;
  SectionFunc section;
} Section;

static const Section sections[] = {
  { "copy", section_copy },
  { "two", section_two },
  { "many", section_many },
  { "gemm", section_gemm },
  { "short_gemm", section_short_gemm },
  { "pipeline", section_pipeline },
  { "skip", section_skip },
  { "conv", section_conv },
  { "softmax", section_softmax },
  { "gradient", section_gradient },
  { "two_readers", section_two_readers },
  { "readers", section_readers },
  { "two_results", section_two_results },
  { "attention", section_attention },
  { "statistics", section_statistics },
};

/* ---- the comparison ---- */

/* What a run of cases came to. */
typedef struct
{
  int64_t n, n_off; /* beyond 5 % */
  double worst;
  char *worst_name;
} Tally;

static char *
case_text (const Section *section, const Shape *shape, const Figure *figures)
{
  GString *text = g_string_new (section->name);
  g_string_append_printf (text, ": %d PCUs, %d PMUs, %d tokens, depth %d, of a skip %d, %s%s",
                          (int) shape->pcus, (int) shape->pmus, (int) shape->tokens,
                          (int) shape->depth, (int) shape->skip_depth, sf_dtype_name (shape->dtype),
                          shape->spread ? ", spread" : "");
  for (; figures->key != NULL; figures++)
    g_string_append_printf (text, ", %s = %" PRId64, figures->key, figures->value);
  return g_string_free (text, FALSE);
}

/* A section that the machine has no room for is none. */
static bool
fits (const SfProgram *program, const SfArch *arch)
{
  SfArchInfo info = sf_arch_info (arch);
  int64_t pcus = 0, pmus = 0;
  for (uint32_t s = 0; s < sf_config_n_stages (program, 0); s++)
    pcus += sf_config_stage (program, 0, s).n_pcus;
  for (uint32_t b = 0; b < sf_config_n_buffers (program, 0); b++)
    pmus += sf_config_buffer (program, 0, b).n_pmus;
  return pcus <= info.pcus_per_tile && pmus <= info.pmus_per_tile;
}

static void
compare (Tally *tally, const Section *section, const Shape *shape, const Figure *figures)
{
  g_autoptr (SfArch) arch = machine_new (figures);
  g_autoptr (SfProgram) program = section->section (shape);
  if (!fits (program, arch))
    return;
  section_place (program, arch, shape->spread);
  int64_t t1 = model_t1 (program, arch, NULL), t2 = model_t2 (program, arch, NULL);
  double off = (double) (t1 - t2) / (double) MAX (t2, 1);
  g_autofree char *text = case_text (section, shape, figures);
  if (g_getenv ("SF_TIMING_SHOW") != NULL)
    printf ("  %+6.2f %% T1 %" PRId64 " T2 %" PRId64 " %s\n", 100 * off, t1, t2, text);
  SF_CHECK_MSG (ABS (off) <= 0.20, "T1 %" PRId64 ", T2 %" PRId64 " (%+.1f %%): %s", t1, t2,
                100 * off, text);
  tally->n++;
  tally->n_off += ABS (off) > 0.05;
  if (ABS (off) >= tally->worst)
    {
      g_free (tally->worst_name);
      tally->worst = ABS (off);
      tally->worst_name = g_steal_pointer (&text);
    }
}

static void
tally_end (Tally *tally)
{
  if (g_getenv ("SF_TIMING_SHOW") != NULL)
    printf ("  %" PRId64 " cases, worst %.2f %%: %s\n", tally->n, 100 * tally->worst,
            tally->worst_name);
  SF_CHECK_MSG (tally->n_off <= 1 || tally->n_off * 100 <= 7 * tally->n,
                "%" PRId64 " of %" PRId64 " cases are beyond 5 %%, worst %.1f %%: %s", tally->n_off,
                tally->n, 100 * tally->worst, tally->worst_name);
  g_free (tally->worst_name);
}

static bool
is_left_out (size_t index)
{
  return models_are_slow () && index % 6 != 0;
}

/* ---- by turns ---- */

static const Figure turns[][4] = {
  { { NULL } },
  { { "0.bytes_per_s", 2000000000 } },
  { { "0.bytes_per_s", 64000000000 } },
  { { "0.bytes_per_s", 1000000000000 } },
  { { "0.bytes_per_s", 64000000000 }, { "vector_channels", 1 } },
  { { "0.bytes_per_s", 1000000000000 }, { "vector_channels", 2 } },
  { { "0.bytes_per_s", 1000000000000 }, { "vector_channels", 8 } },
  { { "0.bytes_per_s", 1000000000000 }, { "pmu_read_ports", 1 }, { "pmu_write_ports", 1 } },
  { { "0.bytes_per_s", 1000000000000 }, { "pmu_read_ports", 4 }, { "pmu_write_ports", 4 } },
  { { "0.bytes_per_s", 64000000000 }, { "fifo_vectors", 1 } },
  { { "0.bytes_per_s", 64000000000 }, { "fifo_vectors", 16 } },
  { { "0.bytes_per_s", 64000000000 }, { "0.latency_ns", 0 }, { "pcu_latency_cycles", 0 } },
  { { "0.bytes_per_s", 64000000000 }, { "0.latency_ns", 1000 } },
  { { "0.bytes_per_s", 64000000000 }, { "hop_cycles", 3 } },
  { { "0.bytes_per_s", 64000000000 }, { "agcus_per_tile", 2 } },
  { { "0.bytes_per_s", 1000000000000 }, { "agcus_per_tile", 3 }, { "agcu_vectors", 2 } },
  { { "0.bytes_per_s", 1000000000000 }, { "vector_bytes", 128 } },
  { { "0.bytes_per_s", 64000000000 }, { "simd_cycles_32bit", 8 } },
};

static const Shape shapes[] = {
  { .pcus = 1, .pmus = 1, .tokens = 12, .depth = 2, .skip_depth = 4 },
  { .pcus = 2, .pmus = 1, .tokens = 16, .depth = 3, .skip_depth = 2, .spread = true },
  { .pcus = 2, .pmus = 3, .tokens = 12, .depth = 4, .skip_depth = 6 },
  { .pcus = 5, .pmus = 2, .tokens = 20, .depth = 2, .skip_depth = 3, .dtype = SF_BF16 },
};

SF_TEST_CASES (T1AgainstT2, ByTurns, sections, G_N_ELEMENTS (sections), sf_test_row_name)
{
  Tally tally = { 0 };
  for (size_t t = 0; t < G_N_ELEMENTS (turns); t++)
    for (size_t s = 0; s < G_N_ELEMENTS (shapes); s++)
      if (!is_left_out (5 * t + s))
        compare (&tally, data, &shapes[s], turns[t]);
  tally_end (&tally);
}

/* ---- at random ---- */

typedef struct
{
  const char *key;
  int64_t values[6];
} Range;

static const Range ranges[] = {
  { "0.bytes_per_s",
    { 4000000000, 16000000000, 50000000000, 200000000000, 1000000000000, 7000000000 } },
  { "0.latency_ns", { 0, 20, 100, 300, 100, 50 } },
  { "vector_channels", { 1, 2, 3, 4, 8, 4 } },
  { "pmu_read_ports", { 1, 2, 4, 2, 1, 2 } },
  { "fifo_vectors", { 1, 2, 4, 8, 4, 4 } },
  { "hop_cycles", { 1, 2, 1, 1, 4, 1 } },
  { "agcus_per_tile", { 2, 4, 12, 12, 7, 12 } },
  { "agcu_vectors", { 1, 2, 1, 1, 3, 1 } },
  { "pcu_latency_cycles", { 0, 4, 16, 16, 40, 16 } },
  { "pcu_lanes", { 4, 8, 16, 8, 8, 32 } },
  { "simd_cycles_32bit", { 1, 1, 2, 4, 1, 1 } },
  { "vector_bytes", { 16, 32, 64, 32, 32, 32 } },
};

SF_TEST_CASES (T1AgainstT2, AtRandom, sections, G_N_ELEMENTS (sections), sf_test_row_name)
{
  const Section *section = data;
  Tally tally = { 0 };
  g_autoptr (GRand) rand = g_rand_new_with_seed (g_str_hash (section->name));
  for (int i = 0; i < 30; i++)
    {
      Figure figures[G_N_ELEMENTS (ranges) + 1] = { { NULL } };
      for (size_t k = 0; k < G_N_ELEMENTS (ranges); k++)
        figures[k] = (Figure){ ranges[k].key, ranges[k].values[g_rand_int_range (rand, 0, 6)] };
      Shape shape = { .pcus = g_rand_int_range (rand, 1, 6),
                      .pmus = g_rand_int_range (rand, 1, 4),
                      .tokens = g_rand_int_range (rand, 10, 30),
                      .depth = g_rand_int_range (rand, 2, 7),
                      .skip_depth = g_rand_int_range (rand, 1, 8),
                      .dtype = g_rand_int_range (rand, 0, 3) == 0 ? SF_BF16 : SF_F32,
                      .spread = g_rand_int_range (rand, 0, 2) == 1 };
      if (!is_left_out ((size_t) i))
        compare (&tally, section, &shape, figures);
    }
  tally_end (&tally);
}

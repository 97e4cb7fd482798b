/* SPDX-License-Identifier: Apache-2.0 */
/* T1 within 5 % of T2 on what the compiler makes: every section of the models of apps/, placed and
 * routed, that T2 can run in reasonable time; one in 50 may be up to 10 % off. In sections of a few
 * hundred cycles, which are all latency, 40 cycles do: T1 takes the longest way for every unit's.
 */
#include <inttypes.h>
#include <stdio.h>

#include <sf/plugin/timing.h>

#include "tests/passes/design.h"
#include "tests/timing/models.h"
#include "tests/timing/sections.h"
#include "tests/timing/t2.h"

typedef struct
{
  const char *name;
  const char *app, *arch, *level;
  int64_t batch;
  const char *precision; /* NULL: f32 */
  Figure figures[4];     /* of the machine, changed */
} Case;

static const Case cases[] = {
  { "logreg_tiny_o0", "logreg", "tiny", "o0", 8 },
  { "logreg_sn10_o3", "logreg", "sn10", "o3", 32 },
  { "lenet_tiny_o1", "lenet", "tiny", "o1", 1 },
  { "lenet_sn10_o0", "lenet", "sn10", "o0", 4 },
  { "lenet_sn10_o1", "lenet", "sn10", "o1", 4 },
  { "lenet_sn10_o3", "lenet", "sn10", "o3", 8 },
  { "ffn_tiny_o1", "ffn_mnist", "tiny", "o1", 4 },
  { "ffn_sn10_o0", "ffn_mnist", "sn10", "o0", 8 },
  { "ffn_sn10_o3", "ffn_mnist", "sn10", "o3", 16 },
  { "encoder_tiny_o0", "encoder", "tiny", "o0", 1 },
  { "encoder_sn10_o0", "encoder", "sn10", "o0", 1 },
  { "encoder_sn10_o1", "encoder", "sn10", "o1", 2 },
  { "encoder_sn10_o3", "encoder", "sn10", "o3", 1 },
  { "cnn_bn_sn10_o1", "cnn_bn", "sn10", "o1", 2 },
  { "lenet_in_bf16", "lenet", "sn10", "o3", 8, "bf16" },
  { "lenet_two_agcus", "lenet", "sn10", "o1", 4, .figures = { { "agcus_per_tile", 2 } } },
  { "lenet_one_channel", "lenet", "sn10", "o3", 4, .figures = { { "vector_channels", 1 } } },
  { "lenet_one_port", "lenet", "sn10", "o3", 4,
    .figures = { { "pmu_read_ports", 1 }, { "pmu_write_ports", 1 } } },
  { "ffn_no_latency", "ffn_mnist", "sn10", "o3", 8, .figures = { { "0.latency_ns", 0 } } },
  { "ffn_much_memory", "ffn_mnist", "sn10", "o1", 8,
    .figures = { { "0.bytes_per_s", 2000000000000 } } },
  { "encoder_16_lanes", "encoder", "sn10", "o3", 1, .figures = { { "pcu_lanes", 16 } } },
  { "encoder_long_hops", "encoder", "sn10", "o1", 1,
    .figures = { { "hop_cycles", 4 }, { "fifo_vectors", 2 } } },
};

/* T2 takes a microsecond or so a cycle, more in large sections. */
#define MAX_CYCLES 100000

/* Sections of a program that were compared, and that are beyond 5 %. */
typedef struct
{
  int64_t n, n_off;
} Tally;

static void
compare (Tally *tally, const Case *c, const SfProgram *program, uint32_t config, const SfArch *arch)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *why = NULL;
  int64_t t1 = sf_timing_section_cycles (program, config, arch, NULL, &error);
  SF_REQUIRE_NO_ERROR (error);
  if (t1 > MAX_CYCLES)
    return;
  int64_t t2 = t2_section_cycles (program, config, arch, NULL, 2 * MAX_CYCLES, &why);
  SF_REQUIRE_MSG (t2 >= 0, "%s, T1 comes to %" PRId64, why, t1);
  double off = (double) (t1 - t2) / (double) t2;
  bool is_near = ABS (off) <= 0.05 || ABS (t1 - t2) <= 40;
  tally->n++;
  tally->n_off += !is_near;
  if (g_getenv ("SF_TIMING_SHOW") != NULL)
    printf ("  %+6.2f %% T1 %" PRId64 " T2 %" PRId64 " %s: section %u, %zu stages, %zu places\n",
            100 * off, t1, t2, c->name, config, sf_config_n_stages (program, config),
            sf_config_n_places (program, config));
  SF_CHECK_MSG (is_near || ABS (off) <= 0.10,
                "section %u: T1 %" PRId64 ", T2 %" PRId64 " (%+.1f %%)", config, t1, t2, 100 * off);
}

SF_TEST_CASES (T1AgainstT2, Apps, cases, G_N_ELEMENTS (cases), sf_test_row_name)
{
  const Case *c = data;
  Tally tally = { 0 };
  g_autoptr (GError) error = NULL;
  g_autoptr (SfArch) base = sf_arch_load (c->arch, &error);
  SF_REQUIRE_NO_ERROR (error);
  g_autoptr (SfArch) arch = machine_with (base, c->figures);
  const SfCompileOptions options = { .seed = 1, .precision = c->precision };
  g_autoptr (SfProgram) program = test_design (c->app, arch, c->level, c->batch, &options, &error);
  SF_REQUIRE_NO_ERROR (error);
  for (uint32_t config = 0; config < sf_program_n_configs (program); config++)
    if (!models_are_slow () || tally.n < 6)
      compare (&tally, c, program, config, arch);
  SF_CHECK (tally.n > 0);
  SF_CHECK_MSG (tally.n_off <= 1 || tally.n_off * 50 <= tally.n,
                "%" PRId64 " of %" PRId64 " sections are beyond 5 %%, wanted 1 in 50 at most",
                tally.n_off, tally.n);
}

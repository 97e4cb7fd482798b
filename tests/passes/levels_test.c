/* SPDX-License-Identifier: Apache-2.0 */
/* A level is never slower than those below it: every app, machine and batch size, every entry. */
#include <sf/plugin/timing.h>

#include "tests/passes/design.h"

#define ENTRIES 2

typedef struct
{
  const char *app, *arch;
  int64_t batch;
} Case;

/* Emulated time of the entries of `app` at `level`; false after a failed check. */
static bool
time_level (const Case *c, const SfArch *arch, const char *level, int64_t cycles[ENTRIES])
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfProgram) program = test_design (c->app, arch, level, c->batch, NULL, &error);
  if (program == NULL || sf_program_n_entries (program) != ENTRIES)
    {
      SF_CHECK_MSG (false, "%s %s: %s", c->app, level, error != NULL ? error->message : "entries");
      return false;
    }
  for (uint32_t e = 0; e < ENTRIES; e++)
    {
      g_autoptr (SfTiming) timing = sf_timing_new (program, e, arch, &error);
      if (timing == NULL)
        {
          SF_CHECK_MSG (false, "%s %s: %s", c->app, level, error->message);
          return false;
        }
      cycles[e] = sf_timing_cycles (timing);
    }
  return true;
}

/* Level, machine and batch size in turn. */
static void
check_case (const Case *c)
{
  static const char *const levels[] = { "o0", "o1", "o3" };
  g_autoptr (SfArch) arch = sf_arch_load (c->arch, NULL);
  int64_t cycles[3][ENTRIES];
  for (int l = 0; l < 3; l++)
    if (!time_level (c, arch, levels[l], cycles[l]))
      return;
  for (int l = 1; l < 3; l++)
    for (int e = 0; e < ENTRIES; e++)
      SF_CHECK_MSG (cycles[l][e] <= cycles[l - 1][e],
                    "%s on %s, batch %" G_GINT64_FORMAT ", entry %d: %s %" G_GINT64_FORMAT
                    " cycles, %s %" G_GINT64_FORMAT,
                    c->app, c->arch, c->batch, e, levels[l], cycles[l][e], levels[l - 1],
                    cycles[l - 1][e]);
}

static const char *const apps[] = { "logreg", "lenet", "cnn_bn", "ffn_mnist", "digits", "encoder" };

SF_TEST_CASES (Levels, NeverSlower, apps, G_N_ELEMENTS (apps), sf_test_row_name)
{
  static const char *const machines[] = { "sn10", "sn30", "sn40l" };
  for (size_t a = 0; a < G_N_ELEMENTS (machines); a++)
    for (int64_t batch = 1; batch <= 32; batch += 31)
      check_case (&(Case){ *(const char *const *) data, machines[a], batch });
}

/* The SN40L paper reports 2 to 13 times for fusion: twice at least, with the load of a
 * configuration as assumed and without any. */
static const char *const fused[] = { "lenet", "encoder" };

SF_TEST_CASES (Levels, FusionGains, fused, G_N_ELEMENTS (fused), sf_test_row_name)
{
  Case c = { *(const char *const *) data, "sn10", 32 };
  g_autoptr (SfArch) assumed = sf_arch_load (c.arch, NULL);
  g_autoptr (SfArch) none = test_arch_with (assumed, "config_load_ns", 0);
  const SfArch *machines[] = { assumed, none };
  for (int m = 0; m < 2; m++)
    {
      int64_t apart[ENTRIES], together[ENTRIES];
      if (!time_level (&c, machines[m], "o0", apart)
          || !time_level (&c, machines[m], "o3", together))
        return;
      for (int e = 0; e < ENTRIES; e++)
        SF_CHECK_MSG (apart[e] >= 2 * together[e],
                      "%s, entry %d: %" G_GINT64_FORMAT " cycles apart, %" G_GINT64_FORMAT
                      " together",
                      c.app, e, apart[e], together[e]);
    }
}

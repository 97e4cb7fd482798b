/* SPDX-License-Identifier: Apache-2.0 */
/* T0 beside T1 over the sections of every app: two models that share no code agree. */
#include <sf/plugin/timing.h>

#include "tests/passes/design.h"

typedef struct
{
  const char *name, *arch, *level;
  int64_t batch;
} Case;

static const Case cases[] = {
  { "sn10 o0 32", "sn10", "o0", 32 }, { "sn10 o1 32", "sn10", "o1", 32 },
  { "sn10 o3 32", "sn10", "o3", 32 }, { "sn30 o3 32", "sn30", "o3", 32 },
  { "sn40l o0 1", "sn40l", "o0", 1 }, { "sn40l o1 1", "sn40l", "o1", 1 },
  { "sn40l o3 1", "sn40l", "o3", 1 },
};

static const char *const apps[] = { "cnn_bn", "digits", "encoder", "ffn_mnist", "lenet", "logreg" };

typedef struct
{
  int sections, close, above; /* within 10 %; more than 5 % above */
} Tally;

static void
compare_sections (const SfProgram *program, const SfArch *arch, const char *app, Tally *tally)
{
  for (uint32_t c = 0; c < sf_program_n_configs (program); c++)
    {
      g_autoptr (GError) error = NULL;
      int64_t t0 = sf_estimate_section (program, c, arch, NULL).cycles;
      int64_t t1 = sf_timing_section_cycles (program, c, arch, NULL, &error);
      SF_CHECK_NO_ERROR (error);
      tally->sections++;
      tally->close += 10 * t0 >= 9 * t1 && 10 * t0 <= 11 * t1;
      tally->above += 20 * t0 > 21 * t1;
      SF_CHECK_MSG (2 * t0 >= t1 && t0 <= 2 * t1,
                    "%s, config %u: T0 %" G_GINT64_FORMAT ", T1 %" G_GINT64_FORMAT
                    " cycles, wanted one within half and twice the other",
                    app, c, t0, t1);
    }
}

static void
compare_app (const Case *c, const SfArch *arch, const char *app, Tally *tally)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfProgram) program = test_design (app, arch, c->level, c->batch, NULL, &error);
  SF_CHECK_NO_ERROR (error);
  if (program == NULL)
    return;
  compare_sections (program, arch, app, tally);
  g_autoptr (SfTiming) timing = sf_timing_new (program, 0, arch, &error);
  SF_CHECK_NO_ERROR (error);
  int64_t t0 = sf_estimate_entry (program, 0, arch);
  int64_t t1 = timing != NULL ? sf_timing_cycles (timing) : 0;
  SF_CHECK_MSG (10 * t0 >= 9 * t1 && 10 * t0 <= 11 * t1,
                "%s %s: T0 %" G_GINT64_FORMAT ", T1 %" G_GINT64_FORMAT " cycles", app, c->name, t0,
                t1);
}

/* 95 % within a tenth, and no more than 5 % well above: who leaves out what T0 finds slow must not
 * leave out what T1 would take. Whole entries, where small errors add up or cancel: within a tenth.
 */
SF_TEST (Estimate, AgreesWithEvents)
{
  Tally tally = { 0 };
  for (size_t k = 0; k < G_N_ELEMENTS (cases); k++)
    {
      g_autoptr (SfArch) arch = sf_arch_load (cases[k].arch, NULL);
      for (size_t i = 0; i < G_N_ELEMENTS (apps); i++)
        compare_app (&cases[k], arch, apps[i], &tally);
    }
  SF_CHECK (tally.sections > 500);
  SF_CHECK_MSG (100 * tally.close >= 95 * tally.sections,
                "%d of %d sections within 10 %%, wanted 95 of 100", tally.close, tally.sections);
  SF_CHECK_MSG (100 * tally.above <= 5 * tally.sections, "%d of %d sections above, wanted 5 of 100",
                tally.above, tally.sections);
}

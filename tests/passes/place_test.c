/* SPDX-License-Identifier: Apache-2.0 */
/* Placement: valid, the same for the same seed, and worth its time. */
#include <string.h>

#include <sf/plugin/timing.h>

#include "tests/passes/design.h"

SF_TEST (Place, SeedsGiveOtherPlacesAllSound)
{
  g_autoptr (SfArch) arch = sf_arch_load ("sn10", NULL);
  g_autofree char *first = NULL;
  for (uint64_t seed = 0; seed < 3; seed++)
    {
      g_autoptr (GError) error = NULL;
      SfCompileOptions options = { .seed = seed };
      g_autoptr (SfProgram) program = test_design ("lenet", arch, "o3", 0, &options, &error);
      SF_REQUIRE_NO_ERROR (error);
      g_autoptr (SfProgram) again = test_design ("lenet", arch, "o3", 0, &options, &error);
      SF_REQUIRE_NO_ERROR (error);
      SF_CHECK (sf_program_verify (program, arch, SF_CHECK_MEMORY, &error));
      g_autofree char *text = sf_program_text (program), *same = sf_program_text (again);
      SF_CHECK (strcmp (text, same) == 0);
      SF_CHECK (first == NULL || strcmp (text, first) != 0);
      g_free (first);
      first = g_strdup (text);
    }
}

/* Vectors times hops of all sections, by T1. */
static int64_t
wire_length (const SfProgram *program, const SfArch *arch)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfTiming) timing = sf_timing_new (program, 0, arch, &error);
  SF_CHECK_NO_ERROR (error);
  int64_t sum = 0;
  for (size_t l = 0; timing != NULL && l < sf_timing_n_launches (timing); l++)
    for (size_t i = 0; i < sf_timing_n_links (timing, l); i++)
      sum += sf_timing_link (timing, l, i).vectors;
  return sum;
}

/* The annealed placement against the start: at least a tenth shorter. */
SF_TEST (Place, AnnealingShortensWires)
{
  static const char *const none[] = { "place.moves=0", NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (SfArch) arch = sf_arch_load ("sn10", NULL);
  SfCompileOptions options = { .seed = 1, .set = none };
  g_autoptr (SfProgram) annealed = test_design ("lenet", arch, "o3", 0, NULL, &error);
  SF_REQUIRE_NO_ERROR (error);
  g_autoptr (SfProgram) start = test_design ("lenet", arch, "o3", 0, &options, &error);
  SF_REQUIRE_NO_ERROR (error);
  int64_t after = wire_length (annealed, arch), before = wire_length (start, arch);
  SF_CHECK_MSG (after > 0 && 10 * after < 9 * before,
                "%" G_GINT64_FORMAT " after %" G_GINT64_FORMAT, after, before);
}

/* A tile four times as large as that of sn10, filled. */
SF_TEST (Place, FillsALargeTile)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfArch) arch = test_arch_of_size (40, 32);
  g_autoptr (SfProgram) program = test_design ("encoder", arch, "o3", 256, NULL, &error);
  SF_REQUIRE_NO_ERROR (error);
  size_t most = 0;
  for (uint32_t c = 0; c < sf_program_n_configs (program); c++)
    most = MAX (most, sf_config_n_places (program, c));
  SF_CHECK_MSG (most >= 800, "%zu units", most);
  SF_CHECK (sf_program_verify (program, arch, SF_CHECK_MEMORY, &error));
  SF_CHECK_NO_ERROR (error);
}

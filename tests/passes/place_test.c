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

/* 1,300 units on a tile with hardly any more: 640 PCUs, 626 of 640 PMUs, 34 streams. */
SF_TEST (Place, FillsALargeTile)
{
  g_autoptr (SfArch) arch = test_arch_of_size (40, 32);
  g_autoptr (SfProgram) program = test_fabricate (arch, 32, 20, 18);
  SF_REQUIRE (program != NULL);
  SF_CHECK_INT (sf_config_n_places (program, 0), 1300);
  g_autoptr (GError) error = NULL;
  SF_CHECK (sf_program_verify (program, arch, SF_CHECK_ROUTE, &error));
  SF_CHECK_NO_ERROR (error);
}

/* 13 streams on 12 AGCUs: two of them share, not the two that move sixteen times as much. */
SF_TEST (Place, LightStreamsShareAnAddressGenerator)
{
  g_autoptr (SfArch) arch = sf_arch_load ("tiny", NULL);
  g_autoptr (SfProgram) program = test_fabricate (arch, 11, 1, 1);
  SF_REQUIRE (program != NULL);
  int used[2][6] = { { 0 } };
  uint32_t first = SF_NONE, last = SF_NONE;
  for (uint32_t i = 0; i < sf_config_n_places (program, 0); i++)
    {
      SfPlace p = sf_config_place (program, 0, i);
      if (p.kind != SF_UNIT_AGCU)
        continue;
      used[p.x > 0][p.y]++;
      first = first == SF_NONE ? i : first;
      last = i;
    }
  SfPlace in = sf_config_place (program, 0, first), out = sf_config_place (program, 0, last);
  SF_CHECK_INT (last - first, 12);
  SF_CHECK_INT (used[in.x > 0][in.y], 1);
  SF_CHECK_INT (used[out.x > 0][out.y], 1);
  for (int i = 0; i < 12; i++)
    SF_CHECK (used[i / 6][i % 6] <= 2);
}

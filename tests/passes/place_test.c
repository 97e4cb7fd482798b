/* SPDX-License-Identifier: Apache-2.0 */
/* Placement: valid, the same for the same seed, and worth its time. */
#include <string.h>

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

/* Units in the order of their owners, column after column: what a placement without thought is. */
static void
place_in_order (SfProgram *program, uint32_t config, const SfArch *arch)
{
  SfArchInfo info = sf_arch_info (arch);
  size_t n = sf_config_n_places (program, config);
  g_autofree SfPlace *places = g_new (SfPlace, n + 1);
  int64_t next[SF_UNIT_NONE] = { 0 };
  for (uint32_t i = 0; i < n; i++)
    {
      places[i] = sf_config_place (program, config, i);
      int64_t *site = &next[places[i].kind];
      for (;; ++*site)
        {
          int64_t x = *site / info.rows - 1, y = *site % info.rows;
          if (sf_arch_unit_at (arch, x % (info.columns + 2), y) != places[i].kind)
            continue;
          places[i].x = (int32_t) (x % (info.columns + 2));
          places[i].y = (int32_t) y;
          break;
        }
      *site = (*site + 1) % ((info.columns + 2) * info.rows);
    }
  sf_config_set_places (program, config, places, n);
}

/* In terms of bytes of buffers, which is not quite what the pass minimises. */
SF_TEST (Place, ShortensWires)
{
  static const char *const moves[] = { "place.moves=0", NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (SfArch) arch = sf_arch_load ("sn10", NULL);
  SfCompileOptions options = { .seed = 1, .set = moves };
  g_autoptr (SfProgram) annealed = test_design ("lenet", arch, "o3", 0, NULL, &error);
  SF_REQUIRE_NO_ERROR (error);
  g_autoptr (SfProgram) start = test_design ("lenet", arch, "o3", 0, &options, &error);
  SF_REQUIRE_NO_ERROR (error);
  int64_t best = test_wire_length (annealed), first = test_wire_length (start);
  for (uint32_t c = 0; c < sf_program_n_configs (start); c++)
    place_in_order (start, c, arch);
  int64_t thoughtless = test_wire_length (start);
  SF_CHECK_MSG (best < first && 2 * best < thoughtless,
                "%" G_GINT64_FORMAT ", first %" G_GINT64_FORMAT ", in order %" G_GINT64_FORMAT,
                best, first, thoughtless);
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
  SF_CHECK_MSG (most >= 1000, "%zu units", most);
  SF_CHECK (sf_program_verify (program, arch, SF_CHECK_MEMORY, &error));
  SF_CHECK_NO_ERROR (error);
}

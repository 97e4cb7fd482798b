/* SPDX-License-Identifier: Apache-2.0 */
/* Routing: sound trees at any size, links within their flows, load spread within their channels. */
#include <string.h>

#include <sf/plugin/timing.h>

#include "tests/passes/design.h"

/* Most nets of one network on one link of any config. */
static int64_t
most_on_a_link (const SfProgram *program, SfNetwork network)
{
  int64_t most = 0;
  for (uint32_t c = 0; c < sf_program_n_configs (program); c++)
    {
      g_autoptr (GHashTable) count = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
      for (uint32_t i = 0; i < sf_config_n_routes (program, c); i++)
        {
          SfRoute r = sf_config_route (program, c, i);
          for (size_t h = 0; r.network == network && h < r.n_hops; h++)
            {
              const int32_t *hop = &r.hops[4 * h];
              char *key = g_strdup_printf ("%d %d %d %d", hop[0], hop[1], hop[2], hop[3]);
              size_t n = GPOINTER_TO_SIZE (g_hash_table_lookup (count, key)) + 1;
              most = MAX (most, (int64_t) n);
              g_hash_table_insert (count, key, GSIZE_TO_POINTER (n));
            }
        }
    }
  return most;
}

static size_t
count_units (const SfProgram *program)
{
  size_t sum = 0;
  for (uint32_t c = 0; c < sf_program_n_configs (program); c++)
    sum += sf_config_n_places (program, c);
  return sum;
}

/* With fewer flows than the ways need that are best otherwise, nets go around: never more than
 * allowed. */
SF_TEST (Route, GoesAroundFullLinks)
{
  g_autoptr (SfArch) arch = sf_arch_load ("sn10", NULL);
  g_autoptr (SfProgram) wide = test_fabricate (arch, 31, 5, 4);
  SF_REQUIRE (wide != NULL);
  int64_t most = most_on_a_link (wide, SF_NETWORK_VECTOR);
  SF_REQUIRE (most > 4);
  g_autoptr (SfArch) narrow = test_arch_with (arch, "vector_flows", most - 2);
  g_autoptr (SfProgram) tight = test_fabricate (narrow, 31, 5, 4);
  SF_REQUIRE (tight != NULL);
  SF_CHECK_INT (count_units (tight), count_units (wide));
  SF_CHECK (most_on_a_link (tight, SF_NETWORK_VECTOR) <= most - 2);
}

/* Vectors over the busiest link, summed over launches. */
static int64_t
busiest_links (const SfProgram *program, const SfArch *arch)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfTiming) timing = sf_timing_new (program, 0, arch, &error);
  SF_CHECK_NO_ERROR (error);
  int64_t sum = 0;
  for (size_t l = 0; timing != NULL && l < sf_timing_n_launches (timing); l++)
    {
      int64_t most = 0;
      for (size_t i = 0; i < sf_timing_n_links (timing, l); i++)
        most = MAX (most, sf_timing_link (timing, l, i).vectors);
      sum += most;
    }
  return sum;
}

/* Links of one channel: what is beyond their bandwidth takes other ways. */
SF_TEST (Route, SpreadsTheLoad)
{
  static const char *const straight[] = { "route.iterations=0", NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (SfArch) arch = sf_arch_load ("sn40l", NULL);
  g_autoptr (SfArch) narrow = test_arch_with (arch, "vector_channels", 1);
  SfCompileOptions options = { .seed = 1, .set = straight };
  g_autoptr (SfProgram) before = test_design ("encoder", narrow, "o3", 0, &options, &error);
  SF_REQUIRE_NO_ERROR (error);
  g_autoptr (SfProgram) after = test_design ("encoder", narrow, "o3", 0, NULL, &error);
  SF_REQUIRE_NO_ERROR (error);
  int64_t first = busiest_links (before, narrow), last = busiest_links (after, narrow);
  SF_CHECK_MSG (last < first, "%" G_GINT64_FORMAT " after %" G_GINT64_FORMAT, last, first);
}

/* Adds the owners of the sinks that the hop leads to. */
static void
owners_behind (const SfProgram *program, const SfRoute *r, size_t hop, GHashTable *owners)
{
  for (size_t s = 0; s < r->n_sinks; s++)
    {
      SfPlace sink = sf_config_place (program, 0, r->sinks[s]), at = sink;
      for (size_t h = r->n_hops; h-- > 0;)
        if (r->hops[4 * h + 2] == at.x && r->hops[4 * h + 3] == at.y)
          {
            if (h == hop)
              g_hash_table_add (owners, GUINT_TO_POINTER (sink.kind * 1000 + sink.owner));
            at.x = r->hops[4 * h];
            at.y = r->hops[4 * h + 1];
          }
    }
}

/* Two readers of a busy buffer would wait for one another on a common hop. */
SF_TEST (Route, ReadersHaveWaysOfTheirOwn)
{
  g_autoptr (SfArch) arch = sf_arch_load ("sn10", NULL);
  g_autoptr (SfProgram) program = test_fabricate (arch, 9, 4, 1);
  SF_REQUIRE (program != NULL);
  int n_shared = 0, n_several = 0;
  for (uint32_t i = 0; i < sf_config_n_routes (program, 0); i++)
    {
      SfRoute r = sf_config_route (program, 0, i);
      g_autoptr (GHashTable) readers = g_hash_table_new (NULL, NULL);
      for (size_t h = 0; r.network == SF_NETWORK_VECTOR && h < r.n_hops; h++)
        {
          g_autoptr (GHashTable) behind = g_hash_table_new (NULL, NULL);
          owners_behind (program, &r, h, behind);
          owners_behind (program, &r, h, readers);
          n_shared += g_hash_table_size (behind) > 1;
        }
      n_several += g_hash_table_size (readers) > 1;
    }
  SF_CHECK_INT (n_several, 3);
  SF_CHECK_INT (n_shared, 0);
}

/* Optimizers whose scalars all meet in one stage. */
SF_TEST (Route, ScalarsMeetInOneStage)
{
  static const char *const machines[] = { "plasticine", "tiny", "sn10" };
  static const char *const levels[] = { "o1", "o3" };
  for (size_t m = 0; m < G_N_ELEMENTS (machines); m++)
    for (size_t l = 0; l < G_N_ELEMENTS (levels); l++)
      {
        g_autoptr (GError) error = NULL;
        g_autoptr (SfArch) arch = sf_arch_load (machines[m], NULL);
        SfCompileOptions options = { .seed = 1, .optimizer = "adamw" };
        g_autoptr (SfProgram) program = test_design ("ffn_mnist", arch, levels[l], 0, &options,
                                                     &error);
        SF_CHECK_NO_ERROR (error);
      }
}

static int64_t
count_pcus (const SfProgram *program)
{
  int64_t sum = 0;
  for (uint32_t c = 0; c < sf_program_n_configs (program); c++)
    for (uint32_t s = 0; s < sf_config_n_stages (program, c); s++)
      sum += sf_config_stage (program, c, s).n_pcus;
  return sum;
}

/* Where nets cannot go around either, the stage with most of them has to do with fewer units; the
 * sections stay. */
SF_TEST (Route, ShrinksTheWorstStage)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfArch) arch = sf_arch_load ("sn10", NULL);
  g_autoptr (SfProgram) wide = test_design ("lenet", arch, "o3", 0, NULL, &error);
  SF_REQUIRE_NO_ERROR (error);
  int64_t flows = 5;
  g_autoptr (SfProgram) tight = NULL;
  for (; tight == NULL || count_pcus (tight) == count_pcus (wide); flows--)
    {
      SF_REQUIRE (flows > 1);
      g_autoptr (SfArch) narrow = test_arch_with (arch, "vector_flows", flows);
      g_clear_pointer (&tight, sf_program_unref);
      tight = test_design ("lenet", narrow, "o3", 0, NULL, &error);
      SF_REQUIRE_NO_ERROR (error);
    }
  SF_CHECK (count_pcus (tight) < count_pcus (wide));
  SF_CHECK_INT (sf_program_n_configs (tight), sf_program_n_configs (wide));
}

/* Scalars that meet in a stage of one PCU: it gets a section of its own, its nodes stages. */
SF_TEST (Route, SplitsAtTheWorstStage)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfArch) arch = sf_arch_load ("sn10", NULL);
  SfCompileOptions options = { .seed = 1, .optimizer = "adamw" };
  g_autoptr (SfProgram) wide = test_design ("logreg", arch, "o3", 0, &options, &error);
  SF_REQUIRE_NO_ERROR (error);
  g_autoptr (SfArch) narrow = test_arch_with (arch, "scalar_flows", 2);
  g_autoptr (SfProgram) tight = test_design ("logreg", narrow, "o3", 0, &options, &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK (sf_program_n_configs (tight) > sf_program_n_configs (wide));
  SF_CHECK (most_on_a_link (tight, SF_NETWORK_SCALAR) <= 2);
}

/* What cannot be helped says what it needs, for which stage, and what there is. */
SF_TEST (Route, SaysWhatItNeeds)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfArch) arch = sf_arch_load ("tiny", NULL);
  g_autoptr (SfArch) narrow = test_arch_with (arch, "control_flows", 1);
  g_autoptr (SfArch) none = test_arch_with (narrow, "vector_flows", 1);
  g_autoptr (SfProgram) program = test_design ("lenet", none, "o0", 0, NULL, &error);
  SF_REQUIRE (program == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_NO_RESOURCE, "_flows = 2 for the link from (");
}

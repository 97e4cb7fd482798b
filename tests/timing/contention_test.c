/* SPDX-License-Identifier: Apache-2.0 */
/* What is shared: links, the net of a unit, ports. Places are set by hand so that only what the
 * case is about is short; the calculation stands beside it. Where something is short, T1 is slower
 * than T0, which knows neither of places nor of sharing. Machine and tokens are those of
 * hand_test.c. */
#include "tests/support/sftest.h"
#include "tests/timing/models.h"
#include "tests/timing/sections.h"

#define FAST_MEMORY                \
  {                                \
    "0.bytes_per_s", 1000000000000 \
  }

#define PCU(owner, x, y)           \
  {                                \
    SF_UNIT_PCU, owner, 0, 0, x, y \
  }
#define PMU(owner, x, y)           \
  {                                \
    SF_UNIT_PMU, owner, 0, 0, x, y \
  }
#define AGCU(owner, x, y)           \
  {                                 \
    SF_UNIT_AGCU, owner, 0, 0, x, y \
  }

/* x0 -> y0 and x1 -> y1 (section_two): both readings hop from (3, 0) to (4, 0), and nothing else
 * meets. */
static const SfPlace two_nets[] = { PCU (0, 6, 0),   PCU (1, 4, 0), PMU (0, 1, 0),   PMU (1, 7, 0),
                                    PMU (2, 3, 0),   PMU (3, 4, 1), AGCU (0, -1, 0), AGCU (1, 8, 0),
                                    AGCU (2, -1, 1), AGCU (3, 8, 1) };

/* Two stages read x (section_two_readers), one to its left, one to its right. */
static const SfPlace readers_apart[] = { PCU (0, 2, 2),   PCU (1, 4, 2), PMU (0, 3, 2),
                                         PMU (1, 1, 2),   PMU (2, 5, 2), AGCU (0, -1, 0),
                                         AGCU (1, -1, 2), AGCU (2, 8, 2) };

/* The same, both to its right: their ways begin with the same three hops. */
static const SfPlace readers_one_way[] = { PCU (0, 4, 2),  PCU (1, 6, 2), PMU (0, 1, 2),
                                           PMU (1, 4, 3),  PMU (2, 6, 3), AGCU (0, -1, 2),
                                           AGCU (1, 8, 3), AGCU (2, 8, 4) };

/* A stage makes two results (section_two_results), that lie to both sides of it, or on one. */
static const SfPlace results_apart[] = { PCU (0, 4, 2), PMU (0, 4, 1),   PMU (1, 3, 2),
                                         PMU (2, 5, 2), AGCU (0, -1, 1), AGCU (1, -1, 2),
                                         AGCU (2, 8, 2) };
static const SfPlace results_one_way[] = { PCU (0, 2, 2), PMU (0, 2, 1),   PMU (1, 5, 2),
                                           PMU (2, 7, 2), AGCU (0, -1, 1), AGCU (1, 8, 3),
                                           AGCU (2, 8, 2) };

typedef struct
{
  const char *name;
  SectionFunc section;
  const SfPlace *places;
  size_t n_places;
  Figure figures[6];
  int64_t cycles; /* as calculated */
  bool is_short;
  bool is_apart; /* what T0 takes to go one way: it is wrong here */
} Case;

#define ON(section, places) section, places, G_N_ELEMENTS (places)

/* A token each 128 cycles: 100 + 8 x 128 until the last is in, 128 to read it, 16 + 128 until it is
 * out. Two in the place of one each 256 cycles: the first is in after 228, then 8 x 256, 16 + 128.
 */
enum
{
  FULL_RATE = 100 + 8 * 128 + 128 + 144,
  HALF_RATE = 228 + 8 * 256 + 144,
};

static const Case cases[] = {
  { "two_nets_on_two_channels",
    ON (section_two, two_nets),
    { FAST_MEMORY, { "vector_channels", 2 } },
    FULL_RATE,
    false },
  { "two_nets_on_one_channel",
    ON (section_two, two_nets),
    { FAST_MEMORY, { "vector_channels", 1 } },
    HALF_RATE,
    true },
  /* Ways that part at once need no second channel, but a second port. */
  { "two_readers_on_two_ports",
    ON (section_two_readers, readers_apart),
    { FAST_MEMORY, { "vector_channels", 1 } },
    FULL_RATE,
    false },
  { "two_readers_on_one_port",
    ON (section_two_readers, readers_apart),
    { FAST_MEMORY, { "pmu_read_ports", 1 } },
    HALF_RATE,
    true },
  /* One net moves one vector a cycle over a link, whatever its channels. */
  { "two_readers_one_way",
    ON (section_two_readers, readers_one_way),
    { FAST_MEMORY, { "vector_channels", 8 }, { "pmu_read_ports", 4 } },
    HALF_RATE,
    true },
  { "two_results_apart",
    ON (section_two_results, results_apart),
    { FAST_MEMORY, { "vector_channels", 1 } },
    FULL_RATE,
    false,
    true },
  { "two_results_one_way",
    ON (section_two_results, results_one_way),
    { FAST_MEMORY, { "vector_channels", 8 } },
    HALF_RATE,
    true },
};

SF_TEST_CASES (Contention, ByHand, cases, G_N_ELEMENTS (cases), sf_test_row_name)
{
  const Case *c = data;
  const Shape deep = { .depth = 8 };
  g_autoptr (SfArch) arch = machine_new (c->figures);
  g_autoptr (SfProgram) program = c->section (&deep);
  g_autoptr (GError) error = NULL;
  sf_config_set_places (program, 0, c->places, c->n_places);
  section_route (program);
  sf_program_verify (program, arch, SF_CHECK_ROUTE, &error);
  SF_REQUIRE_NO_ERROR (error);
  models_check (program, arch, NULL, c->cycles,
                c->is_short || c->is_apart ? MODELS_THAT_SEE_PLACES : MODELS_ALL);
  if (c->is_short)
    SF_CHECK (model_t1 (program, arch, NULL) > model_t0 (program, arch, NULL));
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Models by name, with their tolerances. */
#include "tests/timing/models.h"

#include <inttypes.h>
#include <stdio.h>

#include <sf/plugin/timing.h>

#include "tests/support/sftest.h"
#include "tests/timing/t2.h"

#define MAX_CYCLES 3000000

int64_t
model_t2 (const SfProgram *program, const SfArch *arch, const uint32_t *levels)
{
  g_autofree char *why = NULL;
  int64_t cycles = t2_section_cycles (program, 0, arch, levels, MAX_CYCLES, &why);
  SF_CHECK_MSG (cycles >= 0, "%s", why);
  return cycles;
}

int64_t
model_t0 (const SfProgram *program, const SfArch *arch, const uint32_t *levels)
{
  return sf_estimate_section (program, 0, arch, levels).cycles;
}

int64_t
model_t1 (const SfProgram *program, const SfArch *arch, const uint32_t *levels)
{
  g_autoptr (GError) error = NULL;
  int64_t cycles = sf_timing_section_cycles (program, 0, arch, levels, &error);
  SF_CHECK_NO_ERROR (error);
  return cycles;
}

bool
models_are_slow (void)
{
  const char *sanitizers = g_getenv ("SF_SANITIZERS");
  return sanitizers != NULL && sanitizers[0] != '\0' && !g_str_equal (sanitizers, "no");
}

typedef struct
{
  const char *name;
  int64_t (*cycles) (const SfProgram *program, const SfArch *arch, const uint32_t *levels);
  int64_t tolerance; /* 1 / 1000 */
  bool sees_places;
} Model;

static const Model all[] = {
  { "T2", model_t2, 20, true },
  { "T1", model_t1, 30, true },
  { "T0", model_t0, 100, false },
};

void
models_check (const SfProgram *program, const SfArch *arch, const uint32_t *levels, int64_t wanted,
              Models models)
{
  for (size_t i = 0; i < G_N_ELEMENTS (all); i++)
    {
      if (models == MODELS_THAT_SEE_PLACES && !all[i].sees_places)
        continue;
      int64_t found = all[i].cycles (program, arch, levels);
      if (g_getenv ("SF_TIMING_SHOW") != NULL)
        printf ("  %s: %" PRId64 ", wanted %" PRId64 " (%+.1f %%)\n", all[i].name, found, wanted,
                100.0 * (double) (found - wanted) / (double) wanted);
      SF_CHECK_MSG (ABS (found - wanted) * 1000 <= all[i].tolerance * wanted,
                    "%s: %" PRId64 " cycles, wanted %" PRId64 " (+- %.1f %%)", all[i].name, found,
                    wanted, (double) all[i].tolerance / 10);
    }
}

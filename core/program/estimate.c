/* SPDX-License-Identifier: Apache-2.0 */
/* T0: entries, from what their launches take one after the other. */
#include "core/program/estimate.h"

const char *
sf_bound_name (SfBound bound)
{
  static const char *const names[SF_N_BOUNDS] = { "compute", "PMU reads", "PMU writes",
                                                  "links",   "memory",    "waiting" };
  return bound < SF_N_BOUNDS ? names[bound] : "unknown";
}

int64_t
sf_estimate_load (const SfArch *arch)
{
  return sf_arch_cycles (arch, sf_arch_info (arch).config_load_ns);
}

int64_t
sf_estimate_host (const SfArch *arch, int64_t bytes)
{
  SfArchInfo info = sf_arch_info (arch);
  __int128 cycles = ((__int128) bytes * info.clock_hz + info.host_bytes_per_s - 1)
                    / info.host_bytes_per_s;
  return sf_arch_cycles (arch, info.host_launch_ns) + (int64_t) cycles;
}

static int64_t
bound_bytes (const SfProgram *program, const SfLaunch *launch)
{
  int64_t bytes = 0;
  for (size_t i = 0; i < launch->n_bindings; i++)
    {
      SfProgramTensor tensor = sf_program_tensor (program, launch->bindings[i].tensor);
      bytes += sf_shape_n_elems (&tensor.shape) * (int64_t) sf_dtype_bytes (tensor.dtype);
    }
  return bytes;
}

/* A section with the memory levels of its slots. */
typedef struct
{
  uint32_t config;
  size_t n_levels;
  const uint32_t *levels;
  int64_t cycles;
} Timed;

static guint
hash_timed (const void *key)
{
  const Timed *t = key;
  guint hash = t->config;
  for (size_t i = 0; i < t->n_levels; i++)
    hash = hash * 31 + t->levels[i];
  return hash;
}

static gboolean
equal_timed (const void *a, const void *b)
{
  const Timed *x = a, *y = b;
  if (x->config != y->config || x->n_levels != y->n_levels)
    return FALSE;
  for (size_t i = 0; i < x->n_levels; i++)
    if (x->levels[i] != y->levels[i])
      return FALSE;
  return TRUE;
}

static void
free_timed (void *timed)
{
  g_free ((uint32_t *) ((Timed *) timed)->levels);
  g_free (timed);
}

static int64_t
section_cycles (const SfProgram *program, const SfLaunch *launch, const SfArch *arch,
                GHashTable *known)
{
  g_autofree uint32_t *levels = g_new0 (uint32_t, launch->n_bindings + 1);
  for (size_t i = 0; i < launch->n_bindings; i++)
    levels[i] = sf_program_tensor (program, launch->bindings[i].tensor).level;
  Timed key = { launch->config, launch->n_bindings, levels, 0 };
  const Timed *found = g_hash_table_lookup (known, &key);
  if (found != NULL)
    return found->cycles;
  key.cycles = sf_estimate_section (program, launch->config, arch, levels).cycles;
  key.levels = g_steal_pointer (&levels);
  Timed *timed = g_memdup2 (&key, sizeof key);
  g_hash_table_add (known, timed);
  return timed->cycles;
}

int64_t
sf_estimate_entry (const SfProgram *program, uint32_t entry, const SfArch *arch)
{
  g_autoptr (GHashTable) known = g_hash_table_new_full (hash_timed, equal_timed, free_timed, NULL);
  int64_t cycles = 0;
  uint32_t loaded = SF_NONE;
  for (uint32_t i = 0; i < sf_entry_n_launches (program, entry); i++)
    {
      SfLaunch launch = sf_entry_launch (program, entry, i);
      if (launch.target == SF_TARGET_HOST)
        {
          cycles += sf_estimate_host (arch, bound_bytes (program, &launch));
          continue;
        }
      cycles += launch.config == loaded ? 0 : sf_estimate_load (arch);
      cycles += launch.repeat * section_cycles (program, &launch, arch, known);
      loaded = launch.config;
    }
  return cycles;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of a placement: each unit on a unit of its kind of one RDU tile, no PCU or PMU used twice,
 * as many as the owner wants. */
#include "core/program/check.h"

#define AT(array, Type, index) g_array_index ((array), Type, (index))

static const char *
kind_name (SfUnitKind kind)
{
  static const char *const names[] = { "PCU", "PMU", "AGCU", "no unit" };
  return names[MIN ((unsigned) kind, 3u)];
}

static size_t
n_owners (const SfConfigStore *config, SfUnitKind kind)
{
  return kind == SF_UNIT_PCU   ? config->stages->len
         : kind == SF_UNIT_PMU ? config->buffers->len
                               : config->streams->len;
}

/* Units that the owner wants; a stream has one AGCU, which may serve others as well. */
static int64_t
units_wanted (const SfConfigStore *config, SfUnitKind kind, uint32_t owner)
{
  if (kind == SF_UNIT_PCU)
    return AT (config->stages, SfStage, owner).n_pcus;
  return kind == SF_UNIT_PMU ? AT (config->buffers, SfBuffer, owner).n_pmus : 1;
}

static bool
check_place (const SfCheck *check, uint32_t index, const SfArch *arch)
{
  const SfConfigStore *config = sf_program_config (check->program, check->config);
  const SfPlace *p = &AT (config->places, SfPlace, index),
                *first = &AT (config->places, SfPlace, 0);
  if ((unsigned) p->kind >= SF_UNIT_NONE || p->owner >= n_owners (config, p->kind))
    return sf_check_fail (check, "place", index, "%s of owner %u, which does not exist; place anew",
                          kind_name (p->kind), p->owner);
  if (p->rdu < 0 || p->rdu_tile < 0 || p->rdu_tile >= sf_arch_info (arch).rdu_tiles)
    return sf_check_fail (check, "place", index,
                          "RDU %d, tile %d, wanted a tile below %" PRId64 "; place anew", p->rdu,
                          p->rdu_tile, sf_arch_info (arch).rdu_tiles);
  if (p->rdu != first->rdu || p->rdu_tile != first->rdu_tile)
    return sf_check_fail (
        check, "place", index,
        "RDU %d, tile %d, wanted all of the section on RDU %d, tile %d; place anew", p->rdu,
        p->rdu_tile, first->rdu, first->rdu_tile);
  SfUnitKind found = sf_arch_unit_at (arch, p->x, p->y);
  if (found != p->kind)
    return sf_check_fail (check, "place", index,
                          "%s %u stands at (%d, %d), where the machine has %s; place anew",
                          kind_name (p->kind), p->owner, p->x, p->y, kind_name (found));
  return true;
}

static bool
check_used_once (const SfCheck *check, const GArray *places)
{
  g_autoptr (GHashTable) used = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  for (guint i = 0; i < places->len; i++)
    {
      const SfPlace *p = &AT (places, SfPlace, i);
      gint64 *key = g_new (gint64, 1);
      *key = (gint64) p->x * ((gint64) 1 << 32) + p->y;
      if (!g_hash_table_add (used, key) && p->kind != SF_UNIT_AGCU)
        return sf_check_fail (check, "place", i,
                              "the %s at (%d, %d) is used twice, wanted once; place anew",
                              kind_name (p->kind), p->x, p->y);
    }
  return true;
}

static bool
check_counts (const SfCheck *check, SfUnitKind kind)
{
  static const char *const owners[] = { "stage", "buffer", "stream" };
  const SfConfigStore *config = sf_program_config (check->program, check->config);
  size_t n = n_owners (config, kind);
  g_autofree int64_t *count = g_new0 (int64_t, n + 1);
  for (guint i = 0; i < config->places->len; i++)
    if (AT (config->places, SfPlace, i).kind == kind)
      count[AT (config->places, SfPlace, i).owner]++;
  for (uint32_t o = 0; o < n; o++)
    if (count[o] != units_wanted (config, kind, o))
      return sf_check_fail (check, owners[kind], o,
                            "%" PRId64 " %ss placed, wanted %" PRId64 "; place anew", count[o],
                            kind_name (kind), units_wanted (config, kind, o));
  return true;
}

bool
sf_check_places (const SfCheck *check, const SfArch *arch)
{
  const GArray *places = sf_program_config (check->program, check->config)->places;
  for (guint i = 0; i < places->len; i++)
    if (!check_place (check, i, arch))
      return false;
  return check_used_once (check, places) && check_counts (check, SF_UNIT_PCU)
         && check_counts (check, SF_UNIT_PMU) && check_counts (check, SF_UNIT_AGCU);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Checks that a section cannot deadlock and that its buffers fit their PMUs. */
#include "core/program/check.h"

#define AT(array, Type, index) g_array_index ((array), Type, (index))

static bool
check_capacity (const SfCheck *check, uint32_t index, const SfBuffer *b, int64_t pmu_bytes)
{
  if (b->n_pmus < 1)
    return sf_check_fail (check, "buffer", index, "has no PMUs, wanted one or more; give it some");
  __int128 bytes = (__int128) b->depth * b->token_elems * (int64_t) sf_dtype_bytes (b->dtype);
  __int128 room = (__int128) b->n_pmus * pmu_bytes;
  if (bytes > room)
    return sf_check_fail (
        check, "buffer", index,
        "%" PRId64 " tokens of %" PRId64 " elements need %" PRId64 " bytes, its %" PRId64
        " PMUs hold %" PRId64 "; give it more PMUs or cut the section",
        b->depth, b->token_elems, (int64_t) MIN (bytes, INT64_MAX), b->n_pmus, (int64_t) room);
  return true;
}

bool
sf_check_depth (const SfCheck *check, const SfArch *arch)
{
  const SfConfigStore *config = sf_program_config (check->program, check->config);
  int64_t pmu_bytes = sf_arch_info (arch).pmu_bytes;
  for (guint i = 0; i < config->buffers->len; i++)
    if (!check_capacity (check, i, &AT (config->buffers, SfBuffer, i), pmu_bytes))
      return false;
  for (guint i = 0; i < config->stages->len; i++)
    if (AT (config->stages, SfStage, i).n_pcus < 1)
      return sf_check_fail (check, "stage", i, "has no PCUs, wanted one or more; give it some");
  return sf_check_tokens (check);
}

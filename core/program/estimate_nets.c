/* SPDX-License-Identifier: Apache-2.0 */
/* What nets move in one run of a section, by T0's count of the work of stages: what wires are
 * weighed by before anything is timed. */
#include "core/program/estimate.h"

#define AT(array, Type, index) g_array_index ((array), Type, (index))

/* A config and what its stages exchange with buffers. */
typedef struct
{
  const SfConfigStore *config;
  SfArchInfo info;
  SfStageWork *work; /* per stage */
} Traffic;

/* Of all units together. */
static int64_t
stage_load (const Traffic *t, uint32_t stage, uint32_t buffer, bool out)
{
  const SfStageWork *work = &t->work[stage];
  int64_t load = 0;
  for (guint i = 0; i < work->flows->len; i++)
    {
      const SfWorkFlow *flow = &AT (work->flows, SfWorkFlow, i);
      for (int k = 0; k < work->n_kinds; k++)
        if (flow->buffer == buffer && flow->out == out)
          load += work->count[k] * flow->vectors[k];
    }
  return load;
}

/* A stream moves each token at once; single elements travel one by one. */
static int64_t
stream_load (const Traffic *t, uint32_t buffer)
{
  const SfBuffer *b = &AT (t->config->buffers, SfBuffer, buffer);
  int64_t bytes = b->token_elems * (int64_t) sf_dtype_bytes (b->dtype);
  return b->tokens * (b->token_elems == 1 ? 1 : sf_div_up (bytes, t->info.vector_bytes));
}

/* Of all sources of the group together; what moves no data counts a token. */
static int64_t
group_load (const Traffic *t, const SfPlace *from, const SfPlace *to)
{
  const SfPlace *memory = from->kind == SF_UNIT_PMU ? from : to;
  if (memory->kind != SF_UNIT_PMU)
    return 1;
  if (from->kind == SF_UNIT_PCU)
    return stage_load (t, from->owner, memory->owner, true);
  if (to->kind == SF_UNIT_PCU)
    return stage_load (t, to->owner, memory->owner, false);
  return stream_load (t, memory->owner);
}

static int64_t
n_units (const Traffic *t, const SfPlace *place)
{
  if (place->kind == SF_UNIT_PCU)
    return MAX (AT (t->config->stages, SfStage, place->owner).n_pcus, 1);
  return place->kind == SF_UNIT_PMU
             ? MAX (AT (t->config->buffers, SfBuffer, place->owner).n_pmus, 1)
             : 1;
}

/* Sinks of one owner follow one another. */
static void
split_net (const Traffic *t, const SfRoute *net, uint32_t index, GArray *transfers)
{
  const GArray *places = t->config->places;
  const SfPlace *from = &AT (places, SfPlace, net->source);
  int64_t sources = net->network == SF_NETWORK_CONTROL ? 1 : n_units (t, from);
  for (uint32_t first = 0, end; first < net->n_sinks; first = end)
    {
      const SfPlace *to = &AT (places, SfPlace, net->sinks[first]);
      for (end = first + 1; end < net->n_sinks; end++)
        {
          const SfPlace *next = &AT (places, SfPlace, net->sinks[end]);
          if (next->kind != to->kind || next->owner != to->owner)
            break;
        }
      int64_t load = sf_div_up (group_load (t, from, to), sources);
      SfTransfer transfer = { index, first, end - first, load };
      g_array_append_val (transfers, transfer);
    }
}

GArray *
sf_estimate_transfers (const SfProgram *program, uint32_t config, const SfArch *arch,
                       const GArray *nets)
{
  const SfConfigStore *store = sf_program_config (program, config);
  SfStageWork *work = sf_stage_works_new (program, config, arch);
  Traffic t = { store, sf_arch_info (arch), work };
  GArray *transfers = g_array_new (FALSE, FALSE, sizeof (SfTransfer));
  for (guint i = 0; i < nets->len; i++)
    split_net (&t, &AT (nets, SfRoute, i), i, transfers);
  sf_stage_works_free (work, store->stages->len);
  return transfers;
}

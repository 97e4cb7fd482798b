/* SPDX-License-Identifier: Apache-2.0 */
/* What nets move in one run of a section. Boxes are counted at the length that they have on
 * average, without what hangs over the edge of a tensor. */
#include "traffic.h"

#include <string.h>

#define CAP ((int64_t) 1 << 48)

/* What a stage exchanges with a buffer. */
typedef struct
{
  uint32_t buffer;
  bool out;
  int64_t load; /* of all units together */
} Exchange;

typedef struct
{
  const SfProgram *program;
  uint32_t config;
  int64_t vector_bytes;
  GArray **exchanges; /* per stage: Exchange */
} Traffic;

static int64_t
times (int64_t a, int64_t b)
{
  return a != 0 && b > CAP / a ? CAP : a * b;
}

static int64_t
blocks_of (const SfCounter *counter)
{
  return counter->step > 0 ? (counter->extent + counter->step - 1) / counter->step : 1;
}

/* ---- stages ---- */

/* The one counter that moves the dimension; -1: none or several. */
static int
counter_of (const SfStage *stage, const SfAccess *dim)
{
  int found = -1;
  for (size_t k = 0; k < stage->n_counters; k++)
    if (dim->coef[k] != 0)
      {
        if (found >= 0)
          return -1;
        found = (int) k;
      }
  return found;
}

/* Elements of the boxes of all firings, but for `skipped` counters (bits), which count once. */
static int64_t
box_elems (const SfStage *stage, const SfOperand *operand, unsigned skipped)
{
  int64_t elems = 1;
  unsigned done = skipped;
  for (int d = 0; d < operand->shape.rank; d++)
    {
      const SfAccess *dim = &operand->dim[d];
      int64_t length = MIN (dim->size, MAX (operand->shape.dim[d], 1));
      int k = counter_of (stage, dim);
      if (k >= 0 && (done & (1u << k)) == 0)
        {
          const SfCounter *c = &stage->counter[k];
          int64_t blocks = blocks_of (c);
          done |= 1u << k;
          length = times (length, blocks)
                   - dim->coef[k] / MAX (dim->stride, 1) * (c->step * blocks - c->extent);
        }
      elems = times (elems, MAX (length, 1));
    }
  for (size_t k = 0; k < stage->n_counters; k++)
    if ((done & (1u << k)) == 0)
      elems = times (elems, blocks_of (&stage->counter[k]));
  return elems;
}

/* The operand whose boxes tell how much the one at `index` moves: of a gather its result, of a
 * scatter its updates. */
static uint32_t
measured_by (const SfStage *stage, uint32_t index)
{
  for (size_t i = 0; i < stage->n_instrs; i++)
    {
      const SfInstr *instr = &stage->instrs[i];
      if (strcmp (instr->op, "gather") == 0 && instr->src[0] == index)
        return instr->dst[0];
      if (strcmp (instr->op, "scatter_add") == 0 && instr->dst[0] == index)
        return instr->src[1];
    }
  return index;
}

/* Counters over which the operand is written but once, as bits: reductions that its instruction
 * waits for. A sum over counter 0 that is no epilogue is added to in every iteration. */
static unsigned
counters_waited_for (const SfStage *stage, uint32_t index)
{
  unsigned inner = 0, all = 0;
  for (size_t k = 0; k < stage->n_counters; k++)
    if (stage->counter[k].kind == SF_COUNTER_REDUCTION)
      {
        all |= 1u << k;
        inner |= k > 0 ? 1u << k : 0;
      }
  for (size_t i = 0; i < stage->n_instrs; i++)
    for (uint32_t d = 0; d < stage->instrs[i].n_dst; d++)
      if (stage->instrs[i].dst[d] == index)
        {
          const SfTileOp *op = sf_tile_op_find (stage->instrs[i].op, stage->instrs[i].version);
          if (stage->instrs[i].when == SF_WHEN_LAST)
            return all;
          if (op != NULL && op->accumulates)
            return inner;
        }
  return 0;
}

static int64_t
load_of (const Traffic *t, int64_t elems, uint32_t buffer)
{
  SfBuffer b = sf_config_buffer (t->program, t->config, buffer);
  if (b.token_elems == 1)
    return elems;
  int64_t bytes = times (elems, (int64_t) sf_dtype_bytes (b.dtype));
  return bytes / t->vector_bytes + 1;
}

static GArray *
exchanges_of (const Traffic *t, uint32_t index)
{
  GArray *exchanges = g_array_new (FALSE, FALSE, sizeof (Exchange));
  SfStage stage = sf_config_stage (t->program, t->config, index);
  for (uint32_t i = 0; i < stage.n_operands; i++)
    {
      const SfOperand *operand = &stage.operands[i];
      if (operand->kind == SF_OPERAND_TEMP)
        continue;
      bool out = operand->kind == SF_OPERAND_OUT;
      int64_t elems = box_elems (&stage, &stage.operands[measured_by (&stage, i)],
                                 out ? counters_waited_for (&stage, i) : 0);
      Exchange exchange = { operand->buffer, out, load_of (t, elems, operand->buffer) };
      g_array_append_val (exchanges, exchange);
    }
  return exchanges;
}

/* ---- transfers ---- */

static int64_t
stage_load (const Traffic *t, uint32_t stage, uint32_t buffer, bool out)
{
  int64_t load = 0;
  for (guint i = 0; i < t->exchanges[stage]->len; i++)
    {
      const Exchange *e = &g_array_index (t->exchanges[stage], Exchange, i);
      load += e->buffer == buffer && e->out == out ? e->load : 0;
    }
  return load;
}

/* Of all sources of the group together. */
static int64_t
group_load (const Traffic *t, const SfPlace *from, const SfPlace *to)
{
  const SfPlace *memory = from->kind == SF_UNIT_PMU ? from : to;
  if (memory->kind != SF_UNIT_PMU)
    return 1;
  if (from->kind == SF_UNIT_PCU || to->kind == SF_UNIT_PCU)
    return stage_load (t, from->kind == SF_UNIT_PCU ? from->owner : to->owner, memory->owner,
                       from->kind == SF_UNIT_PCU);
  SfBuffer b = sf_config_buffer (t->program, t->config, memory->owner);
  return load_of (t, times (b.tokens, b.token_elems), memory->owner);
}

static int64_t
n_units (const Traffic *t, const SfPlace *place)
{
  if (place->kind == SF_UNIT_PCU)
    return MAX (sf_config_stage (t->program, t->config, place->owner).n_pcus, 1);
  return place->kind == SF_UNIT_PMU
             ? MAX (sf_config_buffer (t->program, t->config, place->owner).n_pmus, 1)
             : 1;
}

static void
split_net (const Traffic *t, const SfRoute *net, uint32_t index, GArray *transfers)
{
  SfPlace from = sf_config_place (t->program, t->config, net->source);
  int64_t sources = net->network == SF_NETWORK_CONTROL ? 1 : n_units (t, &from);
  for (uint32_t first = 0, end; first < net->n_sinks; first = end)
    {
      SfPlace to = sf_config_place (t->program, t->config, net->sinks[first]);
      for (end = first + 1; end < net->n_sinks; end++)
        {
          SfPlace next = sf_config_place (t->program, t->config, net->sinks[end]);
          if (next.kind != to.kind || next.owner != to.owner)
            break;
        }
      int64_t load = (group_load (t, &from, &to) + sources - 1) / sources;
      Transfer transfer = { index, first, end - first, load };
      g_array_append_val (transfers, transfer);
    }
}

GArray *
traffic_of_nets (const SfProgram *program, uint32_t config, const SfArchInfo *arch,
                 const GArray *nets)
{
  size_t n_stages = sf_config_n_stages (program, config);
  Traffic t = { program, config, MAX (arch->vector_bytes, 1), g_new0 (GArray *, n_stages + 1) };
  for (uint32_t s = 0; s < n_stages; s++)
    t.exchanges[s] = exchanges_of (&t, s);
  GArray *transfers = g_array_new (FALSE, FALSE, sizeof (Transfer));
  for (guint i = 0; i < nets->len; i++)
    split_net (&t, &g_array_index (nets, SfRoute, i), i, transfers);
  for (uint32_t s = 0; s < n_stages; s++)
    g_array_unref (t.exchanges[s]);
  g_free (t.exchanges);
  return transfers;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* From a section body to stages in running order, with kernels found by name and access maps ready
 * to evaluate. */
#include <string.h>

#include "plugins/backends/rdu/arena.h"
#include "plugins/backends/rdu/machine.h"

static bool
is_device_dtype (SfDtype dtype)
{
  return dtype != SF_F64 && dtype != SF_I64 && dtype != SF_U64 && dtype != SF_U32;
}

static void
lower_buffer (const SfBuffer *from, bool channels_last, RduBuffer *to)
{
  *to = (RduBuffer){ .name = g_strdup (from->name),
                     .dtype = from->dtype,
                     .is_int = !sf_dtype_is_float (from->dtype),
                     .channels_last = channels_last,
                     .shape = from->shape,
                     .n_elems = sf_shape_n_elems (&from->shape),
                     .tokens = from->tokens,
                     .token_elems = from->token_elems,
                     .depth = from->depth };
}

/* Elements of the largest box. */
static int64_t
box_elems (const SfOperand *operand)
{
  int64_t n = 1;
  for (int d = 0; d < operand->shape.rank; d++)
    n *= MAX (operand->dim[d].size, 0);
  return n;
}

static void
lower_operand (const SfStage *stage, const SfOperand *from, bool channels_last, RduOperand *to)
{
  *to = (RduOperand){ .kind = from->kind,
                      .buffer = from->buffer,
                      .dtype = from->dtype,
                      .is_int = !sf_dtype_is_float (from->dtype),
                      .channels_last = channels_last,
                      .rank = from->shape.rank,
                      .counter = from->counter,
                      .rate = from->rate };
  rdu_layout_strides (from->shape.rank, from->shape.dim, channels_last, to->whole_stride);
  for (int d = 0; d < to->rank; d++)
    {
      to->dim[d] = from->shape.dim[d];
      to->access[d] = from->dim[d];
      for (size_t k = 0; k < stage->n_counters; k++)
        to->shrink[d][k] = from->dim[d].coef[k] / MAX (from->dim[d].stride, 1);
    }
}

static bool
depends_on (const RduOperand *operand, int counter)
{
  for (int d = 0; d < operand->rank; d++)
    if (operand->access[d].coef[counter] != 0)
      return true;
  return false;
}

/* Whether blocks of the counter write places that no other block writes. */
static bool
writes_apart (const RduStage *stage, int counter)
{
  for (size_t o = 0; o < stage->n_operands; o++)
    {
      const RduOperand *operand = &stage->operands[o];
      bool is_apart = operand->kind != SF_OPERAND_OUT;
      for (int d = 0; d < operand->rank && !is_apart; d++)
        {
          const SfAccess *a = &operand->access[d];
          is_apart = a->coef[counter] * stage->counter[counter].step > (a->size - 1) * a->stride;
        }
      if (!is_apart)
        return false;
    }
  return true;
}

/* Which counters may be split over workers: the parallel ones, and sequential ones that provably
 * write apart. A counter on which some result does not depend stays in order, whatever its kind. */
static void
split_counters (RduStage *stage)
{
  stage->n_jobs = 1;
  for (int k = 0; k < stage->n_counters; k++)
    {
      bool is_split = stage->counter[k].kind == SF_COUNTER_PARALLEL;
      for (size_t o = 0; o < stage->n_operands && is_split; o++)
        is_split = stage->operands[o].kind != SF_OPERAND_OUT || depends_on (&stage->operands[o], k);
      if (stage->counter[k].kind == SF_COUNTER_SEQUENTIAL)
        is_split = writes_apart (stage, k);
      if (is_split)
        {
          stage->split[stage->n_split++] = k;
          stage->n_jobs *= stage->n_blocks[k];
        }
      else
        stage->serial[stage->n_serial++] = k;
    }
}

/* The kernel that suits the instruction's operands best, and what it does to them: a matter of
 * their whole shapes alone, for which one it is may show in the bits. */
static void
choose_kernel (const RduStage *stage, RduInstr *instr)
{
  RduView views[SF_MAX_SRC + SF_MAX_DST] = { 0 };
  RduCall whole = {
    .n_src = instr->n_src, .n_dst = instr->n_dst, .imm = instr->imm, .first = instr->sums == 0
  };
  if (instr->kernel->choose == NULL && instr->kernel->rounds == NULL)
    return;
  for (int i = 0; i < instr->n_src + instr->n_dst; i++)
    {
      bool is_src = i < instr->n_src;
      const RduOperand *operand
          = &stage->operands[is_src ? instr->src[i] : instr->dst[i - instr->n_src]];
      views[i]
          = (RduView){ .rank = operand->rank, .is_int = operand->is_int, .dtype = operand->dtype };
      for (int d = 0; d < operand->rank; d++)
        views[i].dim[d] = operand->dim[d];
      *(is_src ? &whole.src[i] : &whole.dst[i - instr->n_src]) = &views[i];
    }
  const RduKernel *chosen = instr->kernel->choose != NULL ? instr->kernel->choose (&whole) : NULL;
  instr->kernel = chosen != NULL ? chosen : instr->kernel;
  instr->rounds = instr->kernel->rounds != NULL && instr->kernel->rounds (&whole);
}

static bool
lower_instr (const SfInstr *from, const RduIsa *isa, RduStage *stage, RduInstr *to, GError **error)
{
  const SfTileOp *row = sf_tile_op_find (from->op, from->version);
  const RduKernel *kernel = row != NULL ? rdu_isa_find (isa, from->op, from->version) : NULL;
  if (kernel == NULL)
    return sf_fail (
        error, SF_ERROR_UNSUPPORTED,
        "stage %s: tile-op %s version %d, which this emulator does not have; compile the model with this version of Spatialflow",
        stage->name, from->op, (int) from->version);
  *to = (RduInstr){ .op = row->name,
                    .kernel = kernel,
                    .on_last = from->when == SF_WHEN_LAST,
                    .accumulates = row->accumulates,
                    .n_src = (int) from->n_src,
                    .n_dst = (int) from->n_dst };
  memcpy (to->src, from->src, sizeof to->src);
  memcpy (to->dst, from->dst, sizeof to->dst);
  memcpy (to->imm, from->imm, sizeof to->imm);
  memcpy (to->fimm, from->fimm, sizeof to->fimm);
  /* An accumulator adds up over the reduction counters that its box does not move with; what runs
   * in the last block only has nothing to add to. */
  if (to->accumulates && !to->on_last)
    for (int k = 0; k < stage->n_counters; k++)
      if ((stage->reductions >> k & 1) != 0 && !depends_on (&stage->operands[to->dst[0]], k))
        to->sums |= 1u << k;
  choose_kernel (stage, to);
  return true;
}

/* From the first group of a firing that touches the scratch to the last, and what goes with them;
 * what is added up lives from firing to firing. */
static RduLife
scratch_life (const SfStage *from, const RduStage *stage, uint32_t operand)
{
  RduLife life = { .elems = box_elems (&from->operands[operand]) + 16, .first = -1 };
  for (size_t g = 0, begin = 0, end = 0; g < stage->n_groups; g++)
    {
      begin = g == end ? g : begin;
      end = begin + stage->groups[begin].n_together;
      if (rdu_group_reads (&stage->groups[g], operand)
          || rdu_group_writes (&stage->groups[g], operand))
        {
          life.first = life.first < 0 ? (int64_t) begin : life.first;
          life.last = (int64_t) end - 1;
        }
    }
  for (size_t i = 0; i < stage->n_instrs; i++)
    if (stage->instrs[i].sums != 0 && stage->instrs[i].dst[0] == operand)
      {
        life.first = 0;
        life.last = (int64_t) stage->n_groups;
      }
  return life;
}

/* Room for the scratch operands that are in memory at all. */
static void
place_temps (const SfStage *from, RduStage *stage)
{
  RduLife lives[RDU_MAX_OPERANDS];
  uint32_t owner[RDU_MAX_OPERANDS];
  size_t n = 0;
  for (uint32_t o = 0; o < stage->n_operands; o++)
    if (stage->operands[o].kind == SF_OPERAND_TEMP && !stage->operands[o].in_registers)
      {
        owner[n] = o;
        lives[n++] = scratch_life (from, stage, o);
      }
  stage->temp_elems = rdu_arena_plan (lives, n);
  for (size_t i = 0; i < n; i++)
    stage->operands[owner[i]].temp_offset = lives[i].offset;
}

static void
lower_counters (const SfStage *from, RduStage *to)
{
  for (int k = 0; k < to->n_counters; k++)
    {
      const SfCounter *c = &from->counter[k];
      to->counter[k] = *c;
      to->n_blocks[k] = (c->extent + c->step - 1) / c->step;
      if (c->kind == SF_COUNTER_REDUCTION)
        {
          to->reductions |= 1u << k;
          to->n_blocks[k] = MAX (to->n_blocks[k], 1); /* nothing to add still gives a sum */
        }
    }
}

/* What stages are lowered for. */
typedef struct
{
  const RduConfig *config;
  const RduIsa *isa;
  const RduHost *host; /* NULL: the program's own blocks */
  const RduLayouts *layouts;
} Lowering;

static void
lower_operands (const Lowering *lowering, const SfStage *from, RduStage *to)
{
  for (; to->n_operands < from->n_operands; to->n_operands++)
    {
      const SfOperand *operand = &from->operands[to->n_operands];
      RduOperand *lowered = &to->operands[to->n_operands];
      lower_operand (from, operand,
                     rdu_layouts_of_operand (lowering->layouts, lowering->config->index, to->id,
                                             (uint32_t) to->n_operands),
                     lowered);
      int64_t n = box_elems (operand);
      to->work += n;
      if (operand->kind != SF_OPERAND_TEMP)
        {
          lowered->stored = lowering->config->buffers[operand->buffer].dtype;
          lowered->is_narrow = sf_dtype_bytes (lowered->stored) == 2 && !lowered->is_int;
        }
      /* What is read was rounded when it was complete: kernels may count on it. */
      if (operand->kind == SF_OPERAND_IN && lowered->is_narrow)
        lowered->dtype = lowered->stored;
    }
}

static bool
lower_stage (const Lowering *lowering, const SfStage *from, uint32_t id, const RduLink *link,
             RduStage *to, GError **error)
{
  const RduIsa *isa = lowering->isa;
  *to = (RduStage){ .id = id,
                    .name = g_strdup (from->name),
                    .n_counters = (int) from->n_counters,
                    .flops = from->flops,
                    .isa = isa,
                    .row_elems = 1,
                    .chain = link->chain,
                    .chain_counter = (int) link->counter,
                    .chain_step = link->step };
  if (from->n_operands > RDU_MAX_OPERANDS)
    return sf_fail (error, SF_ERROR_UNSUPPORTED,
                    "stage %s: %zu operands, wanted at most %d; cut the fusion group", to->name,
                    from->n_operands, RDU_MAX_OPERANDS);
  to->operands = g_new0 (RduOperand, from->n_operands);
  to->instrs = g_new0 (RduInstr, from->n_instrs);
  lower_counters (from, to);
  lower_operands (lowering, from, to);
  for (; to->n_instrs < from->n_instrs; to->n_instrs++)
    {
      RduInstr *instr = &to->instrs[to->n_instrs];
      if (!lower_instr (&from->instrs[to->n_instrs], isa, to, instr, error))
        return false;
      if (sf_tile_op_find (instr->op, 1)->tile_class == SF_TILE_ROW)
        to->row_elems = MAX (to->row_elems, box_elems (&from->operands[instr->dst[0]]));
    }
  split_counters (to);
  if (lowering->host != NULL && link->chain == SF_NONE)
    rdu_stage_find_partials (to, lowering->host->n_workers);
  rdu_stage_group (to, isa);
  rdu_stage_find_purposes (to);
  rdu_stage_find_packings (to);
  rdu_stage_find_results (to);
  place_temps (from, to);
  for (int k = 0; k < to->n_counters; k++)
    to->work *= to->n_blocks[k];
  if (lowering->host != NULL && link->chain == SF_NONE)
    rdu_stage_find_lanes (to, lowering->host->n_workers);
  to->shared_elems = to->has_lanes ? to->temp_elems : to->n_partials * to->partial_elems;
  return true;
}

static bool
touches (const SfStage *stage, SfOperandKind kind, uint32_t buffer)
{
  for (size_t o = 0; o < stage->n_operands; o++)
    if (stage->operands[o].kind == kind && stage->operands[o].buffer == buffer)
      return true;
  return false;
}

/* Whether `reader` reads what `writer` writes. */
static bool
feeds (const SfStage *writer, const SfStage *reader)
{
  for (size_t o = 0; o < writer->n_operands; o++)
    if (writer->operands[o].kind == SF_OPERAND_OUT
        && touches (reader, SF_OPERAND_IN, writer->operands[o].buffer))
      return true;
  return false;
}

/* Writers before readers, else in the order of the config. */
static bool
order_stages (const SfProgram *program, uint32_t index, size_t n, uint32_t *order, GError **error)
{
  g_autofree SfStage *stage = g_new (SfStage, n);
  g_autofree bool *is_done = g_new0 (bool, n);
  for (size_t s = 0; s < n; s++)
    stage[s] = sf_config_stage (program, index, (uint32_t) s);
  for (size_t done = 0; done < n;)
    {
      size_t before = done;
      for (size_t s = 0; s < n; s++)
        {
          bool is_ready = !is_done[s];
          for (size_t w = 0; w < n && is_ready; w++)
            is_ready = is_done[w] || w == s || !feeds (&stage[w], &stage[s]);
          if (is_ready)
            {
              is_done[s] = true;
              order[done++] = (uint32_t) s;
            }
        }
      if (done == before)
        return sf_fail (
            error, SF_ERROR_INVALID_DATA,
            "config %u: stages that wait for each other, wanted a section without cycles; compile the model again",
            (unsigned) index);
    }
  return true;
}

/* Per operand: whether its memory has channels innermost; owned. */
static bool *
find_channels_last (const Lowering *lowering, const SfStage *stage, uint32_t id)
{
  bool *channels_last = g_new (bool, stage->n_operands + 1);
  for (uint32_t o = 0; o < stage->n_operands; o++)
    channels_last[o] = rdu_layouts_of_operand (lowering->layouts, lowering->config->index, id, o);
  return channels_last;
}

/* Blocks that suit the host; NULL: the program's own. */
static SfOperand *
choose_blocks (const Lowering *lowering, SfStage *stage, const bool *channels_last,
               const RduLink *link)
{
  if (lowering->host == NULL)
    return NULL;
  if (link->chain != SF_NONE)
    return rdu_take_blocks (stage, lowering->isa, lowering->host, link->counter, link->step);
  return rdu_choose_blocks (stage, channels_last, lowering->isa, lowering->host);
}

/* Stages in running order. */
static bool
lower_stages (const Lowering *lowering, const uint32_t *order, SfStage *stages,
              bool *const *channels_last, RduConfig *config, size_t n_stages, GError **error)
{
  static const RduLink none = { .chain = SF_NONE };
  g_autofree RduLink *links = lowering->host != NULL ? rdu_find_chains (
                                  stages, channels_last, n_stages, lowering->isa, lowering->host)
                                                     : NULL;
  while (config->n_stages < n_stages)
    {
      size_t s = config->n_stages++;
      RduStage *to = &config->stages[s];
      const RduLink *link = links != NULL ? &links[s] : &none;
      SfOperand *operands = choose_blocks (lowering, &stages[s], channels_last[s], link);
      bool is_lowered = lower_stage (lowering, &stages[s], order[s], link, to, error);
      g_free (operands);
      if (!is_lowered)
        return false;
      to->first_packing = config->n_packings;
      config->n_packings += to->n_packings;
    }
  return true;
}

bool
rdu_lower_config (const SfProgram *program, uint32_t index, const RduIsa *isa, const RduHost *host,
                  const RduLayouts *layouts, RduConfig *config, GError **error)
{
  size_t n_buffers = sf_config_n_buffers (program, index),
         n_stages = sf_config_n_stages (program, index);
  config->index = index;
  config->buffers = g_new0 (RduBuffer, n_buffers);
  config->stages = g_new0 (RduStage, n_stages);
  config->n_streams = sf_config_n_streams (program, index);
  config->streams = g_new0 (SfStream, config->n_streams);
  for (; config->n_buffers < n_buffers; config->n_buffers++)
    {
      SfBuffer buffer = rdu_layout_buffer (program, index, (uint32_t) config->n_buffers);
      if (!is_device_dtype (buffer.dtype))
        return sf_fail (
            error, SF_ERROR_UNSUPPORTED,
            "buffer %s: dtype %s, which an RDU does not have; compile with a host launch for it",
            buffer.name, sf_dtype_name (buffer.dtype));
      lower_buffer (&buffer, rdu_layouts_of_buffer (layouts, index, (uint32_t) config->n_buffers),
                    &config->buffers[config->n_buffers]);
    }
  for (size_t s = 0; s < config->n_streams; s++)
    config->streams[s] = sf_config_stream (program, index, (uint32_t) s);
  g_autofree uint32_t *order = g_new (uint32_t, n_stages);
  if (!order_stages (program, index, n_stages, order, error))
    return false;
  const Lowering lowering = { .config = config, .isa = isa, .host = host, .layouts = layouts };
  g_autofree SfStage *stages = g_new (SfStage, n_stages + 1);
  g_autoptr (GPtrArray) channels_last = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) operands = g_ptr_array_new_with_free_func (g_free);
  for (size_t s = 0; s < n_stages; s++)
    {
      SfOperand *own;
      stages[s] = rdu_layout_stage (program, index, order[s], &own);
      g_ptr_array_add (operands, own);
      g_ptr_array_add (channels_last, find_channels_last (&lowering, &stages[s], order[s]));
    }
  return lower_stages (&lowering, order, stages, (bool *const *) channels_last->pdata, config,
                       n_stages, error);
}

void
rdu_stage_clear (RduStage *stage)
{
  rdu_stage_clear_groups (stage);
  g_free (stage->name);
  g_free (stage->operands);
  g_free (stage->instrs);
  g_free (stage->packings);
  g_free (stage->results);
}

void
rdu_config_clear (RduConfig *config)
{
  for (size_t b = 0; b < config->n_buffers; b++)
    g_free (config->buffers[b].name);
  for (size_t s = 0; s < config->n_stages; s++)
    rdu_stage_clear (&config->stages[s]);
  g_free (config->buffers);
  g_free (config->chains);
  g_free (config->stages);
  g_free (config->streams);
  *config = (RduConfig){ 0 };
}

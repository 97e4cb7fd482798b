/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of a stage's instructions: arity, dtypes, box shapes in full and last blocks, order of
 * scratch, accumulation, and that results are written whole. */
#include "core/program/check.h"
#include "core/program/tileop.h"

#define AT(array, Type, index) g_array_index ((array), Type, (index))

typedef struct
{
  const SfCheck *check;
  uint32_t index;
  const SfStage *stage;
  const SfInstr *instr;
  size_t number;
  const SfTileRow *row;
} InstrCheck;

static bool fail_instr (const InstrCheck *c, const char *format, ...) G_GNUC_PRINTF (2, 3);

static bool
fail_instr (const InstrCheck *c, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree char *text = g_strdup_vprintf (format, args);
  va_end (args);
  return sf_check_fail (c->check, "stage", c->index, "instruction %zu (%s): %s", c->number,
                        c->instr->op, text);
}

static const SfOperand *
operand_at (const InstrCheck *c, uint32_t operand)
{
  return &c->stage->operands[operand];
}

static bool
is_multi_block (const SfCounter *counter)
{
  return sf_counter_blocks (counter) > 1;
}

static bool
has_reduction (const SfStage *stage)
{
  for (size_t k = 0; k < stage->n_counters; k++)
    if (stage->counter[k].kind == SF_COUNTER_REDUCTION && is_multi_block (&stage->counter[k]))
      return true;
  return false;
}

/* ---- arity and dtypes ---- */

static bool
check_arity (const InstrCheck *c)
{
  const SfInstr *instr = c->instr;
  const SfTileOp *op = &c->row->op;
  if (instr->n_src < (uint32_t) op->min_src || instr->n_src > (uint32_t) op->max_src
      || instr->n_dst != (uint32_t) op->n_dst)
    return fail_instr (c, "%u sources and %u results, wanted %d to %d and %d; correct the pass",
                       instr->n_src, instr->n_dst, op->min_src, op->max_src, op->n_dst);
  if ((unsigned) instr->when > SF_WHEN_LAST)
    return fail_instr (c, "when is %d, wanted each or last; correct the pass", (int) instr->when);
  for (uint32_t i = 0; i < instr->n_src; i++)
    if (instr->src[i] >= c->stage->n_operands)
      return fail_instr (c, "source %u is operand %u of %zu; correct the pass", i, instr->src[i],
                         c->stage->n_operands);
  for (uint32_t i = 0; i < instr->n_dst; i++)
    if (instr->dst[i] >= c->stage->n_operands
        || operand_at (c, instr->dst[i])->kind == SF_OPERAND_IN)
      return fail_instr (
          c, "result %u is operand %u, wanted an out or temp one of %zu; correct the pass", i,
          instr->dst[i], c->stage->n_operands);
  return true;
}

static bool
check_dtypes (const InstrCheck *c)
{
  SfDtype src[SF_MAX_SRC] = { 0 };
  GString *words = g_string_new (NULL);
  for (uint32_t i = 0; i < c->instr->n_src; i++)
    {
      src[i] = operand_at (c, c->instr->src[i])->dtype;
      g_string_append_printf (words, "%s%s", i > 0 ? ", " : "", sf_dtype_name (src[i]));
    }
  g_autofree char *from = g_string_free (words, FALSE);
  for (uint32_t i = 0; i < c->instr->n_dst; i++)
    {
      SfDtype dst = operand_at (c, c->instr->dst[i])->dtype;
      if (!sf_tile_types_fit (c->row->types, src, c->instr->n_src, i, dst))
        return fail_instr (c, "(%s) -> %s is not among what the tile-op takes; insert casts", from,
                           sf_dtype_name (dst));
    }
  return true;
}

static bool
check_padding (const InstrCheck *c)
{
  for (uint32_t i = 0; i < c->instr->n_src; i++)
    {
      const SfOperand *o = operand_at (c, c->instr->src[i]);
      if ((int) i != c->row->pad_src && o->kind == SF_OPERAND_IN
          && sf_operand_is_padded (c->stage, o))
        return fail_instr (
            c,
            "source %u (operand %u) reaches outside its tensor, wanted a map inside it, for this tile-op "
            "sees no padding there; correct the map",
            i, c->instr->src[i]);
    }
  return true;
}

/* ---- box shapes ---- */

/* Box of an operand in a firing where counter k is in its last block when bit k of `last` is set.
 */
static SfShape
box_of (const SfStage *stage, const SfOperand *o, unsigned last)
{
  SfShape box = { .rank = o->shape.rank };
  for (int d = 0; d < box.rank; d++)
    {
      const SfAccess *a = &o->dim[d];
      box.dim[d] = a->size;
      for (size_t k = 0; k < stage->n_counters; k++)
        if ((last >> k & 1) != 0)
          {
            const SfCounter *counter = &stage->counter[k];
            int64_t n = counter->extent - (sf_counter_blocks (counter) - 1) * counter->step;
            box.dim[d] -= (a->coef[k] / a->stride) * (counter->step - n);
          }
    }
  return box;
}

/* Counters whose last block is shorter than the others, as a mask. */
static unsigned
ragged_counters (const SfStage *stage)
{
  unsigned mask = 0;
  for (size_t k = 0; k < stage->n_counters; k++)
    if (stage->counter[k].extent % stage->counter[k].step != 0)
      mask |= 1u << k;
  return mask;
}

/* Why the boxes of an instruction do not fit together in some firing, and in which; NULL: they do.
 */
static char *
misfit (const SfStage *stage, const SfInstr *instr, const SfTileRow *row, unsigned *firing)
{
  unsigned ragged = ragged_counters (stage);
  for (unsigned last = 0; last <= ragged; last++)
    {
      if ((last & ~ragged) != 0)
        continue;
      SfTileBoxes boxes = { .instr = instr };
      for (uint32_t i = 0; i < instr->n_src; i++)
        {
          boxes.src[i] = &stage->operands[instr->src[i]];
          boxes.src_box[i] = box_of (stage, boxes.src[i], last);
        }
      for (uint32_t i = 0; i < instr->n_dst; i++)
        {
          boxes.dst[i] = &stage->operands[instr->dst[i]];
          boxes.dst_box[i] = box_of (stage, boxes.dst[i], last);
        }
      *firing = last;
      char *why = row->boxes (&boxes);
      if (why != NULL)
        return why;
    }
  return NULL;
}

static bool
check_boxes (const InstrCheck *c)
{
  unsigned firing;
  g_autofree char *why = misfit (c->stage, c->instr, c->row, &firing);
  return why == NULL
         || fail_instr (c, "%s%s; correct the maps", firing != 0 ? "in a last block, " : "", why);
}

bool
sf_stage_boxes_fit (const SfStage *stage)
{
  for (size_t i = 0; i < stage->n_instrs; i++)
    {
      const SfInstr *instr = &stage->instrs[i];
      unsigned firing;
      g_autofree char *why = misfit (stage, instr, sf_tile_row_find (instr->op, instr->version),
                                     &firing);
      if (why != NULL)
        return false;
    }
  return true;
}

/* ---- accumulation ---- */

static bool
moves_with (const SfOperand *o, size_t counter)
{
  for (int d = 0; d < o->shape.rank; d++)
    if (o->dim[d].coef[counter] != 0)
      return true;
  return false;
}

/* Scratch holds one box: the sum must be complete before the box moves on. */
static bool
check_scratch_sum (const InstrCheck *c)
{
  bool inside = false;
  for (size_t k = 0; k < c->stage->n_counters; k++)
    {
      const SfCounter *counter = &c->stage->counter[k];
      if (!is_multi_block (counter))
        continue;
      if (counter->kind == SF_COUNTER_REDUCTION)
        inside = true;
      else if (inside)
        return fail_instr (
            c,
            "adds up in scratch over a reduction counter with counter %zu inside it, wanted the "
            "reduction counters innermost; write a buffer instead",
            k);
    }
  return true;
}

/* Each result is written at most once, but for sums over reduction counters. */
static bool
check_result (const InstrCheck *c, uint32_t dst)
{
  const SfOperand *o = operand_at (c, c->instr->dst[dst]);
  bool each = c->instr->when == SF_WHEN_EACH;
  bool sums = each && c->row->op.accumulates;
  for (size_t k = 0; k < c->stage->n_counters; k++)
    {
      const SfCounter *counter = &c->stage->counter[k];
      if (!is_multi_block (counter))
        continue;
      bool reduction = counter->kind == SF_COUNTER_REDUCTION, moves = moves_with (o, k);
      if (reduction && moves && (sums || !each))
        return fail_instr (
            c,
            "result %u moves with reduction counter %zu, wanted it to stay while it is added up; "
            "correct the map",
            dst, k);
      if (o->kind == SF_OPERAND_OUT && !moves && !(reduction && (sums || !each)))
        return fail_instr (
            c,
            "result %u stays in place while counter %zu, which is no reduction it adds up over, runs: "
            "later blocks would overwrite earlier ones; make the counter a reduction or move the result",
            dst, k);
    }
  return o->kind != SF_OPERAND_TEMP || !sums || !has_reduction (c->stage) || check_scratch_sum (c);
}

/* What the instructions so far left in each operand. */
typedef enum
{
  UNWRITTEN,
  WHOLE,   /* complete in every firing */
  PARTIAL, /* a sum, or an epilogue's result: complete in the last block only */
} Content;

static bool
check_sources_ready (const InstrCheck *c, const Content *content)
{
  for (uint32_t i = 0; i < c->instr->n_src; i++)
    {
      const SfOperand *o = operand_at (c, c->instr->src[i]);
      Content found = content[c->instr->src[i]];
      if (o->kind == SF_OPERAND_IN)
        continue;
      if (found == UNWRITTEN)
        return fail_instr (
            c,
            "source %u (operand %u) has not been written by an earlier instruction; correct the order",
            i, c->instr->src[i]);
      if (found == PARTIAL && c->instr->when == SF_WHEN_EACH)
        return fail_instr (
            c,
            "source %u (operand %u) is complete in the last block of the reduction counters only; run the "
            "instruction last",
            i, c->instr->src[i]);
    }
  return true;
}

static void
note_results (const InstrCheck *c, Content *content)
{
  bool partial = has_reduction (c->stage)
                 && (c->instr->when == SF_WHEN_LAST || c->row->op.accumulates);
  for (uint32_t i = 0; i < c->instr->n_dst; i++)
    content[c->instr->dst[i]] = partial ? PARTIAL : WHOLE;
}

static bool
check_instr (InstrCheck *c, Content *content)
{
  c->row = sf_tile_row_find (c->instr->op, c->instr->version);
  if (c->row == NULL)
    return fail_instr (
        c, "version %d is not in the tile-op table; recompile with this version of Spatialflow",
        c->instr->version);
  if (!check_arity (c) || !check_dtypes (c) || !check_padding (c) || !check_boxes (c)
      || !check_sources_ready (c, content))
    return false;
  for (uint32_t i = 0; i < c->instr->n_dst; i++)
    if (!check_result (c, i))
      return false;
  note_results (c, content);
  return true;
}

/* ---- coverage ---- */

/* Sum over all blocks of the counters that move dimension d of the box length; with disjoint
 * counters per dimension the product over d is the count of elements written. */
static __int128
covered_positions (const SfStage *stage, const SfAccess *a)
{
  __int128 blocks = 1, total = a->size;
  for (size_t k = 0; k < stage->n_counters; k++)
    {
      if (a->coef[k] == 0)
        continue;
      const SfCounter *counter = &stage->counter[k];
      __int128 n = sf_counter_blocks (counter);
      /* Lost to the short last block, once for each combination of the counters before. */
      __int128 lost = (__int128) (a->coef[k] / a->stride) * (n * counter->step - counter->extent);
      total = total * n - blocks * lost;
      blocks *= n;
    }
  return total;
}

/* Whether no counter moves two dimensions at once, so that dimensions multiply. */
static bool
is_separable (const SfStage *stage, const SfOperand *o)
{
  for (size_t k = 0; k < stage->n_counters; k++)
    {
      int n = 0;
      for (int d = 0; d < o->shape.rank; d++)
        n += o->dim[d].coef[k] != 0;
      if (n > 1)
        return false;
    }
  return true;
}

static bool
check_coverage (const SfCheck *check, uint32_t index, const SfStage *stage, uint32_t buffer)
{
  const SfConfigStore *config = sf_program_config (check->program, check->config);
  __int128 written = 0;
  for (size_t i = 0; i < stage->n_operands; i++)
    {
      const SfOperand *o = &stage->operands[i];
      if (o->kind != SF_OPERAND_OUT || o->buffer != buffer)
        continue;
      if (!is_separable (stage, o))
        return true;
      __int128 n = 1;
      for (int d = 0; d < o->shape.rank; d++)
        n = MIN (n * MIN (covered_positions (stage, &o->dim[d]), SF_CAP_ELEMS),
                 2 * (__int128) SF_CAP_ELEMS);
      written = MIN (written + n, 2 * (__int128) SF_CAP_ELEMS);
    }
  int64_t wanted = sf_shape_n_elems (&AT (config->buffers, SfBuffer, buffer).shape);
  if (written == wanted)
    return true;
  return sf_check_fail (check, "stage", index,
                        "writes %" PRId64 " elements of buffer %u, wanted each of its %" PRId64
                        " once; correct the maps",
                        (int64_t) written, buffer, wanted);
}

bool
sf_check_instrs (const SfCheck *check, uint32_t index)
{
  const SfStage *stage = sf_config_stage_at (check->program, check->config, index);
  g_autofree Content *content = g_new0 (Content, stage->n_operands + 1);
  for (size_t i = 0; i < stage->n_instrs; i++)
    {
      InstrCheck c = { check, index, stage, &stage->instrs[i], i, NULL };
      if (!check_instr (&c, content))
        return false;
    }
  for (size_t i = 0; i < stage->n_operands; i++)
    if (stage->operands[i].kind == SF_OPERAND_OUT && content[i] == UNWRITTEN)
      return sf_check_fail (check, "stage", index,
                            "operand %zu is written by no instruction; remove it", i);
  for (size_t i = 0; i < stage->n_operands; i++)
    if (stage->operands[i].kind == SF_OPERAND_OUT
        && !check_coverage (check, index, stage, stage->operands[i].buffer))
      return false;
  return true;
}

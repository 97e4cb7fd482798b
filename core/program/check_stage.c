/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of a stage's counters and operands: figures, rates, boxes inside their tensors and inside
 * the tokens at hand. */
#include "core/program/check.h"

#define AT(array, Type, index) g_array_index ((array), Type, (index))

static bool
check_counters (const SfCheck *check, uint32_t index, const SfStage *stage)
{
  if (stage->n_counters > SF_MAX_COUNTERS)
    return sf_check_fail (check, "stage", index, "%zu counters, wanted at most %d; merge some",
                          stage->n_counters, SF_MAX_COUNTERS);
  __int128 firings = 1;
  for (size_t k = 0; k < stage->n_counters; k++)
    {
      const SfCounter *c = &stage->counter[k];
      if (c->extent < 0 || c->extent > SF_CAP_ELEMS || c->step < 1 || c->step > MAX (c->extent, 1)
          || (unsigned) c->kind > SF_COUNTER_REDUCTION)
        return sf_check_fail (check, "stage", index,
                              "counter %zu has extent %" PRId64 " and step %" PRId64
                              ", wanted 1 <= step <= extent; correct the pass",
                              k, c->extent, c->step);
      firings *= sf_counter_blocks (c);
      if (firings > SF_CAP_ELEMS)
        return sf_check_fail (check, "stage", index,
                              "it fires more than 2^40 times; use larger steps");
    }
  if (sf_stage_iterations (stage) > SF_CAP_TOKENS)
    return sf_check_fail (check, "stage", index,
                          "counter 0 has %" PRId64 " iterations, wanted at most %" PRId64
                          "; use a larger step",
                          sf_stage_iterations (stage), SF_CAP_TOKENS);
  return true;
}

static bool
check_access (const SfCheck *check, uint32_t index, const SfStage *stage, size_t operand, int d)
{
  const SfAccess *a = &stage->operands[operand].dim[d];
  bool sound = a->base >= -SF_CAP_ELEMS && a->base <= SF_CAP_ELEMS && a->size >= 0
               && a->size <= SF_CAP_ELEMS && a->stride >= 1 && a->stride <= SF_CAP_ELEMS;
  for (size_t k = 0; k < SF_MAX_COUNTERS && sound; k++)
    sound = a->coef[k] >= 0 && a->coef[k] <= SF_CAP_ELEMS
            && (k < stage->n_counters || a->coef[k] == 0) && a->coef[k] % a->stride == 0;
  if (!sound)
    return sf_check_fail (
        check, "stage", index,
        "operand %zu, dimension %d: its map is out of bounds, wanted size and coefficients of 0 or "
        "more, stride of 1 or more that divides them; correct the pass",
        operand, d);
  __int128 least = a->size;
  for (size_t k = 0; k < stage->n_counters; k++)
    {
      const SfCounter *c = &stage->counter[k];
      int64_t last = c->extent == 0 ? c->step : c->extent - (sf_counter_blocks (c) - 1) * c->step;
      least -= (__int128) (a->coef[k] / a->stride) * (c->step - last);
    }
  if (least < (a->size > 0 ? 1 : 0))
    return sf_check_fail (
        check, "stage", index,
        "operand %zu, dimension %d: nothing is left of its box in the last block; correct its size",
        operand, d);
  return true;
}

/* Along dimension d, positions that boxes of the operand reach over all counters. */
static void
reach (const SfStage *stage, const SfAccess *a, __int128 *low, __int128 *high)
{
  *low = a->base;
  *high = (__int128) a->base + (__int128) (a->size - 1) * a->stride;
  for (size_t k = 0; k < stage->n_counters; k++)
    *high += (__int128) a->coef[k] * (stage->counter[k].extent - stage->counter[k].step);
}

/* Positions outside the tensor are refused here but for IN operands, where the instructions that
 * read them decide (check_instr.c). */
static bool
check_inside (const SfCheck *check, uint32_t index, const SfStage *stage, size_t operand)
{
  const SfOperand *o = &stage->operands[operand];
  for (int d = 0; d < o->shape.rank; d++)
    {
      __int128 low, high;
      reach (stage, &o->dim[d], &low, &high);
      if (o->dim[d].size > 0 && (low < 0 || high >= o->shape.dim[d]) && o->kind != SF_OPERAND_IN)
        return sf_check_fail (check, "stage", index,
                              "operand %zu, dimension %d: boxes reach positions %" PRId64
                              " to %" PRId64 " of %" PRId64 ", wanted all inside; correct the map",
                              operand, d, (int64_t) low, (int64_t) MIN (high, INT64_MAX),
                              o->shape.dim[d]);
    }
  return true;
}

bool
sf_operand_is_padded (const SfStage *stage, const SfOperand *operand)
{
  for (int d = 0; d < operand->shape.rank; d++)
    {
      __int128 low, high;
      reach (stage, &operand->dim[d], &low, &high);
      if (operand->dim[d].size > 0 && (low < 0 || high >= operand->shape.dim[d]))
        return true;
    }
  return false;
}

/* Elements, in row-major order, that the boxes of iteration c of counter 0 reach; false: none. */
static bool
linear_reach (const SfStage *stage, const SfOperand *o, int64_t iteration, int64_t *first,
              int64_t *last)
{
  int64_t strides[SF_MAX_RANK];
  sf_shape_strides (&o->shape, strides);
  *first = *last = 0;
  const SfCounter *outer = &stage->counter[0];
  int64_t c = iteration * outer->step, n = MIN (outer->step, outer->extent - c);
  for (int d = 0; d < o->shape.rank; d++)
    {
      const SfAccess *a = &o->dim[d];
      __int128 low, high;
      reach (stage, a, &low, &high);
      low += (__int128) a->coef[0] * c;
      high += (__int128) a->coef[0] * (c + n - outer->extent);
      low = MAX (low, 0);
      high = MIN (high, o->shape.dim[d] - 1);
      if (a->size == 0 || high < low)
        return false;
      *first += (int64_t) low * strides[d];
      *last += (int64_t) high * strides[d];
    }
  return true;
}

/* An operand that moves with counter 0 touches, in each iteration, only the tokens of that
 * iteration. */
static bool
check_tokens_at_hand (const SfCheck *check, uint32_t index, const SfStage *stage, size_t operand,
                      const SfBuffer *buffer)
{
  const SfOperand *o = &stage->operands[operand];
  if (buffer->tokens == 0)
    return true;
  int64_t per_iteration = o->rate * buffer->token_elems;
  for (int64_t i = 0; i < sf_stage_iterations (stage); i++)
    {
      int64_t first, last;
      if (linear_reach (stage, o, i, &first, &last)
          && (first / per_iteration != i || last / per_iteration != i))
        return sf_check_fail (
            check, "stage", index,
            "operand %zu reaches elements %" PRId64 " to %" PRId64 " in iteration %" PRId64
            ", wanted those of its %d tokens alone, %" PRId64 " to %" PRId64
            "; make the operand resident or correct its map",
            operand, first, last, i, o->rate, i * per_iteration, (i + 1) * per_iteration - 1);
    }
  return true;
}

static bool
check_rate (const SfCheck *check, uint32_t index, const SfStage *stage, size_t operand,
            const SfBuffer *buffer)
{
  const SfOperand *o = &stage->operands[operand];
  if (o->counter == -1)
    return true;
  if (o->counter != 0 || stage->n_counters == 0 || o->rate < 1)
    return sf_check_fail (
        check, "stage", index,
        "operand %zu is advanced by counter %d at rate %d, wanted counter 0 and a rate of 1 or "
        "more, or -1 for a resident one; correct the pass",
        operand, o->counter, o->rate);
  int64_t iterations = sf_stage_iterations (stage);
  if ((__int128) iterations * o->rate != buffer->tokens)
    return sf_check_fail (check, "stage", index,
                          "operand %zu takes %" PRId64
                          " iterations of %d tokens, its buffer has %" PRId64
                          ", wanted a balanced rate; correct step or tokens",
                          operand, iterations, o->rate, buffer->tokens);
  if (o->kind == SF_OPERAND_OUT && stage->counter[0].kind == SF_COUNTER_REDUCTION && iterations > 1)
    return sf_check_fail (
        check, "stage", index,
        "operand %zu is written token by token over a reduction counter, wanted a resident one; "
        "set its counter to -1",
        operand);
  return check_tokens_at_hand (check, index, stage, operand, buffer);
}

static bool
is_stage_dtype (SfDtype stage, SfDtype buffer)
{
  if (sf_dtype_is_float (buffer))
    return stage == SF_F32;
  return stage == (buffer == SF_BOOL ? SF_BOOL : SF_I32);
}

/* All writing operands of a stage on one buffer go through it together. */
static bool
check_writers_agree (const SfCheck *check, uint32_t index, const SfStage *stage, size_t operand)
{
  const SfOperand *o = &stage->operands[operand];
  for (size_t i = 0; i < operand; i++)
    {
      const SfOperand *other = &stage->operands[i];
      if (other->kind == SF_OPERAND_OUT && other->buffer == o->buffer
          && (other->counter != o->counter || other->rate != o->rate))
        return sf_check_fail (
            check, "stage", index,
            "operands %zu and %zu write buffer %u at different rates, wanted one rate; correct the pass",
            i, operand, o->buffer);
    }
  return true;
}

static bool
check_buffer_operand (const SfCheck *check, uint32_t index, const SfStage *stage, size_t operand)
{
  const SfConfigStore *config = sf_program_config (check->program, check->config);
  const SfOperand *o = &stage->operands[operand];
  if (o->buffer >= config->buffers->len)
    return sf_check_fail (
        check, "stage", index,
        "operand %zu: buffer %u does not exist, wanted one of %u; correct the pass", operand,
        o->buffer, config->buffers->len);
  const SfBuffer *buffer = &AT (config->buffers, SfBuffer, o->buffer);
  if (!is_stage_dtype (o->dtype, buffer->dtype))
    return sf_check_fail (check, "stage", index,
                          "operand %zu is %s on a buffer of %s, wanted %s; correct its dtype",
                          operand, sf_dtype_name (o->dtype), sf_dtype_name (buffer->dtype),
                          sf_dtype_is_float (buffer->dtype) ? "f32"
                          : buffer->dtype == SF_BOOL        ? "bool"
                                                            : "i32");
  if (sf_shape_n_elems (&o->shape) != sf_shape_n_elems (&buffer->shape))
    return sf_check_fail (check, "stage", index,
                          "operand %zu sees %" PRId64 " elements of a buffer of %" PRId64
                          ", wanted the same number; correct its shape",
                          operand, sf_shape_n_elems (&o->shape), sf_shape_n_elems (&buffer->shape));
  return check_rate (check, index, stage, operand, buffer)
         && (o->kind != SF_OPERAND_OUT || check_writers_agree (check, index, stage, operand));
}

static bool
check_operand (const SfCheck *check, uint32_t index, const SfStage *stage, size_t operand)
{
  const SfOperand *o = &stage->operands[operand];
  if ((unsigned) o->kind > SF_OPERAND_TEMP
      || (o->dtype != SF_F32 && o->dtype != SF_I32 && o->dtype != SF_BOOL))
    return sf_check_fail (
        check, "stage", index,
        "operand %zu has an unknown kind or a dtype other than f32, i32, bool; correct the pass",
        operand);
  if (!sf_shape_is_sound (&o->shape))
    return sf_check_fail (
        check, "stage", index,
        "operand %zu: its shape is out of bounds, wanted rank 0 to 8 and at most 2^40 elements; "
        "correct the pass",
        operand);
  for (int d = 0; d < o->shape.rank; d++)
    if (!check_access (check, index, stage, operand, d))
      return false;
  if (!check_inside (check, index, stage, operand))
    return false;
  if (o->kind != SF_OPERAND_TEMP)
    return check_buffer_operand (check, index, stage, operand);
  if (o->buffer != SF_NONE || o->counter != -1)
    return sf_check_fail (
        check, "stage", index,
        "operand %zu is scratch with a buffer or a counter, wanted neither; correct the pass",
        operand);
  return true;
}

bool
sf_check_stage (const SfCheck *check, uint32_t index)
{
  const SfStage *stage = sf_config_stage_at (check->program, check->config, index);
  if (!check_counters (check, index, stage))
    return false;
  if (stage->n_pcus < 0 || stage->n_pcus > SF_CAP_UNITS || stage->interval_cycles < 0
      || stage->latency_cycles < 0 || stage->flops < 0)
    return sf_check_fail (check, "stage", index,
                          "negative figures or more than %" PRId64 " PCUs; correct the pass",
                          SF_CAP_UNITS);
  for (size_t i = 0; i < stage->n_operands; i++)
    if (!check_operand (check, index, stage, i))
      return false;
  return true;
}

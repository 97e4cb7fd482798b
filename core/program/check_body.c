/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of a section body's buffers, streams and stages: figures, ids, rates. Boxes and
 * instructions are check_stage.c's and check_instr.c's. */
#include "core/program/check.h"

#define AT(array, Type, index) g_array_index ((array), Type, (index))

/* What a unit can hold: 64-bit elements never enter a section. */
static bool
is_device_dtype (SfDtype dtype)
{
  return dtype < SF_N_DTYPES && dtype != SF_F64 && dtype != SF_I64 && dtype != SF_U64;
}

static bool
check_buffer (const SfCheck *check, uint32_t index)
{
  const SfBuffer *b = &AT (sf_program_config (check->program, check->config)->buffers, SfBuffer,
                           index);
  if (!is_device_dtype (b->dtype))
    return sf_check_fail (check, "buffer", index,
                          "dtype is %s, wanted one of at most 32 bits; run its stage on the host",
                          b->dtype < SF_N_DTYPES ? sf_dtype_name (b->dtype) : "unknown");
  if (!sf_shape_is_sound (&b->shape))
    return sf_check_fail (
        check, "buffer", index,
        "its shape is out of bounds, wanted rank 0 to 8 and at most 2^40 elements; correct the pass");
  if (b->token_elems < 1 || b->token_elems > SF_CAP_ELEMS || b->tokens < 0
      || b->tokens > SF_CAP_TOKENS)
    return sf_check_fail (check, "buffer", index,
                          "%" PRId64 " tokens of %" PRId64 " elements, wanted at most %" PRId64
                          " of 1 or more; use larger tokens",
                          b->tokens, b->token_elems, SF_CAP_TOKENS);
  int64_t elems = sf_shape_n_elems (&b->shape);
  int64_t wanted = elems == 0 ? 0 : (elems - 1) / b->token_elems + 1;
  if (b->tokens != wanted)
    return sf_check_fail (check, "buffer", index,
                          "%" PRId64 " tokens of %" PRId64 " elements for %" PRId64
                          " elements, wanted %" PRId64 " tokens; correct the pass",
                          b->tokens, b->token_elems, elems, wanted);
  if (b->depth < 1 || b->depth > SF_CAP_TOKENS || b->n_pmus < 0 || b->n_pmus > SF_CAP_UNITS)
    return sf_check_fail (check, "buffer", index,
                          "depth %" PRId64 " on %" PRId64
                          " PMUs is out of bounds; correct the pass",
                          b->depth, b->n_pmus);
  return true;
}

static bool
check_stream (const SfCheck *check, uint32_t index)
{
  const SfConfigStore *config = sf_program_config (check->program, check->config);
  const SfStream *s = &AT (config->streams, SfStream, index);
  if (s->buffer >= config->buffers->len)
    return sf_check_fail (check, "stream", index,
                          "buffer %u does not exist, wanted one of %u; correct the pass", s->buffer,
                          config->buffers->len);
  if (s->slot >= config->streams->len)
    return sf_check_fail (
        check, "stream", index,
        "slot %u, wanted one below %u, the number of streams; number the slots densely", s->slot,
        config->streams->len);
  return true;
}

/* Stages and streams that write the buffer, and whether anything reads it. */
static void
count_users (const SfConfigStore *config, uint32_t buffer, unsigned *n_writers, unsigned *n_readers)
{
  *n_writers = *n_readers = 0;
  for (guint i = 0; i < config->streams->len; i++)
    {
      const SfStream *stream = &AT (config->streams, SfStream, i);
      if (stream->buffer == buffer)
        ++*(stream->out ? n_readers : n_writers);
    }
  for (guint s = 0; s < config->stages->len; s++)
    {
      const SfStage *stage = &AT (config->stages, SfStage, s);
      bool writes = false;
      for (size_t i = 0; i < stage->n_operands; i++)
        if (stage->operands[i].buffer == buffer && stage->operands[i].kind == SF_OPERAND_OUT)
          writes = true;
        else if (stage->operands[i].buffer == buffer && stage->operands[i].kind == SF_OPERAND_IN)
          ++*n_readers;
      *n_writers += writes;
    }
}

static bool
check_users (const SfCheck *check, uint32_t buffer)
{
  unsigned n_writers, n_readers;
  count_users (sf_program_config (check->program, check->config), buffer, &n_writers, &n_readers);
  if (n_writers != 1)
    return sf_check_fail (check, "buffer", buffer,
                          "%u stages and streams write it, wanted exactly one; correct the pass",
                          n_writers);
  if (n_readers == 0)
    return sf_check_fail (check, "buffer", buffer,
                          "nothing reads it, wanted a stage or an outward stream; remove it");
  return true;
}

bool
sf_check_body (const SfCheck *check)
{
  const SfConfigStore *config = sf_program_config (check->program, check->config);
  if (config->stages->len == 0)
    return sf_check_fail (check, "config", SF_NONE,
                          "no stages, wanted one or more; remove the section");
  for (guint i = 0; i < config->buffers->len; i++)
    if (!check_buffer (check, i))
      return false;
  for (guint i = 0; i < config->streams->len; i++)
    if (!check_stream (check, i))
      return false;
  for (guint i = 0; i < config->stages->len; i++)
    if (!sf_check_stage (check, i))
      return false;
  for (guint i = 0; i < config->buffers->len; i++)
    if (!check_users (check, i))
      return false;
  for (guint i = 0; i < config->stages->len; i++)
    if (!sf_check_instrs (check, i))
      return false;
  return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Equal configs become one: a canonical byte string of each decides. */
#include <string.h>

#include "core/program/program.h"

#define AT(array, Type, index) g_array_index ((array), Type, (index))

static void
put (GByteArray *bytes, const void *data, size_t n)
{
  g_byte_array_append (bytes, data, (guint) n);
}

static void
put_i64 (GByteArray *bytes, int64_t value)
{
  put (bytes, &value, sizeof value);
}

static void
put_shape (GByteArray *bytes, const SfShape *shape)
{
  put_i64 (bytes, shape->rank);
  for (int d = 0; d < shape->rank && d < SF_MAX_RANK; d++)
    put_i64 (bytes, shape->dim[d]);
}

static void
put_operand (GByteArray *bytes, const SfOperand *operand, size_t n_counters)
{
  put_i64 (bytes, operand->kind);
  put_i64 (bytes, operand->buffer);
  put_i64 (bytes, operand->dtype);
  put_shape (bytes, &operand->shape);
  put_i64 (bytes, operand->counter);
  put_i64 (bytes, operand->rate);
  for (int d = 0; d < operand->shape.rank && d < SF_MAX_RANK; d++)
    {
      const SfAccess *access = &operand->dim[d];
      put_i64 (bytes, access->base);
      put_i64 (bytes, access->size);
      put_i64 (bytes, access->stride);
      for (size_t k = 0; k < n_counters && k < SF_MAX_COUNTERS; k++)
        put_i64 (bytes, access->coef[k]);
    }
}

static void
put_instr (GByteArray *bytes, const SfInstr *instr)
{
  put (bytes, instr->op, strlen (instr->op) + 1);
  put_i64 (bytes, instr->version);
  put_i64 (bytes, instr->when);
  put_i64 (bytes, instr->n_src);
  put_i64 (bytes, instr->n_dst);
  for (uint32_t i = 0; i < instr->n_src && i < SF_MAX_SRC; i++)
    put_i64 (bytes, instr->src[i]);
  for (uint32_t i = 0; i < instr->n_dst && i < SF_MAX_DST; i++)
    put_i64 (bytes, instr->dst[i]);
  put (bytes, instr->imm, sizeof instr->imm);
  put (bytes, instr->fimm, sizeof instr->fimm);
}

static void
put_stage (GByteArray *bytes, const SfStage *stage)
{
  put_i64 (bytes, (int64_t) stage->n_counters);
  for (size_t k = 0; k < stage->n_counters && k < SF_MAX_COUNTERS; k++)
    {
      put_i64 (bytes, stage->counter[k].extent);
      put_i64 (bytes, stage->counter[k].step);
      put_i64 (bytes, stage->counter[k].kind);
    }
  put_i64 (bytes, (int64_t) stage->n_operands);
  for (size_t i = 0; i < stage->n_operands; i++)
    put_operand (bytes, &stage->operands[i], stage->n_counters);
  put_i64 (bytes, (int64_t) stage->n_instrs);
  for (size_t i = 0; i < stage->n_instrs; i++)
    put_instr (bytes, &stage->instrs[i]);
  put_i64 (bytes, stage->n_pcus);
  put_i64 (bytes, stage->interval_cycles);
  put_i64 (bytes, stage->latency_cycles);
  put_i64 (bytes, stage->flops);
}

static GBytes *
canonical_bytes (const SfConfigStore *config)
{
  GByteArray *bytes = g_byte_array_new ();
  put_i64 (bytes, config->buffers->len);
  for (guint i = 0; i < config->buffers->len; i++)
    {
      const SfBuffer *b = &AT (config->buffers, SfBuffer, i);
      put_i64 (bytes, b->dtype);
      put_shape (bytes, &b->shape);
      const int64_t figures[] = { b->tokens, b->token_elems, b->depth, b->n_pmus };
      put (bytes, figures, sizeof figures);
    }
  put_i64 (bytes, config->streams->len);
  for (guint i = 0; i < config->streams->len; i++)
    {
      const SfStream *s = &AT (config->streams, SfStream, i);
      const int64_t figures[] = { s->buffer, s->out, s->slot };
      put (bytes, figures, sizeof figures);
    }
  put_i64 (bytes, config->stages->len);
  for (guint i = 0; i < config->stages->len; i++)
    put_stage (bytes, &AT (config->stages, SfStage, i));
  return g_byte_array_free_to_bytes (bytes);
}

static void
rewrite_launches (SfProgram *program, const uint32_t *map)
{
  for (guint e = 0; e < program->entries->len; e++)
    {
      const SfEntryStore *entry = program->entries->pdata[e];
      for (guint l = 0; l < entry->launches->len; l++)
        {
          SfLaunch *launch = &AT (entry->launches, SfLaunchStore, l).launch;
          if (launch->target == SF_TARGET_RDU)
            launch->config = map[launch->config];
        }
    }
}

void
sf_program_share_configs (SfProgram *program)
{
  guint n = program->configs->len;
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_bytes_hash, g_bytes_equal,
                                                       (GDestroyNotify) g_bytes_unref, NULL);
  g_autofree uint32_t *map = g_new0 (uint32_t, n + 1);
  GPtrArray *kept = g_ptr_array_new_with_free_func (sf_config_store_free);
  for (guint i = 0; i < n; i++)
    {
      SfConfigStore *config = program->configs->pdata[i];
      GBytes *bytes = canonical_bytes (config);
      gpointer first;
      if (g_hash_table_lookup_extended (seen, bytes, NULL, &first))
        {
          map[i] = GPOINTER_TO_UINT (first);
          sf_config_store_free (config);
          g_bytes_unref (bytes);
          continue;
        }
      map[i] = kept->len;
      g_hash_table_insert (seen, bytes, GUINT_TO_POINTER (kept->len));
      g_ptr_array_add (kept, config);
    }
  g_ptr_array_set_free_func (program->configs, NULL);
  g_ptr_array_unref (program->configs);
  program->configs = kept;
  rewrite_launches (program, map);
}

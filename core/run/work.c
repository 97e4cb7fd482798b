/* SPDX-License-Identifier: Apache-2.0 */
/* Flops and bytes of stages, and the least time that a host needs for them. */
#include "core/run/work.h"

/* Positions of a dimension that the boxes of all firings cover. */
static int64_t
covered (const SfStage *stage, const SfAccess *access, int64_t dim)
{
  int64_t span = (access->size - 1) * access->stride + 1, step = MAX (access->stride, 1);
  bool sparse = true; /* all boxes keep to every step-th position */
  for (size_t k = 0; k < stage->n_counters; k++)
    {
      const SfCounter *c = &stage->counter[k];
      int64_t last = c->extent > 0 ? (c->extent - 1) / c->step * c->step : 0;
      span += ABS (access->coef[k]) * last;
      sparse &= access->coef[k] % step == 0;
    }
  span = CLAMP (span, 0, dim);
  return sparse ? (span + step - 1) / step : span;
}

/* Elements of the buffer that the operand reads or writes in all. A table gives what is asked for.
 */
static double
operand_elems (const SfStage *stage, uint32_t index)
{
  const SfOperand *operand = &stage->operands[index];
  double n = 1;
  for (int d = 0; d < operand->shape.rank; d++)
    n *= (double) covered (stage, &operand->dim[d], operand->shape.dim[d]);
  for (size_t i = 0; i < stage->n_instrs; i++)
    if (g_str_has_prefix (stage->instrs[i].op, "gather") && stage->instrs[i].src[0] == index)
      n = MIN (n, (double) sf_shape_n_elems (&stage->operands[stage->instrs[i].dst[0]].shape));
  return n;
}

/* Whether an operand before this one is the same buffer in the same direction. */
static bool
is_repeated (const SfStage *stage, uint32_t index)
{
  for (uint32_t o = 0; o < index; o++)
    if (stage->operands[o].kind == stage->operands[index].kind
        && stage->operands[o].buffer == stage->operands[index].buffer)
      return true;
  return false;
}

static bool
reads_bf16 (const SfProgram *program, uint32_t config, const SfOperand *operand)
{
  return operand->kind == SF_OPERAND_IN
         && sf_config_buffer (program, config, operand->buffer).dtype == SF_BF16;
}

static bool
multiplies_bf16 (const SfProgram *program, uint32_t config, const SfStage *stage)
{
  for (size_t i = 0; i < stage->n_instrs; i++)
    {
      const SfInstr *instr = &stage->instrs[i];
      const SfTileOp *op = sf_tile_op_find (instr->op, instr->version);
      bool contracts = op != NULL
                       && (op->tile_class == SF_TILE_GEMM
                           || g_str_has_prefix (instr->op, "conv2d"));
      if (contracts && reads_bf16 (program, config, &stage->operands[instr->src[0]])
          && reads_bf16 (program, config, &stage->operands[instr->src[1]]))
        return true;
    }
  return false;
}

SfStageWork
sf_stage_work (const SfProgram *program, uint32_t config, uint32_t index, size_t elem_bytes)
{
  SfStage stage = sf_config_stage (program, config, index);
  SfStageWork work = { .flops = (double) stage.flops,
                       .is_bf16 = multiplies_bf16 (program, config, &stage) };
  for (uint32_t o = 0; o < stage.n_operands; o++)
    {
      if (stage.operands[o].kind == SF_OPERAND_TEMP || is_repeated (&stage, o))
        continue;
      uint32_t buffer = stage.operands[o].buffer;
      size_t each = sf_dtype_bytes (sf_config_buffer (program, config, buffer).dtype);
      work.bytes += operand_elems (&stage, o) * (double) MAX (each, elem_bytes);
    }
  return work;
}

static double
rate (const SfPeakLevel *level)
{
  return MAX (MAX (level->read, level->triad), 1);
}

double
sf_peak_bytes_seconds (const SfPeak *peak, const SfStageWork *work, const char **limit)
{
  double all = 0, longest = 0, left = work->bytes, below = 0;
  *limit = peak->n_levels > 0 ? peak->level[0].name : "memory";
  for (size_t l = 0; l < peak->n_levels; l++)
    {
      const SfPeakLevel *level = &peak->level[l];
      double bytes = MIN (left, (double) level->bytes - below);
      double seconds = bytes / rate (level);
      if (seconds > longest)
        {
          longest = seconds;
          *limit = level->name;
        }
      all += seconds;
      left -= bytes;
      below = (double) level->bytes;
    }
  return all;
}

double
sf_peak_flops_seconds (const SfPeak *peak, const SfStageWork *work, const char **limit)
{
  bool bf16 = work->is_bf16 && peak->bf16_flops > 0;
  *limit = bf16 ? "bf16" : "f32";
  return work->flops / MAX (bf16 ? peak->bf16_flops : peak->f32_flops, 1);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Deliberate faults, chosen by the environment variable SF_RDU_MUTATION.
 *
 * scale: results of contractions times 1.001, or 1.05 where the stage stores 16-bit floats. tail:
 * the last element of each of their rows is lost. tile: the last of their boxes is lost. sign: they
 * are negated. bias: sums over the batch are lost. */
#include "plugins/backends/rdu/mutation.h"

#ifdef SF_RDU_MUTATION

static bool
is_on (const char *name)
{
  return g_strcmp0 (g_getenv ("SF_RDU_MUTATION"), name) == 0;
}

static bool
is_contraction (const RduInstr *instr)
{
  return g_str_equal (instr->op, "gemm") || g_str_has_prefix (instr->op, "conv2d");
}

/* Whether the stage stores 16-bit floats. */
static bool
is_narrow (const RduStage *stage)
{
  for (size_t o = 0; o < stage->n_operands; o++)
    if (stage->operands[o].kind != SF_OPERAND_TEMP && stage->operands[o].is_narrow)
      return true;
  return false;
}

static int64_t
n_elems (const RduView *view)
{
  int64_t n = 1;
  for (int d = 0; d < view->rank; d++)
    n *= view->n[d];
  return n;
}

/* Multiplies the elements of a result; `tail`: only those that are last in the innermost dimension.
 */
static void
multiply (const RduView *view, float factor, bool tail)
{
  int64_t n = n_elems (view), index[SF_MAX_RANK] = { 0 };
  for (int64_t i = 0; i < n; i++)
    {
      float *at = view->data;
      for (int d = 0; d < view->rank; d++)
        at += index[d] * view->stride[d];
      if (!tail || view->rank == 0 || index[view->rank - 1] == view->n[view->rank - 1] - 1)
        *at *= factor;
      for (int d = view->rank - 1; d >= 0 && ++index[d] == view->n[d]; d--)
        index[d] = 0;
    }
}

void
rdu_mutate_after (const RduStage *stage, const RduInstr *instr, const RduCall *call)
{
  const RduView *y = call->dst[0];
  if (y->is_int)
    return;
  if (is_contraction (instr) && is_on ("scale"))
    multiply (y, is_narrow (stage) ? 1.05f : 1.001f, false);
  else if (is_contraction (instr) && is_on ("sign"))
    multiply (y, -1.0f, false);
  else if (is_contraction (instr) && is_on ("tail"))
    multiply (y, 0.0f, true);
  else if (is_contraction (instr) && is_on ("tile") && y->rank > 0
           && (y->dim[0] <= y->n[0] || y->lo[0] + y->n[0] == y->dim[0]))
    multiply (y, 0.0f, false);
  else if (g_str_equal (instr->op, "reduce_sum") && (instr->imm[0] & 1) != 0 && n_elems (y) > 1
           && is_on ("bias"))
    multiply (y, 0.0f, false);
}

#else
typedef int RduNoMutation; /* a translation unit is not empty */
#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What is made again where a later group reads it. A large result that a few cheap operations make
 * of one operand as large is not kept for other groups: these read that operand, which costs as
 * much as to read the result, and nothing has to be written. */
#include "plugins/backends/rdu/fused.h"

enum
{
  LARGE = 65536, /* elements: no longer in second level cache when it is read */
  MOST_OPS = 4,
  SLOTS_BY_OP = 3, /* that an operation adds to a program, at most */
};

static bool
is_cheap (const RduStage *stage, const RduInstr *instr)
{
  static const char *const ops[] = { "add",      "sub",  "mul",  "neg", "relu",
                                     "relu_bwd", "copy", "cast", NULL };
  return g_strv_contains (ops, instr->op)
         && (instr->n_src == 0 || !stage->operands[instr->src[0]].is_int);
}

static int64_t
box_elems (const RduOperand *operand)
{
  int64_t n = 1;
  for (int d = 0; d < operand->rank; d++)
    n *= operand->access[d].size;
  return n;
}

/* Whether nothing else in the stage writes to the operand's memory. */
static bool
is_written_once (const RduStage *stage, uint32_t operand, uint32_t by)
{
  for (uint32_t i = 0; i < stage->n_instrs; i++)
    if (i != by && rdu_touches (stage, stage->instrs[i].dst, stage->instrs[i].n_dst, operand))
      return false;
  return true;
}

/* Whether the result is scratch that lives in this firing only. */
static bool
is_of_firing (const RduGrouping *g, uint32_t i)
{
  const RduStage *stage = g->stage;
  uint32_t dst = stage->instrs[i].dst[0];
  if (stage->operands[dst].kind != SF_OPERAND_TEMP || stage->instrs[i].accumulates
      || !is_written_once (stage, dst, i))
    return false;
  for (uint32_t j = 0; j < stage->n_instrs; j++)
    for (int k = 0; k < stage->instrs[j].n_src; k++)
      if (stage->instrs[j].src[k] == dst && g->reach[j][k] != i)
        return false;
  return true;
}

/* Operations that make a result again, of `n_large` operands as large as it; 0: it is kept. */
static int
count_ops (const RduGrouping *g, uint32_t i, const int *large, int *n_large)
{
  const RduStage *stage = g->stage;
  const RduInstr *instr = &stage->instrs[i];
  const RduOperand *dst = &stage->operands[instr->dst[0]];
  int n = 1;
  *n_large = 0;
  if (!g->drafts[g->draft_of[i]].is_fused || instr->on_last || dst->is_int
      || box_elems (dst) < LARGE || !is_cheap (stage, instr) || !is_of_firing (g, i))
    return 0;
  for (int k = 0; k < instr->n_src; k++)
    {
      uint32_t maker = g->reach[i][k];
      const RduOperand *src = &stage->operands[instr->src[k]];
      if (rdu_is_constant (g, i, k))
        continue;
      if (!is_written_once (stage, instr->src[k], maker)
          || (maker == RDU_NOBODY && src->kind != SF_OPERAND_IN))
        return 0;
      bool is_large = box_elems (src) == box_elems (dst);
      bool is_made = is_large && maker != RDU_NOBODY;
      if (maker != RDU_NOBODY && (g->again[maker] > 0) != is_large)
        return 0;
      n += is_made ? g->again[maker] : 0;
      *n_large += is_made ? large[maker] : is_large;
    }
  return n <= MOST_OPS && *n_large <= 1 ? n : 0;
}

/* Whether a group makes a source of its member again, and has room for that. */
static bool
makes_again (RduGrouping *g, uint32_t i, int k)
{
  const RduStage *stage = g->stage;
  uint32_t maker = g->reach[i][k];
  RduDraft *draft = &g->drafts[g->draft_of[i]];
  if (maker == RDU_NOBODY || g->again[maker] == 0 || g->draft_of[maker] == g->draft_of[i]
      || !draft->is_fused || stage->instrs[i].on_last
      || box_elems (&stage->operands[stage->instrs[maker].dst[0]])
             != box_elems (&stage->operands[stage->instrs[i].dst[0]]))
    return false;
  int n = draft->n_again + g->again[maker];
  if ((int) draft->n + n > RDU_FUSED_OPS || draft->n_slots + SLOTS_BY_OP * n > RDU_FUSED_SLOTS)
    return false;
  draft->n_again = n;
  return true;
}

void
rdu_find_again (RduGrouping *g)
{
  const RduStage *stage = g->stage;
  g_autofree int *large = g_new0 (int, stage->n_instrs + 1);
  for (uint32_t i = 0; i < stage->n_instrs; i++)
    {
      g->again[i] = count_ops (g, i, large, &large[i]);
      for (int k = 0; k < stage->instrs[i].n_src; k++)
        g->is_again[i] |= (uint32_t) makes_again (g, i, k) << k;
    }
}

void
rdu_store_for_again (RduGrouping *g, uint32_t i, int k)
{
  uint32_t maker = g->reach[i][k];
  const RduInstr *made = &g->stage->instrs[maker];
  for (int j = 0; j < made->n_src; j++)
    {
      uint32_t before = g->reach[maker][j];
      if (before == RDU_NOBODY || rdu_is_constant (g, maker, j))
        continue;
      if (g->again[before] > 0)
        rdu_store_for_again (g, maker, j);
      else
        g->is_stored[before] = true;
    }
}

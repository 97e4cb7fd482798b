/* SPDX-License-Identifier: Apache-2.0 */
/* Which instructions of a stage run as one fused program.
 *
 * An elementwise instruction joins the last group over the same box that it need not wait behind:
 * the instructions between may not write what it reads, nor touch what it writes. What a group
 * makes goes to memory only where something outside the group reads it and does not rather make it
 * again, and a constant is in the program.
 */
#include <string.h>

#include "plugins/backends/rdu/fused.h"

/* ---- what an instruction is ---- */

static bool
same_extent (const RduOperand *a, int da, const RduOperand *b, int db)
{
  return a->access[da].size == b->access[db].size
         && memcmp (a->shrink[da], b->shrink[db], sizeof a->shrink[da]) == 0;
}

static bool
same_box (const RduOperand *a, const RduOperand *b)
{
  bool same = a->rank == b->rank;
  for (int d = 0; d < a->rank && same; d++)
    same = same_extent (a, d, b, d);
  return same;
}

/* Whether the box of `a` has one index in dimension d, in all blocks. */
static bool
is_single (const RduStage *stage, const RduOperand *a, int d)
{
  bool single = a->access[d].size == 1;
  for (int k = 0; k < stage->n_counters && single; k++)
    single = a->shrink[d][k] == 0;
  return single;
}

/* Whether the box of `a` is that of `box`, or repeats right-aligned to it, for all blocks. */
static bool
broadcasts_to (const RduStage *stage, const RduOperand *a, const RduOperand *box)
{
  int skip = box->rank - a->rank;
  bool good = skip >= 0;
  for (int d = 0; d < a->rank && good; d++)
    good = same_extent (a, d, box, d + skip) || is_single (stage, a, d);
  return good;
}

/* Whether no block of the box hangs over the tensor's edges. */
static bool
is_inside (const RduStage *stage, const RduOperand *a)
{
  for (int d = 0; d < a->rank; d++)
    {
      int64_t last = a->access[d].base + (a->access[d].size - 1) * a->access[d].stride;
      for (int k = 0; k < stage->n_counters; k++)
        last += a->access[d].coef[k] * MAX (stage->counter[k].extent - stage->counter[k].step, 0);
      if (a->access[d].base < 0 || last >= a->dim[d])
        return false;
    }
  return true;
}

/* A copy that is the identity on positions. */
static bool
is_plain_copy (const RduStage *stage, const RduInstr *instr)
{
  const RduOperand *x = &stage->operands[instr->src[0]], *y = &stage->operands[instr->dst[0]];
  bool plain = x->rank == y->rank && is_inside (stage, x);
  for (int d = 0; d < y->rank && plain; d++)
    plain = instr->imm[d] == d;
  return plain;
}

static bool
is_fusible (const RduStage *stage, const RduInstr *instr)
{
  if (instr->n_dst != 1 || (instr->kernel->rows == NULL && !rdu_is_source (instr)))
    return false;
  if (rdu_is_op (instr, "copy") && !is_plain_copy (stage, instr))
    return false;
  for (int k = 0; k < instr->n_src && !rdu_is_source (instr); k++)
    if (!broadcasts_to (stage, &stage->operands[instr->src[k]], &stage->operands[instr->dst[0]]))
      return false;
  return true;
}

/* ---- order ---- */

/* Whether `later` has to stay behind `earlier`. */
static bool
depends (const RduStage *stage, const RduInstr *later, const RduInstr *earlier)
{
  for (int i = 0; i < earlier->n_dst; i++)
    if (rdu_touches (stage, later->src, later->n_src, earlier->dst[i])
        || rdu_touches (stage, later->dst, later->n_dst, earlier->dst[i]))
      return true;
  for (int i = 0; i < later->n_dst; i++)
    if (rdu_touches (stage, earlier->src, earlier->n_src, later->dst[i]))
      return true;
  return false;
}

/* Whether two instructions of one group would meet in memory otherwise than element by element:
 * by two names of one buffer that one of them writes. */
static bool
overlaps (const RduStage *stage, const RduInstr *a, const RduInstr *b)
{
  for (int i = 0; i < a->n_dst; i++)
    {
      for (int k = 0; k < b->n_src; k++)
        if (a->dst[i] != b->src[k] && rdu_same_memory (stage, a->dst[i], b->src[k]))
          return true;
      for (int k = 0; k < b->n_dst; k++)
        if (a->dst[i] != b->dst[k] && rdu_same_memory (stage, a->dst[i], b->dst[k]))
          return true;
    }
  return false;
}

/* Slots that an instruction adds to a group, at most: what it makes, what it reads that no member
 * reads or makes, and a constant or numbers by place. */
static int
new_slots (const RduGrouping *g, const RduDraft *draft, const RduInstr *instr)
{
  int n = instr->n_src == 0 || rdu_is_source (instr) ? 2 : 1;
  for (int k = 0; k < instr->n_src; k++)
    {
      bool is_known = false;
      for (size_t m = 0; m < draft->n && !is_known; m++)
        {
          const RduInstr *member = &g->stage->instrs[draft->member[m]];
          is_known = member->dst[0] == instr->src[k];
          for (int j = 0; j < member->n_src; j++)
            is_known |= member->src[j] == instr->src[k];
        }
      n += !is_known;
    }
  return n;
}

static bool
may_join (const RduGrouping *g, const RduDraft *draft, const RduInstr *instr)
{
  const RduStage *stage = g->stage;
  if (!draft->is_fused || draft->on_last != instr->on_last || draft->n == RDU_FUSED_OPS
      || draft->n_slots + new_slots (g, draft, instr) > RDU_FUSED_SLOTS)
    return false;
  const RduInstr *first = &stage->instrs[draft->member[0]];
  if (!same_box (&stage->operands[first->dst[0]], &stage->operands[instr->dst[0]]))
    return false;
  for (size_t m = 0; m < draft->n; m++)
    {
      const RduInstr *member = &stage->instrs[draft->member[m]];
      if (overlaps (stage, member, instr) || overlaps (stage, instr, member))
        return false;
    }
  return true;
}

static bool
draft_blocks (const RduGrouping *g, const RduDraft *draft, const RduInstr *instr)
{
  for (size_t m = 0; m < draft->n; m++)
    if (depends (g->stage, instr, &g->stage->instrs[draft->member[m]]))
      return true;
  return false;
}

static void
place_instr (RduGrouping *g, uint32_t i)
{
  const RduInstr *instr = &g->stage->instrs[i];
  bool is_fused = is_fusible (g->stage, instr);
  RduDraft *to = NULL;
  for (size_t d = g->n_drafts; is_fused && d-- > 0;)
    {
      if (may_join (g, &g->drafts[d], instr))
        {
          to = &g->drafts[d];
          break;
        }
      if (draft_blocks (g, &g->drafts[d], instr))
        break;
    }
  if (to == NULL)
    {
      to = &g->drafts[g->n_drafts++];
      to->is_fused = is_fused;
      to->on_last = instr->on_last;
    }
  g->draft_of[i] = (uint32_t) (to - g->drafts);
  to->n_slots += new_slots (g, to, instr);
  to->member[to->n++] = i;
}

/* ---- what goes through memory ---- */

static void
find_reach (RduGrouping *g)
{
  const RduStage *stage = g->stage;
  uint32_t maker[RDU_MAX_OPERANDS];
  memset (maker, 0xff, sizeof maker);
  for (uint32_t i = 0; i < stage->n_instrs; i++)
    {
      for (int k = 0; k < stage->instrs[i].n_src; k++)
        g->reach[i][k] = maker[stage->instrs[i].src[k]];
      for (int k = 0; k < stage->instrs[i].n_dst; k++)
        maker[stage->instrs[i].dst[k]] = i;
    }
}

/* Whether a later member of the same group writes the same operand. */
static bool
is_replaced (const RduGrouping *g, uint32_t i)
{
  const RduDraft *draft = &g->drafts[g->draft_of[i]];
  for (size_t m = 0; m < draft->n; m++)
    if (draft->member[m] > i
        && g->stage->instrs[draft->member[m]].dst[0] == g->stage->instrs[i].dst[0])
      return true;
  return false;
}

/* Scratch that is added to, or read before this firing writes it, keeps its content between
 * firings. */
static void
find_kept (const RduGrouping *g, bool *is_kept)
{
  const RduStage *stage = g->stage;
  for (uint32_t i = 0; i < stage->n_instrs; i++)
    {
      const RduInstr *instr = &stage->instrs[i];
      for (int k = 0; k < instr->n_src; k++)
        is_kept[instr->src[k]] |= g->reach[i][k] == RDU_NOBODY;
      for (int k = 0; k < instr->n_dst; k++)
        is_kept[instr->dst[k]] |= instr->accumulates;
    }
}

static void
find_stored (RduGrouping *g)
{
  const RduStage *stage = g->stage;
  bool is_kept[RDU_MAX_OPERANDS] = { false };
  find_kept (g, is_kept);
  for (uint32_t i = 0; i < stage->n_instrs; i++)
    {
      uint32_t dst = stage->instrs[i].dst[0];
      g->is_stored[i] |= (stage->operands[dst].kind == SF_OPERAND_OUT || is_kept[dst])
                         && !is_replaced (g, i);
      for (int k = 0; k < stage->instrs[i].n_src; k++)
        if ((g->is_again[i] >> k & 1) != 0)
          rdu_store_for_again (g, i, k);
        else if (g->reach[i][k] != RDU_NOBODY && g->draft_of[g->reach[i][k]] != g->draft_of[i]
                 && !rdu_is_constant (g, i, k))
          g->is_stored[g->reach[i][k]] = true;
    }
}

/* ---- the stage's groups ---- */

static void
see_operands (RduStage *stage, const RduGroup *group)
{
  for (int k = 0; group->instr != NULL && k < group->instr->n_src; k++)
    stage->operands[group->instr->src[k]].is_seen = true;
  for (int k = 0; group->instr != NULL && k < group->instr->n_dst; k++)
    stage->operands[group->instr->dst[k]].is_seen = true;
  for (int s = 0; group->fused != NULL && s < group->fused->n_slots; s++)
    {
      const RduSlot *slot = &group->fused->slots[s];
      if (slot->kind != RDU_SLOT_REGISTER && slot->kind != RDU_SLOT_CONSTANT)
        stage->operands[slot->view].is_seen = true;
      if (slot->kind == RDU_SLOT_UNIFORM)
        stage->operands[slot->rng_view].is_seen = true;
    }
}

static void
find_memory (RduStage *stage)
{
  for (size_t o = 0; o < stage->n_operands; o++)
    stage->operands[o].in_registers = stage->operands[o].kind == SF_OPERAND_TEMP;
  for (size_t p = 0; p < stage->n_groups; p++)
    {
      const RduGroup *group = &stage->groups[p];
      for (int k = 0; group->instr != NULL && k < group->instr->n_src; k++)
        stage->operands[group->instr->src[k]].in_registers = false;
      for (int k = 0; group->instr != NULL && k < group->instr->n_dst; k++)
        stage->operands[group->instr->dst[k]].in_registers = false;
      for (int s = 0; group->fused != NULL && s < group->fused->n_slots; s++)
        if (group->fused->slots[s].kind == RDU_SLOT_READ
            || group->fused->slots[s].kind == RDU_SLOT_WRITTEN)
          stage->operands[group->fused->slots[s].view].in_registers = false;
    }
}

static void
add_group (const RduGrouping *g, const RduDraft *draft)
{
  RduStage *stage = g->stage;
  bool is_of_use = !draft->is_fused;
  for (size_t m = 0; m < draft->n; m++)
    is_of_use |= g->is_stored[draft->member[m]];
  if (!is_of_use)
    return;
  RduGroup *group = &stage->groups[stage->n_groups++];
  *group = (RduGroup){ .on_last = draft->on_last, .run = g->isa->fused_run };
  if (draft->is_fused)
    group->fused = rdu_build_fused (g, draft);
  else
    group->instr = &stage->instrs[draft->member[0]];
  see_operands (stage, group);
}

/* Where no sum has more than one block, every firing is the last: nothing need stand apart. */
static void
join_whens (RduStage *stage)
{
  bool is_always_last = true;
  for (int k = 0; k < stage->n_counters; k++)
    is_always_last &= (stage->reductions >> k & 1) == 0 || stage->n_blocks[k] <= 1;
  for (size_t i = 0; i < stage->n_instrs && is_always_last; i++)
    stage->instrs[i].on_last = false;
}

void
rdu_stage_group (RduStage *stage, const RduIsa *isa)
{
  size_t n = stage->n_instrs;
  RduGrouping g = { .stage = stage,
                    .isa = isa,
                    .drafts = g_new0 (RduDraft, n + 1),
                    .draft_of = g_new0 (uint32_t, n + 1),
                    .is_stored = g_new0 (bool, n + 1),
                    .again = g_new0 (int, n + 1),
                    .is_again = g_new0 (uint32_t, n + 1) };
  g.reach = g_malloc0_n (n + 1, sizeof *g.reach);
  join_whens (stage);
  for (uint32_t i = 0; i < n; i++)
    place_instr (&g, i);
  find_reach (&g);
  rdu_find_again (&g);
  find_stored (&g);
  stage->groups = g_new0 (RduGroup, n + 1);
  for (size_t d = 0; d < g.n_drafts; d++)
    add_group (&g, &g.drafts[d]);
  find_memory (stage);
  rdu_stage_find_pieces (stage);
  g_free (g.drafts);
  g_free (g.draft_of);
  g_free (g.is_stored);
  g_free (g.again);
  g_free (g.is_again);
  g_free (g.reach);
}

void
rdu_stage_clear_groups (RduStage *stage)
{
  for (size_t p = 0; p < stage->n_groups; p++)
    {
      g_free (stage->groups[p].fused);
      g_free (stage->groups[p].lanes);
    }
  g_clear_pointer (&stage->groups, g_free);
  stage->n_groups = 0;
}

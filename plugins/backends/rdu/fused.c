/* SPDX-License-Identifier: Apache-2.0 */
/* Which instructions of a stage run as one fused program.
 *
 * An elementwise instruction joins the last group over the same box that it need not wait behind:
 * the instructions between may not write what it reads, nor touch what it writes. What a group
 * makes goes to memory only where something outside the group reads it, and a constant is in the
 * program.
 */
#include <string.h>

#include "plugins/backends/rdu/machine.h"

#define NOBODY UINT32_MAX

/* Instructions that are to run as one. */
typedef struct
{
  bool is_fused, on_last;
  size_t n;
  uint32_t member[RDU_FUSED_OPS];
  int n_slots; /* at most so many are needed */
} Draft;

typedef struct
{
  RduStage *stage;
  const RduIsa *isa;
  size_t n_drafts;
  Draft *drafts;
  uint32_t *draft_of; /* per instruction */
  uint32_t (
      *reach)[SF_MAX_SRC]; /* per source: which instruction made it; NOBODY: none of this firing */
  bool *is_stored;         /* per instruction: its result goes to memory */
} Grouping;

/* ---- what an instruction is ---- */

static bool
is_op (const RduInstr *instr, const char *op)
{
  return strcmp (instr->op, op) == 0;
}

static bool
is_source (const RduInstr *instr)
{
  return is_op (instr, "iota") || is_op (instr, "uniform");
}

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
  if (instr->n_dst != 1 || (instr->kernel->rows == NULL && !is_source (instr)))
    return false;
  if (is_op (instr, "copy") && !is_plain_copy (stage, instr))
    return false;
  for (int k = 0; k < instr->n_src && !is_source (instr); k++)
    if (!broadcasts_to (stage, &stage->operands[instr->src[k]], &stage->operands[instr->dst[0]]))
      return false;
  return true;
}

/* ---- order ---- */

/* Two names of one place in memory. */
static bool
same_memory (const RduStage *stage, uint32_t a, uint32_t b)
{
  const RduOperand *x = &stage->operands[a], *y = &stage->operands[b];
  return a == b
         || (x->kind != SF_OPERAND_TEMP && y->kind != SF_OPERAND_TEMP && x->buffer == y->buffer);
}

static bool
touches (const RduStage *stage, const uint32_t *operands, int n, uint32_t operand)
{
  for (int i = 0; i < n; i++)
    if (same_memory (stage, operands[i], operand))
      return true;
  return false;
}

/* Whether `later` has to stay behind `earlier`. */
static bool
depends (const RduStage *stage, const RduInstr *later, const RduInstr *earlier)
{
  for (int i = 0; i < earlier->n_dst; i++)
    if (touches (stage, later->src, later->n_src, earlier->dst[i])
        || touches (stage, later->dst, later->n_dst, earlier->dst[i]))
      return true;
  for (int i = 0; i < later->n_dst; i++)
    if (touches (stage, earlier->src, earlier->n_src, later->dst[i]))
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
        if (a->dst[i] != b->src[k] && same_memory (stage, a->dst[i], b->src[k]))
          return true;
      for (int k = 0; k < b->n_dst; k++)
        if (a->dst[i] != b->dst[k] && same_memory (stage, a->dst[i], b->dst[k]))
          return true;
    }
  return false;
}

/* Slots that an instruction adds to a group, at most: what it makes, what it reads that no member
 * reads or makes, and a constant or numbers by place. */
static int
new_slots (const Grouping *g, const Draft *draft, const RduInstr *instr)
{
  int n = instr->n_src == 0 || is_source (instr) ? 2 : 1;
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
may_join (const Grouping *g, const Draft *draft, const RduInstr *instr)
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
draft_blocks (const Grouping *g, const Draft *draft, const RduInstr *instr)
{
  for (size_t m = 0; m < draft->n; m++)
    if (depends (g->stage, instr, &g->stage->instrs[draft->member[m]]))
      return true;
  return false;
}

static void
place_instr (Grouping *g, uint32_t i)
{
  const RduInstr *instr = &g->stage->instrs[i];
  bool is_fused = is_fusible (g->stage, instr);
  Draft *to = NULL;
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
find_reach (Grouping *g)
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

/* The constant that a source is; false: it is none. */
static bool
is_constant (const Grouping *g, uint32_t i, int k)
{
  uint32_t maker = g->reach[i][k];
  return g->drafts[g->draft_of[i]].is_fused && maker != NOBODY
         && is_op (&g->stage->instrs[maker], "fill")
         && (!g->stage->instrs[maker].on_last || g->stage->instrs[i].on_last);
}

/* Whether a later member of the same group writes the same operand. */
static bool
is_replaced (const Grouping *g, uint32_t i)
{
  const Draft *draft = &g->drafts[g->draft_of[i]];
  for (size_t m = 0; m < draft->n; m++)
    if (draft->member[m] > i
        && g->stage->instrs[draft->member[m]].dst[0] == g->stage->instrs[i].dst[0])
      return true;
  return false;
}

/* Scratch that is added to, or read before this firing writes it, keeps its content between
 * firings. */
static void
find_kept (const Grouping *g, bool *is_kept)
{
  const RduStage *stage = g->stage;
  for (uint32_t i = 0; i < stage->n_instrs; i++)
    {
      const RduInstr *instr = &stage->instrs[i];
      for (int k = 0; k < instr->n_src; k++)
        is_kept[instr->src[k]] |= g->reach[i][k] == NOBODY;
      for (int k = 0; k < instr->n_dst; k++)
        is_kept[instr->dst[k]] |= instr->accumulates;
    }
}

static void
find_stored (Grouping *g)
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
        if (g->reach[i][k] != NOBODY && g->draft_of[g->reach[i][k]] != g->draft_of[i]
            && !is_constant (g, i, k))
          g->is_stored[g->reach[i][k]] = true;
    }
}

/* ---- programs ---- */

typedef struct
{
  const Grouping *grouping;
  RduFused *fused;
  uint32_t made[RDU_FUSED_SLOTS]; /* by which instruction; NOBODY: by none of the group */
} Building;

static uint8_t
add_slot (Building *b, RduSlot slot, uint32_t made)
{
  b->made[b->fused->n_slots] = made;
  b->fused->slots[b->fused->n_slots] = slot;
  return (uint8_t) b->fused->n_slots++;
}

/* The bits of a fill's constant. */
static int32_t
constant_bits (const RduOperand *operand, double value)
{
  int32_t bits = operand->dtype == SF_BOOL ? value != 0 : 0;
  float f = (float) value;
  if (!operand->is_int)
    memcpy (&bits, &f, 4);
  else if (operand->dtype != SF_BOOL)
    bits = (int32_t) value;
  return bits;
}

static uint8_t
constant_slot (Building *b, const RduInstr *fill)
{
  int32_t bits = constant_bits (&b->grouping->stage->operands[fill->dst[0]], fill->fimm[0]);
  for (int s = 0; s < b->fused->n_slots; s++)
    if (b->fused->slots[s].kind == RDU_SLOT_CONSTANT && b->fused->slots[s].bits == bits)
      return (uint8_t) s;
  return add_slot (b, (RduSlot){ .kind = RDU_SLOT_CONSTANT, .bits = bits }, NOBODY);
}

static uint8_t
source_slot (Building *b, uint32_t i, int k)
{
  const Grouping *g = b->grouping;
  const RduInstr *instr = &g->stage->instrs[i];
  uint32_t maker = g->reach[i][k];
  if (is_constant (g, i, k))
    return constant_slot (b, &g->stage->instrs[maker]);
  bool is_inner = maker != NOBODY && g->draft_of[maker] == g->draft_of[i];
  for (int s = 0; s < b->fused->n_slots; s++)
    if (is_inner ? b->made[s] == maker
                 : b->made[s] == NOBODY && b->fused->slots[s].kind == RDU_SLOT_READ
                       && b->fused->slots[s].view == instr->src[k])
      return (uint8_t) s;
  return add_slot (b, (RduSlot){ .kind = RDU_SLOT_READ, .view = instr->src[k] }, NOBODY);
}

static RduSlot
number_slot (const RduInstr *instr)
{
  return (RduSlot){ .kind = is_op (instr, "uniform") ? RDU_SLOT_UNIFORM : RDU_SLOT_IOTA,
                    .view = instr->dst[0],
                    .parameter = instr->imm[0],
                    .rng_view = instr->src[0] };
}

/* Whether what the instruction stores is what its buffer gets, and no later group reads it as it
 * was: then it is rounded on its way to memory. */
static bool
is_final (const Grouping *g, uint32_t i)
{
  const RduStage *stage = g->stage;
  uint32_t dst = stage->instrs[i].dst[0];
  if (stage->operands[dst].kind != SF_OPERAND_OUT || !stage->operands[dst].is_narrow)
    return false;
  for (uint32_t m = 0; m < stage->n_instrs; m++)
    {
      const RduInstr *other = &stage->instrs[m];
      if ((m != i && touches (stage, other->dst, other->n_dst, dst))
          || (g->draft_of[m] != g->draft_of[i] && touches (stage, other->src, other->n_src, dst)))
        return false;
    }
  return true;
}

/* Whose steps an instruction takes: a cast among floats only rounds, if that. */
static const char *
step_op (const RduStage *stage, const RduInstr *instr)
{
  bool is_float = !stage->operands[instr->dst[0]].is_int
                  && (instr->n_src == 0 || !stage->operands[instr->src[0]].is_int);
  if (is_op (instr, "fill") || is_source (instr)
      || (is_op (instr, "cast") && is_float && instr->imm[0] == 0))
    return "copy";
  return is_op (instr, "cast") && is_float && instr->imm[0] == 1 ? "round_bf16" : instr->op;
}

/* Constants and numbers by place are slots; an operation only copies them where they are stored. */
static void
add_op (Building *b, uint32_t i)
{
  const Grouping *g = b->grouping;
  const RduInstr *instr = &g->stage->instrs[i];
  RduOperand *dst = &g->stage->operands[instr->dst[0]];
  bool is_fill = is_op (instr, "fill"), is_copied = is_fill || is_source (instr);
  RduFusedOp op = { .dtype = dst->dtype, .imm = instr->imm, .n_src = is_copied ? 1 : instr->n_src };
  if (is_fill)
    op.src[0] = constant_slot (b, instr);
  else if (is_copied)
    op.src[0] = add_slot (b, number_slot (instr), i);
  else
    for (int k = 0; k < instr->n_src; k++)
      op.src[k] = source_slot (b, i, k);
  if (is_copied && !g->is_stored[i])
    return;
  bool is_int = is_copied ? dst->is_int : g->stage->operands[instr->src[0]].is_int;
  RduSlot result = { .kind = g->is_stored[i] ? RDU_SLOT_WRITTEN : RDU_SLOT_REGISTER,
                     .view = instr->dst[0],
                     .rounded_to = is_final (g, i) ? dst->stored : SF_F32 };
  dst->is_settled = result.rounded_to != SF_F32;
  op.func = instr->kernel->rows[is_int];
  op.forms = g->isa->step_forms (step_op (g->stage, instr), is_int);
  op.dst = add_slot (b, result, is_copied ? NOBODY : i);
  b->fused->ops[b->fused->n_ops++] = op;
}

/* A register is free again after the last operation that reads what it holds, and may take that
 * operation's result. */
static void
give_registers (RduFused *fused)
{
  int last_use[RDU_FUSED_SLOTS], holder[RDU_FUSED_SLOTS];
  for (int s = 0; s < fused->n_slots; s++)
    last_use[s] = -1;
  for (int o = 0; o < fused->n_ops; o++)
    for (int k = 0; k < fused->ops[o].n_src; k++)
      last_use[fused->ops[o].src[k]] = o;
  for (int o = 0; o < fused->n_ops; o++)
    {
      int dst = fused->ops[o].dst, r = 0;
      if (fused->slots[dst].kind != RDU_SLOT_REGISTER)
        continue;
      while (r < fused->n_regs && last_use[holder[r]] > o)
        r++;
      holder[r] = dst;
      fused->slots[dst].reg = r;
      fused->n_regs = MAX (fused->n_regs, r + 1);
      last_use[dst] = MAX (last_use[dst], o);
    }
}

static RduFused *
build (const Grouping *g, const Draft *draft)
{
  Building b = { .grouping = g, .fused = g_new0 (RduFused, 1) };
  for (size_t m = 0; m < draft->n; m++)
    {
      add_op (&b, draft->member[m]);
      if (g->is_stored[draft->member[m]])
        b.fused->box = g->stage->instrs[draft->member[m]].dst[0];
    }
  give_registers (b.fused);
  return b.fused;
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
add_group (const Grouping *g, const Draft *draft)
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
    group->fused = build (g, draft);
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
  Grouping g = { .stage = stage,
                 .isa = isa,
                 .drafts = g_new0 (Draft, n + 1),
                 .draft_of = g_new0 (uint32_t, n + 1),
                 .is_stored = g_new0 (bool, n + 1) };
  g.reach = g_malloc0_n (n + 1, sizeof *g.reach);
  join_whens (stage);
  for (uint32_t i = 0; i < n; i++)
    place_instr (&g, i);
  find_reach (&g);
  find_stored (&g);
  stage->groups = g_new0 (RduGroup, n + 1);
  for (size_t d = 0; d < g.n_drafts; d++)
    add_group (&g, &g.drafts[d]);
  find_memory (stage);
  g_free (g.drafts);
  g_free (g.draft_of);
  g_free (g.is_stored);
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

/* SPDX-License-Identifier: Apache-2.0 */
/* Fused programs from groups of instructions: slots, operations, registers. */
#include <string.h>

#include "plugins/backends/rdu/fused.h"

typedef struct
{
  const RduGrouping *grouping;
  uint32_t draft;
  RduFused *fused;
  uint32_t made[RDU_FUSED_SLOTS]; /* by which instruction; RDU_NOBODY: by none of the group */
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
  return add_slot (b, (RduSlot){ .kind = RDU_SLOT_CONSTANT, .bits = bits }, RDU_NOBODY);
}

/* Whether the program makes a source again that another group made. */
static bool
makes_again (const Building *b, uint32_t i, int k)
{
  const RduGrouping *g = b->grouping;
  return g->draft_of[i] == b->draft ? (g->is_again[i] >> k & 1) != 0 : g->again[g->reach[i][k]] > 0;
}

static uint8_t repeat_op (Building *b, uint32_t i);

static uint8_t
source_slot (Building *b, uint32_t i, int k)
{
  const RduGrouping *g = b->grouping;
  const RduInstr *instr = &g->stage->instrs[i];
  uint32_t maker = g->reach[i][k];
  if (rdu_is_constant (g, i, k))
    return constant_slot (b, &g->stage->instrs[maker]);
  bool is_repeated = maker != RDU_NOBODY && makes_again (b, i, k);
  bool is_inner = is_repeated || (maker != RDU_NOBODY && g->draft_of[maker] == b->draft);
  for (int s = 0; s < b->fused->n_slots; s++)
    if (is_inner ? b->made[s] == maker
                 : b->made[s] == RDU_NOBODY && b->fused->slots[s].kind == RDU_SLOT_READ
                       && b->fused->slots[s].view == instr->src[k])
      return (uint8_t) s;
  if (is_repeated)
    return repeat_op (b, maker);
  return add_slot (b, (RduSlot){ .kind = RDU_SLOT_READ, .view = instr->src[k] }, RDU_NOBODY);
}

static RduSlot
number_slot (const RduInstr *instr)
{
  return (RduSlot){ .kind = rdu_is_op (instr, "uniform") ? RDU_SLOT_UNIFORM : RDU_SLOT_IOTA,
                    .view = instr->dst[0],
                    .parameter = instr->imm[0],
                    .rng_view = instr->src[0] };
}

/* Whether what the instruction stores is what its buffer gets, and no later group reads it as it
 * was: then it is rounded on its way to memory. */
static bool
is_final (const RduGrouping *g, uint32_t i)
{
  const RduStage *stage = g->stage;
  uint32_t dst = stage->instrs[i].dst[0];
  if (stage->operands[dst].kind != SF_OPERAND_OUT || !stage->operands[dst].is_narrow)
    return false;
  for (uint32_t m = 0; m < stage->n_instrs; m++)
    {
      const RduInstr *other = &stage->instrs[m];
      if ((m != i && rdu_touches (stage, other->dst, other->n_dst, dst))
          || (g->draft_of[m] != g->draft_of[i]
              && rdu_touches (stage, other->src, other->n_src, dst)))
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
  if (rdu_is_op (instr, "fill") || rdu_is_source (instr)
      || (rdu_is_op (instr, "cast") && is_float && instr->imm[0] == 0))
    return "copy";
  return rdu_is_op (instr, "cast") && is_float && instr->imm[0] == 1 ? "round_bf16" : instr->op;
}

/* The operation of an instruction, without its operands. */
static RduFusedOp
op_of (const Building *b, const RduInstr *instr, bool is_int)
{
  const RduGrouping *g = b->grouping;
  return (RduFusedOp){ .func = instr->kernel->rows[is_int],
                       .forms = g->isa->step_forms (step_op (g->stage, instr), is_int),
                       .dtype = g->stage->operands[instr->dst[0]].dtype,
                       .imm = instr->imm,
                       .n_src = instr->n_src };
}

/* What an instruction of another group makes, once more. */
static uint8_t
repeat_op (Building *b, uint32_t i)
{
  const RduInstr *instr = &b->grouping->stage->instrs[i];
  RduFusedOp op = op_of (b, instr, false);
  for (int k = 0; k < instr->n_src; k++)
    op.src[k] = source_slot (b, i, k);
  op.dst = add_slot (b, (RduSlot){ .kind = RDU_SLOT_REGISTER, .view = instr->dst[0] }, i);
  b->fused->ops[b->fused->n_ops++] = op;
  return op.dst;
}

/* Whether a member of its group reads what an instruction makes. */
static bool
is_used (const RduGrouping *g, uint32_t i)
{
  for (uint32_t j = i + 1; j < g->stage->n_instrs; j++)
    for (int k = 0; k < g->stage->instrs[j].n_src; k++)
      if (g->reach[j][k] == i && g->draft_of[j] == g->draft_of[i])
        return true;
  return false;
}

/* Constants and numbers by place are slots; an operation only copies them where they are stored. */
static void
add_op (Building *b, uint32_t i)
{
  const RduGrouping *g = b->grouping;
  const RduInstr *instr = &g->stage->instrs[i];
  RduOperand *dst = &g->stage->operands[instr->dst[0]];
  bool is_fill = rdu_is_op (instr, "fill"), is_copied = is_fill || rdu_is_source (instr);
  if (!is_copied && !g->is_stored[i] && !is_used (g, i))
    return;
  bool is_int = is_copied ? dst->is_int : g->stage->operands[instr->src[0]].is_int;
  RduFusedOp op = op_of (b, instr, is_int);
  op.n_src = is_copied ? 1 : instr->n_src;
  if (is_fill)
    op.src[0] = constant_slot (b, instr);
  else if (is_copied)
    op.src[0] = add_slot (b, number_slot (instr), i);
  else
    for (int k = 0; k < instr->n_src; k++)
      op.src[k] = source_slot (b, i, k);
  if (is_copied && !g->is_stored[i])
    return;
  RduSlot result = { .kind = g->is_stored[i] ? RDU_SLOT_WRITTEN : RDU_SLOT_REGISTER,
                     .view = instr->dst[0],
                     .rounded_to = is_final (g, i) ? dst->stored : SF_F32 };
  dst->is_settled = result.rounded_to != SF_F32;
  op.dst = add_slot (b, result, is_copied ? RDU_NOBODY : i);
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

RduFused *
rdu_build_fused (const RduGrouping *g, const RduDraft *draft)
{
  Building b
      = { .grouping = g, .draft = (uint32_t) (draft - g->drafts), .fused = g_new0 (RduFused, 1) };
  for (size_t m = 0; m < draft->n; m++)
    {
      add_op (&b, draft->member[m]);
      if (g->is_stored[draft->member[m]])
        b.fused->box = g->stage->instrs[draft->member[m]].dst[0];
    }
  give_registers (b.fused);
  return b.fused;
}

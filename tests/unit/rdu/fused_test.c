/* SPDX-License-Identifier: Apache-2.0 */
/* Fused programs against the same instructions one after the other: bit for bit, over boxes of many
 * shapes, as rows and with channels innermost. */
#include <math.h>
#include <string.h>

#include <sf/rng.h>

#include "plugins/backends/rdu/machine.h"
#include "tests/support/sftest.h"

#define N_INPUTS   7
#define N_TEMPS    24
#define N_INSTRS   16 /* and no more than 4 of a last choice */
#define N_OPERANDS (N_INPUTS + N_TEMPS)
#define MAX_ELEMS  5200

static const char *const isa_names[] = { "portable", "avx2", "avx512" };

/* Elementwise instructions drawn at random, with memory for every operand. */
typedef struct
{
  SfShape box;
  bool channels_last;
  int64_t gap; /* elements between the rows of whole inputs */
  RduOperand operands[N_OPERANDS];
  RduInstr instrs[N_TEMPS];
  RduStage stage;
  float memory[N_OPERANDS][MAX_ELEMS + 16];
  SfRng rng;
  uint64_t drawn;
} Case;

static uint32_t
draw (Case *c, uint32_t bound)
{
  return (uint32_t) (sf_rng_u64 (&c->rng, c->drawn++) % bound);
}

static void
strides (const Case *c, const int64_t *n, int rank, int64_t gap, int64_t *stride)
{
  static const int rows[] = { 3, 2, 1, 0 }, channels[] = { 1, 3, 2, 0 };
  int64_t s = 1;
  for (int i = 0; i < rank; i++)
    {
      int d = rank == 4 ? (c->channels_last ? channels[i] : rows[i]) : rank - 1 - i;
      stride[d] = s;
      s *= n[d] + (i == 0 ? gap : 0);
    }
}

static void
set_operand (Case *c, uint32_t o, SfOperandKind kind, SfDtype dtype, const int64_t *n, int rank)
{
  RduOperand *operand = &c->operands[o];
  *operand = (RduOperand){ .kind = kind,
                           .buffer = kind == SF_OPERAND_TEMP ? SF_NONE : o,
                           .dtype = dtype,
                           .stored = dtype,
                           .is_int = !sf_dtype_is_float (dtype),
                           .rank = rank,
                           .counter = -1 };
  for (int d = 0; d < rank; d++)
    {
      operand->dim[d] = n[d];
      operand->access[d].size = n[d];
      operand->access[d].stride = 1;
    }
  strides (c, n, rank, o == 0 ? c->gap : 0, operand->whole_stride);
}

/* Whole, twice, the first with gaps; by channel; by row (all but the last dimension); one; by the
 * last dimension, of lower rank; a generator's state. */
static void
make_inputs (Case *c)
{
  const SfShape *box = &c->box;
  int64_t n[SF_MAX_RANK], state = 3;
  for (uint32_t o = 0; o < N_INPUTS - 1; o++)
    {
      for (int d = 0; d < box->rank; d++)
        n[d] = o < 2 || (o == 2 && d == 1) || (o == 3 && d < box->rank - 1) ? box->dim[d] : 1;
      if (o < 5)
        set_operand (c, o, SF_OPERAND_IN, SF_F32, n, box->rank);
      else
        set_operand (c, o, SF_OPERAND_IN, SF_F32, &box->dim[box->rank - 1], 1);
      for (int64_t i = 0; i < MAX_ELEMS; i++)
        c->memory[o][i] = sf_rng_uniform (&c->rng, c->drawn++) * 4 - 2;
    }
  set_operand (c, N_INPUTS - 1, SF_OPERAND_IN, SF_I32, &state, 1);
  memcpy (c->memory[N_INPUTS - 1], (const int32_t[]){ 5, 6, 7 }, 12);
}

/* Appends an instruction; returns what it makes. Of the results that go to memory, half are rounded
 * there. */
static uint32_t
add_instr (Case *c, const RduIsa *isa, const char *op, SfDtype dtype, int n_src,
           const uint32_t *src)
{
  RduInstr *instr = &c->instrs[c->stage.n_instrs++];
  uint32_t dst = N_INPUTS + (uint32_t) c->stage.n_instrs - 1;
  *instr = (RduInstr){
    .op = op, .kernel = rdu_isa_find (isa, op, 1), .n_src = n_src, .n_dst = 1, .dst = { dst }
  };
  if (n_src > 0)
    memcpy (instr->src, src, (size_t) n_src * sizeof *src);
  set_operand (c, dst, draw (c, 4) == 0 ? SF_OPERAND_OUT : SF_OPERAND_TEMP, dtype, c->box.dim,
               c->box.rank);
  RduOperand *made = &c->operands[dst];
  made->is_narrow = made->kind == SF_OPERAND_OUT && dtype == SF_F32 && draw (c, 2) == 0;
  if (made->is_narrow)
    made->stored = draw (c, 4) == 0 ? SF_F16 : SF_BF16;
  return dst;
}

/* A float that has been made before `limit`. */
static uint32_t
any_float (Case *c, uint32_t limit)
{
  for (;;)
    {
      uint32_t o = draw (c, limit);
      if (o != N_INPUTS - 1 && !c->operands[o].is_int)
        return o;
    }
}

/* A copy does not change rank. */
static void
add_copy (Case *c, const RduIsa *isa, uint32_t a)
{
  uint32_t from = c->operands[a].rank == c->box.rank ? a : 0;
  add_instr (c, isa, "copy", SF_F32, 1, &from);
  for (int d = 0; d < c->box.rank; d++)
    c->instrs[c->stage.n_instrs - 1].imm[d] = d;
}

/* A choice by two comparisons. */
static void
add_choice (Case *c, const RduIsa *isa, uint32_t a, uint32_t b)
{
  static const char *const compare[] = { "eq", "ne", "lt", "le", "gt", "ge" };
  static const char *const join[] = { "and", "or", "eq", "gt" };
  const char *first = compare[draw (c, G_N_ELEMENTS (compare))];
  const char *second = compare[draw (c, G_N_ELEMENTS (compare))];
  uint32_t x = add_instr (c, isa, first, SF_BOOL, 2, (uint32_t[]){ a, b });
  uint32_t y = add_instr (c, isa, second, SF_BOOL, 2, (uint32_t[]){ b, any_float (c, x) });
  uint32_t both = add_instr (c, isa, join[draw (c, G_N_ELEMENTS (join))], SF_BOOL, 2,
                             (uint32_t[]){ x, y });
  uint32_t other = add_instr (c, isa, "not", SF_BOOL, 1, &both);
  add_instr (c, isa, "select", SF_F32, 3, (uint32_t[]){ draw (c, 2) == 0 ? both : other, b, a });
}

/* Something of a number that is not negative. */
static void
add_root (Case *c, const RduIsa *isa, uint32_t a)
{
  static const char *const root[] = { "sqrt", "rsqrt", "reciprocal" };
  a = add_instr (c, isa, "abs", SF_F32, 1, &a);
  add_instr (c, isa, root[draw (c, G_N_ELEMENTS (root))], SF_F32, 1, &a);
}

static void
make_instrs (Case *c, const RduIsa *isa)
{
  static const char *const unary[] = { "neg", "relu", "exp", "sigmoid", "tanh", "gelu" };
  static const char *const binary[] = { "add", "sub", "mul", "div", "max", "min", "relu_bwd" };
  static const uint32_t state = N_INPUTS - 1;
  while (c->stage.n_instrs < N_INSTRS)
    {
      uint32_t kind = draw (c, 14), next = N_INPUTS + (uint32_t) c->stage.n_instrs;
      uint32_t a = any_float (c, next), b = any_float (c, next);
      if (kind < 2)
        add_instr (c, isa, unary[draw (c, G_N_ELEMENTS (unary))], SF_F32, 1, &a);
      else if (kind < 8)
        add_instr (c, isa, binary[draw (c, G_N_ELEMENTS (binary))], SF_F32, 2,
                   (uint32_t[]){ a, b });
      else if (kind == 8)
        {
          add_instr (c, isa, "fill", SF_F32, 0, NULL);
          c->instrs[c->stage.n_instrs - 1].fimm[0] = 0.5 + draw (c, 3);
        }
      else if (kind == 9)
        {
          add_instr (c, isa, "uniform", SF_F32, 1, &state);
          c->instrs[c->stage.n_instrs - 1].imm[0] = 3;
        }
      else if (kind == 10)
        add_choice (c, isa, a, b);
      else if (kind == 11)
        add_root (c, isa, a);
      else if (kind == 12)
        {
          add_instr (c, isa, "cast", SF_F32, 1, &a); /* to f32, bf16 or f16 */
          c->instrs[c->stage.n_instrs - 1].imm[0] = draw (c, 3);
        }
      else
        add_copy (c, isa, a);
    }
  c->operands[N_INPUTS + c->stage.n_instrs - 1].kind = SF_OPERAND_OUT;
}

static void
make_views (Case *c, float (*memory)[MAX_ELEMS + 16], RduView *views)
{
  for (uint32_t o = 0; o < N_OPERANDS; o++)
    {
      const RduOperand *operand = &c->operands[o];
      views[o] = (RduView){
        .data = memory[o], .rank = operand->rank, .is_int = operand->is_int, .dtype = operand->dtype
      };
      for (int d = 0; d < operand->rank; d++)
        {
          views[o].n[d] = views[o].dim[d] = views[o].valid_hi[d] = operand->dim[d];
          views[o].stride[d] = operand->whole_stride[d];
          views[o].step[d] = 1;
        }
    }
}

static void
run_one_by_one (const Case *c, const RduView *views)
{
  for (size_t i = 0; i < c->stage.n_instrs; i++)
    {
      const RduInstr *instr = &c->instrs[i];
      RduCall call = { .n_src = instr->n_src,
                       .n_dst = 1,
                       .imm = instr->imm,
                       .fimm = instr->fimm,
                       .dst = { &views[instr->dst[0]] } };
      for (int k = 0; k < instr->n_src; k++)
        call.src[k] = &views[instr->src[k]];
      instr->kernel->func (&call);
    }
}

/* Results as their buffers hold them. */
static void
settle (const Case *c, const RduIsa *isa, float (*memory)[MAX_ELEMS + 16])
{
  for (uint32_t o = N_INPUTS; o < N_OPERANDS; o++)
    if (c->operands[o].is_narrow)
      isa->round (c->operands[o].stored, memory[o], sf_shape_n_elems (&c->box));
}

static void
check_case (Case *c, const RduIsa *isa, uint32_t number)
{
  static float other[N_OPERANDS][MAX_ELEMS + 16];
  RduView views[N_OPERANDS];
  c->stage = (RduStage){ .operands = c->operands, .instrs = c->instrs, .n_operands = N_OPERANDS };
  c->rng = (SfRng){ .seed = 17, .stream = number };
  c->drawn = 0;
  memset (c->operands, 0, sizeof c->operands);
  memset (c->memory, 0, sizeof c->memory);
  make_inputs (c);
  make_instrs (c, isa);
  memcpy (other, c->memory, sizeof other);
  make_views (c, other, views);
  run_one_by_one (c, views);
  settle (c, isa, other);
  make_views (c, c->memory, views);
  rdu_stage_group (&c->stage, isa);
  SF_CHECK_MSG (c->stage.n_groups == 1, "case %u: %zu groups of one box", number,
                c->stage.n_groups);
  for (size_t g = 0; g < c->stage.n_groups; g++)
    c->stage.groups[g].run (c->stage.groups[g].fused, views);
  for (uint32_t o = N_INPUTS; o < N_OPERANDS; o++)
    if (c->operands[o].kind == SF_OPERAND_OUT)
      SF_CHECK_MSG (memcmp (c->memory[o], other[o], sizeof other[o]) == 0
                        && c->operands[o].is_settled == c->operands[o].is_narrow,
                    "case %u: operand %u has other bits when fused", number, o);
    else if (c->operands[o].kind == SF_OPERAND_TEMP)
      SF_CHECK_MSG (c->operands[o].in_registers && c->memory[o][0] == 0,
                    "case %u: scratch %u is in memory", number, o);
  rdu_stage_clear_groups (&c->stage);
}

SF_TEST_CASES (RduFused, AsOneByOne, isa_names, G_N_ELEMENTS (isa_names), sf_test_row_name)
{
  static Case c;
  static const SfShape boxes[] = {
    { 4, { 3, 5, 7, 11 } },  { 4, { 2, 16, 6, 6 } },  { 4, { 2, 1, 1, 3 } },
    { 4, { 1, 300, 2, 5 } }, { 2, { 3, 1300 } },      { 2, { 70, 10 } },
    { 3, { 2, 130, 15 } },   { 1, { 2500 } },         { 1, { 1 } },
    { 4, { 5, 64, 3, 4 } },  { 2, { 1030, 3 } },      { 3, { 4, 1, 1000 } },
    { 4, { 1, 128, 5, 7 } }, { 4, { 2, 256, 2, 4 } }, { 4, { 3, 8, 9, 17 } },
  };
  g_setenv ("SF_ISA", *(const char *const *) data, TRUE);
  const RduIsa *isa = rdu_isa_choose (NULL);
  g_unsetenv ("SF_ISA");
  if (isa == NULL)
    SF_SKIP ("this processor lacks the instruction set");
  for (uint32_t number = 0; number < 20 * G_N_ELEMENTS (boxes); number++)
    {
      c.box = boxes[number % G_N_ELEMENTS (boxes)];
      c.channels_last = number / G_N_ELEMENTS (boxes) % 2 != 0;
      c.gap = number / G_N_ELEMENTS (boxes) % 4 == 3 ? 1 : 0;
      check_case (&c, isa, number);
    }
}

/* Scratch that something else reads goes to memory; what a reduction stands between is two groups.
 */
SF_TEST (RduFused, WhatOthersReadIsInMemory)
{
  static Case c;
  RduView views[N_OPERANDS];
  float scratch[2048];
  const RduIsa *isa = rdu_isa_choose (NULL);
  int64_t one = 1;
  c.box = SF_SHAPE (6);
  c.stage = (RduStage){ .operands = c.operands, .instrs = c.instrs, .n_operands = 5 };
  set_operand (&c, 0, SF_OPERAND_IN, SF_F32, c.box.dim, 1);
  set_operand (&c, 1, SF_OPERAND_TEMP, SF_F32, c.box.dim, 1);
  set_operand (&c, 2, SF_OPERAND_TEMP, SF_F32, &one, 1);
  set_operand (&c, 3, SF_OPERAND_OUT, SF_F32, c.box.dim, 1);
  set_operand (&c, 4, SF_OPERAND_TEMP, SF_F32, c.box.dim, 1);
  static const struct
  {
    const char *op;
    uint32_t src[2], dst;
    int n_src;
  } rows[] = { { "exp", { 0 }, 1, 1 },
               { "reduce_sum", { 1 }, 2, 1 },
               { "neg", { 1 }, 4, 1 },
               { "div", { 4, 2 }, 3, 2 } };
  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      c.instrs[i] = (RduInstr){ .op = rows[i].op,
                                .kernel = rdu_isa_find (isa, rows[i].op, 1),
                                .accumulates = rows[i].dst == 2,
                                .n_src = rows[i].n_src,
                                .n_dst = 1,
                                .dst = { rows[i].dst },
                                .imm = { 1, 1 } };
      memcpy (c.instrs[i].src, rows[i].src, sizeof rows[i].src);
    }
  c.stage.n_instrs = G_N_ELEMENTS (rows);
  rdu_stage_group (&c.stage, isa);
  /* neg joins exp, before the reduction; div cannot. */
  SF_REQUIRE (c.stage.n_groups == 3);
  SF_CHECK (c.stage.groups[0].fused != NULL && c.stage.groups[0].fused->n_ops == 2);
  SF_CHECK (c.stage.groups[1].instr == &c.instrs[1]);
  SF_CHECK (c.stage.groups[2].fused != NULL);
  SF_CHECK (!c.operands[1].in_registers && !c.operands[4].in_registers);
  make_views (&c, c.memory, views);
  for (int i = 0; i < 6; i++)
    c.memory[0][i] = logf ((float) i + 1);
  for (size_t g = 0; g < 3; g++)
    if (c.stage.groups[g].fused != NULL)
      c.stage.groups[g].run (c.stage.groups[g].fused, views);
    else
      c.instrs[1].kernel->func (&(RduCall){ .src = { &views[1] },
                                            .dst = { &views[2] },
                                            .n_src = 1,
                                            .n_dst = 1,
                                            .imm = c.instrs[1].imm,
                                            .fimm = c.instrs[1].fimm,
                                            .first = true,
                                            .scratch = scratch });
  for (int i = 0; i < 6; i++)
    SF_CHECK_NEAR (c.memory[3][i], -(i + 1) / 21.0, 1e-6);
  rdu_stage_clear_groups (&c.stage);
}

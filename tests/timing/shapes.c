/* SPDX-License-Identifier: Apache-2.0 */
/* The sections that T1 and T2 are compared on. */
#include "tests/timing/sections.h"

#define OR1(n) MAX ((n), 1)

static int64_t
tokens_of (const Shape *shape)
{
  return shape->tokens > 0 ? shape->tokens : 8;
}

static int64_t
depth_of (const Shape *shape)
{
  return shape->depth > 0 ? shape->depth : 2;
}

static uint32_t
moving (SfProgram *program, const Shape *shape, const char *name, SfShape tensor)
{
  SfBuffer b = { name,
                 shape->dtype,
                 tensor,
                 (tensor.dim[0] + 15) / 16,
                 16 * tensor.dim[1],
                 depth_of (shape),
                 OR1 (shape->pmus) };
  return sf_config_add_buffer (program, 0, &b);
}

static uint32_t
whole (SfProgram *program, const Shape *shape, const char *name, SfShape tensor)
{
  return section_buffer (program, name, shape->dtype, tensor, 1, 1, OR1 (shape->pmus));
}

/* A stage of one elementwise instruction over blocks of 16 rows. */
static void
add_map (SfProgram *program, const Shape *shape, const char *op, SfShape t, uint32_t from,
         uint32_t to)
{
  const SfOperand operands[] = { IN (from, t, BLOCK (0, 16), ALL (t.dim[1])),
                                 OUT (to, t, BLOCK (0, 16), ALL (t.dim[1])) };
  const SfInstr instrs[] = { OP1 (op, 0, 1) };
  SfStage stage
      = { .name = op, .n_counters = 1, .counter = { { t.dim[0], 16, SF_COUNTER_PARALLEL } } };
  ADD_STAGE (program, stage, OR1 (shape->pcus));
}

SfProgram *
section_copy (const Shape *shape)
{
  SfProgram *program = section_new ();
  SfShape t = SF_SHAPE (16 * tokens_of (shape), 64);
  moving (program, shape, "x", t);
  moving (program, shape, "y", t);
  section_stream (program, false, 0);
  section_stream (program, true, 1);
  add_map (program, shape, "relu", t, 0, 1);
  return program;
}

static SfProgram *
gemm_of (const Shape *shape, int64_t rows)
{
  SfProgram *program = section_new ();
  SfShape x = SF_SHAPE (rows, 64), w = SF_SHAPE (64, 48), b = SF_SHAPE (48),
          y = SF_SHAPE (rows, 48);
  moving (program, shape, "x", x);
  whole (program, shape, "w", w);
  whole (program, shape, "b", b);
  moving (program, shape, "y", y);
  for (uint32_t i = 0; i < 3; i++)
    section_stream (program, false, i);
  section_stream (program, true, 3);
  const SfOperand operands[] = { IN (0, x, BLOCK (0, 16), BLOCK (2, 32)),
                                 RESIDENT (1, w, BLOCK (2, 32), BLOCK (1, 24)),
                                 RESIDENT (2, b, BLOCK (1, 24)),
                                 TEMP (y, BLOCK (0, 16), BLOCK (1, 24)),
                                 OUT (3, y, BLOCK (0, 16), BLOCK (1, 24)) };
  SfInstr instrs[] = { OP2 ("gemm", 0, 1, 3), OP2 ("add", 3, 2, 3), OP1 ("relu", 3, 4) };
  instrs[1].when = instrs[2].when = SF_WHEN_LAST;
  SfStage stage = { .name = "gemm",
                    .n_counters = 3,
                    .counter = { { rows, 16, SF_COUNTER_PARALLEL },
                                 { 48, 24, SF_COUNTER_PARALLEL },
                                 { 64, 32, SF_COUNTER_REDUCTION } } };
  ADD_STAGE (program, stage, OR1 (shape->pcus));
  return program;
}

SfProgram *
section_gemm (const Shape *shape)
{
  return gemm_of (shape, 16 * tokens_of (shape));
}

SfProgram *
section_short_gemm (const Shape *shape)
{
  return gemm_of (shape, 27);
}

SfProgram *
section_pipeline (const Shape *shape)
{
  SfProgram *program = section_new ();
  SfShape t = SF_SHAPE (16 * tokens_of (shape), 64);
  moving (program, shape, "x", t);
  moving (program, shape, "h", t);
  moving (program, shape, "y", t);
  section_stream (program, false, 0);
  section_stream (program, true, 2);
  add_map (program, shape, "relu", t, 0, 1);
  add_map (program, shape, "exp", t, 1, 2);
  return program;
}

SfProgram *
section_skip (const Shape *shape)
{
  SfProgram *program = section_new ();
  SfShape t = SF_SHAPE (16 * tokens_of (shape), 64);
  uint32_t x = section_buffer (program, "x", shape->dtype, t, t.dim[0] / 16,
                               shape->skip_depth > 0 ? shape->skip_depth : 4, OR1 (shape->pmus));
  uint32_t g = moving (program, shape, "g", t), f = moving (program, shape, "f", t),
           y = moving (program, shape, "y", t);
  section_stream (program, false, x);
  section_stream (program, true, y);
  add_map (program, shape, "relu", t, x, g);
  add_map (program, shape, "neg", t, g, f);
  const SfOperand operands[] = { IN (x, t, BLOCK (0, 16), ALL (64)),
                                 IN (f, t, BLOCK (0, 16), ALL (64)),
                                 OUT (y, t, BLOCK (0, 16), ALL (64)) };
  const SfInstr instrs[] = { OP2 ("add", 0, 1, 2) };
  SfStage stage
      = { .name = "add", .n_counters = 1, .counter = { { t.dim[0], 16, SF_COUNTER_PARALLEL } } };
  ADD_STAGE (program, stage, OR1 (shape->pcus));
  return program;
}

SfProgram *
section_conv (const Shape *shape)
{
  SfProgram *program = section_new ();
  int64_t images = tokens_of (shape);
  SfShape x = SF_SHAPE (images, 8, 12, 12), w = SF_SHAPE (16, 8, 3, 3),
          y = SF_SHAPE (images, 16, 12, 12);
  section_buffer (program, "x", shape->dtype, x, images, depth_of (shape), OR1 (shape->pmus));
  whole (program, shape, "w", w);
  section_buffer (program, "y", shape->dtype, y, images, depth_of (shape), OR1 (shape->pmus));
  section_stream (program, false, 0);
  section_stream (program, false, 1);
  section_stream (program, true, 2);
  const SfOperand operands[] = { IN (0, x, BLOCK (0, 1), BLOCK (2, 4), HALO (1, -1, 7),
                                     { .base = -1, .size = 14, .stride = 1 }),
                                 RESIDENT (1, w, ALL (16), BLOCK (2, 4), ALL (3), ALL (3)),
                                 TEMP (y, BLOCK (0, 1), ALL (16), BLOCK (1, 5), ALL (12)),
                                 OUT (2, y, BLOCK (0, 1), ALL (16), BLOCK (1, 5), ALL (12)) };
  SfInstr instrs[] = { OP2 ("conv2d", 0, 1, 2), OP1 ("relu", 2, 3) };
  for (int i = 0; i < 4; i++)
    instrs[0].imm[i] = 1;
  instrs[1].when = SF_WHEN_LAST;
  SfStage stage = { .name = "conv",
                    .n_counters = 3,
                    .counter = { { images, 1, SF_COUNTER_PARALLEL },
                                 { 12, 5, SF_COUNTER_PARALLEL },
                                 { 8, 4, SF_COUNTER_REDUCTION } } };
  ADD_STAGE (program, stage, OR1 (shape->pcus));
  return program;
}

SfProgram *
section_softmax (const Shape *shape)
{
  SfProgram *program = section_new ();
  SfShape t = SF_SHAPE (16 * tokens_of (shape), 64);
  moving (program, shape, "x", t);
  moving (program, shape, "y", t);
  section_stream (program, false, 0);
  section_stream (program, true, 1);
  const SfOperand operands[] = { IN (0, t, BLOCK (0, 16), ALL (64)),
                                 OUT (1, t, BLOCK (0, 16), ALL (64)) };
  SfInstr instrs[] = { OP1 ("softmax", 0, 1) };
  instrs[0].imm[0] = 1;
  SfStage stage = { .name = "softmax",
                    .n_counters = 1,
                    .counter = { { t.dim[0], 16, SF_COUNTER_PARALLEL } } };
  ADD_STAGE (program, stage, OR1 (shape->pcus));
  return program;
}

SfProgram *
section_gradient (const Shape *shape)
{
  SfProgram *program = section_new ();
  int64_t rows = 16 * tokens_of (shape);
  SfShape dy = SF_SHAPE (rows, 32), x = SF_SHAPE (rows, 48), dw = SF_SHAPE (32, 48);
  moving (program, shape, "dy", dy);
  moving (program, shape, "x", x);
  whole (program, shape, "dw", dw);
  section_stream (program, false, 0);
  section_stream (program, false, 1);
  section_stream (program, true, 2);
  const SfOperand operands[] = { IN (0, dy, BLOCK (0, 16), ALL (32)),
                                 IN (1, x, BLOCK (0, 16), BLOCK (1, 24)),
                                 SUM (2, dw, ALL (32), BLOCK (1, 24)) };
  SfInstr instrs[] = { OP2 ("gemm", 0, 1, 2) };
  instrs[0].imm[0] = 1;
  SfStage stage = { .name = "gemm_dw",
                    .n_counters = 2,
                    .counter = { { rows, 16, SF_COUNTER_REDUCTION },
                                 { 48, 24, SF_COUNTER_PARALLEL } } };
  ADD_STAGE (program, stage, OR1 (shape->pcus));
  return program;
}

/* So many stages read x. */
static SfProgram *
readers_of (const Shape *shape, size_t n)
{
  static const char *const ops[] = { "relu", "neg", "exp" };
  SfProgram *program = section_new ();
  SfShape t = SF_SHAPE (16 * tokens_of (shape), 64);
  uint32_t x = moving (program, shape, "x", t);
  section_stream (program, false, x);
  for (size_t i = 0; i < n; i++)
    {
      uint32_t y = moving (program, shape, ops[i], t);
      section_stream (program, true, y);
      add_map (program, shape, ops[i], t, x, y);
    }
  return program;
}

SfProgram *
section_two_readers (const Shape *shape)
{
  return readers_of (shape, 2);
}

SfProgram *
section_readers (const Shape *shape)
{
  SfProgram *program = readers_of (shape, 3);
  section_stream (program, true, 0);
  return program;
}

SfProgram *
section_two_results (const Shape *shape)
{
  SfProgram *program = section_new ();
  SfShape t = SF_SHAPE (16 * tokens_of (shape), 64);
  static const char *const names[] = { "x", "a", "b" };
  for (uint32_t i = 0; i < 3; i++)
    {
      moving (program, shape, names[i], t);
      section_stream (program, i > 0, i);
    }
  const SfOperand operands[] = { IN (0, t, BLOCK (0, 16), ALL (64)),
                                 OUT (1, t, BLOCK (0, 16), ALL (64)),
                                 OUT (2, t, BLOCK (0, 16), ALL (64)) };
  const SfInstr instrs[] = { OP1 ("relu", 0, 1), OP1 ("neg", 0, 2) };
  SfStage stage
      = { .name = "two", .n_counters = 1, .counter = { { t.dim[0], 16, SF_COUNTER_PARALLEL } } };
  ADD_STAGE (program, stage, OR1 (shape->pcus));
  return program;
}

SfProgram *
section_attention (const Shape *shape)
{
  SfProgram *program = section_new ();
  int64_t heads = tokens_of (shape);
  SfShape t = SF_SHAPE (heads, 32, 16), scores = SF_SHAPE (heads, 32, 32);
  static const char *const names[] = { "q", "k", "v", "y" };
  for (size_t i = 0; i < 4; i++)
    {
      section_buffer (program, names[i], shape->dtype, t, heads, depth_of (shape),
                      OR1 (shape->pmus));
      section_stream (program, i == 3, (uint32_t) i);
    }
  const SfOperand operands[] = { IN (0, t, BLOCK (0, 1), BLOCK (1, 8), ALL (16)),
                                 IN (1, t, BLOCK (0, 1), ALL (32), ALL (16)),
                                 IN (2, t, BLOCK (0, 1), ALL (32), ALL (16)),
                                 TEMP (scores, BLOCK (0, 1), BLOCK (1, 8), ALL (32)),
                                 OUT (3, t, BLOCK (0, 1), BLOCK (1, 8), ALL (16)) };
  SfInstr instrs[] = { OP2 ("gemm", 0, 1, 3), OP1 ("softmax", 3, 3), OP2 ("gemm", 3, 2, 4) };
  instrs[0].imm[1] = 1;
  instrs[1].imm[0] = 2;
  SfStage stage = { .name = "attention",
                    .n_counters = 2,
                    .counter = { { heads, 1, SF_COUNTER_PARALLEL },
                                 { 32, 8, SF_COUNTER_PARALLEL } } };
  ADD_STAGE (program, stage, OR1 (shape->pcus));
  return program;
}

/* top = max x, over all of x */
static void
add_maximum (SfProgram *program, const Shape *shape, SfShape t)
{
  const SfShape one = SF_SHAPE (1, 1);
  const SfOperand operands[] = { IN (0, t, BLOCK (0, 16), ALL (64)),
                                 SUM (1, one, ALL (1), ALL (1)) };
  SfInstr instrs[] = { OP1 ("reduce_max", 0, 1) };
  instrs[0].imm[0] = 3;
  instrs[0].imm[1] = 1;
  SfStage stage
      = { .name = "max", .n_counters = 1, .counter = { { t.dim[0], 16, SF_COUNTER_REDUCTION } } };
  ADD_STAGE (program, stage, OR1 (shape->pcus));
}

SfProgram *
section_statistics (const Shape *shape)
{
  SfProgram *program = section_new ();
  SfShape t = SF_SHAPE (16 * tokens_of (shape), 64);
  section_buffer (program, "x", shape->dtype, t, tokens_of (shape), tokens_of (shape),
                  OR1 (shape->pmus));
  section_buffer (program, "top", shape->dtype, SF_SHAPE (1, 1), 1, 1, 1);
  moving (program, shape, "y", t);
  section_stream (program, false, 0);
  section_stream (program, true, 2);
  add_maximum (program, shape, t);
  const SfOperand operands[] = { IN (0, t, BLOCK (0, 16), ALL (64)),
                                 RESIDENT (1, SF_SHAPE (1, 1), ALL (1), ALL (1)),
                                 OUT (2, t, BLOCK (0, 16), ALL (64)) };
  const SfInstr instrs[] = { OP2 ("sub", 0, 1, 2) };
  SfStage stage
      = { .name = "sub", .n_counters = 1, .counter = { { t.dim[0], 16, SF_COUNTER_PARALLEL } } };
  ADD_STAGE (program, stage, OR1 (shape->pcus));
  return program;
}

/* So many copies side by side. */
static SfProgram *
copies_of (const Shape *shape, uint32_t n)
{
  SfProgram *program = section_new ();
  SfShape t = SF_SHAPE (16 * tokens_of (shape), 64);
  for (uint32_t i = 0; i < n; i++)
    {
      moving (program, shape, "x", t);
      moving (program, shape, "y", t);
      section_stream (program, false, 2 * i);
      section_stream (program, true, 2 * i + 1);
      add_map (program, shape, "relu", t, 2 * i, 2 * i + 1);
    }
  return program;
}

SfProgram *
section_two (const Shape *shape)
{
  return copies_of (shape, 2);
}

SfProgram *
section_many (const Shape *shape)
{
  return copies_of (shape, 4);
}

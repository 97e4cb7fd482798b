/* SPDX-License-Identifier: Apache-2.0 */
/* The five worked examples of docs/program.md, built: the verifier takes them, their depths
 * suffice, and the page shows their very text. */
#include <string.h>

#include "tests/support/sftest.h"
#include "tests/unit/program/sample.h"

/* Accesses: all of n; a block of `size` from counter k; the same with a base. */
#define ALL(n)               \
  {                          \
    .size = (n), .stride = 1 \
  }
#define BLOCK(k, n)                               \
  {                                               \
    .coef = { [k] = 1 }, .size = (n), .stride = 1 \
  }
#define HALO(k, base_, n)                                          \
  {                                                                \
    .base = (base_), .coef = { [k] = 1 }, .size = (n), .stride = 1 \
  }
#define PAD(base_, n)                         \
  {                                           \
    .base = (base_), .size = (n), .stride = 1 \
  }

#define IN(buffer, shape, ...)                  \
  {                                             \
    SF_OPERAND_IN, buffer, SF_F32, shape, 0, 1, \
    {                                           \
      __VA_ARGS__                               \
    }                                           \
  }
#define RESIDENT(buffer, shape, ...)             \
  {                                              \
    SF_OPERAND_IN, buffer, SF_F32, shape, -1, 0, \
    {                                            \
      __VA_ARGS__                                \
    }                                            \
  }
#define OUT(buffer, shape, ...)                  \
  {                                              \
    SF_OPERAND_OUT, buffer, SF_F32, shape, 0, 1, \
    {                                            \
      __VA_ARGS__                                \
    }                                            \
  }
#define SUM(buffer, shape, ...)                   \
  {                                               \
    SF_OPERAND_OUT, buffer, SF_F32, shape, -1, 0, \
    {                                             \
      __VA_ARGS__                                 \
    }                                             \
  }
#define TEMP(shape, ...)                            \
  {                                                 \
    SF_OPERAND_TEMP, SF_NONE, SF_F32, shape, -1, 0, \
    {                                               \
      __VA_ARGS__                                   \
    }                                               \
  }

#define OP1(name, a, y)                                                          \
  {                                                                              \
    .op = name, .version = 1, .n_src = 1, .n_dst = 1, .src = { a }, .dst = { y } \
  }
#define OP2(name, a, b, y)                                                          \
  {                                                                                 \
    .op = name, .version = 1, .n_src = 2, .n_dst = 1, .src = { a, b }, .dst = { y } \
  }

static uint32_t
add_buffer (SfProgram *program, const char *name, SfShape shape, int64_t tokens, int64_t depth)
{
  SfBuffer b = { name, SF_F32, shape, tokens, sf_shape_n_elems (&shape) / tokens, depth, 1 };
  return sf_config_add_buffer (program, 0, &b);
}

/* Buffers that streams fill (or, below, drain), each bound to the next slot. */
static void
add_streams (SfProgram *program, bool out, const uint32_t *buffers, size_t n)
{
  for (size_t i = 0; i < n; i++)
    {
      SfStream s = { buffers[i], out, (uint32_t) sf_config_n_streams (program, 0) };
      sf_config_add_stream (program, 0, &s);
    }
}

#define STREAMS(out, ...)                                 \
  add_streams (program, out, (uint32_t[]){ __VA_ARGS__ }, \
               sizeof ((uint32_t[]){ __VA_ARGS__ }) / sizeof (uint32_t))

static void
add_stage (SfProgram *program, SfStage stage, const SfOperand *operands, size_t n_operands,
           const SfInstr *instrs, size_t n_instrs)
{
  stage.operands = operands;
  stage.n_operands = n_operands;
  stage.instrs = instrs;
  stage.n_instrs = n_instrs;
  stage.n_pcus = 4;
  sf_config_add_stage (program, 0, &stage);
}

#define ADD(stage) \
  add_stage (program, stage, operands, G_N_ELEMENTS (operands), instrs, G_N_ELEMENTS (instrs))

/* y = relu (x w + b) */
static void
gemm (SfProgram *program)
{
  add_buffer (program, "x", SF_SHAPE (256, 512), 8, 2);
  add_buffer (program, "w", SF_SHAPE (512, 128), 1, 1);
  add_buffer (program, "b", SF_SHAPE (128), 1, 1);
  add_buffer (program, "y", SF_SHAPE (256, 128), 8, 2);
  STREAMS (false, 0, 1, 2);
  STREAMS (true, 3);
  const SfOperand operands[] = {
    IN (0, SF_SHAPE (256, 512), BLOCK (0, 32), BLOCK (2, 128)),
    RESIDENT (1, SF_SHAPE (512, 128), BLOCK (2, 128), BLOCK (1, 64)),
    RESIDENT (2, SF_SHAPE (128), BLOCK (1, 64)),
    TEMP (SF_SHAPE (256, 128), BLOCK (0, 32), BLOCK (1, 64)),
    OUT (3, SF_SHAPE (256, 128), BLOCK (0, 32), BLOCK (1, 64)),
  };
  SfInstr instrs[] = { OP2 ("gemm", 0, 1, 3), OP2 ("add", 3, 2, 3), OP1 ("relu", 3, 4) };
  instrs[1].when = instrs[2].when = SF_WHEN_LAST;
  SfStage stage = { .name = "gemm",
                    .n_counters = 3,
                    .counter = { { 256, 32, SF_COUNTER_PARALLEL },
                                 { 128, 64, SF_COUNTER_PARALLEL },
                                 { 512, 128, SF_COUNTER_REDUCTION } } };
  ADD (stage);
}

/* dw = dy^T x */
static void
weight_gradient (SfProgram *program)
{
  add_buffer (program, "dy", SF_SHAPE (256, 128), 8, 2);
  add_buffer (program, "x", SF_SHAPE (256, 512), 8, 2);
  add_buffer (program, "dw", SF_SHAPE (128, 512), 1, 1);
  STREAMS (false, 0, 1);
  STREAMS (true, 2);
  const SfOperand operands[] = {
    IN (0, SF_SHAPE (256, 128), BLOCK (0, 32), ALL (128)),
    IN (1, SF_SHAPE (256, 512), BLOCK (0, 32), BLOCK (1, 128)),
    SUM (2, SF_SHAPE (128, 512), ALL (128), BLOCK (1, 128)),
  };
  SfInstr instrs[] = { OP2 ("gemm", 0, 1, 2) };
  instrs[0].imm[0] = 1;
  SfStage stage = { .name = "gemm_dw",
                    .n_counters = 2,
                    .counter = { { 256, 32, SF_COUNTER_REDUCTION },
                                 { 512, 128, SF_COUNTER_PARALLEL } } };
  ADD (stage);
}

/* y = conv2d (x, w), 3x3, pads 1 */
static void
convolution (SfProgram *program)
{
  add_buffer (program, "x", SF_SHAPE (8, 16, 32, 32), 8, 2);
  add_buffer (program, "w", SF_SHAPE (32, 16, 3, 3), 1, 1);
  add_buffer (program, "y", SF_SHAPE (8, 32, 32, 32), 8, 2);
  STREAMS (false, 0, 1);
  STREAMS (true, 2);
  const SfOperand operands[] = {
    IN (0, SF_SHAPE (8, 16, 32, 32), BLOCK (0, 1), BLOCK (2, 8), HALO (1, -1, 10), PAD (-1, 34)),
    RESIDENT (1, SF_SHAPE (32, 16, 3, 3), ALL (32), BLOCK (2, 8), ALL (3), ALL (3)),
    TEMP (SF_SHAPE (8, 32, 32, 32), BLOCK (0, 1), ALL (32), BLOCK (1, 8), ALL (32)),
    OUT (2, SF_SHAPE (8, 32, 32, 32), BLOCK (0, 1), ALL (32), BLOCK (1, 8), ALL (32)),
  };
  SfInstr instrs[] = { OP2 ("conv2d", 0, 1, 2), OP1 ("relu", 2, 3) };
  for (int i = 0; i < 4; i++)
    instrs[0].imm[i] = 1;
  instrs[1].when = SF_WHEN_LAST;
  SfStage stage = { .name = "conv",
                    .n_counters = 3,
                    .counter = { { 8, 1, SF_COUNTER_PARALLEL },
                                 { 32, 8, SF_COUNTER_PARALLEL },
                                 { 16, 8, SF_COUNTER_REDUCTION } } };
  ADD (stage);
}

/* The same with taps of its own for each channel. */
static void
depthwise (SfProgram *program)
{
  add_buffer (program, "x", SF_SHAPE (8, 16, 32, 32), 8, 2);
  add_buffer (program, "w", SF_SHAPE (16, 1, 3, 3), 1, 1);
  add_buffer (program, "y", SF_SHAPE (8, 16, 32, 32), 8, 2);
  STREAMS (false, 0, 1);
  STREAMS (true, 2);
  const SfOperand operands[] = {
    IN (0, SF_SHAPE (8, 16, 32, 32), BLOCK (0, 1), BLOCK (1, 8), PAD (-1, 34), PAD (-1, 34)),
    RESIDENT (1, SF_SHAPE (16, 1, 3, 3), BLOCK (1, 8), ALL (1), ALL (3), ALL (3)),
    OUT (2, SF_SHAPE (8, 16, 32, 32), BLOCK (0, 1), BLOCK (1, 8), ALL (32), ALL (32)),
  };
  SfInstr instrs[] = { OP2 ("conv2d", 0, 1, 2) };
  for (int i = 0; i < 4; i++)
    instrs[0].imm[i] = 1;
  SfStage stage = { .name = "depthwise",
                    .n_counters = 2,
                    .counter = { { 8, 1, SF_COUNTER_PARALLEL }, { 16, 8, SF_COUNTER_PARALLEL } } };
  ADD (stage);
}

/* sum and sum of squares over batch and positions */
static void
norm_statistics (SfProgram *program)
{
  const SfOperand operands[] = {
    IN (0, SF_SHAPE (32, 16, 64), BLOCK (0, 1), ALL (16), ALL (64)),
    TEMP (SF_SHAPE (32, 16, 64), BLOCK (0, 1), ALL (16), ALL (64)),
    SUM (1, SF_SHAPE (1, 16, 1), ALL (1), ALL (16), ALL (1)),
    SUM (2, SF_SHAPE (1, 16, 1), ALL (1), ALL (16), ALL (1)),
  };
  SfInstr instrs[] = { OP2 ("mul", 0, 0, 1), OP1 ("reduce_sum", 0, 2), OP1 ("reduce_sum", 1, 3) };
  for (int i = 1; i < 3; i++)
    {
      instrs[i].imm[0] = 5;
      instrs[i].imm[1] = 1;
    }
  SfStage stage
      = { .name = "statistics", .n_counters = 1, .counter = { { 32, 1, SF_COUNTER_REDUCTION } } };
  ADD (stage);
}

/* scale = gamma rsqrt (E x^2 - (E x)^2 + eps), shift = beta - E x scale: one firing */
static void
norm_finish (SfProgram *program)
{
  const SfShape c = SF_SHAPE (1, 16, 1);
  const SfOperand operands[] = {
    RESIDENT (1, c, ALL (1), ALL (16), ALL (1)),
    RESIDENT (2, c, ALL (1), ALL (16), ALL (1)),
    RESIDENT (3, c, ALL (1), ALL (16), ALL (1)),
    RESIDENT (4, c, ALL (1), ALL (16), ALL (1)),
    TEMP (SF_SHAPE (1), ALL (1)),
    TEMP (c, ALL (1), ALL (16), ALL (1)),
    TEMP (c, ALL (1), ALL (16), ALL (1)),
    SUM (5, c, ALL (1), ALL (16), ALL (1)),
    SUM (6, c, ALL (1), ALL (16), ALL (1)),
    TEMP (c, ALL (1), ALL (16), ALL (1)),
  };
  const SfInstr instrs[] = {
    { .op = "fill", .version = 1, .n_dst = 1, .dst = { 4 }, .fimm = { 1.0 / 2048 } },
    OP2 ("mul", 0, 4, 5), /* mean */
    OP2 ("mul", 1, 4, 6),
    OP2 ("mul", 5, 5, 9),
    OP2 ("sub", 6, 9, 6), /* variance */
    { .op = "fill", .version = 1, .n_dst = 1, .dst = { 4 }, .fimm = { 0.0009765625 } },
    OP2 ("add", 6, 4, 6),
    OP1 ("rsqrt", 6, 6),
    OP2 ("mul", 6, 2, 6),
    OP2 ("mul", 5, 6, 5),
    { .op = "copy",
      .version = 1,
      .n_src = 1,
      .n_dst = 1,
      .src = { 6 },
      .dst = { 7 },
      .imm = { 0, 1, 2, 0, 0, 0, 0, 0, 3 } }, /* scale */
    OP2 ("sub", 3, 5, 8),                     /* shift */
  };
  SfStage stage = { .name = "finish" };
  ADD (stage);
}

static void
norm_apply (SfProgram *program)
{
  const SfShape c = SF_SHAPE (1, 16, 1);
  const SfOperand operands[] = {
    IN (0, SF_SHAPE (32, 16, 64), BLOCK (0, 1), ALL (16), ALL (64)),
    RESIDENT (5, c, ALL (1), ALL (16), ALL (1)),
    RESIDENT (6, c, ALL (1), ALL (16), ALL (1)),
    TEMP (SF_SHAPE (32, 16, 64), BLOCK (0, 1), ALL (16), ALL (64)),
    OUT (7, SF_SHAPE (32, 16, 64), BLOCK (0, 1), ALL (16), ALL (64)),
  };
  const SfInstr instrs[] = { OP2 ("mul", 0, 1, 3), OP2 ("add", 3, 2, 4) };
  SfStage stage
      = { .name = "apply", .n_counters = 1, .counter = { { 32, 1, SF_COUNTER_PARALLEL } } };
  ADD (stage);
}

static void
batch_norm (SfProgram *program)
{
  static const char *const vectors[] = { "sum", "squares", "gamma", "beta", "scale", "shift" };
  add_buffer (program, "x", SF_SHAPE (32, 16, 64), 32, 32);
  for (size_t i = 0; i < G_N_ELEMENTS (vectors); i++)
    add_buffer (program, vectors[i], SF_SHAPE (16), 1, 1);
  add_buffer (program, "y", SF_SHAPE (32, 16, 64), 32, 2);
  STREAMS (false, 0, 3, 4);
  STREAMS (true, 7);
  norm_statistics (program);
  norm_finish (program);
  norm_apply (program);
}

/* y = softmax (q k^T / 8) v, heads and batch as one dimension */
static void
attention (SfProgram *program)
{
  static const char *const names[] = { "q", "k", "v", "y" };
  const SfShape shape = SF_SHAPE (8, 128, 64), scores = SF_SHAPE (8, 128, 128);
  for (size_t i = 0; i < 4; i++)
    add_buffer (program, names[i], shape, 8, 2);
  STREAMS (false, 0, 1, 2);
  STREAMS (true, 3);
  const SfOperand operands[] = {
    IN (0, shape, BLOCK (0, 1), BLOCK (1, 32), ALL (64)),
    IN (1, shape, BLOCK (0, 1), ALL (128), ALL (64)),
    IN (2, shape, BLOCK (0, 1), ALL (128), ALL (64)),
    TEMP (SF_SHAPE (1), ALL (1)),
    TEMP (scores, BLOCK (0, 1), BLOCK (1, 32), ALL (128)),
    OUT (3, shape, BLOCK (0, 1), BLOCK (1, 32), ALL (64)),
  };
  SfInstr instrs[] = {
    OP2 ("gemm", 0, 1, 4),
    { .op = "fill", .version = 1, .n_dst = 1, .dst = { 3 }, .fimm = { 0.125 } },
    OP2 ("mul", 4, 3, 4),
    OP1 ("softmax", 4, 4),
    OP2 ("gemm", 4, 2, 5),
  };
  instrs[0].imm[1] = 1;
  instrs[3].imm[0] = 2;
  SfStage stage = { .name = "attention",
                    .n_counters = 2,
                    .counter = { { 8, 1, SF_COUNTER_PARALLEL },
                                 { 128, 32, SF_COUNTER_PARALLEL } } };
  ADD (stage);
}

typedef struct
{
  const char *name;
  void (*build) (SfProgram *program);
} Example;

static const Example examples[] = {
  { "gemm", gemm },
  { "weight_gradient", weight_gradient },
  { "convolution", convolution },
  { "depthwise", depthwise },
  { "batch_norm", batch_norm },
  { "attention", attention },
};

SF_TEST_CASES (Examples, AreSound, examples, G_N_ELEMENTS (examples), sf_test_row_name)
{
  const Example *example = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (SfArch) arch = sf_arch_load ("sn10", &error);
  SF_REQUIRE_NO_ERROR (error);
  g_autoptr (SfProgram) program = sf_program_new ();
  sf_program_add_config (program);
  example->build (program);
  sf_program_verify (program, arch, SF_CHECK_DEPTH, &error);
  SF_CHECK_NO_ERROR (error);
}

/* The page indents what the text form prints by four. */
SF_TEST_CASES (Examples, AreThoseOfThePage, examples, G_N_ELEMENTS (examples), sf_test_row_name)
{
  const Example *example = data;
  g_autofree char *path = sf_test_source_path ("docs/program.md"), *page = NULL;
  SF_REQUIRE (g_file_get_contents (path, &page, NULL, NULL));
  g_autoptr (SfProgram) program = sf_program_new ();
  sf_program_add_config (program);
  example->build (program);
  g_autofree char *text = sf_program_text (program);
  g_auto (GStrv) lines = g_strsplit (text + strlen ("program\nconfig 0\n"), "\n", -1);
  g_autoptr (GString) wanted = g_string_new (NULL);
  for (size_t i = 0; lines[i] != NULL && lines[i][0] != '\0'; i++)
    g_string_append_printf (wanted, "    %s\n", lines[i] + 2);
  SF_CHECK_MSG (strstr (page, wanted->str) != NULL, "docs/program.md does not show\n%s",
                wanted->str);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The five cases that the program was designed around, by hand, against plain loops: any thread
 * count and exact firing give the same bits. */
#include <math.h>
#include <string.h>

#include <sf/rng.h>

#include "tests/unit/rdu/build.h"

static void
randomise (uint32_t stream, float *x, int64_t n)
{
  SfRng rng = { .seed = 3, .stream = stream };
  for (int64_t i = 0; i < n; i++)
    x[i] = sf_rng_uniform (&rng, (uint64_t) i) * 2 - 1;
}

/* Runs with 1, 2, 3 and 8 threads, in blocks of 1, 3 and 64 and token by token; all must give the
 * bits of the first. */
static void
check_everywhere (const Build *build, void *const *inputs, float *output, int64_t n)
{
  g_autofree float *other = g_new (float, n);
  g_autoptr (GError) error = NULL;
  SF_CHECK (build_run (build, 1, false, inputs, (void *[]){ output }, &error));
  SF_REQUIRE_NO_ERROR (error);
  for (int threads = 2; threads <= 8; threads += threads == 3 ? 5 : 1)
    {
      SF_CHECK (build_run (build, threads, false, inputs, (void *[]){ other }, &error));
      SF_REQUIRE_NO_ERROR (error);
      SF_CHECK_MSG (memcmp (output, other, (size_t) n * 4) == 0, "%d threads give other bits",
                    threads);
    }
  static const char *const blocks[] = { "1", "3", "64" };
  for (size_t i = 0; i < G_N_ELEMENTS (blocks); i++)
    {
      g_setenv ("SF_RDU_BLOCK", blocks[i], TRUE);
      SF_CHECK (build_run (build, 2, false, inputs, (void *[]){ other }, &error));
      g_unsetenv ("SF_RDU_BLOCK");
      SF_REQUIRE_NO_ERROR (error);
      SF_CHECK_MSG (memcmp (output, other, (size_t) n * 4) == 0, "blocks of %s give other bits",
                    blocks[i]);
    }
  memset (other, 0, (size_t) n * 4);
  SF_CHECK (build_run (build, 1, true, inputs, (void *[]){ other }, &error));
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK_MSG (memcmp (output, other, (size_t) n * 4) == 0, "exact firing gives other bits");
}

#define M 10
#define K 7
#define N 5

/* relu (x w + b), rows in blocks of 4, depth in blocks of 3, both with short last blocks. */
static Build
build_gemm (SfDtype dtype, int64_t depth)
{
  Build b = build_new ("eval");
  uint32_t x = build_tensor (&b, "x", SF_TENSOR_INPUT, SF_F32, SF_SHAPE (M, K), NULL),
           w = build_tensor (&b, "w", SF_TENSOR_INPUT, SF_F32, SF_SHAPE (K, N), NULL);
  uint32_t bias = build_tensor (&b, "bias", SF_TENSOR_INPUT, SF_F32, SF_SHAPE (N), NULL),
           y = build_tensor (&b, "y", SF_TENSOR_OUTPUT, dtype, SF_SHAPE (M, N), NULL);
  SfCounter counters[] = { { M, 4, SF_COUNTER_PARALLEL }, { K, 3, SF_COUNTER_REDUCTION } };
  SfOperand operands[] = {
    { SF_OPERAND_IN,
      build_load (&b, x, 4, depth),
      SF_F32,
      SF_SHAPE (M, K),
      0,
      1,
      { BLOCK (0, 4), BLOCK (1, 3) } },
    { SF_OPERAND_IN,
      build_load (&b, w, K, 1),
      SF_F32,
      SF_SHAPE (K, N),
      -1,
      1,
      { BLOCK (1, 3), ALL (N) } },
    { SF_OPERAND_IN, build_load (&b, bias, N, 1), SF_F32, SF_SHAPE (N), -1, 1, { ALL (N) } },
    { SF_OPERAND_TEMP, SF_NONE, SF_F32, SF_SHAPE (M, N), -1, 1, { BLOCK (0, 4), ALL (N) } },
    { SF_OPERAND_OUT,
      build_store (&b, y, 4, depth),
      SF_F32,
      SF_SHAPE (M, N),
      0,
      1,
      { BLOCK (0, 4), ALL (N) } },
  };
  SfInstr instrs[] = {
    { "gemm", 1, SF_WHEN_EACH, 2, 1, { 0, 1 }, { 3 } },
    { "add", 1, SF_WHEN_LAST, 2, 1, { 3, 2 }, { 3 } },
    { "relu", 1, SF_WHEN_LAST, 1, 1, { 3 }, { 4 } },
  };
  build_stage (&b, "linear+relu", counters, 2, operands, 5, instrs, 3);
  build_launch (&b, SF_PHASE_FWD);
  return b;
}

SF_TEST (RduProgram, Gemm)
{
  static const SfDtype dtypes[] = { SF_F32, SF_BF16 };
  for (int d = 0; d < 2; d++)
    {
      Build b = build_gemm (dtypes[d], 1 + d);
      float x[M * K], w[K * N], bias[N], y[M * N];
      randomise (1, x, M * K);
      randomise (2, w, K * N);
      randomise (3, bias, N);
      check_everywhere (&b, (void *[]){ x, w, bias }, y, M * N);
      for (int i = 0; i < M * N; i++)
        {
          double sum = bias[i % N];
          for (int k = 0; k < K; k++)
            sum += (double) x[i / N * K + k] * w[k * N + i % N];
          SF_CHECK_NEAR (y[i], fmax (sum, 0), d == 0 ? 1e-6 : 0x1p-8);
          SF_CHECK (sf_dtype_round (dtypes[d], y[i]) == y[i]);
        }
      sf_program_unref (b.program);
    }
}

/* x^T dy with the rows as the outermost, reduced counter: the result is an accumulator that is
 * rounded once. */
SF_TEST (RduProgram, WeightGradient)
{
  Build b = build_new ("train");
  uint32_t x = build_tensor (&b, "x", SF_TENSOR_INPUT, SF_F32, SF_SHAPE (M, K), NULL),
           dy = build_tensor (&b, "dy", SF_TENSOR_INPUT, SF_F32, SF_SHAPE (M, N), NULL);
  uint32_t dw = build_tensor (&b, "dw", SF_TENSOR_OUTPUT, SF_BF16, SF_SHAPE (K, N), NULL);
  SfCounter counters[] = { { M, 4, SF_COUNTER_REDUCTION }, { K, 2, SF_COUNTER_PARALLEL } };
  SfOperand operands[] = {
    { SF_OPERAND_IN,
      build_load (&b, x, 4, 2),
      SF_F32,
      SF_SHAPE (M, K),
      0,
      1,
      { BLOCK (0, 4), BLOCK (1, 2) } },
    { SF_OPERAND_IN,
      build_load (&b, dy, 4, 2),
      SF_F32,
      SF_SHAPE (M, N),
      0,
      1,
      { BLOCK (0, 4), ALL (N) } },
    { SF_OPERAND_OUT,
      build_store (&b, dw, K, 1),
      SF_F32,
      SF_SHAPE (K, N),
      -1,
      1,
      { BLOCK (1, 2), ALL (N) } },
  };
  SfInstr instrs[] = { { "gemm", 1, SF_WHEN_EACH, 2, 1, { 0, 1 }, { 2 }, { 1, 0 } } };
  build_stage (&b, "dw", counters, 2, operands, 3, instrs, 1);
  build_launch (&b, SF_PHASE_FWD);
  /* 257, then 4 and 2 more: 263 is stored as 264; were the blocks rounded one by one, it would be
   * 256 + 4 + 2. */
  float in[M * K], out[M * N], w[K * N];
  for (int i = 0; i < M * K; i++)
    in[i] = 1;
  for (int i = 0; i < M * N; i++)
    out[i] = i / N == 0 ? 254 : 1;
  check_everywhere (&b, (void *[]){ in, out }, w, K * N);
  for (int i = 0; i < K * N; i++)
    SF_CHECK (w[i] == 264);
  sf_program_unref (b.program);
}

/* 3x3 convolution with padding, output rows in blocks of 4 of 6: boxes of the input overlap and
 * hang over the edge. */
SF_TEST (RduProgram, ConvolutionWithHalo)
{
  Build b = build_new ("eval");
  uint32_t x = build_tensor (&b, "x", SF_TENSOR_INPUT, SF_F32, SF_SHAPE (2, 3, 6, 6), NULL),
           w = build_tensor (&b, "w", SF_TENSOR_INPUT, SF_F32, SF_SHAPE (4, 3, 3, 3), NULL);
  uint32_t y = build_tensor (&b, "y", SF_TENSOR_OUTPUT, SF_F32, SF_SHAPE (2, 4, 6, 6), NULL);
  SfCounter counters[] = { { 2, 1, SF_COUNTER_PARALLEL },
                           { 6, 4, SF_COUNTER_PARALLEL },
                           { 3, 2, SF_COUNTER_REDUCTION } };
  SfOperand operands[] = {
    { SF_OPERAND_IN,
      build_load (&b, x, 1, 1),
      SF_F32,
      SF_SHAPE (2, 3, 6, 6),
      0,
      1,
      { BLOCK (0, 1),
        BLOCK (2, 2),
        HALO (1, 4, 1, 3, 1),
        { .base = -1, .size = 8, .stride = 1 } } },
    { SF_OPERAND_IN,
      build_load (&b, w, 4, 1),
      SF_F32,
      SF_SHAPE (4, 3, 3, 3),
      -1,
      1,
      { ALL (4), BLOCK (2, 2), ALL (3), ALL (3) } },
    { SF_OPERAND_OUT,
      build_store (&b, y, 1, 1),
      SF_F32,
      SF_SHAPE (2, 4, 6, 6),
      0,
      1,
      { BLOCK (0, 1), ALL (4), BLOCK (1, 4), ALL (6) } },
  };
  SfInstr instrs[] = { { "conv2d", 1, SF_WHEN_EACH, 2, 1, { 0, 1 }, { 2 }, { 1, 1, 1, 1 } } };
  build_stage (&b, "conv", counters, 3, operands, 3, instrs, 1);
  build_launch (&b, SF_PHASE_FWD);
  float image[216], kernel[108], out[288];
  randomise (1, image, 216);
  randomise (2, kernel, 108);
  check_everywhere (&b, (void *[]){ image, kernel }, out, 288);
  for (int i = 0; i < 288; i++)
    {
      double sum = 0;
      for (int t = 0; t < 27; t++)
        {
          int h = i / 6 % 6 + t / 3 % 3 - 1, c = i % 6 + t % 3 - 1;
          if (h >= 0 && h < 6 && c >= 0 && c < 6)
            sum += (double) image[(i / 144 * 3 + t / 9) * 36 + h * 6 + c]
                   * kernel[i / 36 % 4 * 27 + t];
        }
      SF_CHECK_NEAR (out[i], sum, 1e-5);
    }
  sf_program_unref (b.program);
}

/* Two stages over one buffer: column sums over all rows, then (x - mean): the buffer keeps every
 * token. */
static Build
build_centre (int64_t depth)
{
  Build b = build_new ("train");
  uint32_t x = build_tensor (&b, "x", SF_TENSOR_INPUT, SF_F32, SF_SHAPE (9, 4), NULL),
           y = build_tensor (&b, "y", SF_TENSOR_OUTPUT, SF_F32, SF_SHAPE (9, 4), NULL);
  uint32_t in = build_load (&b, x, 2, depth), sums = build_buffer (&b, SF_F32, SF_SHAPE (4), 4, 1),
           out = build_store (&b, y, 2, 1);
  SfCounter reduce[] = { { 9, 2, SF_COUNTER_REDUCTION } },
            map[] = { { 9, 2, SF_COUNTER_PARALLEL } };
  SfOperand first[] = {
    { SF_OPERAND_IN, in, SF_F32, SF_SHAPE (9, 4), 0, 1, { BLOCK (0, 2), ALL (4) } },
    { SF_OPERAND_OUT, sums, SF_F32, SF_SHAPE (4), -1, 1, { ALL (4) } },
    { SF_OPERAND_TEMP, SF_NONE, SF_F32, SF_SHAPE (4), -1, 1, { ALL (4) } },
    { SF_OPERAND_TEMP, SF_NONE, SF_F32, SF_SHAPE (1), -1, 1, { ALL (1) } },
  };
  SfInstr sum[] = {
    { "reduce_sum", 1, SF_WHEN_EACH, 1, 1, { 0 }, { 2 }, { 1, 0 } },
    { "fill", 1, SF_WHEN_LAST, 0, 1, { 0 }, { 3 }, { 0 }, { 9 } },
    { "div", 1, SF_WHEN_LAST, 2, 1, { 2, 3 }, { 1 } },
  };
  SfOperand second[] = {
    { SF_OPERAND_IN, in, SF_F32, SF_SHAPE (9, 4), 0, 1, { BLOCK (0, 2), ALL (4) } },
    { SF_OPERAND_IN, sums, SF_F32, SF_SHAPE (4), -1, 1, { ALL (4) } },
    { SF_OPERAND_OUT, out, SF_F32, SF_SHAPE (9, 4), 0, 1, { BLOCK (0, 2), ALL (4) } },
  };
  SfInstr sub[] = { { "sub", 1, SF_WHEN_EACH, 2, 1, { 0, 1 }, { 2 } } };
  build_stage (&b, "centre", map, 1, second, 3, sub,
               1); /* listed before what it reads: order is the emulator's business */
  build_stage (&b, "mean", reduce, 1, first, 4, sum, 3);
  build_launch (&b, SF_PHASE_FWD);
  return b;
}

#define LONG 192

/* One firing of a whole tensor: y = x - the sum of its row / 64 + softmax of its row, and the sum
 * of its column in the last row. */
static Build
build_whole (void)
{
  Build b = build_new ("eval");
  uint32_t x = build_tensor (&b, "x", SF_TENSOR_INPUT, SF_F32, SF_SHAPE (LONG, LONG), NULL),
           y = build_tensor (&b, "y", SF_TENSOR_OUTPUT, SF_BF16, SF_SHAPE (LONG + 1, LONG), NULL);
  uint32_t out = build_store (&b, y, LONG + 1, 1);
  SfAccess last_row = { .base = LONG, .size = 1, .stride = 1 };
  SfOperand operands[] = {
    { SF_OPERAND_IN,
      build_load (&b, x, LONG, 1),
      SF_F32,
      SF_SHAPE (LONG, LONG),
      -1,
      0,
      { ALL (LONG), ALL (LONG) } },
    { SF_OPERAND_TEMP, SF_NONE, SF_F32, SF_SHAPE (LONG, 1), -1, 0, { ALL (LONG), ALL (1) } },
    { SF_OPERAND_TEMP, SF_NONE, SF_F32, SF_SHAPE (1), -1, 0, { ALL (1) } },
    { SF_OPERAND_TEMP, SF_NONE, SF_F32, SF_SHAPE (LONG, 1), -1, 0, { ALL (LONG), ALL (1) } },
    { SF_OPERAND_OUT, out, SF_F32, SF_SHAPE (LONG + 1, LONG), -1, 0, { ALL (LONG), ALL (LONG) } },
    { SF_OPERAND_OUT, out, SF_F32, SF_SHAPE (LONG + 1, LONG), -1, 0, { last_row, ALL (LONG) } },
    { SF_OPERAND_TEMP, SF_NONE, SF_F32, SF_SHAPE (LONG, LONG), -1, 0, { ALL (LONG), ALL (LONG) } },
    { SF_OPERAND_TEMP, SF_NONE, SF_F32, SF_SHAPE (LONG, LONG), -1, 0, { ALL (LONG), ALL (LONG) } },
  };
  SfInstr instrs[] = {
    { "softmax", 1, SF_WHEN_EACH, 1, 1, { 0 }, { 6 }, { 1 } },
    { "reduce_sum", 1, SF_WHEN_EACH, 1, 1, { 0 }, { 1 }, { 2, 1 } },
    { "fill", 1, SF_WHEN_EACH, 0, 1, { 0 }, { 2 }, { 0 }, { 0.015625 } },
    { "mul", 1, SF_WHEN_EACH, 2, 1, { 1, 2 }, { 3 } },
    { "sub", 1, SF_WHEN_EACH, 2, 1, { 0, 3 }, { 7 } },
    { "add", 1, SF_WHEN_EACH, 2, 1, { 7, 6 }, { 4 } },
    { "reduce_sum", 1, SF_WHEN_EACH, 1, 1, { 0 }, { 5 }, { 1, 1 } },
  };
  build_stage (&b, "whole", NULL, 0, operands, 8, instrs, 7);
  build_launch (&b, SF_PHASE_FWD);
  return b;
}

SF_TEST (RduProgram, OneFiringIsSharedByWorkers)
{
  static float x[LONG * LONG], y[(LONG + 1) * LONG];
  Build b = build_whole ();
  randomise (1, x, LONG * LONG);
  check_everywhere (&b, (void *[]){ x }, y, (LONG + 1) * LONG);
  for (int i = 0; i < LONG; i++)
    {
      double row = 0, column = 0, powers = 0;
      for (int j = 0; j < LONG; j++)
        {
          row += x[i * LONG + j];
          powers += exp (x[i * LONG + j]);
          column += x[j * LONG + i];
        }
      for (int j = 0; j < LONG; j++)
        SF_CHECK_NEAR (y[i * LONG + j], x[i * LONG + j] - row / 64 + exp (x[i * LONG + j]) / powers,
                       2e-2);
      SF_CHECK_NEAR (y[LONG * LONG + i], column, fabs (column) / 128 + 1e-6);
    }
  g_autoptr (GError) error = NULL;
  RduMachine *machine = build_open (&b, 2, false, &error);
  SF_REQUIRE_NO_ERROR (error);
  const RduStage *stage = &machine->configs[0].stages[0];
  SF_CHECK (stage->has_lanes && stage->groups[0].n_lanes == 2);
  rdu_machine_close (machine);
  sf_program_unref (b.program);
}

SF_TEST (RduProgram, TwoPhaseNorm)
{
  Build b = build_centre (5);
  float x[36], y[36];
  randomise (1, x, 36);
  check_everywhere (&b, (void *[]){ x }, y, 36);
  for (int i = 0; i < 36; i++)
    {
      double mean = 0;
      for (int r = 0; r < 9; r++)
        mean += x[r * 4 + i % 4] / 9;
      SF_CHECK_NEAR (y[i], x[i] - mean, 1e-6);
    }
  sf_program_unref (b.program);
}

SF_TEST (RduProgram, ExactFiringNamesTheBufferThatIsTooShallow)
{
  Build b = build_centre (4);
  float x[36] = { 0 }, y[36];
  g_autoptr (GError) error = NULL;
  SF_CHECK (!build_run (&b, 1, true, (void *[]){ x }, (void *[]){ y }, &error));
  SF_CHECK_ERROR (error, SF_ERROR_CHECK_FAILED,
                  "buffer buffer: full at depth 4 with 4 tokens written");
  sf_program_unref (b.program);
}

/* softmax (q k^T) v for q [6,4], k [5,4], v [5,3]. */
static void
check_attention (const float *qd, const float *kd, const float *vd, const float *out)
{
  for (int i = 0; i < 6; i++)
    {
      double e[5], sum = 0;
      for (int j = 0; j < 5; j++)
        {
          double dot = 0;
          for (int c = 0; c < 4; c++)
            dot += (double) qd[i * 4 + c] * kd[j * 4 + c];
          sum += e[j] = exp (dot);
        }
      for (int c = 0; c < 3; c++)
        {
          double wanted = 0;
          for (int j = 0; j < 5; j++)
            wanted += e[j] / sum * vd[j * 3 + c];
          SF_CHECK_NEAR (out[i * 3 + c], wanted, 1e-6);
        }
    }
}

/* Rows in blocks over a sequential counter; scores and weights stay in scratch between the two
 * products. */
SF_TEST (RduProgram, SoftmaxBetweenProducts)
{
  Build b = build_new ("eval");
  uint32_t q = build_tensor (&b, "q", SF_TENSOR_INPUT, SF_F32, SF_SHAPE (6, 4), NULL),
           k = build_tensor (&b, "k", SF_TENSOR_INPUT, SF_F32, SF_SHAPE (5, 4), NULL);
  uint32_t v = build_tensor (&b, "v", SF_TENSOR_INPUT, SF_F32, SF_SHAPE (5, 3), NULL),
           y = build_tensor (&b, "y", SF_TENSOR_OUTPUT, SF_F32, SF_SHAPE (6, 3), NULL);
  SfCounter rows[] = { { 6, 4, SF_COUNTER_SEQUENTIAL } };
  SfOperand operands[] = {
    { SF_OPERAND_IN,
      build_load (&b, q, 4, 1),
      SF_F32,
      SF_SHAPE (6, 4),
      0,
      1,
      { BLOCK (0, 4), ALL (4) } },
    { SF_OPERAND_IN,
      build_load (&b, k, 5, 1),
      SF_F32,
      SF_SHAPE (5, 4),
      -1,
      1,
      { ALL (5), ALL (4) } },
    { SF_OPERAND_IN,
      build_load (&b, v, 5, 1),
      SF_F32,
      SF_SHAPE (5, 3),
      -1,
      1,
      { ALL (5), ALL (3) } },
    { SF_OPERAND_TEMP, SF_NONE, SF_F32, SF_SHAPE (6, 5), -1, 1, { BLOCK (0, 4), ALL (5) } },
    { SF_OPERAND_OUT,
      build_store (&b, y, 4, 1),
      SF_F32,
      SF_SHAPE (6, 3),
      0,
      1,
      { BLOCK (0, 4), ALL (3) } },
  };
  SfInstr instrs[] = {
    { "gemm", 1, SF_WHEN_EACH, 2, 1, { 0, 1 }, { 3 }, { 0, 1 } },
    { "softmax", 1, SF_WHEN_EACH, 1, 1, { 3 }, { 3 }, { 1 } },
    { "gemm", 1, SF_WHEN_EACH, 2, 1, { 3, 2 }, { 4 } },
  };
  build_stage (&b, "attention", rows, 1, operands, 5, instrs, 3);
  build_launch (&b, SF_PHASE_FWD);
  float qd[24], kd[20], vd[15], out[18];
  randomise (1, qd, 24);
  randomise (2, kd, 20);
  randomise (3, vd, 15);
  check_everywhere (&b, (void *[]){ qd, kd, vd }, out, 18);
  check_attention (qd, kd, vd, out);
  sf_program_unref (b.program);
}

/* [2,3] and its transpose's rows side by side, with a border: two results in one buffer. */
SF_TEST (RduProgram, CopiesConcatenate)
{
  Build b = build_new ("eval");
  uint32_t x = build_tensor (&b, "x", SF_TENSOR_INPUT, SF_F32, SF_SHAPE (2, 3), NULL),
           z = build_tensor (&b, "z", SF_TENSOR_INPUT, SF_F32, SF_SHAPE (3, 2), NULL);
  uint32_t y = build_tensor (&b, "y", SF_TENSOR_OUTPUT, SF_F32, SF_SHAPE (2, 8), NULL),
           out = build_store (&b, y, 2, 1);
  SfOperand operands[] = {
    { SF_OPERAND_IN,
      build_load (&b, x, 2, 1),
      SF_F32,
      SF_SHAPE (2, 3),
      -1,
      1,
      { ALL (2), { .base = -1, .size = 5, .stride = 1 } } },
    { SF_OPERAND_IN,
      build_load (&b, z, 3, 1),
      SF_F32,
      SF_SHAPE (3, 2),
      -1,
      1,
      { ALL (3), ALL (2) } },
    { SF_OPERAND_OUT, out, SF_F32, SF_SHAPE (2, 8), -1, 1, { ALL (2), ALL (5) } },
    { SF_OPERAND_OUT,
      out,
      SF_F32,
      SF_SHAPE (2, 8),
      -1,
      1,
      { ALL (2), { .base = 5, .size = 3, .stride = 1 } } },
  };
  SfInstr instrs[] = {
    { "copy", 1, SF_WHEN_EACH, 1, 1, { 0 }, { 2 }, { 0, 1, 0, 0, 0, 0, 0, 0, 2 }, { -1 } },
    { "copy", 1, SF_WHEN_EACH, 1, 1, { 1 }, { 3 }, { 1, 0, 0, 0, 0, 0, 0, 0, 2 } },
  };
  build_stage (&b, "concat", NULL, 0, operands, 4, instrs, 2);
  build_launch (&b, SF_PHASE_FWD);
  float a[] = { 1, 2, 3, 4, 5, 6 }, c[] = { 10, 20, 30, 40, 50, 60 }, found[16];
  const float wanted[] = { -1, 1, 2, 3, -1, 10, 30, 50, -1, 4, 5, 6, -1, 20, 40, 60 };
  check_everywhere (&b, (void *[]){ a, c }, found, 16);
  SF_CHECK (memcmp (found, wanted, sizeof wanted) == 0);
  sf_program_unref (b.program);
}

static Build
build_gather (void)
{
  Build b = build_new ("eval");
  uint32_t table = build_tensor (&b, "table", SF_TENSOR_INPUT, SF_F32, SF_SHAPE (3, 2), NULL),
           index = build_tensor (&b, "index", SF_TENSOR_INPUT, SF_I32, SF_SHAPE (5), NULL);
  uint32_t y = build_tensor (&b, "y", SF_TENSOR_OUTPUT, SF_F32, SF_SHAPE (5, 2), NULL);
  SfCounter rows[] = { { 5, 2, SF_COUNTER_PARALLEL } };
  SfOperand operands[] = {
    { SF_OPERAND_IN,
      build_load (&b, table, 3, 1),
      SF_F32,
      SF_SHAPE (3, 2),
      -1,
      1,
      { ALL (3), ALL (2) } },
    { SF_OPERAND_IN, build_load (&b, index, 2, 1), SF_I32, SF_SHAPE (5), 0, 1, { BLOCK (0, 2) } },
    { SF_OPERAND_OUT,
      build_store (&b, y, 2, 1),
      SF_F32,
      SF_SHAPE (5, 2),
      0,
      1,
      { BLOCK (0, 2), ALL (2) } },
  };
  SfInstr instrs[] = { { "gather", 1, SF_WHEN_EACH, 2, 1, { 0, 1 }, { 2 }, { 0 } } };
  build_stage (&b, "embed", rows, 1, operands, 3, instrs, 1);
  uint32_t launch = build_launch (&b, SF_PHASE_FWD);
  sf_launch_set_stage_name (b.program, b.entry, launch, 0, "embedding");
  return b;
}

SF_TEST (RduProgram, GatherNamesStagePositionAndBound)
{
  Build b = build_gather ();
  float table[] = { 1, 2, 3, 4, 5, 6 }, y[10];
  int32_t index[] = { 2, 0, 1, 1, 2 };
  check_everywhere (&b, (void *[]){ table, index }, y, 10);
  SF_CHECK (memcmp (y, (float[]){ 5, 6, 1, 2, 3, 4, 3, 4, 5, 6 }, sizeof y) == 0);
  index[3] = 7;
  index[4] = -1;
  for (int exact = 0; exact < 2; exact++)
    {
      g_autoptr (GError) error = NULL;
      SF_CHECK (!build_run (&b, 1 + 2 * !exact, exact, (void *[]){ table, index }, (void *[]){ y },
                            &error));
      SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA,
                      "stage embedding: index 7 at position 3, wanted 0 to 2");
    }
  sf_program_unref (b.program);
}

SF_TEST (RduProgram, UnknownTileOpIsRefusedByName)
{
  Build b = build_new ("eval");
  uint32_t y = build_tensor (&b, "y", SF_TENSOR_OUTPUT, SF_F32, SF_SHAPE (2), NULL);
  SfOperand operands[]
      = { { SF_OPERAND_OUT, build_store (&b, y, 2, 1), SF_F32, SF_SHAPE (2), -1, 1, { ALL (2) } } };
  SfInstr instrs[] = { { "teleport", 3, SF_WHEN_EACH, 0, 1, { 0 }, { 0 } } };
  g_autoptr (GError) error = NULL;
  build_stage (&b, "beam", NULL, 0, operands, 1, instrs, 1);
  build_launch (&b, SF_PHASE_FWD);
  SF_CHECK (build_open (&b, 1, false, &error) == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_UNSUPPORTED, "stage beam: tile-op teleport version 3");
  sf_program_unref (b.program);
}

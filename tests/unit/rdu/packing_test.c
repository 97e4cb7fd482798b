/* SPDX-License-Identifier: Apache-2.0 */
/* Operands packed ahead: kept while they stay as they are, made anew when they change. */
#include <math.h>
#include <string.h>

#include <sf/plugin/plugin.h>

#include "tests/unit/rdu/build.h"

#define M 256
#define K 64 /* K N: as many elements as are worth lending */
#define N 64

/* y = x w; with `is_trained`, w := w + w at the end of the step. */
static Build
build_product (const float *w, bool is_trained)
{
  Build b = build_new ("eval");
  uint32_t x = build_tensor (&b, "x", SF_TENSOR_INPUT, SF_F32, SF_SHAPE (M, K), NULL),
           weights = build_tensor (&b, "w", SF_TENSOR_STATE, SF_F32, SF_SHAPE (K, N), w),
           y = build_tensor (&b, "y", SF_TENSOR_OUTPUT, SF_F32, SF_SHAPE (M, N), NULL);
  SfCounter rows = { M, 16, SF_COUNTER_PARALLEL };
  SfOperand operands[] = {
    { SF_OPERAND_IN,
      build_load (&b, x, 16, 2),
      SF_F32,
      SF_SHAPE (M, K),
      0,
      1,
      { BLOCK (0, 16), ALL (K) } },
    { SF_OPERAND_IN,
      build_load (&b, weights, K, 1),
      SF_F32,
      SF_SHAPE (K, N),
      -1,
      0,
      { ALL (K), ALL (N) } },
    { SF_OPERAND_OUT,
      build_store (&b, y, 16, 2),
      SF_F32,
      SF_SHAPE (M, N),
      0,
      1,
      { BLOCK (0, 16), ALL (N) } },
  };
  SfInstr gemm = { "gemm", 1, SF_WHEN_EACH, 2, 1, { 0, 1 }, { 2 } };
  build_stage (&b, "product", &rows, 1, operands, 3, &gemm, 1);
  build_launch (&b, SF_PHASE_FWD);
  if (!is_trained)
    return b;
  SfProgramTensor next = { .name = "w",
                           .role = SF_TENSOR_NEXT,
                           .dtype = SF_F32,
                           .shape = SF_SHAPE (K, N),
                           .offset_bytes = -1,
                           .state = weights };
  uint32_t after = sf_program_add_tensor (b.program, &next);
  build_section (&b);
  SfCounter all = { K, K, SF_COUNTER_PARALLEL };
  SfOperand update[] = {
    { SF_OPERAND_IN,
      build_load (&b, weights, K, 1),
      SF_F32,
      SF_SHAPE (K, N),
      0,
      1,
      { BLOCK (0, K), ALL (N) } },
    { SF_OPERAND_OUT,
      build_store (&b, after, K, 1),
      SF_F32,
      SF_SHAPE (K, N),
      0,
      1,
      { BLOCK (0, K), ALL (N) } },
  };
  SfInstr add = { "add", 1, SF_WHEN_EACH, 2, 1, { 0, 0 }, { 1 } };
  build_stage (&b, "update", &all, 1, update, 2, &add, 1);
  build_launch (&b, SF_PHASE_OPT);
  return b;
}

static void
check_product (const float *x, const float *w, const float *y)
{
  double off = 0;
  for (int i = 0; i < M; i++)
    for (int j = 0; j < N; j++)
      {
        double sum = 0;
        for (int k = 0; k < K; k++)
          sum += (double) x[i * K + k] * w[k * N + j];
        off = fmax (off, fabs (sum - y[i * N + j]));
      }
  SF_CHECK_MSG (off <= 1e-4, "off by %g", off);
}

static void
number (float *x, int n, int period)
{
  for (int i = 0; i < n; i++)
    x[i] = (float) (i % period - period / 2) / 8;
}

static float x[M * K], w[K * N], y[M * N];

SF_TEST (RduPacking, KeptUntilWritten)
{
  number (x, M * K, 13);
  number (w, K * N, 7);
  Build b = build_product (w, false);
  g_autoptr (GError) error = NULL;
  RduMachine *machine = build_open (&b, 2, false, &error);
  SF_REQUIRE_NO_ERROR (error);
  const RduPacked *packed = &machine->entries[0].launches[0].packed[0];
  SF_REQUIRE (machine->entries[0].launches[0].config->n_packings == 1);
  SF_CHECK (packed->is_kept);
  for (int period = 7; period < 9; period++)
    {
      number (w, K * N, period);
      SfTensor state = sf_tensor (SF_F32, SF_SHAPE (K, N), w);
      SF_CHECK (sf_plugin.ops.backend->write (machine, "w", &state, &error));
      for (int step = 0; step < 2; step++)
        {
          SF_CHECK (
              build_step (&b, machine, 0, (void *[]){ x }, (void *[]){ y }, NULL, NULL, &error));
          check_product (x, w, y);
          SF_CHECK_INT ((int64_t) packed->version, (int64_t) machine->tensors[1].version);
        }
      /* What is kept is what is used. */
      memset (packed->data, 0, K * N * 4);
      SF_CHECK (build_step (&b, machine, 0, (void *[]){ x }, (void *[]){ y }, NULL, NULL, &error));
      SF_CHECK (y[0] == 0 && y[M * N - 1] == 0);
    }
  rdu_machine_close (machine);
  sf_program_unref (b.program);
}

SF_TEST (RduPacking, LentByTheProgramUntilWritten)
{
  number (x, M * K, 13);
  number (w, K * N, 7);
  Build b = build_product (w, false);
  const float *lent = sf_program_tensor (b.program, 1).data;
  g_autoptr (GError) error = NULL;
  RduMachine *machine = build_open (&b, 2, false, &error);
  SF_REQUIRE_NO_ERROR (error);
  float read[K * N];
  SfTensor state = sf_tensor (SF_F32, SF_SHAPE (K, N), w),
           copy = sf_tensor (SF_F32, SF_SHAPE (K, N), read);
  SF_CHECK (machine->tensors[1].is_lent && machine->tensors[1].data == lent);
  SF_CHECK (build_step (&b, machine, 0, (void *[]){ x }, (void *[]){ y }, NULL, NULL, &error));
  check_product (x, w, y);
  SF_CHECK (sf_plugin.ops.backend->read (machine, "w", &copy, &error));
  SF_CHECK (memcmp (read, w, sizeof w) == 0);
  float first = lent[1];
  number (w, K * N, 9);
  SF_CHECK (sf_plugin.ops.backend->write (machine, "w", &state, &error));
  SF_CHECK (!machine->tensors[1].is_lent && lent[1] == first && w[1] != first);
  SF_CHECK (build_step (&b, machine, 0, (void *[]){ x }, (void *[]){ y }, NULL, NULL, &error));
  check_product (x, w, y);
  SF_CHECK (sf_plugin.ops.backend->read (machine, "w", &copy, &error));
  SF_CHECK (memcmp (read, w, sizeof w) == 0);
  SF_REQUIRE_NO_ERROR (error);
  rdu_machine_close (machine);
  sf_program_unref (b.program);
}

SF_TEST (RduPacking, MadeInEachStepOfTraining)
{
  number (x, M * K, 13);
  number (w, K * N, 7);
  Build b = build_product (w, true);
  g_autoptr (GError) error = NULL;
  RduMachine *machine = build_open (&b, 2, false, &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK (machine->entries[0].launches[0].packed[0].is_used);
  SF_CHECK (!machine->entries[0].launches[0].packed[0].is_kept && !machine->tensors[1].is_lent);
  for (int step = 0; step < 3; step++)
    {
      SF_CHECK (build_step (&b, machine, 0, (void *[]){ x }, (void *[]){ y }, NULL, NULL, &error));
      check_product (x, w, y);
      for (int i = 0; i < K * N; i++)
        w[i] += w[i];
    }
  rdu_machine_close (machine);
  sf_program_unref (b.program);
}

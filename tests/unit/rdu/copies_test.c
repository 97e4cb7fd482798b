/* SPDX-License-Identifier: Apache-2.0 */
/* Rounded copies that are not made: products of what they are copies of are the same, and where
 * somebody else sees a copy it is made. */
#include <math.h>
#include <string.h>

#include "tests/unit/rdu/build.h"

#define M     24
#define K     65
#define N     64 /* K N: as many elements as are worth lending */
#define STEPS 2

/* An operand of all of a buffer; one that moves with counter 0 by `step` rows. */
#define WHOLE(kind, buffer, rows, columns)                 \
  {                                                        \
    kind, buffer, SF_F32, SF_SHAPE (rows, columns), -1, 0, \
    {                                                      \
      ALL (rows), ALL (columns)                            \
    }                                                      \
  }
#define ROWS(kind, buffer, rows, columns, step)           \
  {                                                       \
    kind, buffer, SF_F32, SF_SHAPE (rows, columns), 0, 1, \
    {                                                     \
      BLOCK (0, step), ALL (columns)                      \
    }                                                     \
  }

static float x[M * K], w[K * N], y[M * N], z[M * N];

static void
build_cast (Build *b, uint32_t from, uint32_t to, int64_t rows, int64_t columns)
{
  SfCounter counter = { rows, rows, SF_COUNTER_PARALLEL };
  SfOperand operands[] = { ROWS (SF_OPERAND_IN, from, rows, columns, rows),
                           ROWS (SF_OPERAND_OUT, to, rows, columns, rows) };
  SfInstr cast = { "cast", 1, SF_WHEN_EACH, 1, 1, { 0 }, { 1 }, { 1 } };
  build_stage (b, "cast", &counter, 1, operands, 2, &cast, 1);
}

static void
build_product (Build *b, uint32_t left, uint32_t right, uint32_t to)
{
  SfCounter rows = { M, 8, SF_COUNTER_PARALLEL };
  SfOperand operands[]
      = { { SF_OPERAND_IN, left, SF_F32, SF_SHAPE (M, K), -1, 0, { BLOCK (0, 8), ALL (K) } },
          WHOLE (SF_OPERAND_IN, right, K, N),
          ROWS (SF_OPERAND_OUT, to, M, N, 8) };
  SfInstr gemm = { "gemm", 1, SF_WHEN_EACH, 2, 1, { 0, 1 }, { 2 } };
  build_stage (b, "product", &rows, 1, operands, 3, &gemm, 1);
}

/* to := a + b */
static void
build_sum (Build *b, uint32_t from, uint32_t to)
{
  SfCounter all = { K, K, SF_COUNTER_PARALLEL };
  SfOperand operands[] = { ROWS (SF_OPERAND_IN, from, K, N, K),
                           ROWS (SF_OPERAND_OUT, to, K, N, K) };
  SfInstr add = { "add", 1, SF_WHEN_EACH, 2, 1, { 0, 0 }, { 1 } };
  build_stage (b, "sum", &all, 1, operands, 2, &add, 1);
}

/* y = x w in the first launch, z = x w, by the first one's copy of w, in the second, both of bf16;
 * with `is_trained`, w := w + w at the end; else the first one only makes the copy. With `is_seen`,
 * the second launch makes twice the copy, too. */
static Build
build_launches (bool is_seen, bool is_trained)
{
  Build b = build_new ("train");
  uint32_t tx = build_tensor (&b, "x", SF_TENSOR_INPUT, SF_F32, SF_SHAPE (M, K), NULL),
           tw = build_tensor (&b, "w", SF_TENSOR_STATE, SF_F32, SF_SHAPE (K, N), w),
           copy = build_tensor (&b, "copy", SF_TENSOR_TEMP, SF_BF16, SF_SHAPE (K, N), NULL),
           ty = build_tensor (&b, "y", SF_TENSOR_OUTPUT, SF_F32, SF_SHAPE (M, N), NULL),
           tz = build_tensor (&b, "z", SF_TENSOR_OUTPUT, SF_F32, SF_SHAPE (M, N), NULL);
  uint32_t narrow = build_buffer (&b, SF_BF16, SF_SHAPE (M, K), M, 1),
           weights = build_store (&b, copy, K, 1);
  build_cast (&b, build_load (&b, tx, M, 1), narrow, M, K);
  build_cast (&b, build_load (&b, tw, K, 1), weights, K, N);
  if (is_trained)
    build_product (&b, narrow, weights, build_store (&b, ty, 8, 2));
  build_launch (&b, SF_PHASE_FWD);
  build_section (&b);
  narrow = build_buffer (&b, SF_BF16, SF_SHAPE (M, K), M, 1);
  weights = build_load (&b, copy, K, 1);
  build_cast (&b, build_load (&b, tx, M, 1), narrow, M, K);
  build_product (&b, narrow, weights, build_store (&b, tz, 8, 2));
  if (is_seen)
    build_sum (&b, weights, build_buffer (&b, SF_F32, SF_SHAPE (K, N), K, 1));
  build_launch (&b, SF_PHASE_BWD);
  if (!is_trained)
    return b;
  SfProgramTensor next = { .name = "w",
                           .role = SF_TENSOR_NEXT,
                           .dtype = SF_F32,
                           .shape = SF_SHAPE (K, N),
                           .offset_bytes = -1,
                           .state = tw };
  build_section (&b);
  build_sum (&b, build_load (&b, tw, K, 1),
             build_store (&b, sf_program_add_tensor (b.program, &next), K, 1));
  build_launch (&b, SF_PHASE_OPT);
  return b;
}

static void
check_product (const float *product, const char *name)
{
  double off = 0;
  for (int i = 0; i < M; i++)
    for (int j = 0; j < N; j++)
      {
        double sum = 0;
        for (int k = 0; k < K; k++)
          sum += (double) sf_dtype_round (SF_BF16, x[i * K + k])
                 * sf_dtype_round (SF_BF16, w[k * N + j]);
        off = fmax (off, fabs (sum - product[i * N + j]));
      }
  SF_CHECK_MSG (off <= 1e-4, "%s is off by %g", name, off);
}

/* Numbers that are not bf16. */
static void
number (float *to, int n)
{
  for (int i = 0; i < n; i++)
    to[i] = (float) (i * 37 % 1000) / 999 - 0.5f;
}

static void
check_training (bool is_seen, bool exact_firing)
{
  number (x, M * K);
  number (w, K * N);
  Build b = build_launches (is_seen, true);
  g_autoptr (GError) error = NULL;
  RduMachine *machine = build_open (&b, 2, exact_firing, &error);
  SF_REQUIRE_NO_ERROR (error);
  bool rounds = strcmp (machine->isa->name, "avx512bf16") == 0 && !exact_firing;
  SF_CHECK_INT ((int64_t) machine->configs[0].n_stages, rounds ? (is_seen ? 2 : 1) : 3);
  SF_CHECK_INT ((int64_t) machine->configs[1].n_stages, (rounds ? 1 : 2) + (is_seen ? 1 : 0));
  for (int step = 0; step < STEPS; step++)
    {
      SF_CHECK (
          build_step (&b, machine, 0, (void *[]){ x }, (void *[]){ y, z }, NULL, NULL, &error));
      check_product (y, "y");
      check_product (z, "z");
      for (int i = 0; i < K * N; i++)
        w[i] += w[i];
    }
  rdu_machine_close (machine);
  sf_program_unref (b.program);
}

/* Weights that nobody changes are read where the program has them, to be packed. */
static void
check_constant (void)
{
  number (w, K * N);
  Build b = build_launches (false, false);
  g_autoptr (GError) error = NULL;
  RduMachine *machine = build_open (&b, 1, false, &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK (machine->tensors[1].is_lent == (strcmp (machine->isa->name, "avx512bf16") == 0));
  rdu_machine_close (machine);
  sf_program_unref (b.program);
}

static const char *const isa_names[] = { "portable", "avx2", "avx512", "avx512bf16" };

SF_TEST_CASES (RduCopies, ProductsOfBf16, isa_names, G_N_ELEMENTS (isa_names), sf_test_row_name)
{
  static const char *const blocks[] = { "", "1", "7" };
  g_setenv ("SF_ISA", *(const char *const *) data, TRUE);
  if (rdu_isa_choose (NULL) == NULL)
    SF_SKIP ("this processor lacks the instruction set");
  for (size_t i = 0; i < G_N_ELEMENTS (blocks); i++)
    {
      g_setenv ("SF_RDU_BLOCK", blocks[i], TRUE);
      check_training (false, false);
      check_training (true, false);
    }
  g_unsetenv ("SF_RDU_BLOCK");
  check_training (false, true);
  check_constant ();
  g_unsetenv ("SF_ISA");
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Tile kernels whose results are exact - running sums, sorting, integers, scatter - against values
 * worked out by hand. */
#include <math.h>
#include <string.h>

#include "tests/unit/rdu/call.h"

SF_TEST_CASES (RduKernels, RunningSums, isa_names, N_ISA_NAMES, sf_test_row_name)
{
  ISA_OR_SKIP (isa);
  float x[6] = { 1, 2, 3, 10, 20, 30 }, y[6];
  int32_t i[3] = { INT32_MAX, 1, 5 }, j[3];
  RduView vx = FVIEW (x, 2, 3), vy = FVIEW (y, 2, 3), vi = IVIEW (i, 3), vj = IVIEW (j, 3);
  call_kernel (isa, "cumsum", &vx, 1, &vy, 1, (int64_t[]){ 1, 0, 0 }, NULL, true);
  SF_CHECK (memcmp (y, (float[]){ 1, 3, 6, 10, 30, 60 }, 24) == 0);
  call_kernel (isa, "cumsum", &vx, 1, &vy, 1, (int64_t[]){ 1, 1, 1 }, NULL, true);
  SF_CHECK (memcmp (y, (float[]){ 5, 3, 0, 50, 30, 0 }, 24) == 0);
  call_kernel (isa, "cumsum", &vx, 1, &vy, 1, (int64_t[]){ 0, 1, 0 }, NULL, true);
  SF_CHECK (memcmp (y, (float[]){ 0, 0, 0, 1, 2, 3 }, 24) == 0);
  call_kernel (isa, "cumsum", &vi, 1, &vj, 1, (int64_t[]){ 0, 0, 0 }, NULL, true);
  SF_CHECK (j[0] == INT32_MAX && j[1] == INT32_MIN && j[2] == INT32_MIN + 5);
}

SF_TEST_CASES (RduKernels, Sorting, isa_names, N_ISA_NAMES, sf_test_row_name)
{
  ISA_OR_SKIP (isa);
  float x[7] = { 2, NAN, -1, 2, 0, -INFINITY, 2 }, y[7];
  int32_t at[7], i[4] = { 3, -5, 3, 7 }, j[4];
  RduView vx = FVIEW (x, 7), out[] = { FVIEW (y, 7), IVIEW (at, 7) };
  call_kernel (isa, "sort", &vx, 1, out, 2, (int64_t[]){ 0, 0 }, NULL, true);
  SF_CHECK (memcmp (at, (int32_t[]){ 5, 2, 4, 0, 3, 6, 1 }, 28) == 0);
  SF_CHECK (y[0] == -INFINITY && y[1] == -1 && y[2] == 0 && y[5] == 2 && isnan (y[6]));
  call_kernel (isa, "sort", &vx, 1, out, 2, (int64_t[]){ 0, 1 }, NULL, true);
  SF_CHECK (memcmp (at, (int32_t[]){ 1, 0, 3, 6, 4, 2, 5 }, 28) == 0);
  /* Rows along axis 0 of [2,2], integers. */
  RduView vi = IVIEW (i, 2, 2), rows[] = { IVIEW (j, 2, 2), IVIEW (at, 2, 2) };
  call_kernel (isa, "sort", &vi, 1, rows, 2, (int64_t[]){ 0, 1 }, NULL, true);
  SF_CHECK (memcmp (j, (int32_t[]){ 3, 7, 3, -5 }, 16) == 0);
  SF_CHECK (memcmp (at, (int32_t[]){ 0, 1, 1, 0 }, 16) == 0);
}

/* ---- integers ---- */

typedef struct
{
  const char *op;
  int64_t imm;
  int32_t a, b, wanted;
} Integers;

SF_TEST_CASES (RduKernels, Integers, isa_names, N_ISA_NAMES, sf_test_row_name)
{
  ISA_OR_SKIP (isa);
  static const Integers cases[] = {
    { "mod", 0, -7, 3, 2 },
    { "mod", 0, 7, -3, -2 },
    { "mod", 0, 7, 0, 0 },
    { "mod", 0, INT32_MIN, -1, 0 },
    { "fmod", 0, -7, 3, -1 },
    { "fmod", 0, 7, -3, 1 },
    { "fmod", 0, 7, 0, 0 },
    { "bit_and", 0, 12, 10, 8 },
    { "bit_or", 0, 12, 10, 14 },
    { "bit_xor", 0, 12, 10, 6 },
    { "shift_left", 32, 3, 4, 48 },
    { "shift_left", 32, 3, 32, 0 },
    { "shift_left", 8, 3, 8, 0 },
    { "shift_left", 16, 3, -1, 0 },
    { "shift_right", 32, -9, 1, -5 },
    { "shift_right", 8, -9, 8, 0 },
    { "shift_right", 16, -9, 8, -1 },
    { "shift_right", 32, -9, 40, 0 },
  };
  for (size_t c = 0; c < G_N_ELEMENTS (cases); c++)
    {
      int32_t a = cases[c].a, b = cases[c].b, y = 12345;
      RduView src[] = { IVIEW (&a, 1), IVIEW (&b, 1) }, dst = IVIEW (&y, 1);
      call_kernel (isa, cases[c].op, src, 2, &dst, 1, &cases[c].imm, NULL, true);
      SF_CHECK_MSG (y == cases[c].wanted, "%s (%d, %d) gives %d, wanted %d", cases[c].op, a, b, y,
                    cases[c].wanted);
    }
  int32_t x[] = { 0, 5, -1 }, y[3];
  RduView vx = IVIEW (x, 3), vy = IVIEW (y, 3);
  call_kernel (isa, "bit_not", &vx, 1, &vy, 1, NULL, NULL, true);
  SF_CHECK (y[0] == -1 && y[1] == -6 && y[2] == 0);
}

SF_TEST_CASES (RduKernels, IntegerProducts, isa_names, N_ISA_NAMES, sf_test_row_name)
{
  ISA_OR_SKIP (isa);
  int32_t a[] = { 1, 2, 65536, 4 }, b[] = { 5, 6, 65536, 8 }, y[4] = { 100, 100, 100, 100 }, p[2];
  RduView src[] = { IVIEW (a, 2, 2), IVIEW (b, 2, 2) }, dst = IVIEW (y, 2, 2), vp = IVIEW (p, 2);
  call_kernel (isa, "gemm", src, 2, &dst, 1, (int64_t[]){ 0, 0 }, NULL, true);
  /* 65536 * 65536 and twice that wrap to nothing. */
  SF_CHECK (y[0] == 5 + 2 * 65536 && y[1] == 22 && y[2] == 5 * 65536 + 4 * 65536
            && y[3] == 6 * 65536 + 32);
  call_kernel (isa, "gemm", src, 2, &dst, 1, (int64_t[]){ 0, 1 }, NULL, false);
  SF_CHECK (y[0] == 5 + 2 * 65536 + 17 && y[1] == 22 + 65536 + 16);
  call_kernel (isa, "reduce_prod", src, 1, &vp, 1, (int64_t[]){ 2, 0 }, NULL, true);
  SF_CHECK (p[0] == 2 && p[1] == 262144);
  call_kernel (isa, "reduce_prod", &src[1], 1, &vp, 1, (int64_t[]){ 2, 0 }, NULL, false);
  SF_CHECK (p[0] == 60 && p[1] == 0); /* 2^18 * 2^19 wraps */
  float x[] = { 2, -3, 0.5f, 4 }, q[2];
  RduView vx = FVIEW (x, 2, 2), vq = FVIEW (q, 2);
  call_kernel (isa, "reduce_prod", &vx, 1, &vq, 1, (int64_t[]){ 1, 0 }, NULL, true);
  SF_CHECK (q[0] == 1 && q[1] == -12);
}

SF_TEST_CASES (RduKernels, Saturation, isa_names, N_ISA_NAMES, sf_test_row_name)
{
  ISA_OR_SKIP (isa);
  int32_t x[] = { -300, 300, 7 }, y[3];
  RduView vx = IVIEW (x, 3), vy = IVIEW (y, 3);
  call_kernel (isa, "cast", &vx, 1, &vy, 1, (int64_t[]){ 3, 1 }, NULL, true);
  SF_CHECK (y[0] == -128 && y[1] == 127 && y[2] == 7);
  call_kernel (isa, "cast", &vx, 1, &vy, 1, (int64_t[]){ 5, 1 }, NULL, true);
  SF_CHECK (y[0] == 0 && y[1] == 255 && y[2] == 7);
  call_kernel (isa, "cast", &vx, 1, &vy, 1, (int64_t[]){ 5, 0 }, NULL, true);
  SF_CHECK (y[0] == 212 && y[1] == 44 && y[2] == 7);
}

SF_TEST_CASES (RduKernels, Scatter, isa_names, N_ISA_NAMES, sf_test_row_name)
{
  ISA_OR_SKIP (isa);
  float x[4] = { 1, 2, 3, 4 }, u[6] = { 10, 20, 30, 40, 0.5f, 6 }, y[4];
  int32_t i[3] = { 1, 0, 1 };
  RduView src[] = { FVIEW (x, 2, 2), IVIEW (i, 3), FVIEW (u, 3, 2) }, dst = FVIEW (y, 2, 2);
  static const float wanted[5][4] = {
    { 30, 40, 0.5f, 6 }, { 31, 42, 13.5f, 30 }, { 30, 80, 15, 480 },
    { 30, 40, 10, 20 },  { 1, 2, 0.5f, 4 },
  };
  for (int64_t reduce = 0; reduce < 5; reduce++)
    {
      RduFault fault = call_kernel (isa, "scatter", src, 3, &dst, 1, (int64_t[]){ 0, reduce }, NULL,
                                    true);
      SF_CHECK_MSG (!fault.is_set && memcmp (y, wanted[reduce], 16) == 0, "reduce %d",
                    (int) reduce);
    }
  /* Along axis 1, where the last of equal indices stays. */
  src[2] = FVIEW (u, 2, 3);
  call_kernel (isa, "scatter", src, 3, &dst, 1, (int64_t[]){ 1, 0 }, NULL, true);
  SF_CHECK (memcmp (y, (float[]){ 20, 30, 0.5f, 6 }, 16) == 0);
  i[2] = 2;
  RduFault fault = call_kernel (isa, "scatter", src, 3, &dst, 1, (int64_t[]){ 1, 0 }, NULL, true);
  SF_CHECK (fault.is_set && fault.position == 2 && fault.value == 2 && fault.bound == 2);
}

/* The table in two boxes, rows 0 and 1, then row 2: together a gather. */
SF_TEST_CASES (RduKernels, GatherByParts, isa_names, N_ISA_NAMES, sf_test_row_name)
{
  ISA_OR_SKIP (isa);
  float x[6] = { 1, 2, 3, 4, 5, 6 }, y[8];
  int32_t i[4] = { 2, 0, 2, 1 };
  RduView first = FVIEW (x, 2, 2), second = FVIEW (x + 4, 1, 2), vi = IVIEW (i, 4),
          vy = FVIEW (y, 4, 2);
  first.dim[0] = second.dim[0] = 3;
  second.lo[0] = 2;
  call_kernel (isa, "gather_add", (RduView[]){ first, vi }, 2, &vy, 1, (int64_t[]){ 0 }, NULL,
               true);
  SF_CHECK (memcmp (y, (float[]){ 0, 0, 1, 2, 0, 0, 3, 4 }, 32) == 0);
  RduFault fault = call_kernel (isa, "gather_add", (RduView[]){ second, vi }, 2, &vy, 1,
                                (int64_t[]){ 0 }, NULL, false);
  SF_CHECK (!fault.is_set && memcmp (y, (float[]){ 5, 6, 1, 2, 5, 6, 3, 4 }, 32) == 0);
  i[1] = 3;
  fault = call_kernel (isa, "gather_add", (RduView[]){ second, vi }, 2, &vy, 1, (int64_t[]){ 0 },
                       NULL, true);
  SF_CHECK (fault.is_set && fault.position == 1 && fault.value == 3 && fault.bound == 3);
}

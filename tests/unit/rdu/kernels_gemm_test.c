/* SPDX-License-Identifier: Apache-2.0 */
/* Matrix products of every ISA, bit for bit: each element is one chain of multiply-adds in order of
 * k, however operands lie in memory, the depth is cut or the right one is packed. */
#include <math.h>
#include <string.h>

#include <sf/rng.h>

#include "tests/unit/rdu/call.h"

/* What surrounds a box in memory. */
#define GUARD  -7.5f
#define MARGIN 3

typedef struct
{
  int64_t batch, m, n, k;
  bool shared_a, shared_b;
} Product;

static const Product products[] = {
  { 1, 1, 1, 1 },
  { 1, 1, 64, 100 },
  { 1, 1, 130, 37 },
  { 1, 2, 48, 33 },
  { 1, 3, 17, 64 },
  { 1, 4, 200, 16 },
  { 1, 6, 64, 16 },
  { 1, 7, 65, 17 },
  { 1, 13, 97, 31 },
  { 1, 16, 16, 300 },
  { 1, 17, 10, 50 },
  { 1, 31, 1, 40 },
  { 1, 64, 128, 64 },
  { 1, 100, 47, 5 },
  { 1, 5, 70, 1100 },
  { 1, 16, 17, 1030 },
  { 1, 200, 130, 5 },
  { 2, 13, 33, 7 },
  { 3, 5, 10, 30, false, true },
  { 3, 9, 20, 11, true, false },
  { 4, 1, 20, 17, false, true },
  { 2, 3, 5, 0 },
};

/* How one product is asked for. */
typedef enum
{
  TRANSPOSE_A = 1 << 0,
  TRANSPOSE_B = 1 << 1,
  ACCUMULATE = 1 << 2,
  STRIDED = 1 << 3,    /* rows further apart than they are long */
  TURNED = 1 << 4,     /* operands column by column in memory */
  TURNED_DST = 1 << 5, /* so the result */
  PACKED = 1 << 6,     /* the right operand is a box of one that was packed */
  CUT = 1 << 7,        /* the depth in three firings */
  BF16 = 1 << 8,       /* of bf16 numbers, which may be multiplied in pairs */
  N_WAYS = 1 << 9,
} Way;

static float *
values (uint32_t stream, int64_t n)
{
  SfRng rng = { .seed = 11, .stream = stream };
  float *x = g_new (float, n + 1);
  for (int64_t i = 0; i < n; i++)
    x[i] = sf_rng_uniform (&rng, (uint64_t) i) * 2 - 1;
  return x;
}

/* Values of `values` that bf16 holds. */
static float *
bf16_values (uint32_t stream, int64_t n)
{
  float *x = values (stream, n);
  for (int64_t i = 0; i < n; i++)
    {
      uint32_t bits;
      memcpy (&bits, &x[i], 4);
      bits &= 0xffff0000u;
      memcpy (&x[i], &bits, 4);
    }
  return x;
}

/* A box [batch, rows, columns] inside a larger tensor in memory. */
typedef struct
{
  RduView view, whole;
  float *memory;
  int64_t n_elems;
} Operand;

static Operand
operand (int64_t batch, int64_t rows, int64_t columns, bool strided, bool turned, int64_t row0,
         int64_t column0)
{
  int64_t dim[] = { batch, row0 + rows + (strided ? MARGIN : 0),
                    column0 + columns + (strided ? MARGIN : 0) };
  Operand o = { .n_elems = dim[0] * dim[1] * dim[2] };
  o.memory = g_new (float, o.n_elems + 1);
  for (int64_t i = 0; i < o.n_elems; i++)
    o.memory[i] = GUARD;
  o.whole = view_of (o.memory, false, SF_SHAPE (dim[0], dim[1], dim[2]));
  if (turned)
    {
      o.whole.stride[1] = 1;
      o.whole.stride[2] = dim[1];
    }
  o.view = o.whole;
  o.view.n[1] = rows;
  o.view.n[2] = columns;
  o.view.lo[1] = row0;
  o.view.lo[2] = column0;
  o.view.data = o.memory + row0 * o.whole.stride[1] + column0 * o.whole.stride[2];
  return o;
}

static float *
at (const Operand *o, int64_t batch, int64_t row, int64_t column, bool transposed)
{
  const RduView *v = &o->view;
  int64_t p = v->n[0] == 1 ? 0 : batch;
  return (float *) v->data + p * v->stride[0]
         + (transposed ? column * v->stride[1] + row * v->stride[2]
                       : row * v->stride[1] + column * v->stride[2]);
}

/* The chain in order of k: products rounded, or fused into the sum. */
static float
chain (const float *a, const float *b, int64_t b_step, int64_t k, float sum, bool fused)
{
  for (int64_t i = 0; i < k; i++)
    {
      volatile float product = a[i] * b[i * b_step];
      sum = fused ? fmaf (a[i], b[i * b_step], sum) : sum + product;
    }
  return sum;
}

/* Packs the right operand in three parts, as workers would. Its memory must not be needed then,
 * unless the box may divide a pair. */
static float *
pack_ahead (const RduIsa *isa, Operand *b, const int64_t *imm, bool keeps_memory)
{
  const RduKernel *kernel = rdu_isa_find (isa, "gemm", 1);
  int64_t elems = kernel->pack->elems (&b->whole, 1, imm);
  float *packed = g_new (float, elems + 1);
  packed[elems] = GUARD;
  for (int64_t part = 2; part >= 0; part--)
    kernel->pack->pack (&b->whole, 1, imm, packed, part, 3);
  SF_CHECK ((elems > 0 || b->n_elems == 0) && packed[elems] == GUARD);
  b->view.packed = packed;
  for (int64_t i = 0; i < b->n_elems && !keeps_memory; i++)
    b->memory[i] = NAN;
  return packed;
}

/* A box of `view` from `lo`, `n` long, of dimension `d`. */
static RduView
cut (RduView view, int d, int64_t lo, int64_t n)
{
  view.data = (float *) view.data + lo * view.stride[d];
  view.lo[d] += lo;
  view.n[d] = n;
  return view;
}

static void
call_in_cuts (const RduIsa *isa, const Product *p, int way, const RduView *a, const RduView *b,
              const RduView *y)
{
  int64_t imm[] = { (way & TRANSPOSE_A) != 0, (way & TRANSPOSE_B) != 0 };
  int64_t cuts[] = { 0, p->k, p->k, p->k };
  if (way & CUT)
    {
      cuts[1] = MIN (5, p->k);
      cuts[2] = MAX (p->k - 8, cuts[1]);
    }
  for (int c = 0; c == 0 || (c < 3 && (way & CUT)); c++)
    {
      RduView src[] = { cut (*a, imm[0] ? 1 : 2, cuts[c], cuts[c + 1] - cuts[c]),
                        cut (*b, imm[1] ? 2 : 1, cuts[c], cuts[c + 1] - cuts[c]) };
      call_kernel (isa, "gemm", src, 2, y, 1, imm, NULL, c == 0 && !(way & ACCUMULATE));
    }
}

/* How many elements differ from `wanted`, or lie outside the box and were written. */
static int64_t
count_wrong (const Product *p, Operand *y, const float *wanted)
{
  int64_t wrong = 0;
  for (int64_t i = 0; i < p->batch * p->m * p->n; i++)
    {
      float *found = at (y, i / p->n / p->m, i / p->n % p->m, i % p->n, false);
      wrong += memcmp (found, &wanted[i], 4) != 0;
      *found = GUARD;
    }
  for (int64_t i = 0; i < y->n_elems; i++)
    wrong += y->memory[i] != GUARD;
  return wrong;
}

static void
check_product (const RduIsa *isa, const Product *p, int way, const float *a, const float *b,
               const float *y, const float *wanted)
{
  bool ta = way & TRANSPOSE_A, tb = way & TRANSPOSE_B, is_strided = way & STRIDED;
  int64_t na = p->shared_a ? 1 : p->batch, nb = p->shared_b ? 1 : p->batch;
  int64_t k0 = way & PACKED && way & STRIDED ? 6 : 0, n0 = way & PACKED && way & STRIDED ? 80 : 0;
  Operand oa = operand (na, ta ? p->k : p->m, ta ? p->m : p->k, is_strided, way & TURNED, 0, 0);
  Operand ob = operand (nb, tb ? p->n : p->k, tb ? p->k : p->n, is_strided, way & TURNED,
                        tb ? n0 : k0, tb ? k0 : n0);
  oa.view.dtype = ob.view.dtype = ob.whole.dtype = way & BF16 ? SF_BF16 : SF_F32;
  Operand oy = operand (p->batch, p->m, p->n, is_strided, way & TURNED_DST, 0, 0);
  for (int64_t i = 0; i < na * p->m * p->k; i++)
    *at (&oa, i / p->k / p->m, i / p->k % p->m, i % p->k, ta) = a[i];
  for (int64_t i = 0; i < nb * p->k * p->n; i++)
    *at (&ob, i / p->n / p->k, i / p->n % p->k, i % p->n, tb) = b[i];
  for (int64_t i = 0; i < p->batch * p->m * p->n; i++)
    *at (&oy, i / p->n / p->m, i / p->n % p->m, i % p->n, false) = way & ACCUMULATE ? y[i] : NAN;
  bool divides_pairs = way & BF16 && way & (STRIDED | CUT);
  g_autofree float *packed = way & PACKED
                                 ? pack_ahead (isa, &ob, (int64_t[]){ ta, tb }, divides_pairs)
                                 : NULL;
  call_in_cuts (isa, p, way, &oa.view, &ob.view, &oy.view);
  int64_t wrong = count_wrong (p, &oy, wanted);
  SF_CHECK_MSG (wrong == 0, "gemm %ld of %ld x %ld x %ld, way %#x: %ld elements wrong",
                (long) p->batch, (long) p->m, (long) p->n, (long) p->k, way, (long) wrong);
  g_free (oa.memory);
  g_free (ob.memory);
  g_free (oy.memory);
}

static void
chains (const Product *p, const float *a, const float *b, const float *y, bool fused, float *to)
{
  for (int64_t i = 0; i < p->batch * p->m * p->n; i++)
    {
      int64_t batch = i / p->n / p->m, row = i / p->n % p->m, column = i % p->n;
      const float *from = a + ((p->shared_a ? 0 : batch) * p->m + row) * p->k;
      to[i] = chain (from, b + (p->shared_b ? 0 : batch) * p->k * p->n + column, p->n, p->k,
                     y != NULL ? y[i] : 0, fused);
    }
}

/* All ways to ask for a product of f32, or of bf16. */
static void
check_ways (const RduIsa *isa, const Product *p, int bf16)
{
  float *(*make) (uint32_t, int64_t) = bf16 ? bf16_values : values;
  int64_t n = p->batch * p->m * p->n;
  g_autofree float *a = make (1, p->batch * p->m * p->k), *b = make (2, p->batch * p->k * p->n),
                   *y = values (3, n);
  g_autofree float *from_zero = g_new (float, n), *from_y = g_new (float, n);
  chains (p, a, b, NULL, fuses_products (isa), from_zero);
  chains (p, a, b, y, fuses_products (isa), from_y);
  for (int way = 0; way < BF16; way++)
    check_product (isa, p, way | bf16, a, b, y, way & ACCUMULATE ? from_y : from_zero);
}

SF_TEST_CASES (RduGemm, IsOneChainInOrderOfDepth, isa_names, N_ISA_NAMES, sf_test_row_name)
{
  ISA_OR_SKIP (isa);
  for (size_t c = 0; c < G_N_ELEMENTS (products); c++)
    {
      const Product *p = &products[c];
      for (int bf16 = 0; bf16 <= BF16; bf16 += BF16)
        check_ways (isa, p, bf16);
    }
}

/* The chain itself, and with it every ISA, against double. */
SF_TEST_CASES (RduGemm, IsNearTheExactProduct, isa_names, N_ISA_NAMES, sf_test_row_name)
{
  ISA_OR_SKIP (isa);
  enum
  {
    M = 70,
    N = 150,
    K = 600
  };
  g_autofree float *a = values (1, M * K), *b = values (2, N * K), *y = g_new (float, M *N);
  RduView src[] = { FVIEW (a, M, K), FVIEW (b, N, K) }, dst = FVIEW (y, M, N);
  call_kernel (isa, "gemm", src, 2, &dst, 1, (int64_t[]){ 0, 1 }, NULL, true);
  double worst = 0;
  for (int i = 0; i < M; i++)
    for (int j = 0; j < N; j++)
      {
        double sum = 0, size = 0;
        for (int k = 0; k < K; k++)
          {
            sum += (double) a[i * K + k] * b[j * K + k];
            size += fabs ((double) a[i * K + k] * b[j * K + k]);
          }
        worst = fmax (worst, fabs (y[i * N + j] - sum) / size);
      }
  SF_CHECK_MSG (worst < 1e-6, "off by %g of the sum of magnitudes", worst);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Loops that keep the multiply-add units, or the way to memory, of one ISA busy and do nothing
 * else.
 */
#ifdef __AVX512F__
#include <immintrin.h>
#endif

#include "plugins/backends/rdu/kernels.h"
#include "plugins/backends/rdu/peak.h"

#if defined(__AVX512F__)
#define VECTOR_BYTES 64
#elif defined(__AVX__)
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif

enum
{
  LANES = VECTOR_BYTES / 4,
  /* More than latency times units, fewer than registers. */
  N_SUMS = VECTOR_BYTES == 64 ? 24 : 12
};

typedef float Vector __attribute__ ((vector_size (VECTOR_BYTES)));

static void
fma_rounds (int64_t n_rounds, float *x)
{
  const Vector a = (Vector){ 0 } + 0.999f, b = (Vector){ 0 } + 0.001f;
  Vector sum[N_SUMS];
#pragma GCC unroll 24
  for (int i = 0; i < N_SUMS; i++)
    sum[i] = a * (float) i;
  for (; n_rounds > 0; n_rounds--)
    {
#pragma GCC unroll 24
      for (int i = 0; i < N_SUMS; i++)
        sum[i] = sum[i] * a + b;
    }
#pragma GCC unroll 24
  for (int i = 1; i < N_SUMS; i++)
    sum[0] += sum[i];
  for (int i = 0; i < LANES; i++)
    x[i] = sum[0][i];
}

#ifdef __AVX512BF16__
static bool
has_dot (void)
{
  return true;
}

static void
dot_rounds (int64_t n_rounds, float *x)
{
  /* The same bf16 twice in each 32 bits: 2^-40 and 1. */
  const __m512bh a = (__m512bh) _mm512_set1_epi32 (0x2b802b80),
                 b = (__m512bh) _mm512_set1_epi32 (0x3f803f80);
  __m512 sum[N_SUMS];
#pragma GCC unroll 24
  for (int i = 0; i < N_SUMS; i++)
    sum[i] = _mm512_set1_ps ((float) i);
  for (; n_rounds > 0; n_rounds--)
    {
#pragma GCC unroll 24
      for (int i = 0; i < N_SUMS; i++)
        sum[i] = _mm512_dpbf16_ps (sum[i], a, b);
    }
#pragma GCC unroll 24
  for (int i = 1; i < N_SUMS; i++)
    sum[0] = _mm512_add_ps (sum[0], sum[i]);
  _mm512_storeu_ps (x, sum[0]);
}
#else
static bool
has_dot (void)
{
  return false;
}

static void
dot_rounds (int64_t n_rounds, float *x)
{
  (void) n_rounds;
  (void) x;
}
#endif

static void
read_all (const float *from, int64_t n, float *x)
{
  const Vector *v = (const Vector *) (const void *) from;
  Vector sum[4] = { { 0 } };
  for (int64_t i = 0; i < n / LANES; i += 4)
    {
#pragma GCC unroll 4
      for (int k = 0; k < 4; k++)
        sum[k] += v[i + k];
    }
  sum[0] += sum[1] + sum[2] + sum[3];
  for (int i = 0; i < LANES; i++)
    x[i] = sum[0][i];
}

static void
triad (float *to, const float *a, const float *b, int64_t n)
{
  Vector *t = (Vector *) (void *) to;
  const Vector *u = (const Vector *) (const void *) a, *v = (const Vector *) (const void *) b;
  for (int64_t i = 0; i < n / LANES; i++)
    t[i] = u[i] + v[i] * 0.5f;
}

const RduPeakKernels RDU_SYMBOL (rdu_peak_kernels) = {
  .fma_flops = 2 * LANES * N_SUMS,
  .dot_flops = 4 * LANES * N_SUMS,
  .fma = fma_rounds,
  .dot = dot_rounds,
  .has_dot = has_dot,
  .read = read_all,
  .triad = triad,
};

/* SPDX-License-Identifier: Apache-2.0 */
/* One vector of floats of the ISA that a kernel file is compiled for. */
#ifndef SF_RDU_KERNELS_VECTOR_H
#define SF_RDU_KERNELS_VECTOR_H

#include <stdint.h>

#if defined(__AVX512F__)
#include <immintrin.h>
#define RDU_VECTOR 16
typedef __m512 RduVec;
typedef __mmask16 RduLanes;

/* The first n lanes, 0 <= n <= RDU_VECTOR. */
static inline RduLanes
rdu_lanes (int64_t n)
{
  return (RduLanes) ((1u << n) - 1);
}

static inline RduVec
rdu_vec_zero (void)
{
  return _mm512_setzero_ps ();
}

static inline RduVec
rdu_vec_all (const float *p)
{
  return _mm512_set1_ps (*p);
}

static inline RduVec
rdu_vec_load (const float *p)
{
  return _mm512_loadu_ps (p);
}

/* Lanes that are not asked for are zero, and their memory is not touched. */
static inline RduVec
rdu_vec_load_lanes (const float *p, RduLanes lanes)
{
  return _mm512_maskz_loadu_ps (lanes, p);
}

static inline void
rdu_vec_store (float *p, RduVec x)
{
  _mm512_storeu_ps (p, x);
}

static inline void
rdu_vec_store_lanes (float *p, RduLanes lanes, RduVec x)
{
  _mm512_mask_storeu_ps (p, lanes, x);
}

static inline RduVec
rdu_vec_fma (RduVec a, RduVec b, RduVec sum)
{
  return _mm512_fmadd_ps (a, b, sum);
}

#ifdef __AVX512BF16__
/* Lanes of a and b are pairs of bf16. Adds the product of the upper halves, then that of the lower
 * ones: two multiply-adds that take and give denormal numbers as zero. */
#define RDU_HAS_PAIRS
static inline RduVec
rdu_vec_fma_pairs (RduVec a, RduVec b, RduVec sum)
{
  return _mm512_dpbf16_ps (sum, (__m512bh) a, (__m512bh) b);
}
#endif

#elif defined(__AVX2__)
#include <immintrin.h>
#define RDU_VECTOR 8
typedef __m256 RduVec;
typedef __m256i RduLanes;

static inline RduLanes
rdu_lanes (int64_t n)
{
  return _mm256_cmpgt_epi32 (_mm256_set1_epi32 ((int) n),
                             _mm256_setr_epi32 (0, 1, 2, 3, 4, 5, 6, 7));
}

static inline RduVec
rdu_vec_zero (void)
{
  return _mm256_setzero_ps ();
}

static inline RduVec
rdu_vec_all (const float *p)
{
  return _mm256_broadcast_ss (p);
}

static inline RduVec
rdu_vec_load (const float *p)
{
  return _mm256_loadu_ps (p);
}

static inline RduVec
rdu_vec_load_lanes (const float *p, RduLanes lanes)
{
  return _mm256_maskload_ps (p, lanes);
}

static inline void
rdu_vec_store (float *p, RduVec x)
{
  _mm256_storeu_ps (p, x);
}

static inline void
rdu_vec_store_lanes (float *p, RduLanes lanes, RduVec x)
{
  _mm256_maskstore_ps (p, lanes, x);
}

static inline RduVec
rdu_vec_fma (RduVec a, RduVec b, RduVec sum)
{
  return _mm256_fmadd_ps (a, b, sum);
}

#else
#define RDU_VECTOR 4
typedef float RduVec __attribute__ ((vector_size (RDU_VECTOR * 4), aligned (4), may_alias));
typedef int64_t RduLanes;

static inline RduLanes
rdu_lanes (int64_t n)
{
  return n;
}

static inline RduVec
rdu_vec_zero (void)
{
  return (RduVec){ 0 };
}

static inline RduVec
rdu_vec_all (const float *p)
{
  return *p - (RduVec){ 0 };
}

static inline RduVec
rdu_vec_load (const float *p)
{
  return *(const RduVec *) p;
}

static inline RduVec
rdu_vec_load_lanes (const float *p, RduLanes lanes)
{
  RduVec x = { 0 };
  if (lanes == RDU_VECTOR)
    return *(const RduVec *) p;
  for (int64_t i = 0; i < lanes; i++)
    x[i] = p[i];
  return x;
}

static inline void
rdu_vec_store (float *p, RduVec x)
{
  *(RduVec *) p = x;
}

static inline void
rdu_vec_store_lanes (float *p, RduLanes lanes, RduVec x)
{
  for (int64_t i = 0; i < lanes; i++)
    p[i] = x[i];
}

/* Rounds the product too, unless the compiler has leave to fuse them. */
static inline RduVec
rdu_vec_fma (RduVec a, RduVec b, RduVec sum)
{
  return sum + a * b;
}
#endif

#endif

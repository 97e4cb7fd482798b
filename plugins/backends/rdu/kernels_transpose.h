/* SPDX-License-Identifier: Apache-2.0 */
/* A square of floats, transposed in registers. */
#ifndef SF_RDU_KERNELS_TRANSPOSE_H
#define SF_RDU_KERNELS_TRANSPOSE_H

#include "plugins/backends/rdu/kernels_vector.h"

#if RDU_VECTOR == 16
/* Four rounds: pairs of rows by lanes, by pairs of lanes, then by quarters, twice. */
static inline __attribute__ ((always_inline)) void
rdu_vec_transpose (RduVec x[16])
{
  RduVec y[16];
#pragma GCC unroll 8
  for (int i = 0; i < 16; i += 2)
    {
      y[i] = _mm512_unpacklo_ps (x[i], x[i + 1]);
      y[i + 1] = _mm512_unpackhi_ps (x[i], x[i + 1]);
    }
#pragma GCC unroll 8
  for (int i = 0; i < 16; i += 4)
#pragma GCC unroll 2
    for (int h = 0; h < 2; h++)
      {
        __m512d low = _mm512_castps_pd (y[i + h]), high = _mm512_castps_pd (y[i + h + 2]);
        x[i + 2 * h] = _mm512_castpd_ps (_mm512_unpacklo_pd (low, high));
        x[i + 2 * h + 1] = _mm512_castpd_ps (_mm512_unpackhi_pd (low, high));
      }
      /* x[4 q + r]: column r of each quarter, of rows 4 q .. 4 q + 3. */
#pragma GCC unroll 4
  for (int r = 0; r < 4; r++)
    {
      y[r] = _mm512_shuffle_f32x4 (x[r], x[4 + r], 0x88);
      y[4 + r] = _mm512_shuffle_f32x4 (x[r], x[4 + r], 0xdd);
      y[8 + r] = _mm512_shuffle_f32x4 (x[8 + r], x[12 + r], 0x88);
      y[12 + r] = _mm512_shuffle_f32x4 (x[8 + r], x[12 + r], 0xdd);
    }
#pragma GCC unroll 4
  for (int r = 0; r < 4; r++)
    {
      x[r] = _mm512_shuffle_f32x4 (y[r], y[8 + r], 0x88);
      x[4 + r] = _mm512_shuffle_f32x4 (y[4 + r], y[12 + r], 0x88);
      x[8 + r] = _mm512_shuffle_f32x4 (y[r], y[8 + r], 0xdd);
      x[12 + r] = _mm512_shuffle_f32x4 (y[4 + r], y[12 + r], 0xdd);
    }
}

#elif RDU_VECTOR == 8
static inline __attribute__ ((always_inline)) void
rdu_vec_transpose (RduVec x[8])
{
  RduVec y[8];
#pragma GCC unroll 4
  for (int i = 0; i < 8; i += 2)
    {
      y[i] = _mm256_unpacklo_ps (x[i], x[i + 1]);
      y[i + 1] = _mm256_unpackhi_ps (x[i], x[i + 1]);
    }
#pragma GCC unroll 2
  for (int i = 0; i < 8; i += 4)
#pragma GCC unroll 2
    for (int h = 0; h < 2; h++)
      {
        x[i + 2 * h] = _mm256_shuffle_ps (y[i + h], y[i + h + 2], 0x44);
        x[i + 2 * h + 1] = _mm256_shuffle_ps (y[i + h], y[i + h + 2], 0xee);
      }
#pragma GCC unroll 4
  for (int r = 0; r < 4; r++)
    {
      y[r] = _mm256_permute2f128_ps (x[r], x[4 + r], 0x20);
      y[4 + r] = _mm256_permute2f128_ps (x[r], x[4 + r], 0x31);
    }
#pragma GCC unroll 8
  for (int i = 0; i < 8; i++)
    x[i] = y[i];
}

#else
static inline void
rdu_vec_transpose (RduVec x[RDU_VECTOR])
{
  for (int i = 0; i < RDU_VECTOR; i++)
    for (int j = 0; j < i; j++)
      {
        float kept = x[i][j];
        x[i][j] = x[j][i];
        x[j][i] = kept;
      }
}
#endif

#endif

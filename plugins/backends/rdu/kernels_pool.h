/* SPDX-License-Identifier: Apache-2.0 */
/* Pools over vectors of elements: which one is the maximum, lane by lane. */
#ifndef SF_RDU_KERNELS_POOL_H
#define SF_RDU_KERNELS_POOL_H

#include "plugins/backends/rdu/kernels.h"
#include "plugins/backends/rdu/kernels_vector.h"

#if RDU_VECTOR == 16
typedef __mmask16 RduPoolMask;

/* Greater, or the first NaN. */
static inline RduPoolMask
rdu_pool_beats (RduVec v, RduVec best)
{
  return _mm512_mask_cmp_ps_mask (_mm512_cmp_ps_mask (best, best, _CMP_ORD_Q), v, best,
                                  _CMP_NLE_UQ);
}

static inline RduPoolMask
rdu_pool_same (RduVec a, RduVec b)
{
  return _mm512_cmp_ps_mask (a, b, _CMP_EQ_OQ);
}

static inline RduVec
rdu_pool_choose (RduPoolMask mask, RduVec yes, RduVec no)
{
  return _mm512_mask_blend_ps (mask, no, yes);
}
#else
typedef int32_t RduPoolMask __attribute__ ((vector_size (RDU_VECTOR * 4)));

/* Greater, or the first NaN. */
static inline RduPoolMask
rdu_pool_beats (RduVec v, RduVec best)
{
  return (RduPoolMask) (v > best) | ((RduPoolMask) (v != v) & (RduPoolMask) (best == best));
}

static inline RduPoolMask
rdu_pool_same (RduVec a, RduVec b)
{
  return (RduPoolMask) (a == b);
}

static inline RduVec
rdu_pool_choose (RduPoolMask mask, RduVec yes, RduVec no)
{
  return (RduVec) (((RduPoolMask) yes & mask) | ((RduPoolMask) no & ~mask));
}
#endif

/* Rows and columns (0 and 1) of windows on an image. */
typedef struct
{
  const RduCall *call;
  const RduView *image, *windows; /* one element of `windows` for each */
  int64_t kernel[2], stride[2], dilation[2], pad[2];
  int64_t lo[2], hi[2]; /* positions of the image that count */
} RduPool;

typedef enum
{
  RDU_POOL_MAX,
  RDU_POOL_MAX_BWD,
  RDU_POOL_MEAN,
  RDU_POOL_MEAN_BWD,
} RduPoolOp;

#ifdef RDU_ISA
/* All windows, where they are two by two and touch; false, and nothing done: they are not. dx: of
 * gradients, else NULL. */
bool RDU_SYMBOL (rdu_pool_quads) (const RduPool *pool, const RduView *dx, RduPoolOp op);
#endif

#endif

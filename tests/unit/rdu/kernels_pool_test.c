/* SPDX-License-Identifier: Apache-2.0 */
/* Pools of every ISA against values worked out by hand. */
#include <string.h>

#include "tests/unit/rdu/call.h"

/* Images, and padding around them. */
typedef struct
{
  int64_t n, c, h, w, pt, pl, pb, pr;
} Image;

/* x in memory without padding, seen as a box that hangs over its edges. */
static RduView
padded_view (float *x, const Image *g)
{
  RduView v = FVIEW (x, g->n, g->c, g->h, g->w);
  v.lo[2] = -g->pt;
  v.lo[3] = -g->pl;
  v.n[2] = g->h + g->pt + g->pb;
  v.n[3] = g->w + g->pl + g->pr;
  v.valid_lo[2] = g->pt;
  v.valid_lo[3] = g->pl;
  v.valid_hi[2] = g->pt + g->h;
  v.valid_hi[3] = g->pl + g->w;
  v.data = (void *) ((uintptr_t) x - (uintptr_t) (g->pt * g->w + g->pl) * 4);
  return v;
}

SF_TEST_CASES (RduKernels, Pools, isa_names, N_ISA_NAMES, sf_test_row_name)
{
  ISA_OR_SKIP (isa);
  /* 3x3 image, kernel 2, stride 2, padding 1 all around: windows of 1, 2, 2 and 4 elements. */
  float x[9] = { 1, -2, 3, 4, 9, 9, -7, 8, 0.5f }, y[4], dx[9];
  const Image g = { 1, 1, 3, 3, 1, 1, 0, 0 };
  RduView vx = padded_view (x, &g), vy = FVIEW (y, 1, 1, 2, 2), flat = FVIEW (x, 1, 1, 3, 3),
          vdx = FVIEW (dx, 1, 1, 3, 3);
  call_kernel (isa, "max_pool2d", &vx, 1, &vy, 1, (int64_t[]){ 2, 2, 2, 2, 1, 1 }, NULL, true);
  SF_CHECK (y[0] == 1 && y[1] == 3 && y[2] == 4 && y[3] == 9);
  call_kernel (isa, "avg_pool2d", &vx, 1, &vy, 1, (int64_t[]){ 2, 2, 2, 2, 0, 1, 1, 0, 0 }, NULL,
               true);
  SF_CHECK (y[0] == 1 && y[1] == 0.5f && y[2] == -1.5f && y[3] == 26.5f / 4);
  call_kernel (isa, "avg_pool2d", &vx, 1, &vy, 1, (int64_t[]){ 2, 2, 2, 2, 1, 1, 1, 0, 0 }, NULL,
               true);
  SF_CHECK (y[0] == 0.25f && y[1] == 0.25f && y[2] == -0.75f && y[3] == 26.5f / 4);
  memcpy (y, (float[]){ 10, 20, 30, 40 }, sizeof y);
  call_kernel (isa, "max_pool2d_bwd", (RduView[]){ vy, flat }, 2, &vdx, 1,
               (int64_t[]){ 2, 2, 2, 2, 1, 1, 1, 1 }, NULL, true);
  SF_CHECK (memcmp (dx, (float[]){ 10, 0, 20, 30, 40, 0, 0, 0, 0 }, sizeof dx)
            == 0); /* of the two nines, the first */
  call_kernel (isa, "avg_pool2d_bwd", &vy, 1, &vdx, 1, (int64_t[]){ 2, 2, 2, 2, 0, 1, 1, 0, 0 },
               NULL, true);
  SF_CHECK (memcmp (dx, (float[]){ 10, 10, 10, 15, 10, 10, 15, 10, 10 }, sizeof dx) == 0);
  call_kernel (isa, "avg_pool2d_bwd", &vy, 1, &vdx, 1, (int64_t[]){ 2, 2, 2, 2, 1, 1, 1, 0, 0 },
               NULL, true);
  SF_CHECK (memcmp (dx, (float[]){ 2.5f, 5, 5, 7.5f, 10, 10, 7.5f, 10, 10 }, sizeof dx) == 0);
}

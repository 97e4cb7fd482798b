/* SPDX-License-Identifier: Apache-2.0 */
/* Pools of every ISA against values worked out by hand, and against plain loops in double. */
#include <math.h>
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

SF_TEST_CASES (RduPool, ByHand, isa_names, N_ISA_NAMES, sf_test_row_name)
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

/* ---- against plain loops ---- */

typedef struct
{
  int64_t n, c, h, w, kernel[2], stride[2], dilation[2], pad[2];
  bool counts_pad;
} Pool;

static const Pool pools[] = {
  { 2, 1, 6, 6, { 2, 2 }, { 2, 2 }, { 1, 1 }, { 0, 0 }, false },
  { 2, 6, 4, 40, { 2, 2 }, { 2, 2 }, { 1, 1 }, { 0, 0 }, false },
  { 1, 37, 6, 10, { 2, 2 }, { 2, 2 }, { 1, 1 }, { 0, 0 }, true },
  { 2, 3, 7, 9, { 2, 2 }, { 2, 2 }, { 1, 1 }, { 0, 0 }, false },
  { 2, 19, 9, 8, { 3, 3 }, { 2, 2 }, { 1, 1 }, { 1, 1 }, true },
  { 1, 37, 7, 9, { 2, 3 }, { 1, 2 }, { 1, 1 }, { 1, 0 }, false },
  { 2, 16, 11, 12, { 3, 2 }, { 2, 1 }, { 2, 3 }, { 2, 1 }, false },
  { 1, 5, 4, 4, { 4, 4 }, { 4, 4 }, { 1, 1 }, { 0, 0 }, true },
  { 2, 3, 9, 37, { 3, 3 }, { 2, 2 }, { 1, 1 }, { 1, 1 }, true },
  { 1, 2, 8, 70, { 2, 5 }, { 1, 3 }, { 3, 2 }, { 2, 4 }, false },
  { 1, 4, 5, 33, { 3, 3 }, { 1, 1 }, { 1, 1 }, { 1, 1 }, false },
};

/* Which views have their channels innermost. */
enum
{
  IMAGE_CHANNELS_LAST = 1 << 0,
  WINDOW_CHANNELS_LAST = 1 << 1,
  N_LAYOUTS = 1 << 2,
};

static RduView
laid_out (float *memory, int64_t n, int64_t c, int64_t h, int64_t w, bool channels_last)
{
  RduView v = FVIEW (memory, n, c, h, w);
  if (channels_last)
    {
      v.stride[1] = 1;
      v.stride[2] = w * c;
      v.stride[3] = c;
    }
  return v;
}

static float *
element (const RduView *v, int64_t n, int64_t c, int64_t h, int64_t w)
{
  return (float *) v->data + n * v->stride[0] + c * v->stride[1] + h * v->stride[2]
         + w * v->stride[3];
}

/* Few different values, so that windows have several maxima. */
static void
fill (const RduView *v, uint32_t seed)
{
  for (int64_t i = 0; i < v->n[0] * v->n[1] * v->n[2] * v->n[3]; i++)
    {
      int64_t w = i % v->n[3], h = i / v->n[3] % v->n[2], c = i / v->n[3] / v->n[2] % v->n[1];
      seed = seed * 1664525 + 1013904223;
      *element (v, i / v->n[3] / v->n[2] / v->n[1], c, h, w) = (float) (seed >> 28) - 6;
    }
}

/* What one window gives, and what it gives back of its gradient. */
static void
check_window (const Pool *p, const RduView *x, const RduView *max, const RduView *mean,
              const RduView *dy, double *dmax, double *dmean, const int64_t at[4])
{
  double best = 0, sum = 0;
  int64_t count = 0, best_at = -1, plane = (at[0] * p->c + at[1]) * p->h * p->w;
  for (int64_t k = 0; k < p->kernel[0] * p->kernel[1]; k++)
    {
      int64_t h = at[2] * p->stride[0] - p->pad[0] + k / p->kernel[1] * p->dilation[0],
              w = at[3] * p->stride[1] - p->pad[1] + k % p->kernel[1] * p->dilation[1];
      bool is_pixel = h >= 0 && h < p->h && w >= 0 && w < p->w;
      count += is_pixel || p->counts_pad;
      if (!is_pixel)
        continue;
      double v = *element (x, at[0], at[1], h, w);
      sum += v;
      if (best_at < 0 || v > best || (isnan (v) && !isnan (best)))
        {
          best = v;
          best_at = plane + h * p->w + w;
        }
    }
  double found = *element (max, at[0], at[1], at[2], at[3]);
  SF_CHECK (found == best || (isnan (found) && isnan (best)));
  double g = *element (dy, at[0], at[1], at[2], at[3]);
  dmax[best_at] += g;
  if (p->dilation[0] != 1 || p->dilation[1] != 1)
    return;
  found = *element (mean, at[0], at[1], at[2], at[3]);
  SF_CHECK (fabs (found - sum / (double) count) <= 1e-6 || isnan (sum));
  for (int64_t k = 0; k < p->kernel[0] * p->kernel[1]; k++)
    {
      int64_t h = at[2] * p->stride[0] - p->pad[0] + k / p->kernel[1],
              w = at[3] * p->stride[1] - p->pad[1] + k % p->kernel[1];
      if (h >= 0 && h < p->h && w >= 0 && w < p->w)
        dmean[plane + h * p->w + w] += g / (double) count;
    }
}

static void
check_gradient (const char *op, const RduView *dx, const double *wanted)
{
  for (int64_t i = 0; i < dx->n[0] * dx->n[1] * dx->n[2] * dx->n[3]; i++)
    {
      int64_t w = i % dx->n[3], h = i / dx->n[3] % dx->n[2], c = i / dx->n[3] / dx->n[2] % dx->n[1];
      float found = *element (dx, i / dx->n[3] / dx->n[2] / dx->n[1], c, h, w);
      SF_CHECK_MSG (fabs (found - wanted[i]) <= 1e-5, "%s: element %d is %g, wanted %g", op,
                    (int) i, (double) found, wanted[i]);
    }
}

static void
check_pool (const RduIsa *isa, const Pool *p, int layout)
{
  int64_t size[2] = { p->h, p->w }, out[2], n_image = p->n * p->c * p->h * p->w;
  for (int d = 0; d < 2; d++)
    out[d] = (size[d] + 2 * p->pad[d] - (p->kernel[d] - 1) * p->dilation[d] - 1) / p->stride[d] + 1;
  int64_t n_windows = p->n * p->c * out[0] * out[1];
  g_autofree float *memory = g_new (float, 3 * (n_image + n_windows));
  g_autofree double *dmax = g_new0 (double, n_image), *dmean = g_new0 (double, n_image);
  bool last = (layout & IMAGE_CHANNELS_LAST) != 0, out_last = (layout & WINDOW_CHANNELS_LAST) != 0;
  RduView image[3], window[3]; /* x, gradients by maximum and mean; maximum, mean, dy */
  for (int i = 0; i < 3; i++)
    {
      image[i] = laid_out (memory + i * n_image, p->n, p->c, p->h, p->w, last);
      window[i] = laid_out (memory + 3 * n_image + i * n_windows, p->n, p->c, out[0], out[1],
                            out_last);
    }
  fill (&image[0], 1);
  fill (&window[2], 2);
  *element (&image[0], 0, 0, 1, 1) = NAN;
  RduView x = image[0];
  for (int d = 0; d < 2; d++)
    {
      x.lo[2 + d] = -p->pad[d];
      x.n[2 + d] = (out[d] - 1) * p->stride[d] + (p->kernel[d] - 1) * p->dilation[d] + 1;
      x.valid_lo[2 + d] = p->pad[d];
      x.valid_hi[2 + d] = MIN (p->pad[d] + size[d], x.n[2 + d]);
      x.data = (void *) ((uintptr_t) x.data - (uintptr_t) (p->pad[d] * x.stride[2 + d]) * 4);
    }
  const int64_t *k = p->kernel, *s = p->stride, *e = p->dilation, *q = p->pad;
  int64_t imm_max[] = { k[0], k[1], s[0], s[1], e[0], e[1], q[0], q[1] },
          imm_mean[] = { k[0], k[1], s[0], s[1], p->counts_pad, q[0], q[1], q[0], q[1] };
  call_kernel (isa, "max_pool2d", &x, 1, &window[0], 1, imm_max, NULL, true);
  call_kernel (isa, "max_pool2d_bwd", (RduView[]){ window[2], image[0] }, 2, &image[1], 1, imm_max,
               NULL, true);
  if (e[0] == 1 && e[1] == 1)
    {
      call_kernel (isa, "avg_pool2d", &x, 1, &window[1], 1, imm_mean, NULL, true);
      call_kernel (isa, "avg_pool2d_bwd", &window[2], 1, &image[2], 1, imm_mean, NULL, true);
    }
  for (int64_t i = 0; i < n_windows; i++)
    check_window (p, &image[0], &window[0], &window[1], &window[2], dmax, dmean,
                  (int64_t[]){ i / out[1] / out[0] / p->c, i / out[1] / out[0] % p->c,
                               i / out[1] % out[0], i % out[1] });
  check_gradient ("max_pool2d_bwd", &image[1], dmax);
  if (e[0] == 1 && e[1] == 1)
    check_gradient ("avg_pool2d_bwd", &image[2], dmean);
}

SF_TEST_CASES (RduPool, Layouts, isa_names, N_ISA_NAMES, sf_test_row_name)
{
  ISA_OR_SKIP (isa);
  for (size_t i = 0; i < G_N_ELEMENTS (pools); i++)
    for (int layout = 0; layout < N_LAYOUTS; layout++)
      check_pool (isa, &pools[i], layout);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Pooling windows on images [N, C, H, W] and their gradients. */
#include <math.h>

#include "plugins/backends/rdu/kernels_view.h"

static float *
plane (const RduView *view, int64_t n, int64_t c)
{
  return (float *) view->data + n * view->stride[0] + c * view->stride[1];
}

/* Taps k of one dimension with lo <= start + k * dilation < hi. */
static void
tap_range (int64_t start, int64_t kernel, int64_t dilation, int64_t lo, int64_t hi, int64_t *from,
           int64_t *to)
{
  *from = start >= lo ? 0 : (lo - start + dilation - 1) / dilation;
  *to = start >= hi ? 0 : (hi - start + dilation - 1) / dilation;
  *to = *to > kernel ? kernel : *to;
}

static bool
beats (float v, float best)
{
  return v > best || (v != v && best == best);
}

static void
max_pool2d (const RduCall *call)
{
  const RduView *x = call->src[0], *y = call->dst[0];
  const int64_t *imm = call->imm;
  for (int64_t image = 0; image < y->n[0] * y->n[1]; image++)
    {
      const float *from = plane (x, image / y->n[1], image % y->n[1]);
      float *to = plane (y, image / y->n[1], image % y->n[1]);
      for (int64_t oh = 0; oh < y->n[2]; oh++)
        for (int64_t ow = 0; ow < y->n[3]; ow++)
          {
            int64_t y0, y1, x0, x1, top = oh * imm[2], left = ow * imm[3];
            tap_range (top, imm[0], imm[4], x->valid_lo[2], x->valid_hi[2], &y0, &y1);
            tap_range (left, imm[1], imm[5], x->valid_lo[3], x->valid_hi[3], &x0, &x1);
            float best = -INFINITY;
            for (int64_t kh = y0; kh < y1; kh++)
              for (int64_t kw = x0; kw < x1; kw++)
                {
                  float v = from[(top + kh * imm[4]) * x->stride[2]
                                 + (left + kw * imm[5]) * x->stride[3]];
                  best = beats (v, best) ? v : best;
                }
            to[oh * y->stride[2] + ow * y->stride[3]] = best;
          }
    }
}

static void
clear_plane (const RduView *view, float *to)
{
  for (int64_t h = 0; h < view->n[2]; h++)
    for (int64_t w = 0; w < view->n[3]; w++)
      to[h * view->stride[2] + w * view->stride[3]] = 0;
}

/* Offset in x and dx of the first maximum of the window at (oh, ow); false when it sees padding
 * only. */
static bool
first_maximum (const RduView *x, const float *from, const int64_t *imm, int64_t oh, int64_t ow,
               int64_t *best_h, int64_t *best_w)
{
  int64_t y0, y1, x0, x1, top = oh * imm[2] - imm[6], left = ow * imm[3] - imm[7];
  tap_range (top, imm[0], imm[4], 0, x->n[2], &y0, &y1);
  tap_range (left, imm[1], imm[5], 0, x->n[3], &x0, &x1);
  bool is_found = false;
  float best = -INFINITY;
  for (int64_t kh = y0; kh < y1; kh++)
    for (int64_t kw = x0; kw < x1; kw++)
      {
        int64_t h = top + kh * imm[4], w = left + kw * imm[5];
        float v = from[h * x->stride[2] + w * x->stride[3]];
        if (!is_found || beats (v, best))
          {
            best = v;
            *best_h = h;
            *best_w = w;
            is_found = true;
          }
      }
  return is_found;
}

static void
max_pool2d_bwd (const RduCall *call)
{
  const RduView *dy = call->src[0], *x = call->src[1], *dx = call->dst[0];
  for (int64_t image = 0; image < dx->n[0] * dx->n[1]; image++)
    {
      int64_t n = image / dx->n[1], c = image % dx->n[1], h = 0, w = 0;
      const float *g = plane (dy, n, c), *from = plane (x, n, c);
      float *to = plane (dx, n, c);
      clear_plane (dx, to);
      for (int64_t oh = 0; oh < dy->n[2]; oh++)
        for (int64_t ow = 0; ow < dy->n[3]; ow++)
          if (first_maximum (x, from, call->imm, oh, ow, &h, &w))
            to[h * dx->stride[2] + w * dx->stride[3]] += g[oh * dy->stride[2] + ow * dy->stride[3]];
    }
}

/* Elements that an average divides by, along dimension `d` (0: height, 1: width) of the image:
 * those inside it, or inside image and padding; windows of ceil_mode may reach past both. */
static int64_t
divisor (const int64_t *imm, int d, int64_t start, int64_t size)
{
  bool count_pad = imm[4] != 0;
  int64_t kernel = imm[d], lo = count_pad ? -imm[5 + d] : 0;
  int64_t hi = count_pad ? size + imm[7 + d] : size;
  int64_t from = start < lo ? lo : start, to = start + kernel > hi ? hi : start + kernel;
  return to > from ? to - from : 0;
}

/* imm: kernel h, w; stride h, w; count_include_pad; pad top, left, bottom, right. */
static void
avg_pool2d (const RduCall *call)
{
  const RduView *x = call->src[0], *y = call->dst[0];
  const int64_t *imm = call->imm;
  for (int64_t image = 0; image < y->n[0] * y->n[1]; image++)
    {
      const float *from = plane (x, image / y->n[1], image % y->n[1]);
      float *to = plane (y, image / y->n[1], image % y->n[1]);
      for (int64_t oh = 0; oh < y->n[2]; oh++)
        for (int64_t ow = 0; ow < y->n[3]; ow++)
          {
            int64_t y0, y1, x0, x1, top = oh * imm[2], left = ow * imm[3];
            tap_range (top, imm[0], 1, x->valid_lo[2], x->valid_hi[2], &y0, &y1);
            tap_range (left, imm[1], 1, x->valid_lo[3], x->valid_hi[3], &x0, &x1);
            double sum = 0;
            for (int64_t kh = y0; kh < y1; kh++)
              for (int64_t kw = x0; kw < x1; kw++)
                sum += from[(top + kh) * x->stride[2] + (left + kw) * x->stride[3]];
            int64_t count = divisor (imm, 0, top + x->lo[2], x->dim[2])
                            * divisor (imm, 1, left + x->lo[3], x->dim[3]);
            to[oh * y->stride[2] + ow * y->stride[3]] = count > 0 ? (float) (sum / (double) count)
                                                                  : 0;
          }
    }
}

/* Adds a share of one gradient to every pixel of its window. */
static void
spread (const RduView *dx, float *to, const int64_t *imm, int64_t oh, int64_t ow, float g)
{
  int64_t y0, y1, x0, x1, top = oh * imm[2] - imm[5], left = ow * imm[3] - imm[6];
  tap_range (top, imm[0], 1, 0, dx->n[2], &y0, &y1);
  tap_range (left, imm[1], 1, 0, dx->n[3], &x0, &x1);
  int64_t count = divisor (imm, 0, top, dx->dim[2]) * divisor (imm, 1, left, dx->dim[3]);
  float share = count > 0 ? g / (float) count : 0;
  for (int64_t kh = y0; kh < y1; kh++)
    for (int64_t kw = x0; kw < x1; kw++)
      to[(top + kh) * dx->stride[2] + (left + kw) * dx->stride[3]] += share;
}

static void
avg_pool2d_bwd (const RduCall *call)
{
  const RduView *dy = call->src[0], *dx = call->dst[0];
  for (int64_t image = 0; image < dx->n[0] * dx->n[1]; image++)
    {
      int64_t n = image / dx->n[1], c = image % dx->n[1];
      const float *g = plane (dy, n, c);
      float *to = plane (dx, n, c);
      clear_plane (dx, to);
      for (int64_t oh = 0; oh < dy->n[2]; oh++)
        for (int64_t ow = 0; ow < dy->n[3]; ow++)
          spread (dx, to, call->imm, oh, ow, g[oh * dy->stride[2] + ow * dy->stride[3]]);
    }
}

const RduKernel RDU_SYMBOL (rdu_pool_kernels)[] = {
  { "max_pool2d", 1, max_pool2d },
  { "max_pool2d_bwd", 1, max_pool2d_bwd },
  { "avg_pool2d", 1, avg_pool2d },
  { "avg_pool2d_bwd", 1, avg_pool2d_bwd },
  { NULL, 0, NULL },
};

/* SPDX-License-Identifier: Apache-2.0 */
/* Convolutions whose channels have taps of their own: all channels at once give the bits that each
 * gives by itself, which is an ordinary convolution. */
#include <inttypes.h>
#include <string.h>

#include <sf/rng.h>

#include "tests/unit/rdu/call.h"

/* Kernels of rows x columns, which stand s apart, their taps d apart, padded by p rows, q columns.
 */
typedef struct
{
  int64_t n, c, h, w, rows, columns, s, d, p, q;
} Shape;

static const Shape shapes[] = {
  { 2, 40, 9, 11, 3, 3, 1, 1, 1, 1 },  { 1, 33, 12, 7, 3, 3, 2, 1, 1, 1 },
  { 2, 16, 14, 14, 5, 5, 1, 1, 2, 2 }, { 1, 9, 6, 23, 3, 3, 1, 3, 3, 3 },
  { 3, 48, 8, 8, 3, 2, 3, 1, 0, 1 },   { 1, 70, 3, 3, 3, 3, 1, 1, 4, 0 },
  { 1, 17, 20, 5, 1, 1, 1, 1, 0, 0 },  { 1, 20, 12, 12, 9, 9, 1, 1, 4, 4 },
  { 1, 2000, 4, 5, 3, 3, 2, 1, 1, 1 }, { 1, 5, 10, 19, 3, 3, 1, 1, 1, 1 },
  { 2, 18, 40, 31, 3, 3, 1, 1, 1, 1 }, { 1, 16, 3, 300, 3, 3, 1, 1, 1, 1 },
};

typedef enum
{
  CHANNELS_LAST = 1 << 0,
  PACKED = 1 << 1,
  ACCUMULATE = 1 << 2,
  TRANSPOSED = 1 << 3, /* the gradient of the source */
  N_WAYS = 1 << 4,
} Way;

static void
fill (float *x, int64_t n, uint32_t stream)
{
  SfRng rng = { .seed = 11, .stream = stream };
  for (int64_t i = 0; i < n; i++)
    x[i] = sf_rng_uniform (&rng, (uint64_t) i) * 2 - 1;
}

static RduView
images (float *memory, int64_t n, int64_t c, int64_t h, int64_t w, Way way)
{
  RduView v = FVIEW (memory, n, c, h, w);
  if ((way & CHANNELS_LAST) != 0)
    {
      v.stride[1] = 1;
      v.stride[2] = w * c;
      v.stride[3] = c;
    }
  return v;
}

/* The box that windows see hangs over the edges. */
static void
pad (RduView *x, int d, int64_t padding, int64_t n)
{
  x->data = (float *) x->data - padding * x->stride[d];
  x->lo[d] = -padding;
  x->n[d] = n;
  x->valid_lo[d] = padding;
  x->valid_hi[d] = MIN (padding + x->dim[d], n);
}

static RduView
of_channel (RduView v, int d, int64_t channel)
{
  v.data = (float *) v.data + channel * v.stride[d];
  v.lo[d] = channel;
  v.n[d] = v.valid_hi[d] = 1;
  return v;
}

static void
check (const RduIsa *isa, const Shape *g, Way way)
{
  int64_t oh = (g->h + 2 * g->p - (g->rows - 1) * g->d - 1) / g->s + 1;
  int64_t ow = (g->w + 2 * g->q - (g->columns - 1) * g->d - 1) / g->s + 1;
  int64_t nx = g->n * g->c * g->h * g->w, nw = g->c * g->rows * g->columns,
          ny = g->n * g->c * oh * ow;
  bool back = (way & TRANSPOSED) != 0, first = (way & ACCUMULATE) == 0;
  g_autofree float *x = g_new (float, nx), *w = g_new (float, nw), *y = g_new (float, ny),
                   *packed = NULL;
  fill (x, nx, 1);
  fill (w, nw, 2);
  fill (y, ny, 3);
  float *result = back ? x : y;
  int64_t n_result = back ? nx : ny;
  g_autofree float *each = g_memdup2 (result, (size_t) n_result * 4);
  const char *op = back ? "conv2d_dx" : "conv2d";
  const int64_t imm[] = { g->s, g->s, g->d, g->d, g->p, g->q };
  const RduKernel *kernel = rdu_isa_find (isa, op, 1);
  RduView taps = FVIEW (w, g->c, 1, g->rows, g->columns);
  RduView source = back ? images (y, g->n, g->c, oh, ow, way)
                        : images (x, g->n, g->c, g->h, g->w, way);
  RduView to = back ? images (x, g->n, g->c, g->h, g->w, way) : images (y, g->n, g->c, oh, ow, way);
  RduView apart = to;
  apart.data = each;
  if (!back)
    {
      pad (&source, 2, g->p, (oh - 1) * g->s + (g->rows - 1) * g->d + 1);
      pad (&source, 3, g->q, (ow - 1) * g->s + (g->columns - 1) * g->d + 1);
    }
  for (int64_t c = 0; c < g->c; c++)
    {
      RduView one = of_channel (apart, 1, c);
      run_kernel (kernel, (RduView[]){ of_channel (source, 1, c), of_channel (taps, 0, c) }, 2,
                  &one, 1, imm, NULL, first);
    }
  if ((way & PACKED) != 0)
    {
      packed = g_new (float, kernel->pack->elems (&taps, 1, imm) + 1);
      kernel->pack->pack (&taps, 1, imm, packed, 0, 1);
      taps.packed = packed;
    }
  run_kernel (kernel, (RduView[]){ source, taps }, 2, &to, 1, imm, NULL, first);
  for (int64_t i = 0; i < n_result; i++)
    if (memcmp (&result[i], &each[i], 4) != 0)
      {
        SF_CHECK_MSG (false, "%s, way %d, c %" PRId64 ", element %" PRId64 ": found %a, wanted %a",
                      op, way, g->c, i, result[i], each[i]);
        return;
      }
}

/* The same of the gradient of the taps. */
static void
check_dw (const RduIsa *isa, const Shape *g, Way way)
{
  int64_t oh = (g->h + 2 * g->p - (g->rows - 1) * g->d - 1) / g->s + 1;
  int64_t ow = (g->w + 2 * g->q - (g->columns - 1) * g->d - 1) / g->s + 1;
  int64_t nx = g->n * g->c * g->h * g->w, nw = g->c * g->rows * g->columns,
          ny = g->n * g->c * oh * ow;
  bool first = (way & ACCUMULATE) == 0;
  g_autofree float *x = g_new (float, nx), *w = g_new (float, nw), *y = g_new (float, ny);
  fill (x, nx, 1);
  fill (w, nw, 2);
  fill (y, ny, 3);
  g_autofree float *each = g_memdup2 (w, (size_t) nw * 4);
  const int64_t imm[] = { g->s, g->s, g->d, g->d };
  const RduKernel *kernel = rdu_isa_find (isa, "conv2d_dw", 1);
  RduView source = images (x, g->n, g->c, g->h, g->w, way),
          dy = images (y, g->n, g->c, oh, ow, way);
  RduView to = FVIEW (w, g->c, 1, g->rows, g->columns), apart = to;
  apart.data = each;
  pad (&source, 2, g->p, (oh - 1) * g->s + (g->rows - 1) * g->d + 1);
  pad (&source, 3, g->q, (ow - 1) * g->s + (g->columns - 1) * g->d + 1);
  for (int64_t c = 0; c < g->c; c++)
    {
      RduView one = of_channel (apart, 0, c);
      run_kernel (kernel, (RduView[]){ of_channel (dy, 1, c), of_channel (source, 1, c) }, 2, &one,
                  1, imm, NULL, first);
    }
  run_kernel (kernel, (RduView[]){ dy, source }, 2, &to, 1, imm, NULL, first);
  for (int64_t i = 0; i < nw; i++)
    if (memcmp (&w[i], &each[i], 4) != 0)
      {
        SF_CHECK_MSG (false,
                      "conv2d_dw, way %d, c %" PRId64 ", element %" PRId64 ": found %a, wanted %a",
                      way, g->c, i, w[i], each[i]);
        return;
      }
}

SF_TEST_CASES (RduConv, Depthwise, isa_names, N_ISA_NAMES, sf_test_row_name)
{
  ISA_OR_SKIP (isa);
  for (size_t i = 0; i < G_N_ELEMENTS (shapes); i++)
    {
      for (int way = 0; way < N_WAYS; way++)
        check (isa, &shapes[i], way);
      for (int way = 0; way < TRANSPOSED; way++)
        if ((way & PACKED) == 0)
          check_dw (isa, &shapes[i], way);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Convolutions of every ISA, by the kernel that is chosen for them, against plain loops in double;
 * and bit for bit the same however images
 * lie in memory, weights are packed or the work is cut, and of values that bf16 holds, whether they
 * are multiplied as f32 or as bf16. */
#include <math.h>
#include <string.h>

#include <sf/rng.h>

#include "tests/unit/rdu/call.h"

typedef struct
{
  int64_t n, c, h, w, o, kh, kw, sh, sw, dh, dw, pt, pl, pb, pr;
} Conv;

static const Conv convs[] = {
  { 2, 3, 8, 8, 5, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1 },
  { 1, 2, 9, 7, 4, 3, 2, 2, 1, 1, 2, 1, 0, 2, 1 },
  { 2, 1, 5, 6, 1, 1, 1, 2, 3, 1, 1, 0, 0, 0, 0 },
  { 1, 20, 6, 6, 17, 5, 5, 1, 1, 1, 1, 2, 2, 2, 2 },
  { 3, 17, 7, 9, 70, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1 },
  { 2, 1, 12, 12, 6, 5, 5, 1, 1, 1, 1, 2, 2, 2, 2 },
  { 2, 6, 14, 14, 16, 5, 5, 1, 1, 1, 1, 0, 0, 0, 0 },
  { 1, 3, 15, 15, 33, 7, 7, 2, 2, 1, 1, 3, 3, 3, 3 },
  { 2, 16, 5, 5, 16, 3, 3, 2, 2, 1, 1, 1, 1, 1, 1 },
  { 1, 9, 11, 10, 24, 3, 3, 3, 2, 2, 3, 2, 3, 2, 3 },
  { 1, 5, 9, 9, 8, 3, 3, 4, 4, 2, 2, 1, 1, 1, 1 },
  { 5, 40, 3, 3, 48, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0 },
  { 1, 130, 4, 4, 10, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1 },
  { 1, 1100, 2, 3, 3, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0 },
  { 1, 3, 2, 3, 600, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0 },
  { 1, 2, 40, 30, 3, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1 },
  { 2, 1, 1, 3000, 2, 1, 3, 1, 1, 1, 1, 0, 1, 0, 1 },
  { 1, 1, 1, 8203, 1, 1, 83, 1, 1, 1, 100, 0, 0, 0, 0 },
  { 1, 1, 3, 3, 2, 3, 3, 1, 1, 1, 1, 5, 5, 5, 5 },
  { 40, 2, 3, 3, 5, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1 },
  { 2, 24, 9, 7, 19, 2, 1, 2, 3, 2, 1, 1, 1, 1, 1 },
  { 1, 9, 2, 7500, 8, 2, 3, 1, 1, 1, 1, 1, 1, 0, 1 },
  { 1, 64, 1, 224, 8, 3, 3, 1, 1, 4, 4, 4, 4, 4, 4 },
  { 1, 67, 3, 25, 67, 3, 3, 1, 1, 22, 24, 22, 24, 22, 24 },
  { 19, 16, 10, 10, 6, 5, 5, 1, 1, 1, 1, 0, 0, 0, 0 },
  { 3, 1, 20, 37, 7, 3, 3, 1, 1, 2, 1, 1, 1, 1, 1 },
  { 2, 4, 17, 33, 8, 3, 3, 2, 1, 1, 2, 1, 2, 1, 2 },
  { 1, 8, 18, 40, 4, 3, 3, 2, 2, 1, 1, 1, 1, 1, 1 },
  { 2, 31, 6, 7, 64, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1 },
};

/* By Winograd, but the weights' gradient of images of 6 x 6 and less: odd sides, padding, channels
 * that fill no vector, several panels, blocks and chains. */
static const Conv winograd_convs[] = {
  { 2, 32, 12, 12, 32, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1 },
  { 2, 37, 9, 7, 50, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1 },
  { 1, 33, 14, 13, 70, 3, 3, 1, 1, 1, 1, 0, 2, 2, 1 },
  { 9, 64, 6, 6, 34, 3, 3, 1, 1, 1, 1, 0, 0, 0, 0 },
  { 17, 40, 2, 2, 145, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1 },
  { 1, 530, 8, 7, 33, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1 },
  { 1, 33, 7, 8, 521, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1 },
  { 1, 32, 34, 33, 33, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1 },
};

/* How one convolution is asked for. */
typedef enum
{
  CHANNELS_LAST = 1 << 0,
  PACKED = 1 << 1,
  CUT = 1 << 2, /* by images, result channels and, at odd ones, rows and columns; the gradient of
                   the weights also by its source channels */
  BF16 = 1 << 3,
  N_WAYS = 1 << 4,
  ACCUMULATE = N_WAYS,
} Way;

/* `narrow`: only those that bf16 holds. */
static float *
values (uint32_t stream, int64_t n, bool narrow)
{
  SfRng rng = { .seed = 7, .stream = stream };
  float *x = g_new (float, n + 1);
  for (int64_t i = 0; i < n; i++)
    {
      uint32_t bits;
      x[i] = sf_rng_uniform (&rng, (uint64_t) i) * 2 - 1;
      memcpy (&bits, &x[i], 4);
      bits &= narrow ? 0xffff0000u : 0xffffffffu;
      memcpy (&x[i], &bits, 4);
    }
  return x;
}

static int64_t
n_elems (const RduView *v)
{
  return v->dim[0] * v->dim[1] * v->dim[2] * v->dim[3];
}

/* Images whose channels may be the innermost in memory. */
static RduView
image_view (float *memory, int64_t n, int64_t c, int64_t h, int64_t w, Way way)
{
  RduView v = FVIEW (memory, n, c, h, w);
  if ((way & CHANNELS_LAST) != 0)
    {
      v.stride[1] = 1;
      v.stride[2] = w * c;
      v.stride[3] = c;
    }
  v.dtype = (way & BF16) != 0 ? SF_BF16 : SF_F32;
  return v;
}

/* A box of a view: indices from .. from + n - 1 of dimension d, of which some may be padding. */
static RduView
box (RduView v, int d, int64_t from, int64_t n)
{
  v.data = (void *) ((uintptr_t) v.data + (uintptr_t) (from * v.stride[d]) * 4);
  v.lo[d] += from;
  v.n[d] = n;
  v.valid_lo[d] = CLAMP (v.valid_lo[d] - from, 0, n);
  v.valid_hi[d] = CLAMP (v.valid_hi[d] - from, v.valid_lo[d], n);
  return v;
}

/* Between memory and row-major order. */
static void
copy_elems (const RduView *v, float *row_major, bool to_memory)
{
  for (int64_t i = 0; i < n_elems (v); i++)
    {
      int64_t left = i, offset = 0;
      for (int d = 3; d >= 0; left /= v->dim[d--])
        offset += left % v->dim[d] * v->stride[d];
      float *at = (float *) v->data + offset;
      if (to_memory)
        *at = row_major[i];
      else
        row_major[i] = *at;
    }
}

/* For every tap of every window inside the image: adds a product to y, dx or dw. */
static void
reference_conv (const Conv *g, int64_t oh, int64_t ow, const float *x, const float *w,
                const float *dy, double *y, double *dx, double *dw)
{
  for (int64_t n = 0; n < g->n; n++)
    for (int64_t o = 0; o < g->o; o++)
      for (int64_t p = 0; p < oh * ow; p++)
        for (int64_t c = 0; c < g->c; c++)
          for (int64_t t = 0; t < g->kh * g->kw; t++)
            {
              int64_t ih = p / ow * g->sh + t / g->kw * g->dh - g->pt,
                      iw = p % ow * g->sw + t % g->kw * g->dw - g->pl;
              if (ih < 0 || ih >= g->h || iw < 0 || iw >= g->w)
                continue;
              int64_t ix = ((n * g->c + c) * g->h + ih) * g->w + iw,
                      iy = (n * g->o + o) * oh * ow + p;
              int64_t it = (o * g->c + c) * g->kh * g->kw + t;
              y[iy] += (double) x[ix] * w[it];
              dx[ix] += (double) dy[iy] * w[it];
              dw[it] += (double) dy[iy] * x[ix];
            }
}

static const char *const ops[] = { "conv2d", "conv2d_dx", "conv2d_dw" };

/* Operands of the three directions, in memory as one way asks. */
typedef struct
{
  const RduIsa *isa;
  const Conv *conv;
  int64_t imm[6];
  RduView x, w, dy, y, dx, dw;
  Way way;
} Work;

/* The kernel for an op on whole operands. */
static const RduKernel *
kernel_of (const Work *work, int op)
{
  const RduKernel *kernel = rdu_isa_find (work->isa, ops[op], 1);
  const RduView *a = op == 0 ? &work->x : &work->dy, *b = op == 2 ? &work->x : &work->w;
  const RduView *dst = op == 0 ? &work->y : op == 1 ? &work->dx : &work->dw;
  RduCall whole = { .src = { a, b }, .dst = { dst }, .n_src = 2, .n_dst = 1, .imm = work->imm };
  const RduKernel *chosen = kernel->choose != NULL ? kernel->choose (&whole) : NULL;
  return chosen != NULL ? chosen : kernel;
}

static RduView
packed_view (const Work *work, int op, float **packed)
{
  RduView w = work->w;
  const RduPack *pack = kernel_of (work, op)->pack;
  *packed = g_new (float, pack->elems (&w, 1, work->imm) + 1);
  for (int64_t part = 0; part < 3; part++)
    pack->pack (&w, 1, work->imm, *packed, part, 3);
  w.packed = *packed;
  return w;
}

static void
call (const Work *work, int op, RduView a, RduView b, RduView dst, bool first)
{
  run_kernel (kernel_of (work, op), (RduView[]){ a, b }, 2, &dst, 1, work->imm, NULL, first);
}

/* Indices from .. of a dimension of the result, and what they see of the source. */
static void
cut_side (const Work *work, int op, int d, int64_t from, int64_t n, RduView *source, RduView *to)
{
  *to = box (*to, d, from, n);
  if (op == 0 && d >= 2)
    *source = box (*source, d, from * work->imm[d - 2],
                   (n - 1) * work->imm[d - 2] + (work->w.n[d] - 1) * work->imm[d] + 1);
}

/* One image and some channels, in up to four boxes that begin at odd rows and columns. */
static void
run_image (const Work *work, int op, RduView from, RduView w, RduView to, bool first)
{
  int64_t rows[] = { 0, MIN (to.n[2], 3), to.n[2] }, columns[] = { 0, MIN (to.n[3], 1), to.n[3] };
  for (int i = 0; i < 2; i++)
    for (int j = 0; j < 2; j++)
      {
        RduView source = from, result = to;
        if (rows[i] == rows[i + 1] || columns[j] == columns[j + 1])
          continue;
        cut_side (work, op, 2, rows[i], rows[i + 1] - rows[i], &source, &result);
        cut_side (work, op, 3, columns[j], columns[j + 1] - columns[j], &source, &result);
        call (work, op, source, w, result, first);
      }
}

/* conv2d and conv2d_dx: images one by one, result channels in threes and the rest. */
static void
run_pixels (const Work *work, int op)
{
  g_autofree float *packed = NULL;
  RduView w = (work->way & PACKED) != 0 ? packed_view (work, op, &packed) : work->w;
  RduView from = op == 0 ? work->x : work->dy, to = op == 0 ? work->y : work->dx;
  bool first = (work->way & ACCUMULATE) == 0;
  int64_t channels = to.dim[1], few = MIN (channels, 3);
  if ((work->way & CUT) == 0)
    {
      call (work, op, from, w, to, first);
      return;
    }
  for (int64_t n = 0; n < to.dim[0]; n++)
    for (int64_t c = 0; c < channels; c += c == 0 ? few : channels)
      {
        int64_t many = c == 0 ? few : channels - c;
        run_image (work, op, box (from, 0, n, 1), box (w, op, c, many),
                   box (box (to, 0, n, 1), 1, c, many), first);
      }
}

static void
run_weights (const Work *work)
{
  bool first = (work->way & ACCUMULATE) == 0;
  int64_t cut = MIN (work->conv->o, 3), c = work->conv->c;
  if ((work->way & CUT) == 0)
    {
      call (work, 2, work->dy, work->x, work->dw, first);
      return;
    }
  for (int64_t n = 0; n < work->conv->n; n++)
    for (int64_t o = 0; o < work->conv->o; o += o == 0 ? cut : work->conv->o)
      for (int64_t half = 0; half < 2; half++)
        {
          int64_t many = o == 0 ? cut : work->conv->o - o, from = half * (c / 2);
          int64_t size = half == 0 ? c / 2 : c - c / 2;
          call (work, 2, box (box (work->dy, 0, n, 1), 1, o, many),
                box (box (work->x, 0, n, 1), 1, from, size),
                box (box (work->dw, 0, o, many), 1, from, size), first && n == 0);
        }
}

static void
check_near (const char *what, Way way, const float *found, const double *wanted, int64_t n,
            int64_t n_products)
{
  double worst = 0;
  for (int64_t i = 0; i < n; i++)
    worst = fmax (worst, fabs (found[i] - wanted[i]));
  SF_CHECK_MSG (worst <= 2e-6 * sqrt ((double) n_products), "%s, way %d: off by %g", what,
                (int) way, worst);
}

/* One way: results in row-major order go to y, dx and dw, whose first content is theirs. */
static void
run_way (const RduIsa *isa, const Conv *g, Way way, float *x, float *w, float *dy, float *y,
         float *dx, float *dw)
{
  int64_t oh = (g->h + g->pt + g->pb - (g->kh - 1) * g->dh - 1) / g->sh + 1,
          ow = (g->w + g->pl + g->pr - (g->kw - 1) * g->dw - 1) / g->sw + 1;
  int64_t nx = g->n * g->c * g->h * g->w, ny = g->n * g->o * oh * ow;
  g_autofree float *mx = g_new (float, nx), *mdx = g_new (float, nx), *my = g_new (float, ny),
                   *mdy = g_new (float, ny);
  Work work = { .isa = isa,
                .conv = g,
                .imm = { g->sh, g->sw, g->dh, g->dw, g->pt, g->pl },
                .x = image_view (mx, g->n, g->c, g->h, g->w, way),
                .w = FVIEW (w, g->o, g->c, g->kh, g->kw),
                .dy = image_view (mdy, g->n, g->o, oh, ow, way),
                .y = image_view (my, g->n, g->o, oh, ow, way),
                .dx = image_view (mdx, g->n, g->c, g->h, g->w, way),
                .dw = FVIEW (dw, g->o, g->c, g->kh, g->kw),
                .way = way };
  work.w.dtype = work.x.dtype;
  copy_elems (&work.x, x, true);
  copy_elems (&work.dy, dy, true);
  copy_elems (&work.y, y, true);
  copy_elems (&work.dx, dx, true);
  work.x = box (work.x, 2, -g->pt, (oh - 1) * g->sh + (g->kh - 1) * g->dh + 1);
  work.x = box (work.x, 3, -g->pl, (ow - 1) * g->sw + (g->kw - 1) * g->dw + 1);
  run_pixels (&work, 0);
  run_pixels (&work, 1);
  run_weights (&work);
  copy_elems (&work.y, y, false);
  copy_elems (&work.dx, dx, false);
}

/* In double: what is there already, or nothing. */
static double *
widened (const float *x, int64_t n, bool is_there)
{
  double *wide = g_new0 (double, n);
  for (int64_t i = 0; i < n && is_there; i++)
    wide[i] = x[i];
  return wide;
}

/* The first way is held against the reference, the others against the first. */
static void
check_conv (const RduIsa *isa, const Conv *g, bool narrow)
{
  int64_t oh = (g->h + g->pt + g->pb - (g->kh - 1) * g->dh - 1) / g->sh + 1,
          ow = (g->w + g->pl + g->pr - (g->kw - 1) * g->dw - 1) / g->sw + 1;
  int64_t nx = g->n * g->c * g->h * g->w, nw = g->o * g->c * g->kh * g->kw,
          ny = g->n * g->o * oh * ow;
  g_autofree float *x = values (1, nx, narrow), *w = values (2, nw, narrow),
                   *dy = values (3, ny, narrow);
  int n_ways = narrow ? N_WAYS : BF16;
  for (int accumulate = narrow ? ACCUMULATE : 0; accumulate <= ACCUMULATE; accumulate += ACCUMULATE)
    {
      g_autofree float *y0 = NULL, *dx0 = NULL, *dw0 = NULL;
      for (int way = accumulate; way < accumulate + n_ways; way++)
        {
          g_autofree float *y = values (4, ny, false), *dx = values (5, nx, false),
                           *dw = values (6, nw, false);
          g_autofree double *ry = widened (y, ny, accumulate), *rx = widened (dx, nx, accumulate),
                            *rw = widened (dw, nw, accumulate);
          run_way (isa, g, way, x, w, dy, y, dx, dw);
          if (y0 == NULL)
            {
              reference_conv (g, oh, ow, x, w, dy, ry, rx, rw);
              check_near ("conv2d", way, y, ry, ny, g->c * g->kh * g->kw);
              check_near ("conv2d_dx", way, dx, rx, nx, g->o * g->kh * g->kw);
              check_near ("conv2d_dw", way, dw, rw, nw, g->n * oh * ow);
              y0 = g_steal_pointer (&y);
              dx0 = g_steal_pointer (&dx);
              dw0 = g_steal_pointer (&dw);
              continue;
            }
          SF_CHECK_MSG (memcmp (y, y0, (size_t) ny * 4) == 0, "conv2d, way %d: other bits", way);
          SF_CHECK_MSG (memcmp (dx, dx0, (size_t) nx * 4) == 0, "conv2d_dx, way %d: other bits",
                        way);
          SF_CHECK_MSG (memcmp (dw, dw0, (size_t) nw * 4) == 0, "conv2d_dw, way %d: other bits",
                        way);
        }
    }
}

SF_TEST_CASES (RduConv, Directions, isa_names, N_ISA_NAMES, sf_test_row_name)
{
  ISA_OR_SKIP (isa);
  for (size_t c = 0; c < G_N_ELEMENTS (convs); c++)
    {
      check_conv (isa, &convs[c], false);
      check_conv (isa, &convs[c], true);
    }
  for (size_t c = 0; c < G_N_ELEMENTS (winograd_convs); c++)
    check_conv (isa, &winograd_convs[c], false);
}

/* ---- Winograd ---- */

static const struct
{
  Conv conv;
  SfDtype dtype;
  bool is_chosen;    /* for conv2d and conv2d_dx */
  bool is_chosen_dw; /* for conv2d_dw */
} choices[] = {
  { { 1, 32, 12, 12, 32, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1 }, SF_F32, true, true },
  { { 1, 32, 12, 12, 32, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1 }, SF_BF16, false, false },
  { { 1, 31, 12, 12, 32, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1 }, SF_F32, false, false },
  { { 1, 32, 12, 12, 31, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1 }, SF_F32, false, false },
  { { 1, 32, 12, 12, 32, 3, 1, 1, 1, 1, 1, 1, 0, 1, 0 }, SF_F32, false, false },
  { { 1, 32, 24, 24, 32, 3, 3, 2, 1, 1, 1, 1, 1, 1, 1 }, SF_F32, false, false },
  { { 1, 32, 24, 24, 32, 3, 3, 1, 1, 1, 2, 1, 2, 1, 2 }, SF_F32, false, false },
  { { 1, 256, 7, 7, 256, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1 }, SF_F32, true, true },
  { { 1, 64, 6, 7, 64, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1 }, SF_F32, false, false },
  { { 1, 512, 7, 7, 512, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1 }, SF_F32, true, true },
  { { 3, 512, 4, 4, 512, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1 }, SF_F32, false, false },
  { { 4, 512, 4, 4, 512, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1 }, SF_F32, true, false },
  { { 99, 512, 6, 7, 512, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1 }, SF_F32, true, false },
  { { 99, 64, 1, 1, 64, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1 }, SF_F32, false, false },
  { { 99, 64, 3, 3, 64, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1 }, SF_F32, false, false },
};

/* By whole shapes and dtypes only: no operand has memory. */
static void
check_choice (const RduIsa *isa, const Conv *g, SfDtype dtype, bool is_chosen, bool is_chosen_dw)
{
  int64_t oh = (g->h + g->pt + g->pb - (g->kh - 1) * g->dh - 1) / g->sh + 1,
          ow = (g->w + g->pl + g->pr - (g->kw - 1) * g->dw - 1) / g->sw + 1;
  RduView x = FVIEW (NULL, g->n, g->c, g->h, g->w), y = FVIEW (NULL, g->n, g->o, oh, ow);
  Work work = { .isa = isa,
                .imm = { g->sh, g->sw, g->dh, g->dw, g->pt, g->pl },
                .x = x,
                .w = FVIEW (NULL, g->o, g->c, g->kh, g->kw),
                .dy = y,
                .y = y,
                .dx = x };
  work.dw = work.w;
  work.x.dtype = work.dy.dtype = work.w.dtype = dtype;
  for (int op = 0; op < 3; op++)
    SF_CHECK_MSG ((kernel_of (&work, op) != rdu_isa_find (isa, ops[op], 1))
                      == (op == 2 ? is_chosen_dw : is_chosen),
                  "%s of %d to %d channels, %d x %d: another choice", ops[op], (int) g->c,
                  (int) g->o, (int) g->h, (int) g->w);
}

SF_TEST_CASES (RduConv, Choice, isa_names, N_ISA_NAMES, sf_test_row_name)
{
  ISA_OR_SKIP (isa);
  for (size_t i = 0; i < G_N_ELEMENTS (choices); i++)
    check_choice (isa, &choices[i].conv, choices[i].dtype, choices[i].is_chosen,
                  choices[i].is_chosen_dw);
  for (size_t i = 0; i < G_N_ELEMENTS (convs); i++)
    check_choice (isa, &convs[i], SF_F32, false, false);
  for (size_t i = 0; i < G_N_ELEMENTS (winograd_convs); i++)
    check_choice (isa, &winograd_convs[i], SF_F32, true, winograd_convs[i].h > 6);
}

/* A tap that meets padding adds nothing to pairs, be its weight infinite: however the work is cut.
 * The first tap's are, the others are 0, and padding is such that results are as large as images.
 */
static void
check_padding (const RduIsa *isa, const Conv *g)
{
  int64_t nx = g->n * g->c * g->h * g->w, ny = g->n * g->o * g->h * g->w, nw = g->o * g->c * 9;
  g_autofree float *x = g_new (float, nx), *dy = g_new (float, ny), *w = g_new (float, nw),
                   *y = g_new (float, ny), *dx = g_new (float, nx), *dw = g_new (float, nw);
  for (int64_t i = 0; i < nx; i++)
    x[i] = 1;
  for (int64_t i = 0; i < ny; i++)
    dy[i] = 1;
  for (int64_t i = 0; i < nw; i++)
    w[i] = i % 9 == 0 ? INFINITY : 0;
  for (int way = BF16; way < N_WAYS; way++)
    {
      run_way (isa, g, way, x, w, dy, y, dx, dw);
      for (int64_t i = 0; i < ny; i++)
        {
          bool meets = i / g->w % g->h < g->dh || i % g->w < g->dw;
          SF_CHECK_MSG (y[i] == (meets ? 0 : INFINITY), "conv2d, way %d: %g", way, y[i]);
        }
      for (int64_t i = 0; i < nx; i++)
        {
          bool meets = i / g->w % g->h >= g->h - g->dh || i % g->w >= g->w - g->dw;
          SF_CHECK_MSG (dx[i] == (meets ? 0 : INFINITY), "conv2d_dx, way %d: %g", way, dx[i]);
        }
    }
}

/* The second and third are of more channels and columns than there is room for at once, the others
 * of taps so far from each other that there is none for all that one pixel sees. */
SF_TEST (RduConv, PaddingOfPairs)
{
  static const Conv padded[] = {
    { 2, 16, 5, 6, 16, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1 },
    { 1, 512, 2, 100, 16, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1 },
    { 1, 16, 2, 100, 512, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1 },
    { 2, 67, 25, 26, 65, 3, 3, 1, 1, 24, 22, 24, 22, 24, 22 },
    { 1, 33, 3, 4, 34, 3, 3, 1, 1, 33, 41, 33, 41, 33, 41 },
  };
  const RduIsa *isa = isa_of (&isa_names[N_ISA_NAMES - 1]);
  if (isa == NULL)
    SF_SKIP ("this processor has no products of pairs");
  SF_REQUIRE (g_str_equal (isa->name, "avx512bf16"));
  for (size_t i = 0; i < G_N_ELEMENTS (padded); i++)
    check_padding (isa, &padded[i]);
}

/* Two firings over source channels: the second's sum is added to the first's. */
SF_TEST_CASES (RduConv, SourceChannels, isa_names, N_ISA_NAMES, sf_test_row_name)
{
  static const Conv g = { 2, 48, 9, 8, 40, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1 };
  enum
  {
    NX = 2 * 48 * 72,
    NW = 40 * 48 * 9,
    NY = 2 * 40 * 72
  };
  ISA_OR_SKIP (isa);
  g_autofree float *x = values (1, NX, false), *w = values (2, NW, false),
                   *dy = values (3, NY, false), *packed = NULL;
  g_autofree float *y = g_new (float, NY), *z = g_new (float, NY);
  g_autofree double *ry = g_new0 (double, NY), *rx = g_new0 (double, NX), *rw = g_new0 (double, NW);
  Work work = { .isa = isa,
                .imm = { 1, 1, 1, 1, 1, 1 },
                .x = FVIEW (x, g.n, g.c, g.h, g.w),
                .w = FVIEW (w, g.o, g.c, 3, 3),
                .y = FVIEW (y, g.n, g.o, g.h, g.w) };
  RduView px = box (box (work.x, 2, -1, g.h + 2), 3, -1, g.w + 2), pw, to = work.y;
  SF_CHECK (kernel_of (&work, 0) != rdu_isa_find (isa, "conv2d", 1));
  pw = packed_view (&work, 0, &packed);
  for (int64_t from = 0; from < g.c; from += 21)
    {
      int64_t n = MIN (g.c - from, 21);
      to.data = y;
      call (&work, 0, box (px, 1, from, n), box (work.w, 1, from, n), to, from == 0);
      to.data = z;
      call (&work, 0, box (px, 1, from, n), box (pw, 1, from, n), to, from == 0);
    }
  reference_conv (&g, g.h, g.w, x, w, dy, ry, rx, rw);
  check_near ("conv2d", 0, y, ry, NY, g.c * 9);
  SF_CHECK_MSG (memcmp (y, z, sizeof (float) * NY) == 0, "packed: other bits");
}

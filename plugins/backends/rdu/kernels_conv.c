/* SPDX-License-Identifier: Apache-2.0 */
/* Convolutions as contractions over windows that are gathered while they are packed. */
#include <string.h>

#include "plugins/backends/rdu/kernels_contract.h"

/* One dimension of the contraction that stands for three of a tensor: (outer, row, column),
 * row-major. */
typedef struct
{
  int64_t outer, rows, columns; /* extents */
  int64_t outer_stride, row_stride,
      column_stride;             /* in elements; windows: of the outer part only */
  int64_t row_step, column_step; /* windows: pixels that one step moves */
} Axis;

static int64_t
axis_extent (const Axis *axis)
{
  return axis->outer * axis->rows * axis->columns;
}

/* A dense operand, addressed by two axes. */
typedef struct
{
  const float *data;
  Axis row, depth; /* of the left operand: i and k */
} Dense;

/* The gathered operand: element (k, j) is pixel (k.y + j.y + y0) / div_y of channel and image
 * k.outer + j.outer, where it divides and lies inside, else zero. */
typedef struct
{
  const float *data;
  Axis depth, column;
  int64_t y0, x0, div_y, div_x;
  int64_t lo_y, hi_y, lo_x, hi_x; /* pixels that have memory */
  int64_t stride_y, stride_x;
} Windows;

typedef struct
{
  Dense left;
  Windows right;
  Axis result; /* columns of the result */
} Operands;

/* Element offsets of positions from .. from + n-1 of an axis with strides for all three parts. */
static void
axis_offsets (const Axis *axis, int64_t from, int64_t n, int64_t *offset)
{
  int64_t column = from % axis->columns, row = from / axis->columns % axis->rows;
  int64_t outer = from / axis->columns / axis->rows;
  for (int64_t i = 0; i < n; i++)
    {
      offset[i] = outer * axis->outer_stride + row * axis->row_stride
                  + column * axis->column_stride;
      if (++column == axis->columns)
        {
          column = 0;
          if (++row == axis->rows)
            {
              row = 0;
              outer++;
            }
        }
    }
}

/* The same for the window parts: offset of the outer part, pixel row, pixel column. */
static void
axis_pixels (const Axis *axis, int64_t from, int64_t n, int64_t *offset, int64_t *y, int64_t *x)
{
  int64_t column = from % axis->columns, row = from / axis->columns % axis->rows;
  int64_t outer = from / axis->columns / axis->rows;
  for (int64_t i = 0; i < n; i++)
    {
      offset[i] = outer * axis->outer_stride;
      y[i] = row * axis->row_step;
      x[i] = column * axis->column_step;
      if (++column == axis->columns)
        {
          column = 0;
          if (++row == axis->rows)
            {
              row = 0;
              outer++;
            }
        }
    }
}

static void
pack_left (const void *operands, int64_t i0, int64_t in, int64_t k0, int64_t kn, float *to,
           int64_t *tables)
{
  const Dense *left = &((const Operands *) operands)->left;
  int64_t *row = tables, *depth = tables + RDU_BLOCK_ROWS;
  axis_offsets (&left->row, i0, in, row);
  axis_offsets (&left->depth, k0, kn, depth);
  for (int64_t i = 0; i < in; i += RDU_MR, to += kn * RDU_MR)
    {
      int64_t rows = in - i < RDU_MR ? in - i : RDU_MR;
      if (rows < RDU_MR)
        memset (to, 0, (size_t) (kn * RDU_MR) * 4);
      for (int64_t r = 0; r < rows; r++)
        {
          const float *from = left->data + row[i + r];
          for (int64_t k = 0; k < kn; k++)
            to[k * RDU_MR + r] = from[depth[k]];
        }
    }
}

/* Depth and columns of a block as offsets and pixels. */
typedef struct
{
  int64_t *k_offset, *k_y, *k_x, *j_offset, *j_y, *j_x;
} Tables;

static Tables
fill_tables (const Windows *w, int64_t k0, int64_t kn, int64_t j0, int64_t jn, int64_t *memory)
{
  Tables t = { .k_offset = memory,
               .k_y = memory + RDU_BLOCK_DEPTH,
               .k_x = memory + 2 * RDU_BLOCK_DEPTH };
  t.j_offset = memory + 3 * RDU_BLOCK_DEPTH;
  t.j_y = t.j_offset + RDU_BLOCK_COLUMNS;
  t.j_x = t.j_y + RDU_BLOCK_COLUMNS;
  axis_pixels (&w->depth, k0, kn, t.k_offset, t.k_y, t.k_x);
  axis_pixels (&w->column, j0, jn, t.j_offset, t.j_y, t.j_x);
  for (int64_t j = 0; j < jn; j++)
    {
      t.j_y[j] += w->y0;
      t.j_x[j] += w->x0;
    }
  return t;
}

/* Neighbouring columns of a panel in one row of pixels, each column_step further. */
typedef struct
{
  int64_t start, length, offset, y, x;
} Run;

static int
split_runs (const Windows *w, const Tables *t, int64_t j, int64_t n, Run *runs)
{
  int n_runs = 0;
  for (int64_t c = 0; c < n; c++)
    {
      Run *last = n_runs > 0 ? &runs[n_runs - 1] : NULL;
      if (last != NULL && last->offset == t->j_offset[j + c] && last->y == t->j_y[j + c]
          && last->x + last->length * w->column.column_step == t->j_x[j + c])
        last->length++;
      else
        runs[n_runs++] = (Run){ c, 1, t->j_offset[j + c], t->j_y[j + c], t->j_x[j + c] };
    }
  return n_runs;
}

/* Smallest t >= 0 with from + t * step >= bound. */
static inline int64_t
steps_to (int64_t from, int64_t step, int64_t bound)
{
  if (from >= bound)
    return 0;
  return step == 1 ? bound - from : (bound - from + step - 1) / step;
}

/* Pixels of one run under one tap; `to` holds zeros. */
static inline void
pack_run (const Windows *w, const Run *run, int64_t offset, int64_t ky, int64_t kx, float *to)
{
  int64_t y = run->y + ky, x = run->x + kx, first = 0, stride = 1, step = w->column.column_step;
  if (w->div_y != 1)
    {
      if (y < 0 || y % w->div_y != 0)
        return;
      y /= w->div_y;
    }
  if (w->div_x != 1)
    {
      /* The step is one pixel here, so every div_x-th column divides. */
      first = (w->div_x - x % w->div_x) % w->div_x;
      stride = w->div_x;
      x = (x + first) / w->div_x;
      step = 1;
    }
  if (y < w->lo_y || y >= w->hi_y)
    return;
  int64_t n = steps_to (first, stride, run->length), hi = steps_to (x, step, w->hi_x),
          lo = steps_to (x, step, w->lo_x);
  hi = hi < n ? hi : n;
  const float *from = w->data + offset + run->offset + y * w->stride_y + x * w->stride_x;
  int64_t s_from = step * w->stride_x;
  to += run->start + first;
  if (s_from == 1 && stride == 1)
    for (int64_t i = lo; i < hi; i++)
      to[i] = from[i];
  else
    for (int64_t i = lo; i < hi; i++)
      to[i * stride] = from[i * s_from];
}

/* Strided gradients, and boxes whose offsets need more than 32 bits. */
static void
pack_runs (const void *operands, int64_t k0, int64_t kn, int64_t j0, int64_t jn, float *to,
           int64_t *memory)
{
  const Windows *w = &((const Operands *) operands)->right;
  Tables t = fill_tables (w, k0, kn, j0, jn, memory);
  Run runs[RDU_NR];
  for (int64_t j = 0; j < jn; j += RDU_NR)
    {
      int n_runs = split_runs (w, &t, j, jn - j < RDU_NR ? jn - j : RDU_NR, runs);
      for (int64_t k = 0; k < kn; k++, to += RDU_NR)
        {
          memset (to, 0, RDU_NR * 4);
          for (int r = 0; r < n_runs; r++)
            pack_run (w, &runs[r], t.k_offset[k], t.k_y[k], t.k_x[k], to);
        }
    }
}

/* Elements as their bits, whatever their type. */
typedef uint32_t Bits __attribute__ ((may_alias));

/* One row of a panel, without branches: what lies outside is read from a pixel that exists, and
 * masked. */
static inline void
pack_row (const Bits *restrict from, const int32_t *restrict element, const uint32_t *restrict y,
          const uint32_t *restrict x, int32_t offset, uint32_t ky, uint32_t kx, uint32_t height,
          uint32_t width, int32_t existing, Bits *restrict to)
{
  for (int c = 0; c < RDU_NR; c++)
    {
      int32_t mask = -(int32_t) ((y[c] + ky < height) & (x[c] + kx < width));
      int32_t at = ((element[c] + offset - existing) & mask) + existing;
      to[c] = from[at] & (uint32_t) mask;
    }
}

static void
pack_windows (const void *operands, int64_t k0, int64_t kn, int64_t j0, int64_t jn, float *to,
              int64_t *memory)
{
  const Windows *w = &((const Operands *) operands)->right;
  Tables t = fill_tables (w, k0, kn, j0, jn, memory);
  uint32_t height = (uint32_t) (w->hi_y - w->lo_y), width = (uint32_t) (w->hi_x - w->lo_x);
  int32_t existing = (int32_t) (w->lo_y * w->stride_y + w->lo_x * w->stride_x),
          element[RDU_NR] = { 0 };
  uint32_t y[RDU_NR], x[RDU_NR];
  for (int64_t j = 0; j < jn; j += RDU_NR)
    {
      for (int64_t c = 0; c < RDU_NR; c++)
        {
          bool is_column = j + c < jn;
          y[c] = is_column ? (uint32_t) (t.j_y[j + c] - w->lo_y) : 1u << 31;
          x[c] = is_column ? (uint32_t) (t.j_x[j + c] - w->lo_x) : 1u << 31;
          if (is_column)
            element[c] = (int32_t) (t.j_offset[j + c] + t.j_y[j + c] * w->stride_y
                                    + t.j_x[j + c] * w->stride_x);
        }
      for (int64_t k = 0; k < kn; k++, to += RDU_NR)
        pack_row ((const Bits *) w->data, element, y, x,
                  (int32_t) (t.k_offset[k] + t.k_y[k] * w->stride_y + t.k_x[k] * w->stride_x),
                  (uint32_t) t.k_y[k], (uint32_t) t.k_x[k], height, width, existing, (Bits *) to);
    }
}

static int64_t
magnitude (int64_t x)
{
  return x < 0 ? -x : x;
}

/* Whether nothing is divided, some pixel exists and every offset, inside or not, fits 32 bits with
 * room. */
static bool
is_compact (const Windows *w)
{
  const Axis *k = &w->depth, *j = &w->column;
  int64_t y = magnitude (k->rows * k->row_step) + magnitude (j->rows * j->row_step)
              + magnitude (w->y0);
  int64_t x = magnitude (k->columns * k->column_step) + magnitude (j->columns * j->column_step)
              + magnitude (w->x0);
  int64_t reach = k->outer * k->outer_stride + j->outer * j->outer_stride + y * w->stride_y
                  + x * w->stride_x;
  return w->div_y == 1 && w->div_x == 1 && w->hi_y > w->lo_y && w->hi_x > w->lo_x
         && reach < INT32_MAX / 4;
}

static void
result_columns (const void *operands, int64_t j0, int64_t jn, int64_t *offset)
{
  axis_offsets (&((const Operands *) operands)->result, j0, jn, offset);
}

static void
run (const RduCall *call, const Operands *o, int64_t c_row)
{
  RduContraction job = { .m = axis_extent (&o->left.row),
                         .n = axis_extent (&o->result),
                         .k = axis_extent (&o->left.depth),
                         .operands = o,
                         .pack_a = pack_left,
                         .pack_b = is_compact (&o->right) ? pack_windows : pack_runs,
                         .columns = result_columns,
                         .c = call->dst[0]->data,
                         .c_row = c_row,
                         .first = call->first };
  RDU_SYMBOL (rdu_contract) (&job, call->scratch);
}

/* Three dimensions of a dense view as an axis. */
static Axis
axis_of (const RduView *v, int outer)
{
  return (Axis){ .outer = v->n[outer],
                 .rows = v->n[2],
                 .columns = v->n[3],
                 .outer_stride = v->stride[outer],
                 .row_stride = v->stride[2],
                 .column_stride = v->stride[3] };
}

static Axis
axis_single (const RduView *v, int dim)
{
  return (Axis){ .outer = v->n[dim], .rows = 1, .columns = 1, .outer_stride = v->stride[dim] };
}

static Axis
axis_steps (const RduView *extents, int64_t outer, int64_t outer_stride, int64_t row_step,
            int64_t column_step)
{
  return (Axis){ .outer = outer,
                 .rows = extents->n[2],
                 .columns = extents->n[3],
                 .outer_stride = outer_stride,
                 .row_step = row_step,
                 .column_step = column_step };
}

static Windows
windows_on (const RduView *x)
{
  return (Windows){ .data = x->data,
                    .div_y = 1,
                    .div_x = 1,
                    .lo_y = x->valid_lo[2],
                    .hi_y = x->valid_hi[2],
                    .lo_x = x->valid_lo[3],
                    .hi_x = x->valid_hi[3],
                    .stride_y = x->stride[2],
                    .stride_x = x->stride[3] };
}

/* y[n, o, p] (+)= sum over (c, kh, kw) of w[o, c, kh, kw] x[n, c, window p] */
static void
conv2d (const RduCall *call)
{
  const RduView *x = call->src[0], *w = call->src[1], *y = call->dst[0];
  const int64_t *imm = call->imm;
  Operands o = { .left = { .data = w->data, .row = axis_single (w, 0), .depth = axis_of (w, 1) },
                 .right = windows_on (x),
                 .result = axis_of (y, 0) };
  o.right.depth = axis_steps (w, w->n[1], x->stride[1], imm[2], imm[3]);
  o.right.column = axis_steps (y, y->n[0], x->stride[0], imm[0], imm[1]);
  run (call, &o, y->stride[1]);
}

/* dx[n, c, p] = sum over (o, kh, kw) of w[o, c, kh, kw] dy[n, o, the window whose tap (kh, kw) is
 * p] */
static void
conv2d_dx (const RduCall *call)
{
  const RduView *dy = call->src[0], *w = call->src[1], *dx = call->dst[0];
  const int64_t *imm = call->imm;
  Operands o = { .left = { .data = w->data, .row = axis_single (w, 1), .depth = axis_of (w, 0) },
                 .right = windows_on (dy),
                 .result = axis_of (dx, 0) };
  o.right.depth = axis_steps (w, w->n[0], dy->stride[1], -imm[2], -imm[3]);
  o.right.column = axis_steps (dx, dx->n[0], dy->stride[0], 1, 1);
  o.right.y0 = imm[4] + dx->lo[2];
  o.right.x0 = imm[5] + dx->lo[3];
  o.right.div_y = imm[0];
  o.right.div_x = imm[1];
  run (call, &o, dx->stride[1]);
}

/* dw[o, c, kh, kw] (+)= sum over (n, p) of dy[n, o, p] x[n, c, tap (kh, kw) of window p] */
static void
conv2d_dw (const RduCall *call)
{
  const RduView *dy = call->src[0], *x = call->src[1], *dw = call->dst[0];
  const int64_t *imm = call->imm;
  Operands o = { .left = { .data = dy->data, .row = axis_single (dy, 1), .depth = axis_of (dy, 0) },
                 .right = windows_on (x),
                 .result = axis_of (dw, 1) };
  o.right.depth = axis_steps (dy, dy->n[0], x->stride[0], imm[0], imm[1]);
  o.right.column = axis_steps (dw, dw->n[1], x->stride[1], imm[2], imm[3]);
  run (call, &o, dw->stride[0]);
}

const RduKernel RDU_SYMBOL (rdu_conv_kernels)[] = {
  { "conv2d", 1, conv2d },
  { "conv2d_dx", 1, conv2d_dx },
  { "conv2d_dw", 1, conv2d_dw },
  { NULL, 0, NULL },
};

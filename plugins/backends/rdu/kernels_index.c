/* SPDX-License-Identifier: Apache-2.0 */
/* gather, gather_add, scatter_add and scatter along one axis. */
#include <string.h>

#include "plugins/backends/rdu/kernels_rows.h"
#include "plugins/backends/rdu/kernels_view.h"

/* A table seen as [before][axis][after], rows seen as [before][indices][after]. */
typedef struct
{
  int before, inside, after; /* numbers of dimensions; `inside` of the index tensor */
  int axis;
  int64_t n_before, n_indices, n_after;
} Split;

static Split
split_of (const RduView *table, const RduView *index, int64_t axis)
{
  Split split = { .axis = (int) axis,
                  .before = (int) axis,
                  .inside = index->rank,
                  .after = table->rank - (int) axis - 1,
                  .n_before = 1,
                  .n_indices = rdu_view_n_elems (index),
                  .n_after = 1 };
  for (int d = 0; d < split.before; d++)
    split.n_before *= table->n[d];
  for (int d = split.axis + 1; d < table->rank; d++)
    split.n_after *= table->n[d];
  return split;
}

/* Offset of a flat index over dimensions from .. from + count-1. */
static int64_t
offset_of (const RduView *view, int from, int count, int64_t flat)
{
  int64_t offset = 0;
  for (int d = from + count - 1; d >= from; d--)
    {
      offset += flat % view->n[d] * view->stride[d];
      flat /= view->n[d];
    }
  return offset;
}

/* Position of element `flat` of a box in its whole tensor, row-major. */
static int64_t
whole_position (const RduView *view, int64_t flat)
{
  int64_t position = 0, scale = 1;
  for (int d = view->rank - 1; d >= 0; d--)
    {
      position += (view->lo[d] + flat % view->n[d] * view->step[d]) * scale;
      flat /= view->n[d];
      scale *= view->dim[d];
    }
  return position;
}

static bool
check_index (const RduCall *call, const RduView *index, int64_t flat, int64_t value, int64_t bound)
{
  if (value >= 0 && value < bound)
    return true;
  RduFault fault = {
    .is_set = true, .position = whole_position (index, flat), .value = value, .bound = bound
  };
  if (!call->fault->is_set || fault.position < call->fault->position)
    *call->fault = fault;
  return false;
}

/* The dimensions after the axis in two views, neighbours merged: what an index moves at once. */
typedef struct
{
  int rank;
  int64_t n[SF_MAX_RANK], to[SF_MAX_RANK], from[SF_MAX_RANK];
  int64_t n_rows; /* of the innermost dimension */
} Slice;

static Slice
slice_of (const RduView *to, int first_to, const RduView *from, int first_from, int count)
{
  Slice slice = { .rank = 1, .n = { 1 }, .to = { 1 }, .from = { 1 }, .n_rows = 1 };
  for (int i = 0; i < count; i++)
    {
      int64_t n = to->n[first_to + i], s_to = to->stride[first_to + i];
      int64_t s_from = from->stride[first_from + i];
      int last = slice.rank - 1;
      bool merge = slice.n[last] == 1
                   || (slice.to[last] == s_to * n && slice.from[last] == s_from * n);
      int at = merge ? last : slice.rank++;
      slice.n[at] = merge ? slice.n[at] * n : n;
      slice.to[at] = s_to;
      slice.from[at] = s_from;
    }
  for (int d = 0; d < slice.rank - 1; d++)
    slice.n_rows *= slice.n[d];
  return slice;
}

/* Offsets of a row of the slice. */
static void
slice_row (const Slice *slice, int64_t row, int64_t *to, int64_t *from)
{
  *to = *from = 0;
  for (int d = slice->rank - 2; d >= 0; row /= slice->n[d--])
    {
      *to += row % slice->n[d] * slice->to[d];
      *from += row % slice->n[d] * slice->from[d];
    }
}

static void
copy_slice (const Slice *slice, int32_t *to, const int32_t *from)
{
  int64_t at, source, n = slice->n[slice->rank - 1];
  int64_t s_to = slice->to[slice->rank - 1], s_from = slice->from[slice->rank - 1];
  for (int64_t row = 0; row < slice->n_rows; row++)
    {
      slice_row (slice, row, &at, &source);
      if (s_to == 1 && s_from == 1)
        memcpy (to + at, from + source, (size_t) n * 4);
      else
        for (int64_t i = 0; i < n; i++)
          to[at + i * s_to] = from[source + i * s_from];
    }
}

#define ADD_SLICE(func, type)                                                         \
  static void func (const Slice *slice, type *to, const type *from)                   \
  {                                                                                   \
    int64_t at, source, n = slice->n[slice->rank - 1];                                \
    int64_t s_to = slice->to[slice->rank - 1], s_from = slice->from[slice->rank - 1]; \
    for (int64_t row = 0; row < slice->n_rows; row++)                                 \
      {                                                                               \
        slice_row (slice, row, &at, &source);                                         \
        type *y = to + at;                                                            \
        const type *x = from + source;                                                \
        if (s_to == 1 && s_from == 1)                                                 \
          RDU_LOOP (n) y[i] += x[i];                                                  \
        else                                                                          \
          for (int64_t i = 0; i < n; i++)                                             \
            y[i * s_to] += x[i * s_from];                                             \
      }                                                                               \
  }

ADD_SLICE (add_slice_f, float)
ADD_SLICE (add_slice_i, uint32_t)

static void
add_slice (const Slice *slice, const RduView *view, void *to, const void *from)
{
  if (view->is_int)
    add_slice_i (slice, to, from);
  else
    add_slice_f (slice, to, from);
}

static void
gather (const RduCall *call)
{
  const RduView *x = call->src[0], *index = call->src[1], *y = call->dst[0];
  Split split = split_of (x, index, call->imm[0] < 0 ? call->imm[0] + x->rank : call->imm[0]);
  Slice slice = slice_of (y, split.before + split.inside, x, split.axis + 1, split.after);
  for (int64_t b = 0; b < split.n_before; b++)
    for (int64_t i = 0; i < split.n_indices; i++)
      {
        int64_t value = ((const int32_t *) index->data)[offset_of (index, 0, index->rank, i)];
        if (!check_index (call, index, i, value, x->dim[split.axis]))
          continue;
        const int32_t *from = (const int32_t *) x->data + offset_of (x, 0, split.before, b)
                              + (value - x->lo[split.axis]) * x->stride[split.axis];
        int32_t *to = (int32_t *) y->data + offset_of (y, 0, split.before, b)
                      + offset_of (y, split.before, split.inside, i);
        copy_slice (&slice, to, from);
      }
}

static void
clear_view (const RduView *view)
{
  RduWalk walk;
  if (!rdu_walk_begin (&walk, &view, 1))
    return;
  int64_t n = rdu_walk_row (&walk), stride = rdu_walk_stride (&walk, 0);
  do
    for (int64_t i = 0; i < n; i++)
      walk.at[0][i * stride] = 0;
  while (rdu_walk_next (&walk));
}

/* As gather, of the rows of x that the box has; sums over the boxes are the whole. */
static void
gather_add (const RduCall *call)
{
  const RduView *x = call->src[0], *index = call->src[1], *y = call->dst[0];
  Split split = split_of (x, index, call->imm[0]);
  Slice slice = slice_of (y, split.before + split.inside, x, split.axis + 1, split.after);
  if (call->first)
    clear_view (y);
  for (int64_t b = 0; b < split.n_before; b++)
    for (int64_t i = 0; i < split.n_indices; i++)
      {
        int64_t value = ((const int32_t *) index->data)[offset_of (index, 0, index->rank, i)];
        if (!check_index (call, index, i, value, x->dim[split.axis]))
          continue;
        int64_t row = value - x->lo[split.axis];
        if (row < 0 || row >= x->n[split.axis])
          continue;
        int64_t from = offset_of (x, 0, split.before, b) + row * x->stride[split.axis];
        int64_t to = offset_of (y, 0, split.before, b)
                     + offset_of (y, split.before, split.inside, i);
        add_slice (&slice, y, (int32_t *) y->data + to, (const int32_t *) x->data + from);
      }
}

static void
scatter_add (const RduCall *call)
{
  const RduView *index = call->src[0], *u = call->src[1], *y = call->dst[0];
  Split split = split_of (y, index, call->imm[0] < 0 ? call->imm[0] + y->rank : call->imm[0]);
  Slice slice = slice_of (y, split.axis + 1, u, split.before + split.inside, split.after);
  if (call->first)
    clear_view (y);
  for (int64_t b = 0; b < split.n_before; b++)
    for (int64_t i = 0; i < split.n_indices; i++)
      {
        int64_t value = ((const int32_t *) index->data)[offset_of (index, 0, index->rank, i)];
        if (!check_index (call, index, i, value, y->dim[split.axis]))
          continue;
        int64_t row = value - y->lo[split.axis];
        if (row < 0 || row >= y->n[split.axis])
          continue;
        int64_t to = offset_of (y, 0, split.before, b) + row * y->stride[split.axis];
        int64_t from = offset_of (u, 0, split.before, b)
                       + offset_of (u, split.before, split.inside, i);
        add_slice (&slice, y, (int32_t *) y->data + to, (const int32_t *) u->data + from);
      }
}

static float
combine_f (int64_t reduce, float old, float u)
{
  switch (reduce)
    {
    case 1:
      return old + u;
    case 2:
      return old * u;
    case 3:
      return old > u || old != old ? old : u;
    case 4:
      return old < u || old != old ? old : u;
    default:
      return u;
    }
}

static int32_t
combine_i (int64_t reduce, int32_t old, int32_t u)
{
  switch (reduce)
    {
    case 1:
      return (int32_t) ((uint32_t) old + (uint32_t) u);
    case 2:
      return (int32_t) ((uint32_t) old * (uint32_t) u);
    case 3:
      return old > u ? old : u;
    case 4:
      return old < u ? old : u;
    default:
      return u;
    }
}

static void
copy_view (const RduView *to, const RduView *from)
{
  const RduView *views[] = { to, from };
  RduWalk walk;
  if (!rdu_walk_begin (&walk, views, 2))
    return;
  int64_t n = rdu_walk_row (&walk), st = rdu_walk_stride (&walk, 0);
  int64_t sf = rdu_walk_stride (&walk, 1);
  do
    for (int64_t i = 0; i < n; i++)
      walk.at[0][i * st] = walk.at[1][i * sf];
  while (rdu_walk_next (&walk));
}

/* imm: axis, then 0 set, 1 add, 2 mul, 3 max, 4 min. */
static void
scatter (const RduCall *call)
{
  const RduView *x = call->src[0], *index = call->src[1], *u = call->src[2], *y = call->dst[0];
  Split split = split_of (y, index, call->imm[0]);
  copy_view (y, x);
  for (int64_t b = 0; b < split.n_before; b++)
    for (int64_t i = 0; i < split.n_indices; i++)
      {
        int64_t value = ((const int32_t *) index->data)[offset_of (index, 0, index->rank, i)];
        if (!check_index (call, index, i, value, y->dim[split.axis]))
          continue;
        int64_t to = offset_of (y, 0, split.before, b) + value * y->stride[split.axis];
        int64_t from = offset_of (u, 0, split.before, b)
                       + offset_of (u, split.before, split.inside, i);
        for (int64_t a = 0; a < split.n_after; a++)
          {
            int32_t *at = (int32_t *) y->data + to + offset_of (y, split.axis + 1, split.after, a);
            const int32_t *source = (const int32_t *) u->data + from
                                    + offset_of (u, split.before + split.inside, split.after, a);
            if (y->is_int)
              *at = combine_i (call->imm[1], *at, *source);
            else
              *(float *) at = combine_f (call->imm[1], *(float *) at, *(const float *) source);
          }
      }
}

const RduKernel RDU_SYMBOL (rdu_index_kernels)[] = {
  { "gather", 1, gather },
  { "gather_add", 1, gather_add },
  { "scatter_add", 1, scatter_add },
  { "scatter", 1, scatter },
  { NULL, 0, NULL },
};

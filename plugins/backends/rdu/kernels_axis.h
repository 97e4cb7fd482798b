/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of a box along one axis, dense or not. */
#ifndef SF_RDU_KERNELS_AXIS_H
#define SF_RDU_KERNELS_AXIS_H

#include "plugins/backends/rdu/kernels.h"

/* The rows of a box along one axis: where each starts, for up to three views of the same shape. */
typedef struct
{
  int rank;
  int64_t n[SF_MAX_RANK], length, n_rows;
  int64_t index[SF_MAX_RANK];
} RduRows;

static inline RduRows
rdu_rows_of (const RduView *view, int axis)
{
  RduRows rows = { .rank = view->rank, .length = view->n[axis], .n_rows = 1 };
  for (int d = 0; d < view->rank; d++)
    {
      rows.n[d] = d == axis ? 1 : view->n[d];
      rows.n_rows *= rows.n[d];
    }
  return rows;
}

static inline float *
rdu_row_at (const RduRows *rows, const RduView *view)
{
  float *at = view->data;
  for (int d = 0; d < rows->rank; d++)
    at += rows->index[d] * view->stride[d];
  return at;
}

static inline void
rdu_rows_next (RduRows *rows)
{
  for (int d = rows->rank - 1; d >= 0; d--)
    {
      if (++rows->index[d] < rows->n[d])
        return;
      rows->index[d] = 0;
    }
}

static inline int
rdu_axis_of (const RduCall *call, int64_t axis)
{
  return (int) (axis < 0 ? axis + call->dst[0]->rank : axis);
}

/* The row as a dense one: itself, or brought to `room`. */
static inline const float *
rdu_dense_row (const float *x, int64_t stride, int64_t n, float *room)
{
  if (stride == 1)
    return x;
  for (int64_t i = 0; i < n; i++)
    room[i] = x[i * stride];
  return room;
}

/* Where to make a row that goes to y. */
static inline float *
rdu_row_room (float *y, int64_t stride, float *room)
{
  return stride == 1 ? y : room;
}

static inline void
rdu_put_row (float *y, int64_t stride, int64_t n, const float *made)
{
  if (made == y)
    return;
  for (int64_t i = 0; i < n; i++)
    y[i * stride] = made[i];
}

#endif

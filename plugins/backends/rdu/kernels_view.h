/* SPDX-License-Identifier: Apache-2.0 */
/* Walks over boxes: several views in step, broadcast right-aligned, with neighbouring dimensions
 * merged where memory allows. */
#ifndef SF_RDU_KERNELS_VIEW_H
#define SF_RDU_KERNELS_VIEW_H

#include "plugins/backends/rdu/kernels.h"

#define RDU_MAX_WALK 5

/* Rows (innermost dimension) of up to RDU_MAX_WALK views over the box of one of them. */
typedef struct
{
  int n_views, rank;
  int64_t n[SF_MAX_RANK];
  int64_t stride[RDU_MAX_WALK][SF_MAX_RANK];
  int64_t index[SF_MAX_RANK];
  int32_t *at[RDU_MAX_WALK]; /* first element of the current row */
} RduWalk;

/* Stride of `view` along dimension d of a box of rank `rank`: 0 where it repeats. */
static inline int64_t
rdu_broadcast_stride (const RduView *view, int d, int rank, int64_t n)
{
  int own = d - (rank - view->rank);
  return own < 0 || (view->n[own] == 1 && n != 1) ? 0 : view->stride[own];
}

/* Dimensions of a box with more than one index, outermost in memory first; their number, or -1 when
 * the box is empty. */
static inline int
rdu_order_dims (const RduView *box, int *order)
{
  int n = 0;
  for (int d = 0; d < box->rank; d++)
    {
      if (box->n[d] <= 0)
        return -1;
      if (box->n[d] == 1)
        continue;
      int to = n++;
      for (; to > 0 && box->stride[order[to - 1]] < box->stride[d]; to--)
        order[to] = order[to - 1];
      order[to] = d;
    }
  return n;
}

/* False when the box is empty. views[0] gives the box and the order of its elements: as they lie in
 * its memory. */
static inline bool
rdu_walk_begin (RduWalk *walk, const RduView *const *views, int n_views)
{
  const RduView *box = views[0];
  int order[SF_MAX_RANK], n_dims = rdu_order_dims (box, order);
  walk->n_views = n_views;
  walk->rank = 0;
  for (int v = 0; v < n_views; v++)
    walk->at[v] = views[v]->data;
  for (int i = 0; i < n_dims; i++)
    {
      int d = order[i], last = walk->rank - 1;
      bool merge = last >= 0;
      for (int v = 0; v < n_views && merge; v++)
        merge = walk->stride[v][last]
                == rdu_broadcast_stride (views[v], d, box->rank, box->n[d]) * box->n[d];
      int to = merge ? last : walk->rank++;
      walk->n[to] = merge ? walk->n[to] * box->n[d] : box->n[d];
      walk->index[to] = 0;
      for (int v = 0; v < n_views; v++)
        walk->stride[v][to] = rdu_broadcast_stride (views[v], d, box->rank, box->n[d]);
    }
  if (n_dims == 0)
    {
      walk->rank = 1;
      walk->n[0] = 1;
      walk->index[0] = 0;
      for (int v = 0; v < n_views; v++)
        walk->stride[v][0] = 1;
    }
  return n_dims >= 0;
}

/* To the next index of the dimensions up to `from`; false after the last. */
static inline bool
rdu_walk_next_of (RduWalk *walk, int from)
{
  for (int d = from; d >= 0; d--)
    {
      for (int v = 0; v < walk->n_views; v++)
        walk->at[v] += walk->stride[v][d];
      if (++walk->index[d] < walk->n[d])
        return true;
      walk->index[d] = 0;
      for (int v = 0; v < walk->n_views; v++)
        walk->at[v] -= walk->stride[v][d] * walk->n[d];
    }
  return false;
}

/* To the next row; false after the last. */
static inline bool
rdu_walk_next (RduWalk *walk)
{
  return rdu_walk_next_of (walk, walk->rank - 2);
}

/* To the next plane of the two innermost dimensions. */
static inline bool
rdu_walk_next_plane (RduWalk *walk)
{
  return rdu_walk_next_of (walk, walk->rank - 3);
}

static inline int64_t
rdu_walk_row (const RduWalk *walk)
{
  return walk->n[walk->rank - 1];
}

static inline int64_t
rdu_walk_stride (const RduWalk *walk, int view)
{
  return walk->stride[view][walk->rank - 1];
}

static inline int64_t
rdu_view_n_elems (const RduView *view)
{
  int64_t n = 1;
  for (int d = 0; d < view->rank; d++)
    n *= view->n[d];
  return n;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Which box shapes fit together in one firing, by tile-op. Each rule gives the reason as text, or
 * NULL. */
#include "core/program/tileop.h"

#include "core/program/check.h"

static bool
same_box (const SfShape *a, const SfShape *b)
{
  if (a->rank != b->rank)
    return false;
  for (int d = 0; d < a->rank; d++)
    if (a->dim[d] != b->dim[d])
      return false;
  return true;
}

/* NULL when `found` is `wanted`. */
static char *
want_box (const char *what, const SfShape *found, const SfShape *wanted)
{
  if (same_box (found, wanted))
    return NULL;
  g_autofree char *f = sf_shape_text (found);
  g_autofree char *w = sf_shape_text (wanted);
  return g_strdup_printf ("%s box is %s, wanted %s", what, f, w);
}

static char *
want_rank (const char *what, const SfShape *found, int rank)
{
  if (found->rank == rank)
    return NULL;
  return g_strdup_printf ("%s box has %d dimensions, wanted %d", what, found->rank, rank);
}

/* NumPy broadcasting of `shape` into `result`, right-aligned. */
static bool
broadcast_into (SfShape *result, const SfShape *shape)
{
  SfShape wide = { .rank = MAX (result->rank, shape->rank) };
  for (int i = 1; i <= wide.rank; i++)
    {
      int64_t a = i <= result->rank ? result->dim[result->rank - i] : 1;
      int64_t b = i <= shape->rank ? shape->dim[shape->rank - i] : 1;
      if (a != b && a != 1 && b != 1)
        return false;
      wide.dim[wide.rank - i] = a == 1 ? b : a;
    }
  *result = wide;
  return true;
}

char *
sf_boxes_map (const SfTileBoxes *boxes)
{
  SfShape result = { 0 };
  for (uint32_t i = 0; i < boxes->instr->n_src; i++)
    if (!broadcast_into (&result, &boxes->src_box[i]))
      return g_strdup_printf ("box of source %u does not broadcast with those before it", i);
  return want_box ("result", &boxes->dst_box[0], &result);
}

char *
sf_boxes_cast (const SfTileBoxes *boxes)
{
  int64_t narrower = boxes->instr->imm[0];
  if (narrower < 0 || narrower > 6)
    return g_strdup_printf ("immediate 0 is %" PRId64 ", wanted 0 to 6", narrower);
  return sf_boxes_map (boxes);
}

char *
sf_boxes_shift (const SfTileBoxes *boxes)
{
  int64_t bits = boxes->instr->imm[0];
  if (bits != 8 && bits != 16 && bits != 32)
    return g_strdup_printf ("immediate 0 is %" PRId64 ", wanted 8, 16 or 32 bits", bits);
  return sf_boxes_map (boxes);
}

char *
sf_boxes_any (const SfTileBoxes *boxes)
{
  return NULL;
}

char *
sf_boxes_axis (const SfTileBoxes *boxes)
{
  int64_t axis = boxes->instr->imm[0];
  if (axis < 0 || axis >= boxes->dst_box[0].rank)
    return g_strdup_printf ("axis %" PRId64 " of a box with %d dimensions", axis,
                            boxes->dst_box[0].rank);
  return NULL;
}

char *
sf_boxes_uniform (const SfTileBoxes *boxes)
{
  const SfShape rng = { .rank = 1, .dim = { 3 } };
  return want_box ("rng", &boxes->src_box[0], &rng);
}

char *
sf_boxes_reduce (const SfTileBoxes *boxes)
{
  const SfShape *x = &boxes->src_box[0];
  int64_t mask = boxes->instr->imm[0], keep = boxes->instr->imm[1];
  if (mask < 0 || mask >= (int64_t) 1 << x->rank || keep < 0 || keep > 1)
    return g_strdup_printf ("axes mask %" PRId64 ", keepdims %" PRId64
                            " do not belong to a box with %d dimensions",
                            mask, keep, x->rank);
  SfShape wanted = { 0 };
  for (int d = 0; d < x->rank; d++)
    {
      bool reduced = (mask >> d & 1) != 0;
      if (!reduced || keep)
        wanted.dim[wanted.rank++] = reduced ? 1 : x->dim[d];
    }
  return want_box ("result", &boxes->dst_box[0], &wanted);
}

/* Leading dimensions of a box with the last two cut off. */
static SfShape
batch_of (const SfShape *box)
{
  SfShape batch = *box;
  batch.rank -= 2;
  return batch;
}

char *
sf_boxes_gemm (const SfTileBoxes *boxes)
{
  const SfShape *a = &boxes->src_box[0], *b = &boxes->src_box[1];
  if (a->rank < 2 || b->rank < 2)
    return g_strdup ("sources need two dimensions or more");
  bool ta = boxes->instr->imm[0] != 0, tb = boxes->instr->imm[1] != 0;
  int64_t m = a->dim[a->rank - (ta ? 1 : 2)], ka = a->dim[a->rank - (ta ? 2 : 1)];
  int64_t kb = b->dim[b->rank - (tb ? 1 : 2)], n = b->dim[b->rank - (tb ? 2 : 1)];
  if (ka != kb)
    return g_strdup_printf ("inner dimensions of the sources are %" PRId64 " and %" PRId64, ka, kb);
  SfShape wanted = batch_of (a), batch_b = batch_of (b);
  if (!broadcast_into (&wanted, &batch_b))
    return g_strdup ("leading dimensions of the sources do not broadcast");
  wanted.dim[wanted.rank++] = m;
  wanted.dim[wanted.rank++] = n;
  return want_box ("result", &boxes->dst_box[0], &wanted);
}

/* ---- windows ---- */

/* Whether `n_out` windows of a kernel fit into a padded box of `n_in` positions. */
static char *
windows_fit (const char *what, int64_t n_in, int64_t n_out, int64_t kernel, int64_t stride,
             int64_t dilation)
{
  enum
  {
    MAX_FIGURE = 1 << 24
  };
  if (stride < 1 || dilation < 1 || kernel < 1 || stride > MAX_FIGURE || dilation > MAX_FIGURE
      || kernel > MAX_FIGURE)
    return g_strdup_printf ("%s: kernel %" PRId64 ", stride %" PRId64 ", dilation %" PRId64
                            " must all be positive",
                            what, kernel, stride, dilation);
  __int128 span = (__int128) (n_out - 1) * stride + (__int128) (kernel - 1) * dilation + 1;
  if (n_out > 0 && span > n_in)
    return g_strdup_printf ("%s: %" PRId64 " windows span %" PRId64
                            " positions of a box of %" PRId64,
                            what, n_out, (int64_t) MIN (span, INT64_MAX), n_in);
  return NULL;
}

static char *
want_ranks_4 (const SfTileBoxes *boxes)
{
  char *why = want_rank ("result", &boxes->dst_box[0], 4);
  for (uint32_t i = 0; i < boxes->instr->n_src && why == NULL; i++)
    why = want_rank ("source", &boxes->src_box[i], 4);
  return why;
}

static char *
want_dims (const char *what, const SfShape *found, int64_t first, int64_t second)
{
  if (found->dim[0] == first && found->dim[1] == second)
    return NULL;
  return g_strdup_printf ("%s box begins [%" PRId64 ",%" PRId64 "], wanted [%" PRId64 ",%" PRId64
                          "]",
                          what, found->dim[0], found->dim[1], first, second);
}

/* Rows and columns: x [.., h, w] seen through windows as y [.., oh, ow]. */
static char *
windows_fit_2d (const SfShape *x, const SfShape *y, const int64_t kernel[2],
                const int64_t stride[2], const int64_t dilation[2])
{
  char *why = windows_fit ("rows", x->dim[2], y->dim[2], kernel[0], stride[0], dilation[0]);
  if (why == NULL)
    why = windows_fit ("columns", x->dim[3], y->dim[3], kernel[1], stride[1], dilation[1]);
  return why;
}

/* Whether every channel of `a` makes one of `b` by taps of its own. */
static bool
is_depthwise (const SfShape *a, const SfShape *w, const SfShape *b)
{
  return w->dim[1] == 1 && a->dim[1] == w->dim[0] && b->dim[1] == w->dim[0];
}

char *
sf_boxes_conv2d (const SfTileBoxes *boxes)
{
  const SfShape *x = &boxes->src_box[0], *w = &boxes->src_box[1], *y = &boxes->dst_box[0];
  const int64_t *imm = boxes->instr->imm;
  char *why = want_ranks_4 (boxes);
  if (why == NULL)
    why = want_dims ("source", x, x->dim[0], is_depthwise (x, w, y) ? w->dim[0] : w->dim[1]);
  if (why == NULL)
    why = want_dims ("result", y, x->dim[0], w->dim[0]);
  if (why == NULL)
    why = windows_fit_2d (x, y, &w->dim[2], imm, imm + 2);
  return why;
}

char *
sf_boxes_conv2d_dx (const SfTileBoxes *boxes)
{
  const SfShape *dy = &boxes->src_box[0], *w = &boxes->src_box[1], *dx = &boxes->dst_box[0];
  const int64_t *imm = boxes->instr->imm;
  char *why = want_ranks_4 (boxes);
  if (why == NULL)
    why = want_dims ("dy", dy, dx->dim[0], w->dim[0]);
  if (why == NULL)
    why = want_dims ("result", dx, dy->dim[0], is_depthwise (dy, w, dx) ? w->dim[0] : w->dim[1]);
  if (why == NULL
      && (imm[0] < 1 || imm[1] < 1 || imm[2] < 1 || imm[3] < 1 || imm[4] < 0 || imm[5] < 0))
    why = g_strdup ("strides and dilations must be positive, pads not negative");
  return why;
}

char *
sf_boxes_conv2d_dw (const SfTileBoxes *boxes)
{
  const SfShape *dy = &boxes->src_box[0], *x = &boxes->src_box[1], *dw = &boxes->dst_box[0];
  const int64_t *imm = boxes->instr->imm;
  char *why = want_ranks_4 (boxes);
  if (why == NULL)
    why = want_dims ("dy", dy, x->dim[0], dw->dim[0]);
  if (why == NULL)
    why = want_dims ("result", dw, dy->dim[1], is_depthwise (x, dw, dy) ? 1 : x->dim[1]);
  if (why == NULL)
    why = windows_fit_2d (x, dy, &dw->dim[2], imm, imm + 2);
  return why;
}

char *
sf_boxes_max_pool2d (const SfTileBoxes *boxes)
{
  const SfShape *x = &boxes->src_box[0], *y = &boxes->dst_box[0];
  const int64_t *imm = boxes->instr->imm;
  char *why = want_ranks_4 (boxes);
  if (why == NULL)
    why = want_dims ("result", y, x->dim[0], x->dim[1]);
  if (why == NULL)
    why = windows_fit_2d (x, y, imm, imm + 2, imm + 4);
  return why;
}

char *
sf_boxes_avg_pool2d (const SfTileBoxes *boxes)
{
  static const int64_t dense[2] = { 1, 1 };
  const SfShape *x = &boxes->src_box[0], *y = &boxes->dst_box[0];
  const int64_t *imm = boxes->instr->imm;
  char *why = want_ranks_4 (boxes);
  if (why == NULL)
    why = want_dims ("result", y, x->dim[0], x->dim[1]);
  if (why == NULL)
    why = windows_fit_2d (x, y, imm, imm + 2, dense);
  return why;
}

static char *
positive_windows (const int64_t *imm, int n)
{
  for (int i = 0; i < n; i++)
    if (imm[i] < 1)
      return g_strdup ("kernel, strides and dilations must be positive");
  return NULL;
}

char *
sf_boxes_max_pool2d_bwd (const SfTileBoxes *boxes)
{
  const SfShape *dy = &boxes->src_box[0], *x = &boxes->src_box[1];
  char *why = want_ranks_4 (boxes);
  if (why == NULL)
    why = want_box ("result", &boxes->dst_box[0], x);
  if (why == NULL)
    why = want_dims ("dy", dy, x->dim[0], x->dim[1]);
  if (why == NULL)
    why = positive_windows (boxes->instr->imm, 6);
  return why;
}

char *
sf_boxes_avg_pool2d_bwd (const SfTileBoxes *boxes)
{
  const SfShape *dy = &boxes->src_box[0], *dx = &boxes->dst_box[0];
  char *why = want_ranks_4 (boxes);
  if (why == NULL)
    why = want_dims ("result", dx, dy->dim[0], dy->dim[1]);
  if (why == NULL)
    why = positive_windows (boxes->instr->imm, 4);
  return why;
}

/* ---- movement, rows, indices ---- */

char *
sf_boxes_copy (const SfTileBoxes *boxes)
{
  const SfShape *x = &boxes->src_box[0], *y = &boxes->dst_box[0];
  char *why = want_rank ("result", y, x->rank);
  if (why != NULL)
    return why;
  unsigned seen = 0;
  for (int d = 0; d < x->rank; d++)
    {
      int64_t from = boxes->instr->imm[d];
      if (from < 0 || from >= x->rank || (seen >> from & 1) != 0)
        return g_strdup_printf ("permutation entry %d is %" PRId64 ", wanted each of 0 .. %d once",
                                d, from, x->rank - 1);
      seen |= 1u << from;
      if (x->dim[from] != y->dim[d] && x->dim[from] != 1)
        return g_strdup_printf ("result dimension %d has %" PRId64
                                " positions, its source %" PRId64,
                                d, y->dim[d], x->dim[from]);
    }
  return NULL;
}

/* The box of `operand` along `axis` is all of its tensor. */
static char *
want_whole (const char *what, const SfOperand *operand, const SfShape *box, int64_t axis)
{
  if (axis < 0 || axis >= box->rank)
    return g_strdup_printf ("axis %" PRId64 " of a box with %d dimensions", axis, box->rank);
  if (box->dim[axis] != operand->shape.dim[axis])
    return g_strdup_printf ("%s box has %" PRId64 " of %" PRId64 " positions along axis %" PRId64
                            ", wanted whole rows",
                            what, box->dim[axis], operand->shape.dim[axis], axis);
  return NULL;
}

char *
sf_boxes_rows (const SfTileBoxes *boxes)
{
  const SfShape *y = &boxes->dst_box[0];
  char *why = want_whole ("result", boxes->dst[0], y, boxes->instr->imm[0]);
  for (uint32_t i = 0; i < boxes->instr->n_src && why == NULL; i++)
    why = want_box ("source", &boxes->src_box[i], y);
  return why;
}

char *
sf_boxes_sort (const SfTileBoxes *boxes)
{
  char *why = sf_boxes_rows (boxes);
  return why != NULL ? why : want_box ("indices", &boxes->dst_box[1], &boxes->dst_box[0]);
}

/* The rows of a norm, which must be whole: what they are of the box, and what is left of it. */
static char *
norm_rows (const SfOperand *x, const SfShape *box, int64_t axis, SfShape *outer, SfShape *inner)
{
  char *why = want_whole ("source", x, box, axis);
  if (why != NULL)
    return why;
  *outer = *inner = (SfShape){ 0 };
  for (int d = 0; d < box->rank && why == NULL; d++)
    {
      SfShape *part = d < axis ? outer : inner;
      part->dim[part->rank++] = box->dim[d];
      if (d >= axis)
        why = want_whole ("source", x, box, d);
    }
  return why;
}

char *
sf_boxes_layer_norm (const SfTileBoxes *boxes)
{
  const SfShape *x = &boxes->src_box[0];
  SfShape inner, outer;
  char *why = norm_rows (boxes->src[0], x, boxes->instr->imm[0], &outer, &inner);
  if (why == NULL)
    why = want_box ("gamma", &boxes->src_box[1], &inner);
  if (why == NULL)
    why = want_box ("beta", &boxes->src_box[2], &inner);
  if (why == NULL)
    why = want_box ("result", &boxes->dst_box[0], x);
  if (why == NULL)
    why = want_box ("mean", &boxes->dst_box[1], &outer);
  if (why == NULL)
    why = want_box ("rstd", &boxes->dst_box[2], &outer);
  return why;
}

char *
sf_boxes_layer_norm_dx (const SfTileBoxes *boxes)
{
  const SfShape *dy = &boxes->src_box[0];
  SfShape inner, outer;
  char *why = norm_rows (boxes->src[0], dy, boxes->instr->imm[0], &outer, &inner);
  if (why == NULL)
    why = want_box ("x", &boxes->src_box[1], dy);
  if (why == NULL)
    why = want_box ("gamma", &boxes->src_box[2], &inner);
  if (why == NULL)
    why = want_box ("mean", &boxes->src_box[3], &outer);
  if (why == NULL)
    why = want_box ("rstd", &boxes->src_box[4], &outer);
  if (why == NULL)
    why = want_box ("result", &boxes->dst_box[0], dy);
  return why;
}

/* x with dimension `axis` replaced by the dimensions of i; false when the rank overflows. */
static bool
indexed_box (const SfShape *x, const SfShape *i, int64_t axis, SfShape *out)
{
  *out = (SfShape){ 0 };
  if (x->rank - 1 + i->rank > SF_MAX_RANK)
    return false;
  for (int d = 0; d < axis; d++)
    out->dim[out->rank++] = x->dim[d];
  for (int d = 0; d < i->rank; d++)
    out->dim[out->rank++] = i->dim[d];
  for (int d = (int) axis + 1; d < x->rank; d++)
    out->dim[out->rank++] = x->dim[d];
  return true;
}

static char *
want_axis (int64_t axis, const SfShape *box)
{
  if (axis >= 0 && axis < box->rank)
    return NULL;
  return g_strdup_printf ("axis %" PRId64 " of a box with %d dimensions", axis, box->rank);
}

/* Rows of `table` by `index`: what the boxes of a gather or of its adjoint must be. */
static char *
want_rows (const char *what, const SfShape *rows, const SfShape *table, const SfShape *index,
           int64_t axis)
{
  SfShape wanted;
  char *why = want_axis (axis, table);
  if (why != NULL)
    return why;
  if (!indexed_box (table, index, axis, &wanted))
    return g_strdup_printf ("%s would have too many dimensions", what);
  return want_box (what, rows, &wanted);
}

char *
sf_boxes_gather (const SfTileBoxes *boxes)
{
  char *why = want_whole ("source", boxes->src[0], &boxes->src_box[0], boxes->instr->imm[0]);
  return why != NULL ? why : sf_boxes_gather_add (boxes);
}

char *
sf_boxes_gather_add (const SfTileBoxes *boxes)
{
  return want_rows ("result", &boxes->dst_box[0], &boxes->src_box[0], &boxes->src_box[1],
                    boxes->instr->imm[0]);
}

char *
sf_boxes_scatter_add (const SfTileBoxes *boxes)
{
  return want_rows ("updates", &boxes->src_box[1], &boxes->dst_box[0], &boxes->src_box[0],
                    boxes->instr->imm[0]);
}

char *
sf_boxes_scatter (const SfTileBoxes *boxes)
{
  const SfShape *y = &boxes->dst_box[0];
  int64_t axis = boxes->instr->imm[0], reduce = boxes->instr->imm[1];
  char *why = want_whole ("result", boxes->dst[0], y, axis);
  if (why == NULL && (reduce < 0 || reduce > 4))
    why = g_strdup_printf ("immediate 1 is %" PRId64 ", wanted 0 to 4", reduce);
  if (why == NULL)
    why = want_box ("source", &boxes->src_box[0], y);
  return why != NULL ? why : want_rows ("updates", &boxes->src_box[2], y, &boxes->src_box[1], axis);
}

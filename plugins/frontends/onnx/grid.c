/* SPDX-License-Identifier: Apache-2.0 */
/* GridSample and AffineGrid. A sample is the sum over its neighbours (1, 2 or 4 along each axis) of
 * their weights times elements gathered from the flattened image, so gradients reach the image
 * through the gathers and the grid through the weights. */
#include "plugins/frontends/onnx/grid.h"

enum
{
  MAX_SPATIAL = 3,
  MAX_TAPS = 4,
  MAX_GRID = 1 << 26, /* places of an affine grid */
};

typedef enum
{
  PADDING_ZEROS,
  PADDING_BORDER,
  PADDING_REFLECTION,
} Padding;

typedef struct
{
  OnnxNode *node;
  int n_taps; /* 1 nearest, 2 linear, 4 cubic */
  Padding padding;
  bool align;
  int64_t dim; /* of the axis */
  SfDtype dtype;
} Sampler;

/* A neighbour along one axis: its position (i32) and weight, [N, results.., 1]. */
typedef struct
{
  SfValue at, weight;
} Tap;

static SfValue
clamp (const Sampler *s, SfValue v)
{
  v = onnx_2f (s->node, "max", v, 0);
  return onnx_2f (s->node, "min", v, (double) (s->dim - 1));
}

/* Back and forth between the borders: a triangular wave. */
static SfValue
reflect (const Sampler *s, SfValue v)
{
  OnnxNode *node = s->node;
  double low = s->align ? 0 : -0.5, range = (double) s->dim - (s->align ? 1 : 0);
  if (range == 0)
    return onnx_2f (node, "mul", v, 0);
  SfValue t = onnx_1 (node, "abs", onnx_2f (node, "sub", v, low));
  SfValue turns = onnx_1 (node, "floor", onnx_2f (node, "div", t, 2 * range));
  SfValue in = onnx_2 (node, "sub", t, onnx_2f (node, "mul", turns, 2 * range));
  SfValue back = onnx_2 (node, "sub", onnx_scalar (node, s->dtype, 2 * range), in);
  return onnx_2f (node, "add", onnx_2 (node, "min", in, back), low);
}

/* The coordinate -1 .. 1 in elements, brought into the image as the padding asks. */
static SfValue
place (const Sampler *s, SfValue grid)
{
  OnnxNode *node = s->node;
  double half = (double) (s->align ? s->dim - 1 : s->dim) / 2;
  SfValue v = onnx_2f (node, "mul", grid, half);
  v = onnx_2f (node, "add", v, (double) (s->dim - 1) / 2);
  if (s->n_taps == 1)
    v = onnx_1 (node, "round", v);
  if (s->padding == PADDING_REFLECTION)
    return reflect (s, v);
  if (s->padding == PADDING_ZEROS)
    return v;
  if (s->n_taps < 4)
    return clamp (s, v);
  /* Cubic weights between the last pixel's centre and its border are those of the place. */
  double margin = s->align ? 0 : 0.5;
  SfValue low = onnx_2 (node, "lt", v, onnx_scalar (node, s->dtype, -margin));
  SfValue high = onnx_2 (node, "gt", v,
                         onnx_scalar (node, s->dtype, (double) (s->dim - 1) + margin));
  return onnx_select (node, onnx_2 (node, "or", low, high), clamp (s, v), v);
}

/* Polynomial of degree 3 in x by Horner's rule, c[0] the highest. */
static SfValue
cubic (OnnxNode *node, SfValue x, const double c[4])
{
  SfValue v = onnx_2f (node, "add", onnx_2f (node, "mul", x, c[0]), c[1]);
  for (int i = 2; i < 4; i++)
    {
      v = onnx_2 (node, "mul", v, x);
      if (c[i] != 0)
        v = onnx_2f (node, "add", v, c[i]);
    }
  return v;
}

/* Weight of the neighbour `k` places from the one before the sample, `f` beyond which it lies. */
static SfValue
tap_weight (const Sampler *s, SfValue f, int k)
{
  static const double near[] = { 1.25, -2.25, 0, 1 }, far[] = { -0.75, 3.75, -6, 3 };
  OnnxNode *node = s->node;
  if (s->n_taps == 1)
    return onnx_scalar (node, s->dtype, 1);
  SfValue distance = f;
  if (k < 0)
    distance = onnx_2f (node, "add", f, -k);
  else if (k > 0)
    distance = onnx_2 (node, "sub", onnx_scalar (node, s->dtype, k), f);
  if (s->n_taps == 2)
    return onnx_2 (node, "sub", onnx_scalar (node, s->dtype, 1), distance);
  return cubic (node, distance, k == 0 || k == 1 ? near : far);
}

static void
find_taps (const Sampler *s, SfValue v, Tap *taps)
{
  OnnxNode *node = s->node;
  SfValue before = onnx_1 (node, "floor", v), f = onnx_2 (node, "sub", v, before);
  for (int i = 0; i < s->n_taps; i++)
    {
      int k = s->n_taps == 4 ? i - 1 : i;
      SfValue at = k ? onnx_2f (node, "add", before, k) : before;
      SfValue weight = tap_weight (s, f, k), in = clamp (s, at);
      if (s->padding == PADDING_ZEROS)
        weight = onnx_select (node, onnx_2 (node, "eq", in, at), weight,
                              onnx_scalar (node, s->dtype, 0));
      else if (s->padding == PADDING_REFLECTION)
        in = clamp (s, reflect (s, at));
      taps[i] = (Tap){ onnx_cast (node, in, SF_I32), weight };
    }
}

/* The sum over all combinations of the axes' taps; rows is the image as [N * elements, C]. */
static SfValue
sum_taps (const Sampler *s, SfValue rows, SfShape image, SfShape results,
          Tap taps[MAX_SPATIAL][MAX_TAPS])
{
  OnnxNode *node = s->node;
  int spatial = image.rank - 2, n = 1;
  for (int i = 0; i < spatial; i++)
    n *= s->n_taps;
  int64_t elements = sf_shape_n_elems (&image) / MAX (image.dim[0] * image.dim[1], 1);
  SfShape batch = results;
  for (int i = 1; i < batch.rank; i++)
    batch.dim[i] = 1;
  SfValue first = onnx_iota (node, batch, 0, SF_I32), sum = SF_NONE;
  first = onnx_2f (node, "mul", first, (double) elements);
  for (int c = 0; c < n && !onnx_failed (node); c++)
    {
      SfValue at = SF_NONE, weight = SF_NONE;
      for (int i = 0, rest = c; i < spatial; i++, rest /= s->n_taps)
        {
          Tap tap = taps[i][rest % s->n_taps];
          if (i)
            at = onnx_2f (node, "mul", at, (double) image.dim[2 + i]);
          at = i ? onnx_2 (node, "add", at, tap.at) : tap.at;
          weight = i ? onnx_2 (node, "mul", weight, tap.weight) : tap.weight;
        }
      at = onnx_reshape (node, onnx_2 (node, "add", at, first),
                         sf_shape (results.rank - 1, results.dim));
      SfValue part = onnx_2 (node, "mul", onnx_gather (node, rows, at, 0), weight);
      sum = c ? onnx_2 (node, "add", sum, part) : part;
    }
  return sum;
}

/* Moves dimension 1 to the end, or the last one to place 1. */
static SfValue
move_channels (OnnxNode *node, SfValue v, bool last)
{
  int rank = onnx_shape (node, v).rank;
  int64_t perm[SF_MAX_RANK] = { 0 };
  for (int i = 1; i < rank; i++)
    perm[i] = last ? i % (rank - 1) + 1 : (i == 1 ? rank - 1 : i - 1);
  return onnx_transpose (node, v, perm);
}

static bool
read_sampler (OnnxNode *node, Sampler *s, SfShape x, SfShape grid)
{
  static const struct
  {
    const char *mode;
    int n_taps;
  } modes[]
      = { { "bilinear", 2 }, { "linear", 2 }, { "nearest", 1 }, { "bicubic", 4 }, { "cubic", 4 } };
  static const char *const paddings[] = { "zeros", "border", "reflection" };
  const char *mode = onnx_string (node, "mode", "linear");
  const char *padding = onnx_string (node, "padding_mode", "zeros");
  *s = (Sampler){ .node = node, .align = onnx_int (node, "align_corners", 0) != 0 };
  bool known = false;
  for (size_t i = 0; i < G_N_ELEMENTS (modes); i++)
    if (g_str_equal (mode, modes[i].mode))
      s->n_taps = modes[i].n_taps;
  for (size_t i = 0; i < G_N_ELEMENTS (paddings); i++)
    if (g_str_equal (padding, paddings[i]))
      {
        s->padding = (Padding) i;
        known = true;
      }
  if (onnx_failed (node))
    return false;
  int spatial = x.rank - 2;
  if (s->n_taps == 0 || !known)
    onnx_refuse (node, SF_ERROR_INVALID_DATA,
                 "mode %s with padding_mode %s, wanted linear, nearest or cubic with zeros, border "
                 "or reflection",
                 mode, padding);
  else if (spatial < 1 || spatial > (s->n_taps == 4 ? 2 : MAX_SPATIAL) || grid.rank != x.rank
           || grid.dim[grid.rank - 1] != spatial || grid.dim[0] != x.dim[0]
           || sf_shape_n_elems (&x) > INT32_MAX || sf_shape_n_elems (&x) == 0)
    onnx_refuse (node, SF_ERROR_UNSUPPORTED,
                 "input of rank %d and grid of rank %d, wanted [N,C,D..] of 1 to 3 dimensions D (2 "
                 "with mode cubic), less than 2^31 elements and at least one, and a grid [N,..,D]",
                 x.rank, grid.rank);
  return !onnx_failed (node);
}

void
onnx_lower_grid_sample (OnnxNode *node)
{
  SfValue x = onnx_input (node, 0), grid = onnx_input (node, 1);
  SfShape image = onnx_shape (node, x), results = onnx_shape (node, grid);
  SfDtype dtype = onnx_dtype (node, x);
  Sampler s;
  Tap taps[MAX_SPATIAL][MAX_TAPS];
  if (!read_sampler (node, &s, image, results))
    return;
  s.dtype = onnx_dtype (node, grid);
  if (!sf_dtype_is_float (dtype))
    x = onnx_cast (node, x, s.dtype);
  int spatial = image.rank - 2, last = results.rank - 1;
  for (int i = 0; i < spatial; i++)
    {
      int64_t component = spatial - 1 - i; /* x, the innermost axis, comes first */
      s.dim = image.dim[2 + i];
      SfValue at = onnx_slice (node, grid, last, component, component + 1, 1);
      find_taps (&s, place (&s, at), taps[i]);
    }
  SfValue rows = move_channels (node, x, true);
  rows = onnx_reshape (node, rows,
                       SF_SHAPE (sf_shape_n_elems (&image) / image.dim[1], image.dim[1]));
  SfValue y = move_channels (node, sum_taps (&s, rows, image, results, taps), false);
  onnx_set (node, 0, onnx_cast (node, y, dtype));
}

/* ---- AffineGrid ---- */

/* Coordinate of element i of n in -1 .. 1, of its centre or with the corners' centres at the ends.
 */
static double
coordinate (int64_t i, int64_t n, bool align)
{
  if (align)
    return n > 1 ? -1 + 2 * (double) i / (double) (n - 1) : 0;
  return (2 * (double) i + 1) / (double) n - 1;
}

void
onnx_lower_affine_grid (OnnxNode *node)
{
  SfValue theta = onnx_input (node, 0);
  OnnxInts size = onnx_known_ints (node, 1);
  bool align = onnx_int (node, "align_corners", 0) != 0;
  SfShape t = onnx_shape (node, theta);
  if (onnx_failed (node))
    return;
  int spatial = (int) size.n - 2;
  SfShape shape = { .rank = 1, .dim = { t.dim[0] } }, place = { 0 };
  for (int i = 0; i < spatial && spatial <= MAX_SPATIAL; i++)
    shape.dim[shape.rank++] = place.dim[place.rank++] = size.at[2 + i];
  g_autoptr (GError) error = NULL;
  if (t.rank != 3 || (spatial != 2 && spatial != 3) || t.dim[1] != spatial
      || t.dim[2] != spatial + 1 || size.at[0] != t.dim[0]
      || !sf_shape_check (&place, "size", &error) || sf_shape_n_elems (&place) > MAX_GRID)
    return onnx_refuse (node, SF_ERROR_INVALID_DATA,
                        "theta of rank %d and %zu sizes, wanted [N,2,3] and [N,C,H,W], or [N,3,4] "
                        "and [N,C,D,H,W]",
                        t.rank, size.n);
  int64_t n = sf_shape_n_elems (&place), strides[SF_MAX_RANK];
  sf_shape_strides (&place, strides);
  g_autofree double *base = g_try_new (double, (gsize) (MAX (n, 1) * (spatial + 1)));
  if (!base)
    return onnx_refuse (node, SF_ERROR_NO_RESOURCE, "no memory for a grid of %" G_GINT64_FORMAT, n);
  for (int64_t i = 0; i < n; i++)
    {
      double *row = base + i * (spatial + 1);
      for (int d = 0; d < spatial; d++)
        row[spatial - 1 - d] = coordinate (i / strides[d] % place.dim[d], place.dim[d], align);
      row[spatial] = 1;
    }
  SfDtype dtype = onnx_dtype (node, theta);
  SfValue grid = onnx_constant_f64 (node, dtype, SF_SHAPE (n, spatial + 1), base);
  shape.dim[shape.rank++] = spatial;
  onnx_set (node, 0, onnx_reshape (node, onnx_matmul (node, grid, theta, false, true), shape));
}

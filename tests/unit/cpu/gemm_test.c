/* SPDX-License-Identifier: Apache-2.0 */
/* Products and convolutions across the edges of tiles, panels and blocks, against plain loops: each
 * sum in order of k, to the last bit. */
#include <math.h>

#include <sf/evaluate.h>
#include <sf/rng.h>

#include "tests/support/sftest.h"

static double *
numbers (const char *name, size_t n)
{
  SfRng rng = { .seed = 5, .stream = sf_rng_stream_of (name) };
  double *data = g_new (double, MAX (n, 1));
  for (size_t i = 0; i < n; i++)
    data[i] = (double) sf_rng_u64 (&rng, i) * 0x1p-63 - 1;
  return data;
}

static double *
evaluate (SfGraph *graph, SfValue y, const SfFeed *feeds, size_t n_feeds)
{
  g_autoptr (GError) error = NULL;
  SfEvaluateOptions options = { .f64 = true, .n_threads = 2 };
  const SfShape *shape = sf_value_shape (graph, y);
  double *out = g_new (double, (size_t) MAX (sf_shape_n_elems (shape), 1));
  SfFetch fetch = { y, sf_tensor (SF_F64, *shape, out) };
  sf_evaluate (graph, &options, feeds, n_feeds, &fetch, 1, &error);
  SF_CHECK_NO_ERROR (error);
  return out;
}

static void
check_product (int64_t m, int64_t n, int64_t k, bool turn_a, bool turn_b)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfGraph) graph = sf_graph_new ("product");
  SfShape shapes[2] = { turn_a ? SF_SHAPE (k, m) : SF_SHAPE (m, k),
                        turn_b ? SF_SHAPE (n, k) : SF_SHAPE (k, n) };
  g_autofree double *a = numbers ("a", (size_t) (m * k)), *b = numbers ("b", (size_t) (k * n));
  SfValue in[2] = { sf_graph_input (graph, "a", SF_F64, shapes[0], &error),
                    sf_graph_input (graph, "b", SF_F64, shapes[1], &error) };
  SfAttr attrs[] = { SF_ATTR_B ("transpose_a", turn_a), SF_ATTR_B ("transpose_b", turn_b) };
  SfValue y = sf_graph_op (graph, "matmul", in, 2, attrs, 2, &error);
  SF_REQUIRE_NO_ERROR (error);
  SfFeed feeds[] = { { in[0], sf_tensor (SF_F64, shapes[0], a) },
                     { in[1], sf_tensor (SF_F64, shapes[1], b) } };
  g_autofree double *found = evaluate (graph, y, feeds, 2);
  int64_t n_wrong = 0;
  for (int64_t i = 0; i < m; i++)
    for (int64_t j = 0; j < n; j++)
      {
        volatile double sum = 0; /* no fused or reordered arithmetic */
        for (int64_t p = 0; p < k; p++)
          {
            volatile double product = a[turn_a ? p * m + i : i * k + p]
                                      * b[turn_b ? j * k + p : p * n + j];
            sum += product;
          }
        n_wrong += found[i * n + j] != sum;
      }
  SF_CHECK_MSG (n_wrong == 0, "%d x %d x %d, turned %d %d: %d elements differ", (int) m, (int) n,
                (int) k, turn_a, turn_b, (int) n_wrong);
}

SF_TEST (Gemm, IsThePlainSumAtEveryEdge)
{
  static const int64_t rows[] = { 1, 3, 4, 5, 66 }, columns[] = { 1, 7, 8, 17, 270 },
                       depths[] = { 0, 1, 513 };
  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    for (size_t j = 0; j < G_N_ELEMENTS (columns); j++)
      for (size_t p = 0; p < G_N_ELEMENTS (depths); p++)
        check_product (rows[i], columns[j], depths[p], (i + j) % 2 != 0, (i + p) % 2 != 0);
}

SF_TEST (Gemm, TurnedOperands)
{
  for (int turned = 0; turned < 4; turned++)
    {
      check_product (6, 21, 40, (turned & 1) != 0, (turned & 2) != 0);
      check_product (2, 21, 40, (turned & 1) != 0, (turned & 2) != 0);
    }
}

/* Sizes are [n, channels, h, w], filters, kernel, stride, pad before, pad after, dilation, groups.
 */
typedef struct
{
  const char *name;
  int64_t n, channels, h, w, filters, kernel[2], strides[2], pads[4], dilations[2], groups;
} ConvCase;

static const ConvCase convs[] = {
  { "panels", 2, 3, 9, 13, 5, { 3, 3 }, { 1, 1 }, { 1, 1, 1, 1 }, { 1, 1 }, 1 },
  { "strided", 1, 2, 11, 10, 4, { 3, 2 }, { 2, 3 }, { 0, 1, 2, 0 }, { 1, 1 }, 1 },
  { "dilated", 1, 2, 12, 12, 6, { 2, 3 }, { 1, 1 }, { 2, 2, 2, 2 }, { 3, 2 }, 1 },
  { "groups", 2, 6, 7, 7, 12, { 3, 3 }, { 1, 1 }, { 1, 1, 1, 1 }, { 1, 1 }, 3 },
  { "few_filters", 1, 4, 8, 8, 4, { 3, 3 }, { 1, 2 }, { 1, 1, 1, 1 }, { 1, 1 }, 2 },
  { "pointwise", 1, 70, 5, 5, 9, { 1, 1 }, { 1, 1 }, { 0, 0, 0, 0 }, { 1, 1 }, 1 },
  { "strided_wide", 2, 8, 13, 12, 8, { 3, 3 }, { 2, 2 }, { 1, 1, 1, 1 }, { 1, 1 }, 2 },
  { "strided_dilated", 1, 5, 12, 13, 6, { 3, 2 }, { 3, 2 }, { 2, 0, 1, 3 }, { 2, 3 }, 1 },
  { "more_taps_than_a_block", 1, 4, 26, 25, 5, { 25, 24 }, { 1, 1 }, { 0, 1, 1, 0 }, { 1, 1 }, 1 },
  { "deep", 1, 80, 4, 4, 70, { 3, 3 }, { 1, 1 }, { 1, 1, 1, 1 }, { 1, 1 }, 1 },
  { "only_padding_beside", 1, 1, 1, 1, 4, { 3, 3 }, { 1, 1 }, { 2, 2, 2, 2 }, { 1, 1 }, 1 },
};

/* Element (filter, row, column) of image `image` by the definition. */
static double
by_definition (const ConvCase *c, const double *x, const double *w, int64_t image, int64_t filter,
               int64_t row, int64_t column)
{
  int64_t per_group = c->channels / c->groups;
  int64_t first = filter / (c->filters / c->groups) * per_group;
  double sum = 0;
  for (int64_t k = 0; k < per_group; k++)
    for (int64_t kh = 0; kh < c->kernel[0]; kh++)
      for (int64_t kw = 0; kw < c->kernel[1]; kw++)
        {
          int64_t ih = row * c->strides[0] - c->pads[0] + kh * c->dilations[0];
          int64_t iw = column * c->strides[1] - c->pads[1] + kw * c->dilations[1];
          if (ih >= 0 && ih < c->h && iw >= 0 && iw < c->w)
            sum += w[((filter * per_group + k) * c->kernel[0] + kh) * c->kernel[1] + kw]
                   * x[((image * c->channels + first + k) * c->h + ih) * c->w + iw];
        }
  return sum;
}

SF_TEST_CASES (Conv, IsItsDefinition, convs, G_N_ELEMENTS (convs), sf_test_row_name)
{
  const ConvCase *c = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (SfGraph) graph = sf_graph_new (c->name);
  SfShape x_shape = SF_SHAPE (c->n, c->channels, c->h, c->w), b_shape = SF_SHAPE (c->filters);
  SfShape w_shape = SF_SHAPE (c->filters, c->channels / c->groups, c->kernel[0], c->kernel[1]);
  g_autofree double *x = numbers ("x", (size_t) sf_shape_n_elems (&x_shape));
  g_autofree double *w = numbers ("w", (size_t) sf_shape_n_elems (&w_shape));
  g_autofree double *b = numbers ("b", (size_t) c->filters);
  SfValue in[3] = { sf_graph_input (graph, "x", SF_F64, x_shape, &error),
                    sf_graph_input (graph, "w", SF_F64, w_shape, &error),
                    sf_graph_input (graph, "b", SF_F64, b_shape, &error) };
  SfAttr attrs[] = { SF_ATTR_IS ("strides", c->strides, 2), SF_ATTR_IS ("pads", c->pads, 4),
                     SF_ATTR_IS ("dilations", c->dilations, 2), SF_ATTR_I ("groups", c->groups) };
  SfValue y = sf_graph_op (graph, "conv2d", in, 3, attrs, G_N_ELEMENTS (attrs), &error);
  SF_REQUIRE_NO_ERROR (error);
  SfFeed feeds[] = { { in[0], sf_tensor (SF_F64, x_shape, x) },
                     { in[1], sf_tensor (SF_F64, w_shape, w) },
                     { in[2], sf_tensor (SF_F64, b_shape, b) } };
  g_autofree double *found = evaluate (graph, y, feeds, 3);
  const int64_t *dim = sf_value_shape (graph, y)->dim;
  double worst = 0;
  for (int64_t e = 0; e < dim[0] * dim[1] * dim[2] * dim[3]; e++)
    {
      int64_t filter = e / (dim[2] * dim[3]) % dim[1];
      double want = b[filter]
                    + by_definition (c, x, w, e / (dim[1] * dim[2] * dim[3]), filter,
                                     e / dim[3] % dim[2], e % dim[3]);
      worst = MAX (worst, fabs (found[e] - want));
    }
  SF_CHECK_MSG (worst < 1e-12, "off by %g", worst);
}

/* Adds what the gradient `dy` of element (image, filter, row, column) gives to dx and dw. */
static void
add_adjoints (const ConvCase *c, const double *x, const double *w, double dy, int64_t image,
              int64_t filter, int64_t row, int64_t column, double *dx, double *dw)
{
  int64_t per_group = c->channels / c->groups;
  int64_t first = filter / (c->filters / c->groups) * per_group;
  for (int64_t k = 0; k < per_group; k++)
    for (int64_t kh = 0; kh < c->kernel[0]; kh++)
      for (int64_t kw = 0; kw < c->kernel[1]; kw++)
        {
          int64_t ih = row * c->strides[0] - c->pads[0] + kh * c->dilations[0];
          int64_t iw = column * c->strides[1] - c->pads[1] + kw * c->dilations[1];
          int64_t tap = ((filter * per_group + k) * c->kernel[0] + kh) * c->kernel[1] + kw;
          int64_t at = ((image * c->channels + first + k) * c->h + ih) * c->w + iw;
          if (ih < 0 || ih >= c->h || iw < 0 || iw >= c->w)
            continue;
          dx[at] += w[tap] * dy;
          dw[tap] += x[at] * dy;
        }
}

static double
worst_of (const double *found, const double *wanted, int64_t n)
{
  double worst = 0;
  for (int64_t e = 0; e < n; e++)
    worst = MAX (worst, fabs (found[e] - wanted[e]));
  return worst;
}

SF_TEST_CASES (ConvAdjoints, AreTheirDefinition, convs, G_N_ELEMENTS (convs), sf_test_row_name)
{
  const ConvCase *c = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (SfGraph) graph = sf_graph_new (c->name);
  SfShape x_shape = SF_SHAPE (c->n, c->channels, c->h, c->w), y_shape = x_shape;
  SfShape w_shape = SF_SHAPE (c->filters, c->channels / c->groups, c->kernel[0], c->kernel[1]);
  y_shape.dim[1] = c->filters;
  for (int d = 0; d < 2; d++)
    y_shape.dim[2 + d] = (x_shape.dim[2 + d] + c->pads[d] + c->pads[2 + d]
                          - c->dilations[d] * (c->kernel[d] - 1) - 1)
                             / c->strides[d]
                         + 1;
  g_autofree double *x = numbers ("x", (size_t) sf_shape_n_elems (&x_shape));
  g_autofree double *w = numbers ("w", (size_t) sf_shape_n_elems (&w_shape));
  g_autofree double *dy = numbers ("dy", (size_t) sf_shape_n_elems (&y_shape));
  SfValue in[3] = { sf_graph_input (graph, "x", SF_F64, x_shape, &error),
                    sf_graph_input (graph, "w", SF_F64, w_shape, &error),
                    sf_graph_input (graph, "dy", SF_F64, y_shape, &error) };
  SfAttr attrs[] = { SF_ATTR_IS ("strides", c->strides, 2), SF_ATTR_IS ("pads", c->pads, 4),
                     SF_ATTR_IS ("dilations", c->dilations, 2), SF_ATTR_I ("groups", c->groups),
                     SF_ATTR_IS ("size", x_shape.dim + 2, 2) };
  SfValue dx = sf_graph_op (graph, "conv2d_dx", (SfValue[]){ in[2], in[1] }, 2, attrs, 5, &error);
  attrs[4] = SF_ATTR_IS ("kernel", c->kernel, 2);
  SfValue dw = sf_graph_op (graph, "conv2d_dw", (SfValue[]){ in[2], in[0] }, 2, attrs, 5, &error);
  SF_REQUIRE_NO_ERROR (error);
  SfFeed feeds[] = { { in[0], sf_tensor (SF_F64, x_shape, x) },
                     { in[1], sf_tensor (SF_F64, w_shape, w) },
                     { in[2], sf_tensor (SF_F64, y_shape, dy) } };
  g_autofree double *found_dx = evaluate (graph, dx, feeds, 3);
  g_autofree double *found_dw = evaluate (graph, dw, feeds, 3);
  g_autofree double *want_dx = g_new0 (double, (size_t) sf_shape_n_elems (&x_shape));
  g_autofree double *want_dw = g_new0 (double, (size_t) sf_shape_n_elems (&w_shape));
  const int64_t *dim = y_shape.dim;
  for (int64_t e = 0; e < sf_shape_n_elems (&y_shape); e++)
    add_adjoints (c, x, w, dy[e], e / (dim[1] * dim[2] * dim[3]), e / (dim[2] * dim[3]) % dim[1],
                  e / dim[3] % dim[2], e % dim[3], want_dx, want_dw);
  SF_CHECK_MSG (worst_of (found_dx, want_dx, sf_shape_n_elems (&x_shape)) < 1e-12, "dx differs");
  SF_CHECK_MSG (worst_of (found_dw, want_dw, sf_shape_n_elems (&w_shape)) < 1e-12, "dw differs");
}

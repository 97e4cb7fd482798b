/* SPDX-License-Identifier: Apache-2.0 */
/* Decompositions of the pools into unfold, reductions and fold. */
#include <math.h>

#include "core/ir/expr.h"
#include "core/ir/rules.h"

/* Geometry of a pool. The pads are those that give unfold exactly the output's windows: in ceil
 * mode the last window may reach past the padded image, in floor mode the bottom and right pads may
 * go unused. */
typedef struct
{
  int64_t kernel[2], strides[2], dilations[2], given[4], pads[4];
  int64_t in[2], out[2];
  int64_t n, c, k, p; /* images, channels, elements of a window, windows */
} Pool;

static void
copy_ints (const SfDecompose *d, const char *name, int64_t *to, size_t n_wanted)
{
  size_t n;
  const int64_t *from = sf_node_attr_ints (d->from, d->node, name, &n);
  memcpy (to, from, n_wanted * sizeof *to);
}

/* `in` and `out`: shapes [N, C, H, W] of the forward op's input and output. */
static Pool
pool (const SfDecompose *d, SfShape in, SfShape out, bool dilated)
{
  Pool p = { .dilations = { 1, 1 }, .n = in.dim[0], .c = in.dim[1] };
  copy_ints (d, "kernel", p.kernel, 2);
  copy_ints (d, "strides", p.strides, 2);
  copy_ints (d, "pads", p.given, 4);
  if (dilated)
    copy_ints (d, "dilations", p.dilations, 2);
  for (int i = 0; i < 2; i++)
    {
      p.in[i] = in.dim[2 + i];
      p.out[i] = out.dim[2 + i];
      int64_t reach = (p.out[i] - 1) * p.strides[i] + (p.kernel[i] - 1) * p.dilations[i] + 1;
      p.pads[i] = p.given[i];
      p.pads[2 + i] = MAX (reach - p.in[i] - p.given[i], 0);
    }
  p.k = p.kernel[0] * p.kernel[1];
  p.p = p.out[0] * p.out[1];
  return p;
}

static SfValue
window (SfExpr *e, const char *op, SfValue v, const Pool *p, SfAttr extra)
{
  SfAttr attrs[] = { SF_ATTR_IS ("kernel", p->kernel, 2), SF_ATTR_IS ("strides", p->strides, 2),
                     SF_ATTR_IS ("pads", p->pads, 4), SF_ATTR_IS ("dilations", p->dilations, 2),
                     extra };
  return sf_expr_op (e, op, &v, 1, attrs, G_N_ELEMENTS (attrs), NULL);
}

/* x as [N, C, window element, window], `value` outside. */
static SfValue
windows (SfExpr *e, SfValue x, const Pool *p, double value)
{
  SfShape shape = sf_expr_shape (e, x);
  SfValue cols = window (e, "unfold", x, p, SF_ATTR_F ("value", value));
  return sf_expr_reshape (e, cols, SF_SHAPE (shape.dim[0], shape.dim[1], p->k, p->p));
}

/* The adjoint of windows: v is [N, C, k, p]. */
static SfValue
scattered (SfExpr *e, SfValue v, const Pool *p)
{
  v = sf_expr_reshape (e, v, SF_SHAPE (p->n, p->c * p->k, p->p));
  return window (e, "fold", v, p, SF_ATTR_IS ("size", p->in, 2));
}

static SfShape
output_shape (const SfDecompose *d)
{
  return *sf_value_shape (d->from, sf_node_output (d->from, d->node, 0));
}

SF_DECOMPOSE_RULE (max_pool2d)
{
  SfExpr e = sf_expr_begin (decompose->to);
  SfValue x = decompose->inputs[0];
  SfShape out = output_shape (decompose);
  Pool p = pool (decompose, sf_expr_shape (&e, x), out, true);
  SfValue y = sf_expr_reduce (&e, "reduce_max", windows (&e, x, &p, -INFINITY),
                              sf_axes_range (2, 3), false);
  decompose->outputs[0] = sf_expr_reshape (&e, y, out);
  return sf_expr_end (&e, error);
}

/* i32 [N, C, 1, p]: which element of its window each maximum is. Padding is told from values of
 * -inf by unfolding ones. */
static SfValue
first_maximum (SfExpr *e, SfValue x, const Pool *p)
{
  SfAxes over = sf_axes_range (2, 3);
  SfValue cols = windows (e, x, p, -INFINITY);
  if (p->pads[0] + p->pads[1] + p->pads[2] + p->pads[3] > 0)
    {
      SfDtype dtype = sf_expr_dtype (e, x);
      SfValue ones = sf_expr_broadcast (e, sf_expr_f (e, dtype, 1),
                                        SF_SHAPE (1, 1, p->in[0], p->in[1]));
      SfValue inside = sf_expr_2f (e, "gt", windows (e, ones, p, 0), 0);
      SfValue most = sf_expr_reduce (e, "reduce_max", cols, over, true);
      SfValue reached = sf_expr_2 (e, "and", sf_expr_2 (e, "eq", cols, most), inside);
      cols = sf_expr_cast (e, reached, dtype);
    }
  SfAttr attrs[] = { SF_ATTR_I ("axis", 2), SF_ATTR_B ("keepdims", true) };
  return sf_expr_op (e, "argmax", &cols, 1, attrs, G_N_ELEMENTS (attrs), NULL);
}

SF_DECOMPOSE_RULE (max_pool2d_bwd)
{
  SfExpr e = sf_expr_begin (decompose->to);
  SfValue dy = decompose->inputs[0], x = decompose->inputs[1];
  Pool p = pool (decompose, sf_expr_shape (&e, x), sf_expr_shape (&e, dy), true);
  SfValue element = sf_expr_iota (&e, SF_SHAPE (p.k, 1), 0);
  SfValue chosen = sf_expr_2 (&e, "eq", first_maximum (&e, x, &p), element);
  dy = sf_expr_reshape (&e, dy, SF_SHAPE (p.n, p.c, 1, p.p));
  SfValue zero = sf_expr_f (&e, sf_expr_dtype (&e, dy), 0);
  SfValue dcols = sf_expr_3 (&e, "select", chosen, dy, zero);
  decompose->outputs[0] = scattered (&e, dcols, &p);
  return sf_expr_end (&e, error);
}

/* Elements of window `at` along dimension i that count: inside the image, or inside the padded
 * image. */
static int64_t
counted (const Pool *p, int i, int64_t at, bool include_pad)
{
  int64_t low = include_pad ? -p->given[i] : 0;
  int64_t high = p->in[i] + (include_pad ? p->given[2 + i] : 0);
  int64_t begin = at * p->strides[i] - p->given[i];
  int64_t n = MIN (begin + p->kernel[i], high) - MAX (begin, low);
  return MAX (n, 1);
}

/* [p] of the wide dtype: what each window's sum is divided by; a scalar when all agree. */
static SfValue
divisor (SfExpr *e, const SfDecompose *d, const Pool *p, SfDtype dtype)
{
  bool include_pad = sf_node_attr_int (d->from, d->node, "count_include_pad") != 0;
  size_t n = (size_t) p->p;
  g_autofree double *counts = g_new (double, MAX (n, 1));
  bool same = true;
  for (size_t i = 0; i < n; i++)
    {
      counts[i] = (double) (counted (p, 0, (int64_t) i / p->out[1], include_pad)
                            * counted (p, 1, (int64_t) i % p->out[1], include_pad));
      same = same && counts[i] == counts[0];
    }
  if (n == 0 || same)
    return sf_expr_f (e, dtype, n == 0 ? 1 : counts[0]);
  return sf_expr_data (e, dtype, SF_SHAPE (p->p), counts);
}

SF_DECOMPOSE_RULE (avg_pool2d)
{
  SfExpr e = sf_expr_begin (decompose->to);
  SfValue x = decompose->inputs[0];
  SfShape out = output_shape (decompose);
  Pool p = pool (decompose, sf_expr_shape (&e, x), out, false);
  SfValue sum = sf_expr_reduce (&e, "reduce_sum", windows (&e, x, &p, 0), sf_axes_range (2, 3),
                                false);
  sum = sf_expr_wide (&e, sum);
  SfValue y = sf_expr_2 (&e, "div", sum, divisor (&e, decompose, &p, sf_expr_dtype (&e, sum)));
  SfValue node_y = sf_node_output (decompose->from, decompose->node, 0);
  y = sf_expr_cast (&e, y, sf_value_dtype (decompose->from, node_y));
  decompose->outputs[0] = sf_expr_reshape (&e, y, out);
  return sf_expr_end (&e, error);
}

SF_DECOMPOSE_RULE (avg_pool2d_bwd)
{
  SfExpr e = sf_expr_begin (decompose->to);
  SfValue dy = sf_expr_wide (&e, decompose->inputs[0]);
  Pool p = pool (decompose, output_shape (decompose), sf_expr_shape (&e, dy), false);
  dy = sf_expr_reshape (&e, dy, SF_SHAPE (p.n, p.c, 1, p.p));
  SfValue share = sf_expr_2 (&e, "div", dy, divisor (&e, decompose, &p, sf_expr_dtype (&e, dy)));
  share = sf_expr_broadcast (&e, share, SF_SHAPE (p.n, p.c, p.k, p.p));
  decompose->outputs[0] = scattered (&e, share, &p);
  return sf_expr_end (&e, error);
}

SF_DECOMPOSE_RULE (global_avg_pool)
{
  SfExpr e = sf_expr_begin (decompose->to);
  SfValue x = decompose->inputs[0];
  SfShape shape = sf_expr_shape (&e, x);
  SfAxes image = sf_axes_range (2, 4);
  SfValue sum = sf_expr_reduce (&e, "reduce_sum", x, image, true);
  SfValue y = sf_expr_2f (&e, "div", sf_expr_wide (&e, sum),
                          (double) sf_axes_n_elems (image, shape));
  decompose->outputs[0] = y;
  return sf_expr_end (&e, error);
}

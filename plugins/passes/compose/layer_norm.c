/* SPDX-License-Identifier: Apache-2.0 */
/* layer_norm: what is left after the mean, divided by the root of its mean square, times gamma,
 * plus beta; without one or both of these as well. */
#include "match.h"

#define MAX_INNER 65536 /* largest gamma or beta that is written out for a norm without one */

/* A mean over the last dimensions, which stay as 1. */
static bool
take_mean (Match *m, SfValue value, SfValue *of, int *axis)
{
  SfNode node = match_take (m, value, "reduce_mean");
  if (node == SF_NONE || !sf_node_attr_int (m->graph, node, "keepdims"))
    return false;
  size_t n;
  const int64_t *axes = sf_node_attr_ints (m->graph, node, "axes", &n);
  *of = match_input (m, node, 0);
  int rank = sf_value_shape (m->graph, *of)->rank;
  for (size_t i = 0; i < n; i++)
    if (axes[i] != rank - (int64_t) (n - i))
      return false;
  *axis = rank - (int) n;
  return n > 0;
}

/* `value` = x - mean x */
static bool
is_centred (Match *m, SfValue value, Found *found)
{
  SfValue of;
  SfNode sub = match_take (m, value, "sub");
  if (sub == SF_NONE || !take_mean (m, match_input (m, sub, 1), &of, &found->axis))
    return false;
  found->x = match_input (m, sub, 0);
  return of == found->x;
}

/* `value` = sqrt (mean (centred^2) + eps), or without the root. */
static bool
is_spread (Match *m, SfValue value, const Found *centred, double *eps)
{
  SfValue square;
  int axis;
  SfNode add = match_take (m, value, "add");
  if (add == SF_NONE)
    return false;
  size_t side = match_number (m, match_input (m, add, 1), eps) ? 0 : 1;
  if (!match_number (m, match_input (m, add, 1 - side), eps) || *eps < 0
      || !take_mean (m, match_input (m, add, side), &square, &axis) || axis != centred->axis)
    return false;
  SfNode power = match_take (m, square, "pow");
  SfValue base = SF_NONE;
  if (power != SF_NONE && match_is_number (m, match_input (m, power, 1), 2))
    base = match_input (m, power, 0);
  SfNode product = match_take (m, square, "mul");
  if (product != SF_NONE && match_input (m, product, 0) == match_input (m, product, 1))
    base = match_input (m, product, 0);
  Found again = { 0 };
  return base != SF_NONE && is_centred (m, base, &again) && again.x == centred->x
         && again.axis == centred->axis;
}

/* `value` = 1 / sqrt (spread) */
static bool
is_rstd (Match *m, SfValue value, const Found *centred, double *eps)
{
  SfNode rsqrt = match_take (m, value, "rsqrt");
  if (rsqrt != SF_NONE)
    return is_spread (m, match_input (m, rsqrt, 0), centred, eps);
  SfValue root = SF_NONE;
  SfNode reciprocal = match_take (m, value, "reciprocal");
  if (reciprocal != SF_NONE)
    root = match_input (m, reciprocal, 0);
  SfNode div = match_take (m, value, "div");
  if (div != SF_NONE && match_is_number (m, match_input (m, div, 0), 1))
    root = match_input (m, div, 1);
  SfNode sqrt = match_take (m, root, "sqrt");
  return sqrt != SF_NONE && is_spread (m, match_input (m, sqrt, 0), centred, eps);
}

/* The norm itself, at `value`. */
static bool
is_core (Match *m, SfValue value, Found *found)
{
  size_t mark = m->n;
  SfNode div = match_take (m, value, "div");
  if (div != SF_NONE && is_centred (m, match_input (m, div, 0), found))
    {
      SfNode sqrt = match_take (m, match_input (m, div, 1), "sqrt");
      if (sqrt != SF_NONE && is_spread (m, match_input (m, sqrt, 0), found, &found->eps))
        return true;
    }
  m->n = mark;
  SfNode mul = match_take (m, value, "mul");
  for (size_t i = 0; mul != SF_NONE && i < 2; i++)
    {
      size_t inside = m->n;
      if (is_centred (m, match_input (m, mul, i), found)
          && is_rstd (m, match_input (m, mul, 1 - i), found, &found->eps))
        return true;
      m->n = inside;
    }
  m->n = mark;
  return false;
}

/* Whether `param` has one entry for each element that is normalised together. */
static bool
is_param (const Match *m, SfValue param, const Found *found)
{
  const SfShape *x = sf_value_shape (m->graph, found->x), *shape = sf_value_shape (m->graph, param);
  int n = x->rank - found->axis, first = shape->rank - n;
  for (int d = 0; d < shape->rank; d++)
    if (shape->dim[d] != (d < first ? 1 : x->dim[found->axis + d - first]))
      return false;
  return first >= 0 && shape->rank <= x->rank
         && sf_dtype_is_float (sf_value_dtype (m->graph, param));
}

/* gamma times the norm */
static bool
is_scaled (Match *m, SfValue value, Found *found)
{
  size_t mark = m->n;
  SfNode mul = match_take (m, value, "mul");
  for (size_t i = 0; mul != SF_NONE && i < 2; i++)
    if (is_core (m, match_input (m, mul, i), found)
        && is_param (m, match_input (m, mul, 1 - i), found))
      {
        found->gamma = match_input (m, mul, 1 - i);
        return true;
      }
  m->n = mark;
  return false;
}

static bool
match_value (Match *m, SfValue y, Found *found)
{
  found->gamma = found->beta = SF_NONE;
  SfNode add = match_producer (m, y, "add");
  for (size_t i = 0; add != SF_NONE && i < 2; i++)
    {
      SfValue inner = match_input (m, add, i);
      if ((is_scaled (m, inner, found) || is_core (m, inner, found))
          && is_param (m, match_input (m, add, 1 - i), found))
        {
          found->beta = match_input (m, add, 1 - i);
          return true;
        }
      m->n = 1;
      found->gamma = SF_NONE;
    }
  if (add != SF_NONE)
    return false;
  return is_scaled (m, y, found) || is_core (m, y, found);
}

static bool
match (Match *m, SfNode root, Found *found)
{
  SfValue y = sf_node_output (m->graph, root, 0);
  if (!match_value (m, y, found)
      || !sf_shape_equal (sf_value_shape (m->graph, y), sf_value_shape (m->graph, found->x))
      || sf_value_dtype (m->graph, y) != sf_value_dtype (m->graph, found->x))
    return false;
  SfShape x = *sf_value_shape (m->graph, found->x);
  SfShape inner = sf_shape (x.rank - found->axis, &x.dim[found->axis]);
  return sf_shape_n_elems (&inner) <= MAX_INNER
         || (found->gamma != SF_NONE && found->beta != SF_NONE);
}

/* ---- building ---- */

/* gamma or beta as the op wants it: [inner]. */
static SfValue
param (SfGraph *to, const SfValue *map, SfValue given, double missing, SfDtype dtype, SfShape inner,
       GError **error)
{
  if (given != SF_NONE)
    {
      const SfAttr shape = SF_ATTR_IS ("shape", inner.dim, (size_t) inner.rank);
      SfValue v = map[given];
      return sf_shape_equal (sf_value_shape (to, v), &inner)
                 ? v
                 : sf_graph_op (to, "reshape", &v, 1, &shape, 1, error);
    }
  size_t n = (size_t) sf_shape_n_elems (&inner);
  g_autofree double *numbers = g_new (double, n + 1);
  g_autofree uint8_t *data = g_malloc (n * sf_dtype_bytes (dtype) + 1);
  for (size_t i = 0; i < n; i++)
    numbers[i] = missing;
  sf_dtype_convert (SF_F64, numbers, dtype, data, n);
  return sf_graph_constant (to, dtype, inner, data, error);
}

static SfValue
build (SfGraph *to, const SfGraph *from, const Found *found, const SfValue *map, GError **error)
{
  const SfShape *x = sf_value_shape (from, found->x);
  SfDtype dtype = sf_value_dtype (from, found->x);
  SfShape inner = sf_shape (x->rank - found->axis, &x->dim[found->axis]);
  const SfAttr attrs[] = { SF_ATTR_I ("axis", found->axis), SF_ATTR_F ("eps", found->eps) };
  SfValue inputs[] = { map[found->x], SF_NONE, SF_NONE }, out[3];
  inputs[1] = param (to, map, found->gamma, 1, dtype, inner, error);
  inputs[2] = inputs[1] != SF_NONE ? param (to, map, found->beta, 0, dtype, inner, error) : SF_NONE;
  if (inputs[2] == SF_NONE
      || sf_graph_add (to, "layer_norm", inputs, 3, attrs, 2, out, error) == SF_NONE)
    return SF_NONE;
  return out[0];
}

const Pattern compose_layer_norm = { "layer_norm", match, build };

/* SPDX-License-Identifier: Apache-2.0 */
/* gelu: a product of x, 1/2 and 1 + erf (x / sqrt 2), or 1 + tanh (sqrt (2/pi) (x + 0.044715 x^3)),
 * in any order. */
#include "match.h"

#define SQRT_HALF  0.70710678118654752
#define SQRT_2_PI  0.79788456080286536
#define CUBIC      0.044715
#define MAX_FACTOR 8

typedef struct
{
  size_t n;
  SfValue at[MAX_FACTOR];
  double number; /* product of the numbers */
} Factors;

/* Factors of `value`, looking into products that nothing else reads. */
static bool
collect (Match *m, SfValue value, bool is_root, Factors *f)
{
  SfValue inner;
  double factor;
  bool open = is_root || sf_value_n_users (m->graph, value) == 1;
  size_t mark = m->n;
  if (open && match_scaled (m, value, &inner, &factor))
    {
      f->number *= factor;
      return collect (m, inner, false, f);
    }
  m->n = mark;
  SfNode node = open ? match_take (m, value, "mul") : SF_NONE;
  if (node != SF_NONE)
    return collect (m, match_input (m, node, 0), false, f)
           && collect (m, match_input (m, node, 1), false, f);
  if (f->n == MAX_FACTOR)
    return false;
  f->at[f->n++] = value;
  return true;
}

/* `value` = 1 + the result of an `op`; its input. */
static bool
one_plus (Match *m, SfValue value, const char *op, SfValue *inner)
{
  size_t mark = m->n;
  SfNode add = match_take (m, value, "add");
  for (size_t i = 0; add != SF_NONE && i < 2; i++)
    {
      SfNode node = match_producer (m, match_input (m, add, i), op);
      if (node != SF_NONE && match_is_number (m, match_input (m, add, 1 - i), 1))
        {
          match_take_node (m, node);
          *inner = match_input (m, node, 0);
          return true;
        }
    }
  m->n = mark;
  return false;
}

/* `value` = x^2: mul (x, x) or pow. */
static bool
is_power (Match *m, SfValue value, SfValue x, double exponent)
{
  SfNode node = match_take (m, value, "pow");
  if (node != SF_NONE)
    return match_input (m, node, 0) == x && match_is_number (m, match_input (m, node, 1), exponent);
  node = match_take (m, value, "mul");
  if (node == SF_NONE)
    return false;
  SfValue a = match_input (m, node, 0), b = match_input (m, node, 1);
  if (exponent == 2)
    return a == x && b == x;
  return (a == x && is_power (m, b, x, 2)) || (b == x && is_power (m, a, x, 2));
}

/* `value` = number * x^exponent */
static bool
is_monomial (Match *m, SfValue value, SfValue x, double number, double exponent)
{
  SfValue inner;
  double factor;
  size_t mark = m->n;
  if (match_scaled (m, value, &inner, &factor) && match_near (m, value, factor, number)
      && is_power (m, inner, x, exponent))
    return true;
  m->n = mark;
  /* number x * x ... */
  SfNode node = exponent > 1 ? match_take (m, value, "mul") : SF_NONE;
  for (size_t i = 0; node != SF_NONE && i < 2; i++)
    if (match_input (m, node, i) == x)
      {
        SfValue rest = match_input (m, node, 1 - i);
        if (exponent > 2 && is_monomial (m, rest, x, number, exponent - 1))
          return true;
        if (exponent == 2 && match_scaled (m, rest, &inner, &factor) && inner == x
            && match_near (m, rest, factor, number))
          return true;
      }
  m->n = mark;
  return false;
}

/* `value` = x + 0.044715 x^3, or 1 + 0.044715 x^2 when `x_outside`. */
static bool
is_cubic (Match *m, SfValue value, SfValue x, bool x_outside)
{
  size_t mark = m->n;
  SfNode add = match_take (m, value, "add");
  for (size_t i = 0; add != SF_NONE && i < 2; i++)
    {
      SfValue first = match_input (m, add, i), second = match_input (m, add, 1 - i);
      if ((x_outside ? match_is_number (m, first, 1) : first == x)
          && is_monomial (m, second, x, CUBIC, x_outside ? 2 : 3))
        return true;
    }
  m->n = mark;
  return false;
}

static bool
is_tanh_argument (Match *m, SfValue value, SfValue x)
{
  Factors f = { .number = 1 };
  if (!collect (m, value, true, &f) || !match_near (m, value, f.number, SQRT_2_PI))
    return false;
  if (f.n == 1)
    return is_cubic (m, f.at[0], x, false);
  for (size_t i = 0; f.n == 2 && i < 2; i++)
    if (f.at[i] == x && is_cubic (m, f.at[1 - i], x, true))
      return true;
  return false;
}

static bool
is_gate (Match *m, SfValue value, SfValue x, bool *tanh)
{
  SfValue inner, scaled;
  double factor;
  size_t mark = m->n;
  *tanh = false;
  if (one_plus (m, value, "erf", &inner) && match_scaled (m, inner, &scaled, &factor) && scaled == x
      && match_near (m, inner, factor, SQRT_HALF))
    return true;
  m->n = mark;
  *tanh = true;
  if (one_plus (m, value, "tanh", &inner) && is_tanh_argument (m, inner, x))
    return true;
  m->n = mark;
  return false;
}

static bool
match (Match *m, SfNode root, Found *found)
{
  SfValue y = sf_node_output (m->graph, root, 0);
  Factors f = { .number = 1 };
  const char *op = sf_node_op_name (m->graph, root);
  if ((!g_str_equal (op, "mul") && !g_str_equal (op, "div"))
      || !sf_dtype_is_float (sf_value_dtype (m->graph, y)) || !collect (m, y, true, &f) || f.n != 2
      || !match_near (m, y, f.number, 0.5))
    return false;
  for (size_t i = 0; i < 2; i++)
    if (sf_shape_equal (sf_value_shape (m->graph, f.at[i]), sf_value_shape (m->graph, y))
        && is_gate (m, f.at[1 - i], f.at[i], &found->tanh))
      {
        found->x = f.at[i];
        return true;
      }
  return false;
}

static SfValue
build (SfGraph *to, const SfGraph *from, const Found *found, const SfValue *map, GError **error)
{
  const SfAttr attr = SF_ATTR_S ("approximate", found->tanh ? "tanh" : "none");
  return sf_graph_op (to, "gelu", &map[found->x], 1, &attr, 1, error);
}

const Pattern compose_gelu = { "gelu", match, build };

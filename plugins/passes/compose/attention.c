/* SPDX-License-Identifier: Apache-2.0 */
/* attention: softmax (q k^T) v, where the scores may be scaled before or after the product, get
 * masks added, or be hidden by a condition. */
#include "match.h"

#include <math.h>

#define HIDDEN (-1e9) /* at most this: a score that no softmax sees any more */

/* ---- masks ---- */

static bool
is_causal_place (int64_t row, int64_t column)
{
  return column <= row;
}

/* Data of a constant, or of a state whose content no training can mean to move: a parameter with
 * infinities is a mask that an exporter took for a weight. */
static const void *
mask_data (const Match *m, SfValue value)
{
  SfValueKind kind = sf_value_kind (m->graph, value);
  bool known = kind == SF_VALUE_CONSTANT || kind == SF_VALUE_STATE;
  return known && sf_value_update (m->graph, value) == SF_NONE ? sf_value_data (m->graph, value)
                                                               : NULL;
}

/* Whether the last two dimensions are [S,T], all others 1, and each entry lets a query see the keys
 * up to its own position: as a number to be added, or as a condition that hides where it is
 * `hides`. */
static bool
is_causal (const Match *m, SfValue mask, const SfShape *scores, bool condition, bool hides)
{
  const SfShape *shape = sf_value_shape (m->graph, mask);
  const void *data = mask_data (m, mask);
  int64_t s = scores->dim[scores->rank - 2], t = scores->dim[scores->rank - 1];
  if (data == NULL || shape->rank < 2 || shape->dim[shape->rank - 2] != s
      || shape->dim[shape->rank - 1] != t || sf_shape_n_elems (shape) != s * t || s * t < 2)
    return false;
  g_autofree double *entries = g_try_new (double, (gsize) (s * t));
  if (entries == NULL)
    return false;
  sf_dtype_convert (sf_value_dtype (m->graph, mask), data, SF_F64, entries, (size_t) (s * t));
  for (int64_t i = 0; i < s * t; i++)
    {
      bool seen = condition ? (entries[i] != 0) != hides : entries[i] == 0;
      bool hidden = condition ? !seen : entries[i] <= HIDDEN;
      if (is_causal_place (i / t, i % t) ? !seen : !hidden)
        return false;
    }
  return true;
}

/* Whether training could move `value`; attention gives its mask no gradient. */
static bool
is_trained (const Match *m, SfValue value)
{
  g_autofree bool *reached = g_new0 (bool, (gsize) value + 1);
  bool found = false;
  reached[value] = true;
  for (SfValue v = value + 1; m->training && !found && v-- > 0;)
    {
      if (!reached[v])
        continue;
      SfNode node = sf_value_producer (m->graph, v);
      found = sf_value_kind (m->graph, v) == SF_VALUE_STATE
              && sf_value_state_kind (m->graph, v) == SF_STATE_PARAM;
      for (size_t i = 0; node != SF_NONE && i < sf_node_n_inputs (m->graph, node); i++)
        if (match_input (m, node, i) != SF_NONE)
          reached[match_input (m, node, i)] = true;
    }
  return found;
}

static bool
fits_scores (const Match *m, SfValue mask, const SfShape *scores)
{
  SfShape met;
  const SfShape *shape = sf_value_shape (m->graph, mask);
  return sf_shape_broadcast (shape, scores, &met) && sf_shape_equal (&met, scores);
}

/* Masks are added last or scaled with the scores; only the former is the op's. */
static bool
add_mask (Match *m, Mask mask, const SfShape *scores, Found *found)
{
  bool condition = mask.where != SF_NONE;
  SfValue shown = condition ? mask.where : mask.value;
  if (found->scale != 1)
    return false;
  if (mask.view.rank == 0 && is_causal (m, shown, scores, condition, mask.hides))
    return found->causal = true;
  const SfShape *shape = mask.view.rank != 0 ? &mask.view : scores;
  if (found->n_masks == MATCH_MAX_MASKS || is_trained (m, mask.value)
      || !fits_scores (m, shown, shape)
      || (!condition && !sf_dtype_is_float (sf_value_dtype (m->graph, mask.value))))
    return false;
  found->mask[found->n_masks++] = mask;
  return true;
}

/* ---- scores ---- */

static bool scores (Match *m, SfValue value, Found *found);

/* Whether the value is one number that hides a score. */
static bool
is_hidden (const Match *m, SfValue value)
{
  double number;
  if (sf_value_kind (m->graph, value) != SF_VALUE_CONSTANT
      || sf_shape_n_elems (sf_value_shape (m->graph, value)) != 1)
    return false;
  sf_dtype_convert (sf_value_dtype (m->graph, value), sf_value_data (m->graph, value), SF_F64,
                    &number, 1);
  return number <= HIDDEN;
}

/* select (c, scores, number) or select (c, number, scores), where the number hides. */
static bool
conditional (Match *m, SfValue value, Found *found)
{
  SfNode select = match_take (m, value, "select");
  const SfShape *shape = sf_value_shape (m->graph, value);
  for (size_t i = 1; select != SF_NONE && i < 3; i++)
    {
      SfValue inner = match_input (m, select, i), number = match_input (m, select, 3 - i);
      Mask mask = { .value = number, .where = match_input (m, select, 0), .hides = i == 2 };
      if (is_hidden (m, number) && sf_shape_equal (sf_value_shape (m->graph, inner), shape))
        return add_mask (m, mask, shape, found) && scores (m, inner, found);
    }
  return false;
}

/* Windows that share a mask: the scores [b w,h,S,T] seen as [b,w,h,S,T], a mask added, and back. */
static bool
viewed (Match *m, SfValue value, Found *found)
{
  SfNode back = match_take (m, value, "reshape");
  SfNode add = back == SF_NONE ? SF_NONE : match_take (m, match_input (m, back, 0), "add");
  const SfShape *shape = sf_value_shape (m->graph, value);
  if (add == SF_NONE || shape->rank != 4)
    return false;
  SfShape wide = *sf_value_shape (m->graph, match_input (m, back, 0));
  if (wide.rank != 5 || wide.dim[0] * wide.dim[1] != shape->dim[0]
      || memcmp (&wide.dim[2], &shape->dim[1], 3 * sizeof *wide.dim) != 0)
    return false;
  for (size_t i = 0; i < 2; i++)
    {
      Mask mask = { .value = match_input (m, add, 1 - i), .where = SF_NONE, .view = wide };
      SfNode view = match_producer (m, match_input (m, add, i), "reshape");
      if (view == SF_NONE
          || !sf_shape_equal (sf_value_shape (m->graph, match_input (m, view, 0)), shape)
          || !sf_shape_equal (sf_value_shape (m->graph, match_input (m, add, i)), &wide))
        continue;
      match_take_node (m, view);
      return add_mask (m, mask, shape, found) && scores (m, match_input (m, view, 0), found);
    }
  return false;
}

static bool
masked (Match *m, SfValue value, Found *found)
{
  SfNode add = match_take (m, value, "add");
  const SfShape *shape = sf_value_shape (m->graph, value);
  Match before = *m;
  Found so_far = *found;
  for (size_t i = 0; add != SF_NONE && i < 2; i++)
    {
      SfValue inner = match_input (m, add, i);
      Mask mask = { .value = match_input (m, add, 1 - i), .where = SF_NONE };
      if (sf_shape_equal (sf_value_shape (m->graph, inner), shape)
          && add_mask (m, mask, shape, found) && scores (m, inner, found))
        return true;
      *m = before;
      *found = so_far;
    }
  return false;
}

/* What multiplies an operand of the product; only through values that nothing else reads. */
static SfValue
unscaled (Match *m, SfValue value, Found *found)
{
  SfValue inner;
  double factor;
  size_t mark = m->n;
  if (sf_value_n_users (m->graph, value) == 1 && match_scaled (m, value, &inner, &factor)
      && factor != 0)
    {
      found->scale *= factor;
      return inner;
    }
  m->n = mark;
  return value;
}

static bool
is_swap (const int64_t *perm, int rank)
{
  for (int d = 0; d < rank; d++)
    if (perm[d] != (d < rank - 2 ? d : 2 * rank - 3 - d))
      return false;
  return true;
}

/* k [.., T, D] behind `value` [.., D, T] that was turned with its leading dimensions as one:
 * reshape, transpose, reshape. SF_NONE: it was not. */
static SfValue
turned_as_three (Match *m, SfValue value)
{
  size_t n, mark = m->n;
  const SfShape *shape = sf_value_shape (m->graph, value);
  SfNode back = match_take (m, value, "reshape");
  SfNode transpose = back == SF_NONE ? SF_NONE
                                     : match_take (m, match_input (m, back, 0), "transpose");
  SfNode merge = transpose == SF_NONE ? SF_NONE
                                      : match_take (m, match_input (m, transpose, 0), "reshape");
  if (merge != SF_NONE && shape->rank >= 2)
    {
      const int64_t *perm = sf_node_attr_ints (m->graph, transpose, "perm", &n);
      const SfShape *merged = sf_value_shape (m->graph, match_input (m, transpose, 0));
      SfShape wanted = *shape, given = *sf_value_shape (m->graph, match_input (m, merge, 0));
      wanted.dim[shape->rank - 2] = shape->dim[shape->rank - 1];
      wanted.dim[shape->rank - 1] = shape->dim[shape->rank - 2];
      if (merged->rank == 3 && is_swap (perm, 3) && sf_shape_equal (&given, &wanted)
          && merged->dim[1] == wanted.dim[wanted.rank - 2]
          && merged->dim[2] == wanted.dim[wanted.rank - 1])
        return match_input (m, merge, 0);
    }
  m->n = mark;
  return SF_NONE;
}

/* k as [.., T, D], given what the product reads. */
static void
find_k (Match *m, SfValue value, bool turned, Found *found)
{
  value = unscaled (m, value, found);
  found->k_rank = 0;
  if (turned)
    {
      found->k = value;
      return;
    }
  SfValue direct = sf_value_n_users (m->graph, value) == 1 ? turned_as_three (m, value) : SF_NONE;
  if (direct != SF_NONE)
    {
      found->k = unscaled (m, direct, found);
      return;
    }
  int rank = sf_value_shape (m->graph, value)->rank;
  SfNode transpose = sf_value_n_users (m->graph, value) == 1 ? match_take (m, value, "transpose")
                                                             : SF_NONE;
  for (int d = 0; d < rank; d++)
    found->k_perm[d] = d < rank - 2 ? d : 2 * rank - 3 - d;
  found->k = value;
  found->k_rank = rank;
  if (transpose == SF_NONE)
    return;
  size_t n;
  const int64_t *perm = sf_node_attr_ints (m->graph, transpose, "perm", &n);
  found->k = match_input (m, transpose, 0);
  if (is_swap (perm, rank))
    {
      found->k_rank = 0;
      found->k = unscaled (m, found->k, found);
      return;
    }
  memcpy (found->k_perm, perm, n * sizeof *perm);
  found->k_perm[rank - 2] = perm[rank - 1];
  found->k_perm[rank - 1] = perm[rank - 2];
}

static bool
product (Match *m, SfValue value, Found *found)
{
  SfNode matmul = match_take (m, value, "matmul");
  if (matmul == SF_NONE || sf_node_attr_int (m->graph, matmul, "transpose_a"))
    return false;
  found->q = unscaled (m, match_input (m, matmul, 0), found);
  find_k (m, match_input (m, matmul, 1), sf_node_attr_int (m->graph, matmul, "transpose_b") != 0,
          found);
  return true;
}

/* What the softmax sees, from its end to the product. */
static bool
scores (Match *m, SfValue value, Found *found)
{
  SfValue inner;
  double factor;
  size_t mark = m->n;
  if (match_scaled (m, value, &inner, &factor) && factor != 0)
    {
      found->scale *= factor;
      return scores (m, inner, found);
    }
  m->n = mark;
  if (match_producer (m, value, "add") != SF_NONE)
    return masked (m, value, found);
  if (match_producer (m, value, "select") != SF_NONE)
    return conditional (m, value, found);
  if (match_producer (m, value, "reshape") != SF_NONE)
    return viewed (m, value, found);
  return product (m, value, found);
}

/* ---- the match ---- */

/* Shape of k once it is [.., T, D]. */
static SfShape
k_shape (const Match *m, const Found *found)
{
  SfShape given = *sf_value_shape (m->graph, found->k), shape = given;
  for (int d = 0; d < found->k_rank; d++)
    shape.dim[d] = given.dim[found->k_perm[d]];
  return shape;
}

/* One D for q and k, one T for k and v, and all other dimensions the same. */
static bool
agree (const Match *m, const Found *found)
{
  const SfShape *q = sf_value_shape (m->graph, found->q), *v = sf_value_shape (m->graph, found->v);
  SfShape k = k_shape (m, found);
  SfDtype dtype = sf_value_dtype (m->graph, found->q);
  if (q->rank != k.rank || q->rank != v->rank || q->rank < 2
      || q->dim[q->rank - 1] != k.dim[k.rank - 1] || k.dim[k.rank - 2] != v->dim[v->rank - 2]
      || sf_shape_n_elems (q) == 0 || sf_shape_n_elems (v) == 0)
    return false;
  for (int d = 0; d < q->rank - 2; d++)
    if (q->dim[d] != k.dim[d] || q->dim[d] != v->dim[d])
      return false;
  return sf_dtype_is_float (dtype) && sf_value_dtype (m->graph, found->k) == dtype
         && sf_value_dtype (m->graph, found->v) == dtype;
}

static bool
match (Match *m, SfNode root, Found *found)
{
  SfNode matmul = match_producer (m, sf_node_output (m->graph, root, 0), "matmul");
  if (matmul == SF_NONE || sf_node_attr_int (m->graph, root, "transpose_a")
      || sf_node_attr_int (m->graph, root, "transpose_b"))
    return false;
  SfValue p = match_input (m, root, 0);
  /* Inference drops nothing; training keeps its dropout, and so the nodes around it. */
  SfNode dropout = m->training ? SF_NONE : match_take (m, p, "dropout");
  SfNode softmax = match_take (m, dropout != SF_NONE ? match_input (m, dropout, 0) : p, "softmax");
  if (softmax == SF_NONE)
    return false;
  SfValue s = match_input (m, softmax, 0);
  int64_t axis = sf_node_attr_int (m->graph, softmax, "axis");
  int rank = sf_value_shape (m->graph, s)->rank;
  found->v = match_input (m, root, 1);
  found->scale = 1;
  return (axis == -1 || axis == rank - 1) && scores (m, s, found) && agree (m, found);
}

/* ---- building ---- */

/* [.., a, b] as the op wants it: [B,H,a,b]; more or fewer leading dimensions become B. */
static SfShape
four (const SfShape *shape)
{
  if (shape->rank == 4)
    return *shape;
  SfShape wide = SF_SHAPE (1, 1, shape->dim[shape->rank - 2], shape->dim[shape->rank - 1]);
  for (int d = 0; d < shape->rank - 2; d++)
    wide.dim[0] *= shape->dim[d];
  return wide;
}

static SfValue
reshape (SfGraph *to, SfValue v, SfShape shape, GError **error)
{
  if (v == SF_NONE || sf_shape_equal (sf_value_shape (to, v), &shape))
    return v;
  const SfAttr attr = SF_ATTR_IS ("shape", shape.dim, (size_t) shape.rank);
  return sf_graph_op (to, "reshape", &v, 1, &attr, 1, error);
}

/* What a condition hides as numbers: 0 where it lets the score through. */
static SfValue
from_condition (SfGraph *to, const Mask *mask, const SfValue *map, GError **error)
{
  SfValue hidden = map[mask->value], where = map[mask->where];
  SfValue zero = sf_graph_constant_f (to, sf_value_dtype (to, hidden), 0, error);
  if (zero == SF_NONE)
    return SF_NONE;
  return mask->hides ? sf_graph_op3 (to, "select", where, hidden, zero, error)
                     : sf_graph_op3 (to, "select", where, zero, hidden, error);
}

/* A mask over [b,w,1 or h,S,T] as one over [b w, 1 or h, S, T]. */
static SfValue
from_view (SfGraph *to, const Mask *mask, SfValue v, GError **error)
{
  SfShape given = *sf_value_shape (to, v), wide = mask->view;
  wide.dim[2] = given.rank >= 3 ? given.dim[given.rank - 3] : 1;
  const SfAttr attr = SF_ATTR_IS ("shape", wide.dim, (size_t) wide.rank);
  if (given.rank <= 3)
    return v;
  v = sf_graph_op (to, "broadcast", &v, 1, &attr, 1, error);
  return reshape (
      to, v, SF_SHAPE (wide.dim[0] * wide.dim[1], wide.dim[2], wide.dim[3], wide.dim[4]), error);
}

/* One mask, which broadcasts to the op's [B,H,S,T] as it did to the scores. */
static SfValue
one_mask (SfGraph *to, const SfGraph *from, const Found *found, const Mask *mask,
          const SfValue *map, GError **error)
{
  SfValue v = mask->where != SF_NONE ? from_condition (to, mask, map, error) : map[mask->value];
  if (v != SF_NONE && mask->view.rank != 0)
    return from_view (to, mask, v, error);
  int rank = sf_value_shape (from, found->q)->rank;
  if (v == SF_NONE || rank == 4 || sf_value_shape (to, v)->rank <= 2)
    return v;
  /* The leading dimensions become one; 1 stays 1 when all are. */
  SfShape shape = *sf_value_shape (to, v), all = *sf_value_shape (from, found->q);
  all.dim[rank - 2] = shape.dim[shape.rank - 2];
  all.dim[rank - 1] = shape.dim[shape.rank - 1];
  if (rank > 3)
    {
      const SfAttr attr = SF_ATTR_IS ("shape", all.dim, (size_t) rank);
      v = sf_graph_op (to, "broadcast", &v, 1, &attr, 1, error);
      shape = all;
    }
  return reshape (to, v, four (&shape), error);
}

/* Sum of the masks; SF_NONE with *ok when there is none. */
static SfValue
all_masks (SfGraph *to, const SfGraph *from, const Found *found, const SfValue *map, bool *ok,
           GError **error)
{
  SfValue sum = SF_NONE;
  *ok = true;
  for (size_t i = 0; i < found->n_masks && *ok; i++)
    {
      SfValue mask = one_mask (to, from, found, &found->mask[i], map, error);
      if (mask != SF_NONE && sum != SF_NONE)
        mask = sf_graph_op2 (to, "add", mask, sum, error);
      *ok = mask != SF_NONE;
      sum = mask;
    }
  return sum;
}

static SfValue
build (SfGraph *to, const SfGraph *from, const Found *found, const SfValue *map, GError **error)
{
  bool ok;
  SfShape q = *sf_value_shape (from, found->q), y = q, v = *sf_value_shape (from, found->v);
  double usual = 1 / sqrt ((double) q.dim[q.rank - 1]);
  bool is_usual = fabs (found->scale - usual) <= 1e-6 * usual;
  const SfAttr attrs[] = { SF_ATTR_F ("scale", is_usual ? 0 : found->scale),
                           SF_ATTR_B ("causal", found->causal) };
  const SfAttr perm = SF_ATTR_IS ("perm", found->k_perm, (size_t) found->k_rank);
  SfValue k = map[found->k];
  if (found->k_rank > 0)
    k = sf_graph_op (to, "transpose", &k, 1, &perm, 1, error);
  if (k == SF_NONE)
    return SF_NONE;
  SfShape k_is = *sf_value_shape (to, k);
  SfValue inputs[4] = { reshape (to, map[found->q], four (&q), error), SF_NONE, SF_NONE, SF_NONE };
  if (inputs[0] == SF_NONE || (inputs[1] = reshape (to, k, four (&k_is), error)) == SF_NONE
      || (inputs[2] = reshape (to, map[found->v], four (&v), error)) == SF_NONE)
    return SF_NONE;
  inputs[3] = all_masks (to, from, found, map, &ok, error);
  SfValue out = ok ? sf_graph_op (to, "attention", inputs, inputs[3] != SF_NONE ? 4 : 3, attrs, 2,
                                  error)
                   : SF_NONE;
  y.dim[y.rank - 1] = v.dim[v.rank - 1];
  return reshape (to, out, y, error);
}

const Pattern compose_attention = { "attention", match, build };

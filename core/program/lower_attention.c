/* SPDX-License-Identifier: Apache-2.0 */
/* Lowering of attention and its gradient, each to one stage: the scores of a head are made, used
 * and gone within a firing, and never leave the stage's scratch. */
#include <inttypes.h>
#include <math.h>

#include "core/program/lower.h"

/* Most scores that a firing may hold; where there are more, the op is written out in stages that
 * pass them on. */
#define MAX_SCORES (INT64_C (1) << 20)

/* Axes of the stage, in the order in which they are made. */
enum
{
  BATCH,
  HEAD,
  QUERY /* forward only: a gradient sums over all queries of a head */
};

/* One node while it is laid out or emitted. */
typedef struct
{
  SfLowGroup *group;
  SfNode node;
  bool backward;      /* inputs dy, q, k, v, mask; else q, k, v, mask */
  int64_t s, t, d, e; /* queries and keys of a head; elements of a key and of a value */
  SfShape scores;     /* [B,H,S,T] */
  SfMap query, key;   /* of what has a row for each query, or each key */
  SfMap map;          /* of the scores */
  double scale;
  bool causal;
} Attention;

static SfValue
input_of (const SfGraph *graph, SfNode node, size_t index)
{
  return index < sf_node_n_inputs (graph, node) ? sf_node_input (graph, node, index) : SF_NONE;
}

static bool
is_backward (const SfGraph *graph, SfNode node)
{
  return sf_node_n_outputs (graph, node) == 3;
}

static Attention
attention_of (const SfGraph *graph, SfNode node)
{
  Attention a = { .node = node, .backward = is_backward (graph, node) };
  const SfShape *q = sf_value_shape (graph, sf_node_input (graph, node, a.backward));
  const SfShape *v = sf_value_shape (graph, sf_node_input (graph, node, a.backward + 2));
  a.s = q->dim[2];
  a.t = v->dim[2];
  a.d = q->dim[3];
  a.e = v->dim[3];
  a.scores = SF_SHAPE (q->dim[0], q->dim[1], a.s, a.t);
  a.scale = sf_node_attr_float (graph, node, "scale");
  if (a.scale == 0)
    a.scale = 1 / sqrt ((double) a.d);
  a.causal = sf_node_attr_int (graph, node, "causal") != 0;
  return a;
}

bool
sf_check_attention (const SfGraph *graph, SfNode node, char **reason)
{
  Attention a = attention_of (graph, node);
  if (a.t <= MAX_SCORES / (a.backward ? a.s : 1))
    return true;
  if (reason != NULL)
    *reason = g_strdup_printf ("%" PRId64 " scores are too many for a firing", a.s * a.t);
  return false;
}

/* Dimension 3 of the maps is whole, as are all rows of keys. */
static void
find_maps (Attention *a)
{
  SfMap rows = { .rank = 4, .dim = { sf_dim_axis (BATCH), sf_dim_axis (HEAD) } };
  a->query = a->key = a->map = rows;
  a->query.dim[2] = a->backward ? sf_dim_whole (a->s) : sf_dim_axis (QUERY);
  a->key.dim[2] = sf_dim_whole (a->t);
  a->map.dim[2] = a->query.dim[2];
  a->map.dim[3] = sf_dim_whole (a->t);
}

static SfMap
rows_of (const SfMap *rows, int64_t elems)
{
  SfMap map = *rows;
  map.dim[3] = sf_dim_whole (elems);
  return map;
}

void
sf_layout_attention (SfLowGroup *group, SfNode node)
{
  const SfGraph *graph = group->graph;
  Attention a = attention_of (graph, node);
  int64_t n_scores = sf_shape_n_elems (&a.scores);
  find_maps (&a);
  sf_low_axis (group, a.scores.dim[0], false);
  sf_low_axis (group, a.scores.dim[1], false);
  if (!a.backward)
    sf_low_axis (group, a.s, false);
  group->matrix = true;
  group->flops = 2 * n_scores * (a.backward ? 3 * a.d + 2 * a.e : a.d + a.e);
  SfMap q = rows_of (&a.query, a.d), k = rows_of (&a.key, a.d), v = rows_of (&a.key, a.e);
  SfMap y = rows_of (&a.query, a.e);
  const SfMap *backward[] = { &q, &k, &v };
  for (size_t i = 0; i < sf_node_n_outputs (graph, node); i++)
    sf_low_set_known (group, sf_node_output (graph, node, i), a.backward ? backward[i] : &y);
}

/* ---- instructions ---- */

static uint32_t
constant (const Attention *a, double value)
{
  SfShape shape = SF_SHAPE (1);
  SfMap map = sf_map_whole (&shape);
  uint32_t y = sf_low_temp (a->group, SF_F32, &shape, &map);
  sf_low_instr (a->group, a->node, "fill", NULL, 0, &y, 1)->fimm[0] = value;
  return y;
}

/* y = op (x, other), y a scratch operand or a result. */
static SfInstr *
emit (const Attention *a, const char *op, uint32_t x, uint32_t other, uint32_t y)
{
  return sf_low_instr (a->group, a->node, op, (uint32_t[]){ x, other }, 2, &y, 1);
}

static void
product (const Attention *a, uint32_t x, bool turned, uint32_t other, bool other_turned, uint32_t y)
{
  SfInstr *instr = emit (a, "gemm", x, other, y);
  instr->imm[0] = turned;
  instr->imm[1] = other_turned;
}

static uint32_t
input (const Attention *a, size_t index, const SfMap *rows, int64_t elems)
{
  SfMap map = rows_of (rows, elems);
  return sf_low_input (a->group, a->node, index + a->backward, &map);
}

static uint32_t
output (const Attention *a, size_t index)
{
  SfValue value = sf_node_output (a->group->graph, a->node, index);
  return sf_low_output (a->group, a->node, index, sf_low_known (a->group, value));
}

/* Keys after the query's own position become -inf. */
static void
hide_later_keys (const Attention *a, uint32_t scores)
{
  SfShape row = SF_SHAPE (a->s, 1), column = SF_SHAPE (1, a->t), both = SF_SHAPE (a->s, a->t);
  SfMap row_map = { .rank = 2, .dim = { a->map.dim[2], sf_dim_whole (1) } };
  SfMap column_map = { .rank = 2, .dim = { sf_dim_whole (1), a->map.dim[3] } };
  SfMap both_map = { .rank = 2, .dim = { a->map.dim[2], a->map.dim[3] } };
  uint32_t i = sf_low_temp (a->group, SF_I32, &row, &row_map);
  uint32_t j = sf_low_temp (a->group, SF_I32, &column, &column_map);
  uint32_t seen = sf_low_temp (a->group, SF_BOOL, &both, &both_map);
  sf_low_instr (a->group, a->node, "iota", NULL, 0, &i, 1)->imm[0] = 0;
  sf_low_instr (a->group, a->node, "iota", NULL, 0, &j, 1)->imm[0] = 1;
  emit (a, "ge", i, j, seen);
  uint32_t src[] = { seen, scores, constant (a, -INFINITY) };
  sf_low_instr (a->group, a->node, "select", src, 3, &scores, 1);
}

/* softmax (scale q k^T + mask) into scratch. */
static uint32_t
probabilities (const Attention *a, uint32_t q, uint32_t k, uint32_t scale)
{
  uint32_t p = sf_low_temp (a->group, SF_F32, &a->scores, &a->map);
  size_t mask = 3 + a->backward;
  SfValue hides = input_of (a->group->graph, a->node, mask);
  product (a, q, false, k, true, p);
  emit (a, "mul", p, scale, p);
  if (hides != SF_NONE)
    {
      SfMap map = sf_map_broadcast (&a->map, &a->scores, sf_value_shape (a->group->graph, hides));
      emit (a, "add", p, sf_low_input (a->group, a->node, mask, &map), p);
    }
  if (a->causal)
    hide_later_keys (a, p);
  sf_low_instr (a->group, a->node, "softmax", &p, 1, &p, 1)->imm[0] = 3;
  return p;
}

/* dv = p^T dy; ds = scale softmax_bwd (dy v^T, p); dq = ds k; dk = ds^T q. */
static void
emit_gradients (const Attention *a, uint32_t p, const uint32_t *qkv, uint32_t scale)
{
  SfMap map = rows_of (&a->query, a->e);
  uint32_t dy = sf_low_input (a->group, a->node, 0, &map);
  uint32_t ds = sf_low_temp (a->group, SF_F32, &a->scores, &a->map);
  product (a, p, true, dy, false, output (a, 2));
  product (a, dy, false, qkv[2], true, ds);
  emit (a, "softmax_bwd", ds, p, ds)->imm[0] = 3;
  emit (a, "mul", ds, scale, ds);
  product (a, ds, false, qkv[1], false, output (a, 0));
  product (a, ds, true, qkv[0], false, output (a, 1));
}

void
sf_emit_attention (SfLowGroup *group, SfNode node)
{
  Attention a = attention_of (group->graph, node);
  a.group = group;
  find_maps (&a);
  uint32_t qkv[] = { input (&a, 0, &a.query, a.d), input (&a, 1, &a.key, a.d),
                     input (&a, 2, &a.key, a.e) };
  uint32_t scale = constant (&a, a.scale);
  uint32_t p = probabilities (&a, qkv[0], qkv[1], scale);
  if (a.backward)
    emit_gradients (&a, p, qkv, scale);
  else
    product (&a, p, false, qkv[2], false, output (&a, 0));
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Random graphs through every level: nothing that the op table accepts may fail to compile, and the
 * device gives what the reference gives. Whole numbers are compared exactly; graphs of floats have
 * no op that jumps. */
#include <string.h>

#include <sf/rng.h>

#include "tests/passes/both.h"

#define N_GRAPHS   60 /* of each kind; SF_RANDOM_GRAPHS asks for more */
#define N_STEPS    14
#define MAX_ELEMS  4096
#define MAX_VALUES 64

typedef struct
{
  SfGraph *graph;
  SfRng rng;
  uint64_t draws;
  bool floats;
  int64_t dim[4]; /* shapes are made of these, so that many broadcast */
  SfValue values[MAX_VALUES];
  size_t n_values;
} Maker;

static int64_t
draw (Maker *m, int64_t n)
{
  return (int64_t) (sf_rng_uniform (&m->rng, m->draws++) * (double) n);
}

static void
keep (Maker *m, SfValue value)
{
  if (value == SF_NONE || m->n_values == MAX_VALUES)
    return;
  int64_t n = sf_shape_n_elems (sf_value_shape (m->graph, value));
  if (n > 0 && n <= MAX_ELEMS)
    m->values[m->n_values++] = value;
}

/* Late values more often than early ones. */
static SfValue
pick (Maker *m)
{
  int64_t a = draw (m, (int64_t) m->n_values), b = draw (m, (int64_t) m->n_values);
  return m->values[MAX (a, b)];
}

static const char *
one_of (Maker *m, const char *const *names, size_t n)
{
  return names[draw (m, (int64_t) n)];
}
#define ONE_OF(m, ...)                             \
  one_of (m, (const char *const[]){ __VA_ARGS__ }, \
          G_N_ELEMENTS (((const char *const[]){ __VA_ARGS__ })))

static SfValue
add (Maker *m, const char *op, const SfValue *in, size_t n, const SfAttr *attrs, size_t n_attrs)
{
  SfValue out[8];
  size_t n_out;
  if (sf_graph_add (m->graph, op, in, n, attrs, n_attrs, out, NULL) == SF_NONE)
    return SF_NONE;
  n_out = sf_op_n_outputs (sf_node_op (m->graph, (SfNode) sf_graph_n_nodes (m->graph) - 1));
  for (size_t i = 0; i < n_out; i++)
    keep (m, out[i]);
  return out[0];
}

/* ---- kinds of steps ---- */

static void
step_unary (Maker *m)
{
  SfValue x = pick (m);
  SfDtype dtype = sf_value_dtype (m->graph, x);
  const char *op = dtype == SF_BOOL ? "not"
                   : m->floats
                       ? ONE_OF (m, "neg", "abs", "tanh", "sigmoid", "erf", "relu", "gelu", "atan")
                       : ONE_OF (m, "neg", "abs", "sign", "bit_not");
  add (m, op, &x, 1, NULL, 0);
}

static void
step_binary (Maker *m)
{
  SfValue in[] = { pick (m), pick (m) };
  bool logic = sf_value_dtype (m->graph, in[0]) == SF_BOOL;
  const char *op = logic       ? ONE_OF (m, "and", "or", "xor")
                   : m->floats ? ONE_OF (m, "add", "sub", "mul", "max", "min")
                               : ONE_OF (m, "add", "sub", "mul", "div", "mod", "fmod", "max", "min",
                                         "bit_and", "bit_or", "bit_xor", "shift_left",
                                         "shift_right", "lt", "eq");
  SfValue y = add (m, op, in, 2, NULL, 0);
  if (m->floats && y != SF_NONE)
    add (m, "tanh", &y, 1, NULL, 0);
}

static void
step_select (Maker *m)
{
  SfValue c = SF_NONE, x = pick (m), in[3];
  for (int i = 0; i < 8 && c == SF_NONE; i++)
    {
      c = pick (m);
      c = sf_value_dtype (m->graph, c) == SF_BOOL ? c : SF_NONE;
    }
  in[0] = c;
  in[1] = x;
  in[2] = pick (m);
  if (c != SF_NONE)
    add (m, "select", in, 3, NULL, 0);
}

static void
step_cast (Maker *m)
{
  static const SfDtype dtypes[] = { SF_I32, SF_U8, SF_I8, SF_I16, SF_U16, SF_I64, SF_BOOL };
  SfValue x = pick (m);
  SfAttr attrs[] = { SF_ATTR_D ("dtype", dtypes[draw (m, G_N_ELEMENTS (dtypes))]),
                     SF_ATTR_B ("saturate", draw (m, 2) == 0) };
  if (!m->floats)
    add (m, "cast", &x, 1, attrs, 2);
}

static void
step_reduce (Maker *m)
{
  SfValue x = pick (m);
  int rank = sf_value_shape (m->graph, x)->rank;
  int64_t axes[SF_MAX_RANK];
  size_t n = 0;
  for (int d = 0; d < rank; d++)
    if (draw (m, 2) == 0)
      axes[n++] = d;
  SfAttr attrs[] = { SF_ATTR_IS ("axes", axes, n), SF_ATTR_B ("keepdims", draw (m, 2) == 0) };
  const char *op = m->floats ? ONE_OF (m, "reduce_sum", "reduce_max", "reduce_min", "reduce_mean")
                             : ONE_OF (m, "reduce_sum", "reduce_max", "reduce_min", "reduce_prod");
  SfValue y = add (m, op, &x, 1, attrs, 2);
  if (m->floats && y != SF_NONE)
    add (m, "tanh", &y, 1, NULL, 0);
}

static void
step_row (Maker *m)
{
  SfValue x = pick (m);
  int rank = sf_value_shape (m->graph, x)->rank;
  SfAttr axis = SF_ATTR_I ("axis", draw (m, MAX (rank, 1)));
  const char *op = m->floats ? ONE_OF (m, "softmax", "log_softmax", "cumsum")
                             : ONE_OF (m, "cumsum", "sort", "argmax");
  SfValue y = add (m, op, &x, 1, &axis, 1);
  if (m->floats && y != SF_NONE)
    add (m, "tanh", &y, 1, NULL, 0);
}

static void
step_transpose (Maker *m)
{
  SfValue x = pick (m);
  int rank = sf_value_shape (m->graph, x)->rank;
  int64_t perm[SF_MAX_RANK];
  for (int d = 0; d < rank; d++)
    {
      int64_t at = draw (m, d + 1);
      perm[d] = perm[at];
      perm[at] = d;
    }
  SfAttr attr = SF_ATTR_IS ("perm", perm, (size_t) rank);
  if (rank > 0)
    add (m, "transpose", &x, 1, &attr, 1);
}

static void
step_slice (Maker *m)
{
  SfValue x = pick (m);
  const SfShape *shape = sf_value_shape (m->graph, x);
  int64_t starts[SF_MAX_RANK], ends[SF_MAX_RANK], steps[SF_MAX_RANK];
  for (int d = 0; d < shape->rank; d++)
    {
      starts[d] = draw (m, shape->dim[d]);
      ends[d] = starts[d] + 1 + draw (m, shape->dim[d] - starts[d]);
      steps[d] = 1 + draw (m, 3);
    }
  size_t n = (size_t) shape->rank;
  SfAttr attrs[] = { SF_ATTR_IS ("starts", starts, n), SF_ATTR_IS ("ends", ends, n),
                     SF_ATTR_IS ("steps", steps, n) };
  add (m, "slice", &x, 1, attrs, 3);
}

static void
step_pad (Maker *m)
{
  SfValue x = pick (m);
  size_t n = (size_t) sf_value_shape (m->graph, x)->rank;
  int64_t low[SF_MAX_RANK], high[SF_MAX_RANK];
  for (size_t d = 0; d < n; d++)
    {
      low[d] = draw (m, 2);
      high[d] = draw (m, 3);
    }
  SfAttr attrs[] = { SF_ATTR_IS ("low", low, n), SF_ATTR_IS ("high", high, n),
                     SF_ATTR_F ("value", (double) draw (m, 3)) };
  add (m, "pad", &x, 1, attrs, 3);
}

static void
step_concat (Maker *m)
{
  SfValue x = pick (m), in[] = { x, pick (m), x };
  int rank = sf_value_shape (m->graph, x)->rank;
  SfAttr axis = SF_ATTR_I ("axis", draw (m, MAX (rank, 1)));
  if (add (m, "concat", in, 3, &axis, 1) == SF_NONE)
    {
      in[1] = x;
      add (m, "concat", in, 2, &axis, 1);
    }
}

/* Two neighbouring dimensions as one, or one as two. */
static void
step_reshape (Maker *m)
{
  SfValue x = pick (m);
  const SfShape *from = sf_value_shape (m->graph, x);
  SfShape to = { 0 };
  if (from->rank == 0)
    return;
  int64_t at = draw (m, from->rank);
  for (int d = 0; d < from->rank; d++)
    if (d == at && d + 1 < from->rank && draw (m, 2) == 0)
      {
        to.dim[to.rank++] = from->dim[d] * from->dim[d + 1];
        d++;
      }
    else if (d == at && from->dim[d] % 2 == 0 && from->rank < 6)
      {
        to.dim[to.rank++] = 2;
        to.dim[to.rank++] = from->dim[d] / 2;
      }
    else
      to.dim[to.rank++] = from->dim[d];
  SfAttr attr = SF_ATTR_IS ("shape", to.dim, (size_t) to.rank);
  add (m, "reshape", &x, 1, &attr, 1);
}

static void
step_matmul (Maker *m)
{
  SfValue x = pick (m), in[] = { x, draw (m, 2) == 0 ? x : pick (m) };
  SfAttr attrs[] = { SF_ATTR_B ("transpose_a", draw (m, 2) == 0),
                     SF_ATTR_B ("transpose_b", draw (m, 2) == 0) };
  SfValue y = add (m, "matmul", in, 2, attrs, 2);
  if (m->floats && y != SF_NONE)
    add (m, "tanh", &y, 1, NULL, 0);
}

/* Rows by constant indices, and rows put in their place. */
static void
step_index (Maker *m)
{
  SfValue x = pick (m);
  const SfShape *shape = sf_value_shape (m->graph, x);
  int32_t index[4];
  if (shape->rank == 0)
    return;
  int64_t axis = draw (m, shape->rank), size = shape->dim[axis];
  for (int i = 0; i < 4; i++)
    index[i] = (int32_t) draw (m, size);
  SfShape form = draw (m, 2) == 0 ? SF_SHAPE (4) : SF_SHAPE (2, 2);
  SfValue i = sf_graph_constant (m->graph, SF_I32, form, index, NULL);
  SfValue in[] = { x, i }, back[] = { x, i, SF_NONE }, sum[] = { i, SF_NONE };
  SfAttr attrs[] = { SF_ATTR_I ("axis", axis), SF_ATTR_I ("size", size) };
  SfAttr reduce[] = { attrs[0], SF_ATTR_S ("reduce", ONE_OF (m, "set", "add", "max", "min")) };
  back[2] = sum[1] = add (m, "gather", in, 2, attrs, 1);
  if (back[2] == SF_NONE)
    return;
  if (draw (m, 2) == 0)
    add (m, "scatter", back, 3, reduce, 2);
  else
    add (m, "scatter_add", sum, 2, attrs, 2);
}

static void
step_window (Maker *m)
{
  SfValue x = pick (m);
  const SfShape *shape = sf_value_shape (m->graph, x);
  if (shape->rank != 4 || !m->floats)
    return;
  const int64_t kernel[] = { 1 + draw (m, 3), 1 + draw (m, 3) };
  const int64_t strides[] = { 1 + draw (m, 2), 1 + draw (m, 2) };
  const int64_t pads[] = { draw (m, kernel[0]), draw (m, kernel[1]), draw (m, kernel[0]),
                           draw (m, kernel[1]) };
  SfAttr attrs[] = { SF_ATTR_IS ("strides", strides, 2), SF_ATTR_IS ("pads", pads, 4),
                     SF_ATTR_IS ("kernel", kernel, 2) };
  if (draw (m, 2) == 0)
    {
      add (m, ONE_OF (m, "max_pool2d", "avg_pool2d"), &x, 1, attrs, 3);
      return;
    }
  float w[3 * 64 * 9];
  if (shape->dim[1] > 64)
    return;
  for (size_t i = 0; i < G_N_ELEMENTS (w); i++)
    w[i] = (float) (draw (m, 201) - 100) / 200;
  SfValue in[] = { x,
                   sf_graph_constant (m->graph, SF_F32,
                                      SF_SHAPE (3, shape->dim[1], kernel[0], kernel[1]), w, NULL) };
  SfValue y = add (m, "conv2d", in, 2, attrs, 2);
  if (y != SF_NONE)
    add (m, "tanh", &y, 1, NULL, 0);
}

static void
step_broadcast (Maker *m)
{
  SfValue x = pick (m);
  const SfShape *from = sf_value_shape (m->graph, x);
  SfShape to = *from;
  for (int d = 0; d < to.rank; d++)
    if (to.dim[d] == 1)
      to.dim[d] = m->dim[draw (m, 4)];
  if (to.rank < 4)
    {
      memmove (to.dim + 1, to.dim, (size_t) to.rank * sizeof *to.dim);
      to.dim[0] = 2;
      to.rank++;
    }
  SfAttr attr = SF_ATTR_IS ("shape", to.dim, (size_t) to.rank);
  add (m, "broadcast", &x, 1, &attr, 1);
}

/* ---- graphs ---- */

typedef void (*Step) (Maker *m);

static const Step steps[] = {
  step_unary,     step_unary, step_binary, step_binary,  step_binary,  step_select,    step_cast,
  step_reduce,    step_row,   step_pad,    step_slice,   step_concat,  step_matmul,    step_index,
  step_transpose, step_index, step_window, step_reshape, step_reshape, step_broadcast,
};

static SfGraph *
random_graph (uint32_t number, bool floats)
{
  static const int64_t sizes[] = { 1, 2, 3, 4, 5, 8 };
  static const SfDtype ints[] = { SF_I32, SF_I32, SF_U8, SF_I8, SF_U16, SF_I16, SF_BOOL };
  Maker m = { .graph = sf_graph_new ("random"),
              .rng = { .seed = 3, .stream = number, .step = floats },
              .floats = floats };
  for (int i = 0; i < 4; i++)
    m.dim[i] = sizes[draw (&m, G_N_ELEMENTS (sizes))];
  for (int i = 0; i < 4; i++)
    {
      SfShape shape = { .rank = (int) draw (&m, 5) };
      for (int d = 0; d < shape.rank; d++)
        shape.dim[d] = draw (&m, 4) == 0 ? 1 : m.dim[4 - shape.rank + d];
      g_autofree char *name = g_strdup_printf ("in%d", i);
      SfDtype dtype = floats ? (draw (&m, 6) == 0 ? SF_BOOL : SF_F32)
                             : ints[draw (&m, G_N_ELEMENTS (ints))];
      keep (&m, sf_graph_input (m.graph, name, dtype, shape, NULL));
    }
  for (int i = 0; i < N_STEPS; i++)
    steps[draw (&m, G_N_ELEMENTS (steps))](&m);
  for (size_t i = 0; i < 4; i++)
    {
      g_autofree char *name = g_strdup_printf ("out%zu", i);
      SfValue y = i == 0 ? m.values[m.n_values - 1] : pick (&m);
      sf_graph_output (m.graph, name, SF_OUTPUT_OTHER, y, NULL);
    }
  return m.graph;
}

static void
check_graphs (bool floats)
{
  const char *more = g_getenv ("SF_RANDOM_GRAPHS");
  uint32_t n = more != NULL ? (uint32_t) g_ascii_strtoull (more, NULL, 10) : N_GRAPHS;
  static const char *const levels[] = { "o0", "o1", "o3" };
  for (uint32_t i = 0; i < n; i++)
    {
      SfGraph *graph = random_graph (i, floats);
      g_autofree char *text = sf_graph_text (graph);
      g_autoptr (SfModule) module = test_module (graph);
      bool good = true;
      for (size_t l = 0; l < G_N_ELEMENTS (levels); l++)
        good &= test_both (module, levels[l], (i + l) % 2 == 0 ? "sn10" : "tiny",
                           floats ? 1e-4 : 0);
      SF_CHECK_MSG (good, "the failures above are of graph %u:\n%s", i, text);
    }
}

SF_TEST (Random, WholeNumbers)
{
  check_graphs (false);
}

SF_TEST (Random, Floats)
{
  check_graphs (true);
}

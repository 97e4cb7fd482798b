/* SPDX-License-Identifier: Apache-2.0 */
/* Every op with inputs and attributes drawn at random, extremes included: a node is refused as an
 * invalid argument, or it verifies, decomposes and differentiates. */
#include "core/ir/op.h"
#include "tests/unit/ir/op_cases.h"

#include <string.h>

#include "tests/support/sftest.h"

#define TRIES 400

static uint32_t
draw (uint64_t *seed, uint32_t n)
{
  *seed = *seed * UINT64_C (6364136223846793005) + UINT64_C (1442695040888963407);
  return (uint32_t) (*seed >> 33) % n;
}

static int64_t
draw_int (uint64_t *seed)
{
  static const int64_t extremes[] = { INT64_MAX, INT64_MIN,         (int64_t) 1 << 40,
                                      -1,        (int64_t) 1 << 31, (int64_t) 1 << 20 };
  return draw (seed, 12) == 0 ? extremes[draw (seed, G_N_ELEMENTS (extremes))]
                              : (int64_t) draw (seed, 4);
}

/* Mostly rank 4, or the rank and dtype of the input before, so that some draws fit. */
static SfValue
draw_input (SfGraph *graph, int index, uint64_t *seed)
{
  g_autofree char *name = g_strdup_printf ("in%d", index);
  SfShape shape = { .rank = draw (seed, 3) == 0 ? (int) draw (seed, 5) : 4 };
  SfDtype dtype = draw (seed, 4) == 0 ? (SfDtype) draw (seed, SF_N_DTYPES) : SF_F32;
  for (int d = 0; d < shape.rank; d++)
    shape.dim[d] = draw (seed, 10) == 0 ? 0 : 1 + draw (seed, 3);
  if (index > 0 && draw (seed, 2) == 0)
    shape = *sf_value_shape (graph, 0);
  return sf_graph_input (graph, name, dtype, shape, NULL);
}

static SfAttr
draw_attr (const SfOpAttr *row, int64_t *ints, uint64_t *seed)
{
  SfAttr attr = { .name = row->name, .type = row->type, .s = "none", .ints = ints };
  attr.i = row->type == SF_ATTR_DTYPE ? (int64_t) draw (seed, SF_N_DTYPES + 1) : draw_int (seed);
  attr.f = (double) draw_int (seed) / 4;
  attr.n_ints = draw (seed, 3) == 0 ? draw (seed, 10) : draw (seed, 2) == 0 ? 2 : 4;
  for (int i = 0; i < 10; i++)
    ints[i] = draw_int (seed);
  return attr;
}

static SfNode
draw_node (SfGraph *graph, const SfOp *op, uint64_t *seed, GError **error)
{
  SfValue inputs[6];
  SfAttr attrs[SF_MAX_ATTRS];
  int64_t ints[SF_MAX_ATTRS][10];
  size_t n_attrs = 0;
  int most = op->max_inputs < 0 ? 3 : op->max_inputs;
  int n = op->min_inputs + (int) draw (seed, (uint32_t) (most - op->min_inputs) + 1);
  for (int i = 0; i < n; i++)
    inputs[i] = draw_input (graph, i, seed);
  for (size_t i = 0; i < sf_op_n_attrs (op); i++)
    if (op->attrs[i].def == NULL || draw (seed, 2) == 0)
      {
        attrs[n_attrs] = draw_attr (&op->attrs[i], ints[n_attrs], seed);
        n_attrs++;
      }
  return sf_graph_add (graph, op->name, inputs, (size_t) n, attrs, n_attrs, NULL, error);
}

static void
check_decomposition (const SfGraph *from, SfNode node)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfGraph) to = sf_graph_new ("to");
  g_autofree SfValue *map = g_new (SfValue, sf_graph_n_values (from));
  SfValue outputs[SF_MAX_OUTPUTS];
  bool ok = sf_graph_copy_interface (to, from, map, &error)
            && sf_graph_decompose (to, from, node, map, outputs, &error)
            && sf_graph_verify (to, &error);
  g_autofree char *text = ok ? NULL : sf_graph_text (from);
  SF_CHECK_MSG (ok, "%s\n%s", error != NULL ? error->message : "?", text);
}

static void
check_gradient (SfGraph *graph, SfNode node)
{
  g_autoptr (GError) error = NULL;
  SfValue wrt[6], grads[6], y = sf_node_output (graph, node, 0);
  size_t n = 0;
  for (size_t i = 0; i < sf_node_n_inputs (graph, node); i++)
    if (sf_dtype_is_float (sf_value_dtype (graph, sf_node_input (graph, node, i))))
      wrt[n++] = sf_node_input (graph, node, i);
  if (!sf_dtype_is_float (sf_value_dtype (graph, y)))
    return;
  SfValue loss = sf_graph_op1 (graph, "reduce_sum", y, &error);
  bool ok = loss != SF_NONE && sf_graph_differentiate (graph, loss, wrt, n, grads, &error)
            && sf_graph_verify (graph, &error);
  g_autofree char *text = ok ? NULL : sf_graph_text (graph);
  SF_CHECK_MSG (ok, "%s\n%s", error != NULL ? error->message : "?", text);
}

/* Checks `node` whole, or its refusal; true when it was made. */
static bool
check_node (SfGraph *graph, const SfOp *op, SfNode node, GError *refusal)
{
  g_autoptr (GError) error = NULL;
  if (node == SF_NONE)
    {
      SF_CHECK_MSG (g_error_matches (refusal, SF_ERROR, SF_ERROR_INVALID_ARGUMENT)
                        && strstr (refusal->message, op->name) != NULL,
                    "%s", refusal->message);
      return false;
    }
  SF_CHECK (sf_graph_verify (graph, &error));
  SF_CHECK_NO_ERROR (error);
  if (op->decompose != NULL)
    check_decomposition (graph, node);
  if (op->gradient != NULL)
    check_gradient (graph, node);
  return true;
}

SF_TEST (RandomNodes, AreRefusedOrWhole)
{
  uint64_t seed = 1;
  size_t n_made = 0;
  for (size_t r = 0; r < sf_op_count (); r++)
    for (int t = 0; t < TRIES; t++)
      {
        const SfOp *op = sf_op_at (r);
        g_autoptr (SfGraph) graph = sf_graph_new ("t");
        g_autoptr (GError) error = NULL;
        SfNode node = draw_node (graph, op, &seed, &error);
        n_made += check_node (graph, op, node, error);
      }
  SF_CHECK_MSG (n_made > 2000, "only %zu nodes were made", n_made);
}

/* A good case with dimensions renamed all over it, float dtypes mixed, and now and then another
 * number in a list. */
static SfNode
draw_near (SfGraph *graph, const IrOpCase *c, uint64_t *seed, GError **error)
{
  static const SfDtype floats[] = { SF_F32, SF_BF16, SF_F64, SF_F16 };
  int64_t names[16], ints[6][SF_MAX_RANK];
  SfValue inputs[5];
  SfAttr attrs[6];
  size_t n_attrs = 0;
  for (int64_t i = 0; i < 16; i++)
    names[i] = draw (seed, 4) == 0 ? (int64_t) draw (seed, 6) : i;
  for (int i = 0; i < c->n_inputs; i++)
    {
      g_autofree char *name = g_strdup_printf ("in%d", i);
      SfShape shape = c->inputs[i].shape;
      SfDtype dtype = c->inputs[i].dtype;
      for (int d = 0; d < shape.rank; d++)
        shape.dim[d] = names[shape.dim[d] % 16];
      if (sf_dtype_is_float (dtype) && draw (seed, 3) == 0)
        dtype = floats[draw (seed, G_N_ELEMENTS (floats))];
      inputs[i] = sf_graph_input (graph, name, dtype, shape, error);
    }
  for (; n_attrs < 6 && c->attrs[n_attrs].name != NULL; n_attrs++)
    {
      SfAttr *attr = &attrs[n_attrs];
      *attr = c->attrs[n_attrs];
      for (size_t k = 0; k < attr->n_ints; k++)
        ints[n_attrs][k] = draw (seed, 8) == 0 ? (int64_t) draw (seed, 4) : attr->ints[k];
      attr->ints = attr->n_ints > 0 ? ints[n_attrs] : NULL;
    }
  return sf_graph_add (graph, c->op, inputs, (size_t) c->n_inputs, attrs, n_attrs, NULL, error);
}

SF_TEST_CASES (RandomNodes, NearGoodCases, ir_good_cases, ir_n_good_cases, sf_test_row_name)
{
  const IrOpCase *c = data;
  uint64_t seed = 7;
  size_t n_made = 0;
  for (int t = 0; t < TRIES; t++)
    {
      g_autoptr (SfGraph) graph = sf_graph_new ("t");
      g_autoptr (GError) error = NULL;
      SfNode node = draw_near (graph, c, &seed, &error);
      n_made += check_node (graph, sf_op_find (c->op, NULL), node, error);
    }
  SF_CHECK_MSG (n_made >= 5, "only %zu nodes were made", n_made);
}

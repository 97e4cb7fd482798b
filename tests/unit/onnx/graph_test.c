/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes: folding, parameters, functions, control flow, and what is refused by name. */
#include <string.h>

#include "tests/support/sftest.h"
#include "tests/unit/onnx/build.h"

static SfGraph *
import (Build *build)
{
  g_autoptr (GError) error = NULL;
  SfGraph *graph = build_import (build, NULL, NULL, &error);
  SF_CHECK_NO_ERROR (error);
  return graph;
}

/* ---- folding ---- */

SF_TEST (OnnxGraph, FoldsShapeArithmetic)
{
  g_autoptr (Build) build = build_new (13);
  build_input (build, "x", F32, "4,2,3");
  build_ints (build, "zero", "1", (int64_t[]){ 0 });
  build_ints (build, "minus", "1", (int64_t[]){ -1 });
  build_node (build, "Shape", "x", "shape");
  build_node (build, "Gather", "shape zero", "rows");
  build_attr_int (build, build_node (build, "Concat", "rows minus", "target"), "axis", 0);
  build_node (build, "Reshape", "x target", "y");
  build_output (build, "y");
  g_autoptr (SfGraph) graph = import (build);
  SF_REQUIRE (graph != NULL);
  g_autofree char *ops = build_ops (graph);
  SF_CHECK_STR (ops, "reshape");
  SF_CHECK_STR (sf_value_name (graph, sf_graph_output_at (graph, 0, NULL, NULL)), "y");
  g_autofree char *shape = sf_shape_text (
      sf_value_shape (graph, sf_graph_output_at (graph, 0, NULL, NULL)));
  SF_CHECK_STR (shape, "[4,6]");
}

SF_TEST (OnnxGraph, KeepsParametersInTheGraph)
{
  /* A transposed weight trains, so it is no constant. */
  g_autoptr (Build) build = build_new (13);
  build_input (build, "x", F32, "1,2");
  build_floats (build, "w", "1,2", (float[]){ 3, 4 });
  build_floats (build, "unused", "1", (float[]){ 1 });
  build_node (build, "Transpose", "w", "t");
  build_node (build, "MatMul", "x t", "y");
  build_output (build, "y");
  g_autoptr (SfGraph) graph = import (build);
  SF_REQUIRE (graph != NULL);
  SF_REQUIRE (sf_graph_n_states (graph) == 1);
  SfValue w = sf_graph_state_at (graph, 0);
  SF_CHECK_STR (sf_value_name (graph, w), "w");
  SF_CHECK_INT (sf_value_state_kind (graph, w), SF_STATE_PARAM);
  g_autofree char *ops = build_ops (graph);
  SF_CHECK_STR (ops, "transpose matmul");
  double out;
  SF_CHECK (build_run (graph, 0, (const double *[]){ (double[]){ 1, 10 } }, &out, 1));
  SF_CHECK_NEAR (out, 43, 0);
}

SF_TEST (OnnxGraph, KnowsWhatParametersGive)
{
  /* The target of the reshape is computed from a float initialiser, which a cast makes integers. */
  g_autoptr (Build) build = build_new (13);
  build_input (build, "x", F32, "2,3");
  build_floats (build, "sizes", "2", (float[]){ 3, 2 });
  build_node (build, "Identity", "sizes", "same");
  build_attr_int (build, build_node (build, "Concat", "same", "joined"), "axis", 0);
  build_attr_int (build, build_node (build, "Cast", "joined", "target"), "to", I64);
  build_node (build, "Reshape", "x target", "y");
  build_output (build, "y");
  g_autoptr (SfGraph) graph = import (build);
  SF_REQUIRE (graph != NULL);
  g_autofree char *shape = sf_shape_text (
      sf_value_shape (graph, sf_graph_output_at (graph, 0, NULL, NULL)));
  SF_CHECK_STR (shape, "[3,2]");
}

SF_TEST (OnnxGraph, OutputsThatAreKnownAreConstants)
{
  g_autoptr (Build) build = build_new (13);
  build_input (build, "x", F32, "4,2,3");
  build_node (build, "Identity", "x", "same");
  build_node (build, "Shape", "x", "shape");
  build_output (build, "same");
  build_output (build, "shape");
  g_autoptr (SfGraph) graph = import (build);
  SF_REQUIRE (graph != NULL);
  SfOutputRole role;
  SfValue same = sf_graph_output_at (graph, 0, NULL, &role);
  SF_CHECK_INT (role, SF_OUTPUT_PREDICTION);
  SF_CHECK_INT (sf_value_kind (graph, same), SF_VALUE_INPUT);
  SfValue shape = sf_graph_output_at (graph, 1, NULL, &role);
  SF_CHECK_INT (role, SF_OUTPUT_OTHER);
  SF_REQUIRE (sf_value_kind (graph, shape) == SF_VALUE_CONSTANT);
  SF_CHECK (memcmp (sf_value_data (graph, shape), (int64_t[]){ 4, 2, 3 }, 24) == 0);
}

SF_TEST (OnnxGraph, TheFirstOutputOfFloatsIsThePrediction)
{
  g_autoptr (Build) build = build_new (13);
  build_input (build, "x", F32, "4,3");
  build_attr_int (build, build_node (build, "ArgMax", "x", "label"), "axis", 1);
  build_node (build, "Relu", "x", "y");
  build_node (build, "Neg", "x", "z");
  build_output (build, "label");
  build_output (build, "y");
  build_output (build, "z");
  g_autoptr (SfGraph) graph = import (build);
  SF_REQUIRE (graph != NULL);
  static const SfOutputRole wanted[] = { SF_OUTPUT_OTHER, SF_OUTPUT_PREDICTION, SF_OUTPUT_OTHER };
  for (size_t i = 0; i < 3; i++)
    {
      SfOutputRole role;
      sf_graph_output_at (graph, i, NULL, &role);
      SF_CHECK_INT (role, wanted[i]);
    }
}

/* ---- functions ---- */

/* Flat (a) = Flatten (a, axis = split); `split` defaults to 1, which IR version 9 keeps in
 * field 11. */
static SfGraph *
function_model (const char *attribute, GError **error)
{
  static uint8_t split_is_1[] = { 12, 0x0a, 5, 's', 'p', 'l', 'i', 't', 0x18, 1, 0xa0, 0x01, 2 };
  g_autoptr (Build) build = build_new (13);
  build_begin_graph (build);
  build_node (build, "Identity", "a", "inner");
  Onnx__NodeProto *flatten = build_node (build, "Flatten", "inner", "b");
  build_attr (build, flatten, "axis", ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT)->ref_attr_name
      = (char *) "split";
  Onnx__FunctionProto *function = build_function (build, "Flat", "a unused", "b", NULL);
  ProtobufCMessageUnknownField field = { .tag = 11,
                                         .wire_type = PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED,
                                         .len = sizeof split_is_1,
                                         .data = split_is_1 };
  function->base.n_unknown_fields = 1;
  function->base.unknown_fields = &field;
  build_end_graph (build);
  build_input (build, "x", F32, "2,3,4");
  Onnx__NodeProto *call = build_node (build, "Flat", "x", "y");
  call->domain = (char *) "my";
  call->name = (char *) "call";
  if (attribute != NULL)
    build_attr_int (build, call, attribute, 2);
  build_output (build, "y");
  return build_import (build, NULL, NULL, error);
}

SF_TEST (OnnxGraph, InlinesFunctions)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfGraph) graph = function_model ("split", &error);
  SF_REQUIRE_NO_ERROR (error);
  SfValue y = sf_graph_output_at (graph, 0, NULL, NULL);
  g_autofree char *shape = sf_shape_text (sf_value_shape (graph, y));
  SF_CHECK_STR (shape, "[6,4]");
  SF_CHECK_STR (sf_value_name (graph, y), "call/b");
}

SF_TEST (OnnxGraph, FunctionAttributesHaveDefaults)
{
  GError *error = NULL;
  g_autoptr (SfGraph) graph = function_model (NULL, &error);
  SF_REQUIRE_NO_ERROR (error);
  g_autofree char *shape = sf_shape_text (
      sf_value_shape (graph, sf_graph_output_at (graph, 0, NULL, NULL)));
  SF_CHECK_STR (shape, "[2,12]");
  SF_CHECK (function_model ("other", &error) == NULL);
  SF_CHECK_ERROR (
      error, SF_ERROR_INVALID_DATA,
      "node call (Flat, opset 1): attribute other, which the function does not declare");
}

SF_TEST (OnnxGraph, RefusesFunctionsThatCallThemselves)
{
  g_autoptr (Build) build = build_new (13);
  GError *error = NULL;
  build_begin_graph (build);
  build_node (build, "Round", "a", "b")->domain = (char *) "my";
  build_function (build, "Round", "a", "b", NULL);
  build_end_graph (build);
  build_input (build, "x", F32, "2");
  build_node (build, "Round", "x", "y")->domain = (char *) "my";
  build_output (build, "y");
  SF_CHECK (build_import (build, NULL, NULL, &error) == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_UNSUPPORTED, "functions within functions beyond 32 levels");
}

/* ---- control flow ---- */

static Build *
if_model (void)
{
  Build *build = build_new (13);
  build_begin_graph (build);
  build_node (build, "Transpose", "x", "t");
  build_output (build, "t");
  Onnx__GraphProto *then_branch = build_end_graph (build);
  build_begin_graph (build);
  build_node (build, "Identity", "x", "e");
  build_output (build, "e");
  Onnx__GraphProto *else_branch = build_end_graph (build);
  build_input (build, "x", F32, "2,2");
  Onnx__NodeProto *node = build_node (build, "If", "c", "y");
  build_attr_graph (build, node, "then_branch", then_branch);
  build_attr_graph (build, node, "else_branch", else_branch);
  build_output (build, "y");
  return build;
}

SF_TEST (OnnxGraph, IfWithAKnownConditionTakesItsBranch)
{
  g_autoptr (Build) build = if_model ();
  Onnx__TensorProto *condition = build_tensor (build, "c", BOOL, 0, NULL);
  condition->n_int32_data = 1;
  condition->int32_data = build_alloc (build, sizeof (int32_t));
  condition->int32_data[0] = 1;
  build_initialiser (build, condition);
  g_autoptr (SfGraph) graph = import (build);
  SF_REQUIRE (graph != NULL);
  g_autofree char *ops = build_ops (graph);
  SF_CHECK_STR (ops, "transpose");
}

SF_TEST (OnnxGraph, IfAtRunTimeSelects)
{
  g_autoptr (Build) build = if_model ();
  build_input (build, "c", BOOL, "1");
  g_autoptr (SfGraph) graph = import (build);
  SF_REQUIRE (graph != NULL);
  double x[] = { 1, 2, 3, 4 }, out[4];
  for (int c = 0; c < 2; c++)
    {
      SF_CHECK (build_run (graph, 0, (const double *[]){ x, (double[]){ c } }, out, 4));
      SF_CHECK_NEAR (out[1], c != 0 ? 3 : 2, 0);
      SF_CHECK_NEAR (out[2], c != 0 ? 2 : 3, 0);
    }
}

/* Doubles a row `m` times: a = concat (a, a); scans the iteration number. */
static SfGraph *
loop_model (int64_t m, GError **error)
{
  g_autoptr (Build) build = build_new (13);
  build_begin_graph (build);
  build_input (build, "i", I64, NULL);
  build_input (build, "go", BOOL, NULL);
  build_input (build, "a", F32, NULL);
  build_attr_int (build, build_node (build, "Concat", "a a", "a2"), "axis", 0);
  build_node (build, "Identity", "go", "go2");
  build_node (build, "Identity", "i", "seen");
  build_output (build, "go2");
  build_output (build, "a2");
  build_output (build, "seen");
  Onnx__GraphProto *body = build_end_graph (build);
  build_input (build, "x", F32, "1");
  Onnx__TensorProto *trips = build_tensor (build, "m", I64, 0, NULL);
  trips->n_int64_data = 1;
  trips->int64_data = build_alloc (build, sizeof (int64_t));
  trips->int64_data[0] = m;
  build_initialiser (build, trips);
  build_attr_graph (build, build_node (build, "Loop", "m _ x", "y seen"), "body", body);
  build_output (build, "y");
  build_output (build, "seen");
  return build_import (build, NULL, NULL, error);
}

SF_TEST (OnnxGraph, UnrollsLoops)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfGraph) graph = loop_model (3, &error);
  SF_REQUIRE_NO_ERROR (error);
  double x[] = { 5 }, out[8], seen[3];
  SF_REQUIRE (build_run (graph, 0, (const double *[]){ x }, out, 8));
  SF_CHECK_NEAR (out[7], 5, 0);
  SF_REQUIRE (build_run (graph, 1, (const double *[]){ x }, seen, 3));
  SF_CHECK (seen[0] == 0 && seen[1] == 1 && seen[2] == 2);
}

SF_TEST (OnnxGraph, BoundsLoops)
{
  GError *error = NULL;
  /* The row reaches the largest tensor before the trips end. */
  SF_CHECK (loop_model (INT64_MAX, &error) == NULL);
  SF_CHECK (error != NULL);
  g_clear_error (&error);
}

SF_TEST (OnnxGraph, ScansRows)
{
  /* s' = s w; both directions of the output. */
  g_autoptr (Build) build = build_new (13);
  build_begin_graph (build);
  build_input (build, "s", F32, NULL);
  build_input (build, "row", F32, NULL);
  build_attr_int (build, build_node (build, "Concat", "s row", "both"), "axis", 0);
  build_ints (build, "from", "1", (int64_t[]){ 1 });
  build_ints (build, "to", "1", (int64_t[]){ 3 });
  build_node (build, "Slice", "both from to", "next");
  build_node (build, "Identity", "s", "out");
  build_output (build, "next");
  build_output (build, "out");
  Onnx__GraphProto *body = build_end_graph (build);
  build_input (build, "s0", F32, "2");
  build_input (build, "x", F32, "3,1");
  Onnx__NodeProto *node = build_node (build, "Scan", "s0 x", "last all");
  build_attr_graph (build, node, "body", body);
  build_attr_int (build, node, "num_scan_inputs", 1);
  Onnx__AttributeProto *reverse = build_attr (build, node, "scan_output_directions",
                                              ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);
  reverse->n_ints = 1;
  reverse->ints = build_alloc (build, sizeof (int64_t));
  reverse->ints[0] = 1;
  build_output (build, "last");
  build_output (build, "all");
  g_autoptr (SfGraph) graph = import (build);
  SF_REQUIRE (graph != NULL);
  const double *feeds[] = { (double[]){ 1, 2 }, (double[]){ 3, 4, 5 } };
  double last[2], all[6];
  SF_REQUIRE (build_run (graph, 0, feeds, last, 2) && build_run (graph, 1, feeds, all, 6));
  SF_CHECK (last[0] == 4 && last[1] == 5);
  SF_CHECK (all[0] == 3 && all[1] == 4 && all[4] == 1 && all[5] == 2);
}

/* ---- sequences ---- */

SF_TEST (OnnxGraph, SequencesAreListsAtImport)
{
  /* The elements of x without the first, and the last once more in front. */
  g_autoptr (Build) build = build_new (13);
  build_input (build, "x", F32, "4");
  build_ints (build, "two", "1", (int64_t[]){ 2 });
  build_ints (build, "first", "1", (int64_t[]){ 0 });
  build_node (build, "SplitToSequence", "x", "all");
  build_node (build, "SequenceErase", "all first", "three");
  build_node (build, "SequenceLength", "three", "n");
  build_node (build, "SequenceAt", "three two", "last");
  build_node (build, "SequenceInsert", "three last first", "four");
  build_attr_int (build, build_node (build, "ConcatFromSequence", "four", "y"), "axis", 0);
  build_output (build, "y");
  build_output (build, "n");
  g_autoptr (SfGraph) graph = import (build);
  SF_REQUIRE (graph != NULL);
  const double *feeds[] = { (double[]){ 1, 2, 3, 4 } };
  double y[4], n;
  SF_REQUIRE (build_run (graph, 0, feeds, y, 4) && build_run (graph, 1, feeds, &n, 1));
  SF_CHECK (y[0] == 4 && y[1] == 2 && y[2] == 3 && y[3] == 4 && n == 3);
}

SF_TEST (OnnxGraph, RefusesSequencesAsResults)
{
  g_autoptr (Build) build = build_new (13);
  GError *error = NULL;
  build_input (build, "x", F32, "4");
  build_node (build, "SequenceConstruct", "x x", "y");
  build_output (build, "y");
  SF_CHECK (build_import (build, NULL, NULL, &error) == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_UNSUPPORTED, "output y is a sequence, wanted a tensor");
}

/* ---- refusals ---- */

typedef struct
{
  const char *name;
  int64_t opset;
  const char *op, *inputs, *attribute;
  const char *message;
} Refusal;

static const Refusal refusals[] = {
  { "unknown", 13, "Reshap", "x", NULL,
    "/nonexistent/m.onnx: node y (Reshap, opset 13): unknown operator, the nearest is Reshape" },
  { "too_new", 9, "Trilu", "x", NULL,
    "node y (Trilu, opset 9): the operator came with opset 14; export with that opset or a later "
    "one" },
  { "old_opset", 3, "Reshape", "x", NULL, "opset 3, wanted 7 .. 21" },
  { "new_opset", 22, "Identity", "x", NULL, "opset 22, wanted 7 .. 21" },
  { "attribute", 13, "Identity", "x", "alpha",
    "node y (Identity, opset 13): attribute alpha is unknown for this operator and opset" },
  { "early_attribute", 13, "Reshape", "x six", "allowzero", "attribute allowzero is unknown" },
  { "undefined", 13, "Identity", "z", NULL,
    "node y (Identity): input 0 (z) is neither an input nor an initialiser nor the output of an "
    "earlier node" },
  { "absent", 13, "MatMul", "x", NULL, "input 1 is absent, but the operator needs it" },
  { "fit", 13, "Reshape", "x s", NULL, "node y (Reshape, opset 13): y (reshape)" },
};

SF_TEST_CASES (OnnxGraph, Refuses, refusals, G_N_ELEMENTS (refusals), sf_test_row_name)
{
  const Refusal *row = data;
  g_autoptr (Build) build = build_new (row->opset);
  g_autoptr (GError) error = NULL;
  build_input (build, "x", F32, "2,3");
  build_ints (build, "s", "1", (int64_t[]){ 5 });
  build_ints (build, "six", "1", (int64_t[]){ 6 });
  Onnx__NodeProto *node = build_node (build, row->op, row->inputs, "y");
  if (row->attribute != NULL)
    build_attr_int (build, node, row->attribute, 0);
  build_output (build, "y");
  g_autoptr (SfGraph) graph = build_import (build, NULL, NULL, &error);
  SF_CHECK (graph == NULL);
  SF_CHECK_MSG (error != NULL && strstr (error->message, row->message) != NULL,
                "found %s, wanted %s", error != NULL ? error->message : "a graph", row->message);
}

SF_TEST (OnnxGraph, OutputsWithoutMeaningMayStandUnused)
{
  GError *error = NULL;
  for (int used = 0; used < 2; used++)
    {
      g_autoptr (Build) build = build_new (13);
      build_input (build, "x", F32, "2,3");
      build_node (build, "Identity", "x", "y z");
      build_output (build, "y");
      if (used != 0)
        build_output (build, "z");
      g_autoptr (SfGraph) graph = build_import (build, NULL, NULL, &error);
      SF_CHECK_INT (graph != NULL, used == 0);
    }
  SF_CHECK_ERROR (error, SF_ERROR_UNSUPPORTED,
                  "output z is an output that its operator does not give here");
}

SF_TEST (OnnxGraph, BoundsEvaluation)
{
  /* Each trip wants a value that all trips before it computed from a parameter. */
  g_autoptr (Build) build = build_new (13);
  GError *error = NULL;
  build_begin_graph (build);
  build_input (build, "i", I64, NULL);
  build_input (build, "go", BOOL, NULL);
  build_input (build, "a", F32, NULL);
  build_node (build, "Add", "a w", "a2");
  build_node (build, "Greater", "a2 limit", "more");
  build_node (build, "Squeeze", "more", "go2");
  build_output (build, "go2");
  build_output (build, "a2");
  Onnx__GraphProto *body = build_end_graph (build);
  build_floats (build, "w", "1", (float[]){ 1 });
  build_floats (build, "limit", "1", (float[]){ 0 });
  build_attr_graph (build, build_node (build, "Loop", "_ _ w", "y"), "body", body);
  build_output (build, "y");
  SF_CHECK (build_import (build, NULL, NULL, &error) == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_NO_RESOURCE, "takes too much to compute");
}

SF_TEST (OnnxGraph, IntegersOfFourBitsGoOnlyWhereTheyAreKnown)
{
  /* As zero point of a quantisation they would say where to saturate. */
  enum
  {
    INT4 = 22
  };
  static const char *const ops[] = { "DequantizeLinear", "QuantizeLinear" };
  for (int i = 0; i < 2; i++)
    {
      g_autoptr (Build) build = build_new (21);
      GError *error = NULL;
      build_input (build, "x", i == 0 ? INT4 : F32, "2");
      build_floats (build, "scale", "1", (float[]){ 2 });
      Onnx__TensorProto *zero = build_tensor (build, "zero", INT4, 1, (int64_t[]){ 1 });
      zero->has_raw_data = true;
      zero->raw_data.len = 1;
      zero->raw_data.data = build_alloc (build, 1);
      build_initialiser (build, zero);
      build_node (build, ops[i], "x scale zero", "y");
      build_output (build, "y");
      g_autoptr (SfGraph) graph = build_import (build, NULL, NULL, &error);
      double y[2];
      if (i == 0)
        {
          SF_REQUIRE_NO_ERROR (error);
          SF_REQUIRE (build_run (graph, 0, (const double *[]){ (double[]){ -8, 7 } }, y, 2));
          SF_CHECK (y[0] == -16 && y[1] == 14);
        }
      else
        SF_CHECK_ERROR (error, SF_ERROR_UNSUPPORTED,
                        "input 2 (zero) holds integers of 4 bits, wanted 8 at least");
    }
}

SF_TEST (OnnxGraph, RefusesOtherDomainsAndTwoOfAName)
{
  GError *error = NULL;
  g_autoptr (Build) foreign = build_new (13);
  build_input (foreign, "x", F32, "2,3");
  build_node (foreign, "Gelu", "x", "y")->domain = (char *) "com.example";
  build_output (foreign, "y");
  SF_CHECK (build_import (foreign, NULL, NULL, &error) == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_UNSUPPORTED,
                  "domain com.example, wanted ai.onnx or a function that the model defines");
  g_autoptr (Build) twice = build_new (13);
  build_input (twice, "x", F32, "2,3");
  build_node (twice, "Identity", "x", "y");
  build_node (twice, "Identity", "x", "y");
  build_output (twice, "y");
  SF_CHECK (build_import (twice, NULL, NULL, &error) == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA, "output 0 (y) has the name of an earlier value");
}

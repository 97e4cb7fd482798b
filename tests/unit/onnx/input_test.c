/* SPDX-License-Identifier: Apache-2.0 */
/* Inputs: symbolic dimensions, defaults, contents known at import. */
#include <string.h>

#include "tests/support/sftest.h"
#include "tests/unit/onnx/build.h"

typedef struct
{
  const char *name;
  const char *dims;
  int64_t batch_size;
  const char *dim_options[3];
  const char *wanted; /* shape, or the message */
} Dims;

static const Dims dims_rows[] = {
  { "fixed", "2,3", 0, { NULL }, "[2,3]" },
  { "batch", "batch,3", 4, { NULL }, "[4,3]" },
  { "open_batch", "?,3", 4, { NULL }, "[4,3]" },
  { "by_name", "batch,length", 0, { "batch=2", "length=5" }, "[2,5]" },
  { "both", "batch,length", 2, { "length=5" }, "[2,5]" },
  { "one_name_twice", "n,n", 3, { NULL }, "[3,3]" },
  { "by_place", "2,?", 0, { "x.1=7" }, "[2,7]" },
  { "same_batch", "2,3", 2, { NULL }, "[2,3]" },
  { "no_batch",
    "batch,3",
    0,
    { NULL },
    "input x: dimension 0 is symbolic: batch, wanted a size; give --batch-size N or --dim "
    "batch=N" },
  { "no_length",
    "2,length",
    0,
    { NULL },
    "input x: dimension 1 is symbolic: length, wanted a size; give --dim length=N" },
  { "open", "2,?", 0, { NULL }, "input x: dimension 1 is open, wanted a size; give --dim x.1=N" },
  { "other_batch", "2,3", 4, { NULL }, "--batch-size 4: dimension 0 of input x is 2" },
  { "unknown_name", "batch,3", 4, { "bach=2" }, "--dim bach: no input of" },
  { "no_number", "batch,3", 4, { "batch=two" }, "--dim batch=two: wanted NAME=N" },
  { "negative", "batch,3", 0, { "batch=-2" }, "--dim batch=-2: wanted NAME=N" },
};

SF_TEST_CASES (OnnxInput, Dims, dims_rows, G_N_ELEMENTS (dims_rows), sf_test_row_name)
{
  const Dims *row = data;
  g_autoptr (Build) build = build_new (13);
  g_autoptr (GError) error = NULL;
  const SfImportOptions options = { .batch_size = row->batch_size, .dims = row->dim_options };
  build_input (build, "x", F32, row->dims);
  build_node (build, "Identity", "x", "y");
  build_output (build, "y");
  g_autoptr (SfGraph) graph = build_import (build, NULL, &options, &error);
  if (*row->wanted != '[')
    {
      SF_CHECK_MSG (error != NULL && strstr (error->message, row->wanted) != NULL,
                    "found %s, wanted %s", error != NULL ? error->message : "a graph", row->wanted);
      return;
    }
  SF_REQUIRE_NO_ERROR (error);
  g_autofree char *shape = sf_shape_text (sf_value_shape (graph, sf_graph_input_at (graph, 0)));
  SF_CHECK_STR (shape, row->wanted);
}

SF_TEST (OnnxInput, DefaultIsAnInitialiser)
{
  g_autoptr (Build) build = build_new (13);
  g_autoptr (GError) error = NULL;
  build_input (build, "x", F32, "1,2");
  build_input (build, "w", F32, "2,1");
  build_floats (build, "w", "2,1", (float[]){ 3, 4 });
  build_node (build, "MatMul", "x w", "y");
  build_output (build, "y");
  g_autoptr (SfGraph) graph = build_import (build, NULL, NULL, &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK_INT (sf_graph_n_inputs (graph), 1);
  SF_REQUIRE (sf_graph_n_states (graph) == 1);
  SF_CHECK_STR (sf_value_name (graph, sf_graph_state_at (graph, 0)), "w");
  double out;
  SF_CHECK (build_run (graph, 0, (const double *[]){ (double[]){ 1, 10 } }, &out, 1));
  SF_CHECK_NEAR (out, 43, 0);
}

static SfGraph *
reshape_by_input (const SfKnownInput *known, size_t n_known, GError **error)
{
  g_autoptr (Build) build = build_new (13);
  const SfImportOptions options = { .known = known, .n_known = n_known };
  build_input (build, "x", F32, "2,3");
  build_input (build, "shape", I64, "2");
  build_node (build, "Reshape", "x shape", "y");
  build_output (build, "y");
  return build_import (build, NULL, &options, error);
}

SF_TEST (OnnxInput, KnownContentShapesTheGraph)
{
  g_autoptr (GError) error = NULL;
  int64_t target[] = { 3, -1 };
  float x[6] = { 0 };
  const SfKnownInput known[] = { { "shape", sf_tensor (SF_I64, SF_SHAPE (2), target) },
                                 { "x", sf_tensor (SF_F32, SF_SHAPE (2, 3), x) } };
  g_autoptr (SfGraph) graph = reshape_by_input (known, 2, &error);
  SF_REQUIRE_NO_ERROR (error);
  /* What shapes the graph is no input of it any more; what does not stays one. */
  SF_REQUIRE (sf_graph_n_inputs (graph) == 1);
  SF_CHECK_STR (sf_value_name (graph, sf_graph_input_at (graph, 0)), "x");
  g_autofree char *shape = sf_shape_text (
      sf_value_shape (graph, sf_graph_output_at (graph, 0, NULL, NULL)));
  SF_CHECK_STR (shape, "[3,2]");
}

SF_TEST (OnnxInput, SaysHowToMakeContentKnown)
{
  GError *error = NULL;
  SF_CHECK (reshape_by_input (NULL, 0, &error) == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_UNSUPPORTED,
                  "/nonexistent/m.onnx: node y (Reshape, opset 13): input 1 (shape) depends on "
                  "what is fed at run time, but its content shapes the graph; make it an "
                  "initialiser, or bind the graph input behind it with --bind NAME=VALUES");
  int64_t target[] = { 6 };
  const SfKnownInput other[] = { { "shap", sf_tensor (SF_I64, SF_SHAPE (1), target) } };
  SF_CHECK (reshape_by_input (other, 1, &error) == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_ARGUMENT,
                  "content is given for an input shap, which the model has not; the nearest is "
                  "shape");
}

SF_TEST (OnnxInput, RefusesSequences)
{
  g_autoptr (Build) build = build_new (13);
  GError *error = NULL;
  build_input (build, "x", 8, "2");
  build_node (build, "Identity", "x", "y");
  build_output (build, "y");
  SF_CHECK (build_import (build, NULL, NULL, &error) == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_UNSUPPORTED, "input x: elements of type STRING (8)");
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The sample PEF: y = relu (x w), w' = w - lr w, with facts. */
#include "tests/unit/pef/sample.h"

#include "tests/unit/program/sample.h"

static SfGraph *
train_graph (const float *weights)
{
  SfGraph *graph = sf_graph_new ("sample.train");
  SfValue x = sf_graph_input (graph, "x", SF_F32, SF_SHAPE (8, 4), NULL);
  SfValue w = sf_graph_state (graph, "w", SF_STATE_PARAM, SF_F32, SF_SHAPE (4, 6), weights, NULL);
  SfValue lr = sf_graph_scalar (graph, "lr", SF_F32, sf_shape_scalar (), NULL);
  sf_graph_set_scope (graph, "fc1");
  SfValue inputs[2] = { x, w };
  SfAttr transpose = SF_ATTR_B ("transpose_a", false);
  SfValue h = sf_graph_op (graph, "matmul", inputs, 2, &transpose, 1, NULL);
  sf_graph_set_scope (graph, "act");
  SfValue y = sf_graph_op1 (graph, "relu", h, NULL);
  SfValue cut = sf_graph_op (graph, "slice", &y, 1,
                             (SfAttr[]){ SF_ATTR_IS ("starts", ((int64_t[]){ 0, 1 }), 2),
                                         SF_ATTR_IS ("ends", ((int64_t[]){ 8, 6 }), 2),
                                         SF_ATTR_IS ("steps", ((int64_t[]){ 1, 1 }), 2) },
                             3, NULL);
  sf_graph_op (graph, "cast", &cut, 1, &SF_ATTR_D ("dtype", SF_BF16), 1, NULL);
  sf_graph_set_phase (graph, SF_PHASE_OPT);
  SfValue half = sf_graph_constant_f (graph, SF_F32, 0.5, NULL);
  SfValue step = sf_graph_op2 (graph, "mul", sf_graph_op2 (graph, "mul", w, lr, NULL), half, NULL);
  sf_graph_set_update (graph, w, sf_graph_op2 (graph, "sub", w, step, NULL), NULL);
  sf_graph_output (graph, "y", SF_OUTPUT_PREDICTION, y, NULL);
  return graph;
}

SfModule *
sample_module (void)
{
  SfModule *module = sf_module_new ("sample");
  g_autoptr (SfProgram) program = sample_program (NULL, NULL);
  g_autoptr (SfGraph) graph = train_graph (sf_program_tensor (program, SAMPLE_W).data);
  sf_module_set_graph (module, "train", graph);
  sf_module_set_fact (module, "batch_size", "8");
  sf_module_set_fact (module, "model", "sample.cfg");
  return module;
}

SfPef *
sample_pef (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfArch) arch = sf_arch_load ("tiny", &error);
  g_assert_no_error (error);
  g_autoptr (SfProgram) program = sample_program (NULL, arch);
  g_autoptr (SfModule) module = sample_module ();
  SfPef *pef = sf_pef_build (module, program, arch, &error);
  g_assert_no_error (error);
  return pef;
}

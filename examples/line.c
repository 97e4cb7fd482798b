/* SPDX-License-Identifier: Apache-2.0 */
/* Fits a line on the emulator: cc line.c $(pkg-config --cflags --libs spatialflow) && ./a.out */
#include <sf/compile.h>
#include <sf/session.h>

static bool
fit (float *x, float *t, float *slope, float *shift, GError **error)
{
  g_autoptr (SfGraph) graph = sf_graph_new ("line");
  SfShape row = SF_SHAPE (8, 1), one = SF_SHAPE (1, 1), unit = SF_SHAPE (1);
  SfValue in = sf_graph_input (graph, "x", SF_F32, row, error);
  SfValue target = sf_graph_input (graph, "t", SF_F32, row, error);
  SfValue w = sf_graph_state (graph, "weight", SF_STATE_PARAM, SF_F32, one, NULL, error);
  SfValue b = sf_graph_state (graph, "bias", SF_STATE_PARAM, SF_F32, unit, NULL, error);
  SfValue y = sf_graph_op3 (graph, "linear", in, w, b, error);
  SfValue loss = sf_graph_op2 (graph, "mse", y, target, error);
  if (loss == SF_NONE || !sf_graph_output (graph, "loss", SF_OUTPUT_LOSS, loss, error))
    return false;
  g_autoptr (SfModule) module = sf_module_new ("line");
  sf_module_set_graph (module, "forward", graph);
  g_autoptr (SfPef) pef = sf_compile (module, &(SfCompileOptions){ .optimizer = "sgd" }, error);
  g_autoptr (SfSession) session = pef != NULL ? sf_session_open (pef, NULL, error) : NULL;
  const SfTensor inputs[] = { sf_tensor (SF_F32, row, x), sf_tensor (SF_F32, row, t) };
  bool ok = session != NULL;
  for (SfHyper hyper = { .step = 1, .lr = 0.2 }; ok && hyper.step <= 200; hyper.step++)
    ok = sf_session_step (session, "train", SF_PHASES_ALL, inputs, NULL, &hyper, error);
  SfTensor weight = sf_tensor (SF_F32, one, slope), bias = sf_tensor (SF_F32, unit, shift);
  return ok && sf_session_read (session, "weight", &weight, error)
         && sf_session_read (session, "bias", &bias, error);
}

int
main (void)
{
  float x[] = { -4, -3, -2, -1, 0, 1, 2, 3 }, t[8], slope, shift;
  for (int i = 0; i < 8; i++)
    t[i] = 3 * (x[i] /= 4) - 1;
  g_autoptr (GError) error = NULL;
  if (!fit (x, t, &slope, &shift, &error))
    return g_printerr ("line: %s\n", error->message), 1;
  g_print ("t = %.3f x %+.3f\n", slope, shift);
  return 0;
}

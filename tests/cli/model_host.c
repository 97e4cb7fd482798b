/* SPDX-License-Identifier: Apache-2.0 */
/* A host outside the tree: a model by one plugin, rows by a second, trained on a third, all three
 * named on its command line. */
#include <sf/plugin/backend.h>
#include <sf/plugin/dataset.h>
#include <sf/plugin/frontend.h>
#include <sf/plugins.h>

#include <stdio.h>
#include <string.h>

#define BATCH      64
#define N_STEPS    1500
#define MAX_PARAMS 16

static int
complain (const char *what, const GError *error)
{
  fprintf (stderr, "%s: %s\n", what, error != NULL ? error->message : "wrong answer");
  return 1;
}

/* Appends p' = p - 0.5 gradient for every parameter. */
static bool
add_training (SfGraph *graph, SfValue loss, GError **error)
{
  SfValue params[MAX_PARAMS], grads[MAX_PARAMS];
  size_t n = sf_graph_n_states (graph);
  for (size_t i = 0; i < n; i++)
    params[i] = sf_graph_state_at (graph, i);
  sf_graph_set_phase (graph, SF_PHASE_BWD);
  if (n > MAX_PARAMS || !sf_graph_differentiate (graph, loss, params, n, grads, error))
    return false;
  sf_graph_set_phase (graph, SF_PHASE_OPT);
  for (size_t i = 0; i < n; i++)
    {
      SfValue lr = sf_graph_constant_f (graph, SF_F32, 0.5, error);
      SfValue move = sf_graph_op2 (graph, "mul", grads[i], lr, error);
      SfValue next = sf_graph_op2 (graph, "sub", params[i], move, error);
      if (next == SF_NONE || !sf_graph_set_update (graph, params[i], next, error))
        return false;
    }
  return sf_graph_verify (graph, error);
}

/* One step on rows from `first` on; the loss before it. */
static bool
train_step (const SfBackendOps *backend, void *instance, const SfDatasetOps *dataset, void *rows,
            const SfGraph *graph, int64_t first, float *loss, GError **error)
{
  float x[BATCH * 2];
  int32_t labels[BATCH];
  int64_t numbers[BATCH];
  SfTensor inputs[2], outputs[2] = { { .data = NULL }, { .data = NULL } };
  for (int64_t i = 0; i < BATCH; i++)
    numbers[i] = (first + i) % dataset->n_rows (rows);
  for (size_t i = 0; i < 2; i++)
    {
      SfValue input = sf_graph_input_at (graph, i);
      bool is_x = strcmp (sf_value_name (graph, input), "x") == 0;
      inputs[i] = sf_tensor (sf_value_dtype (graph, input), *sf_value_shape (graph, input),
                             is_x ? (void *) x : (void *) labels);
    }
  outputs[1] = sf_tensor (SF_F32, sf_shape_scalar (), loss);
  const SfBackendStep step = {
    .entry = "train", .phases = (1u << SF_N_PHASES) - 1, .inputs = inputs, .outputs = outputs
  };
  return dataset->read (rows, 0, numbers, BATCH, x, error)
         && dataset->read (rows, 1, numbers, BATCH, labels, error)
         && backend->step (instance, &step, error);
}

static bool
train (const SfBackendOps *backend, const SfDatasetOps *dataset, void *rows, SfGraph *graph,
       float *first, float *last, GError **error)
{
  g_autoptr (SfModule) module = sf_module_new ("host");
  sf_module_set_graph (module, "train", graph);
  const SfBackendLoad load = { .source = module, .n_threads = 1 };
  void *instance = backend->open (&load, error);
  bool ok = instance != NULL;
  for (int i = 0; ok && i < N_STEPS; i++)
    ok = train_step (backend, instance, dataset, rows, graph, (int64_t) i * BATCH,
                     i == 0 ? first : last, error);
  float weights[2] = { 0, 0 };
  const int64_t two = 2;
  SfTensor bias = sf_tensor (SF_F32, sf_shape (1, &two), weights);
  ok = ok && backend->read (instance, "fc2.bias", &bias, error)
       && !backend->read (instance, "nothing", &bias, NULL);
  if (ok && weights[0] == 0 && weights[1] == 0)
    ok = sf_fail (error, SF_ERROR_CHECK_FAILED, "fc2.bias: still zero after training");
  if (instance != NULL)
    backend->close (instance);
  return ok;
}

int
main (int argc, char **argv)
{
  static const char text[] = "2 32 2\n";
  g_autoptr (GError) error = NULL;
  sf_plugins_set_path ("../frontend:../dataset:../backend");
  const SfPlugin *frontend = sf_plugins_load (SF_PLUGIN_FRONTEND, argv[1], &error);
  const SfPlugin *dataset = frontend != NULL ? sf_plugins_load (SF_PLUGIN_DATASET, argv[1], &error)
                                             : NULL;
  const SfPlugin *backend = dataset != NULL ? sf_plugins_load (SF_PLUGIN_BACKEND, argv[1], &error)
                                            : NULL;
  if (backend == NULL)
    return complain ("load", error);
  const SfSource source = { "mlp", (const uint8_t *) text, strlen (text) };
  const SfImportOptions import = { .batch_size = BATCH, .seed = 7 };
  g_autoptr (SfModule) facts = sf_module_new ("facts");
  g_autoptr (SfGraph) graph = frontend->ops.frontend->import (&source, &import, facts, &error);
  if (graph == NULL || !add_training (graph, sf_graph_output_at (graph, 1, NULL, NULL), &error))
    return complain ("model", error);
  g_autoptr (SfOptionValues) options = sf_option_values_new (dataset->options);
  g_autofree char *path = g_strdup_printf ("xor.%s", argv[1]);
  if (dataset->ops.dataset->probe (path) != 100 || dataset->ops.dataset->probe ("xor.idx") != 0)
    return complain ("probe", NULL);
  void *rows = dataset->ops.dataset->open (path, "train", options, &error);
  float first = 0, last = 1;
  if (rows == NULL
      || !train (backend->ops.backend, dataset->ops.dataset, rows, graph, &first, &last, &error))
    return complain ("training", error);
  dataset->ops.dataset->close (rows);
  printf ("loss %g, then %g\n", first, last);
  return first > 0.5f && last < 0.25f ? 0 : complain ("loss", NULL);
}

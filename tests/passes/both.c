/* SPDX-License-Identifier: Apache-2.0 */
/* Graphs through whole pipelines, run on the emulated device and by the reference. */
#include "tests/passes/both.h"

#include <math.h>

#include <sf/plugin/backend.h>
#include <sf/plugins.h>
#include <sf/rng.h>

#define MAX_PORTS 8

/* Floats in -1 .. 1, integers 0 .. 6, bool 0 or 1; the same for every call. */
static SfTensor
feed_of (const SfGraph *graph, size_t index)
{
  SfValue v = sf_graph_input_at (graph, index);
  SfDtype dtype = sf_value_dtype (graph, v);
  const SfShape *shape = sf_value_shape (graph, v);
  SfTensor tensor;
  SfRng rng = { .seed = 5, .stream = (uint32_t) index };
  if (!sf_tensor_alloc (dtype, shape, &tensor, NULL))
    return (SfTensor){ 0 };
  for (int64_t i = 0; i < sf_shape_n_elems (shape); i++)
    {
      double x = sf_rng_uniform (&rng, (uint64_t) i);
      x = sf_dtype_is_float (dtype) ? 2 * x - 1 : floor ((dtype == SF_BOOL ? 2 : 7) * x);
      sf_dtype_convert (SF_F64, &x, dtype,
                        (char *) tensor.data + (size_t) i * sf_dtype_bytes (dtype), 1);
    }
  return tensor;
}

/* The outputs of one step of `eval`, each as f64. */
static bool
run_on (const TestResult *r, const SfArch *arch, const char *name, double **y, GError **error)
{
  const SfPlugin *plugin = sf_plugins_load (SF_PLUGIN_BACKEND, name, error);
  const SfGraph *graph = sf_module_graph (r->source, "eval");
  SfBackendLoad load = { .source = r->source, .program = r->program, .arch = arch, .n_threads = 2 };
  SfTensor inputs[MAX_PORTS] = { 0 }, outputs[MAX_PORTS] = { 0 };
  SfBackendStep step
      = { .entry = "eval", .phases = 1u << SF_PHASE_FWD, .inputs = inputs, .outputs = outputs };
  void *instance = plugin != NULL ? plugin->ops.backend->open (&load, error) : NULL;
  if (instance == NULL)
    return false;
  for (size_t i = 0; i < sf_graph_n_inputs (graph); i++)
    inputs[i] = feed_of (graph, i);
  for (size_t i = 0; i < sf_graph_n_outputs (graph); i++)
    {
      const SfShape *shape = sf_value_shape (graph, sf_graph_output_at (graph, i, NULL, NULL));
      y[i] = g_new0 (double, (size_t) MAX (sf_shape_n_elems (shape), 1));
      outputs[i] = sf_tensor (SF_F64, *shape, y[i]);
    }
  bool good = plugin->ops.backend->step (instance, &step, error);
  plugin->ops.backend->close (instance);
  for (size_t i = 0; i < MAX_PORTS; i++)
    sf_tensor_clear (&inputs[i]);
  return good;
}

static double
worst_of (const double *found, const double *wanted, int64_t n)
{
  double worst = 0;
  for (int64_t i = 0; i < n; i++)
    if (isnan (found[i]) != isnan (wanted[i]))
      return INFINITY;
    else if (!isnan (wanted[i]) && found[i] != wanted[i])
      worst = fmax (worst, fabs (found[i] - wanted[i]) / fmax (1, fabs (wanted[i])));
  return worst;
}

bool
test_both (SfModule *module, const char *level, const char *arch_name, double tolerance)
{
  TestResult r = { 0 };
  SfCompileOptions options = { .level = level, .inference = true };
  g_autoptr (SfArch) arch = sf_arch_load (arch_name, &r.error);
  double *found[MAX_PORTS] = { NULL }, *wanted[MAX_PORTS] = { NULL };
  bool good = arch != NULL
              && sf_compile_program (module, &options, arch, &r.source, &r.lowered, &r.program,
                                     &r.error)
              && run_on (&r, arch, "rdu", found, &r.error)
              && run_on (&r, arch, "cpu", wanted, &r.error);
  SF_CHECK_MSG (good, "%s on %s: %s", level, arch_name, r.error != NULL ? r.error->message : "");
  const SfGraph *graph = good ? sf_module_graph (r.source, "eval") : NULL;
  for (size_t i = 0; good && i < sf_graph_n_outputs (graph); i++)
    {
      SfValue y = sf_graph_output_at (graph, i, NULL, NULL);
      double worst = worst_of (found[i], wanted[i], sf_shape_n_elems (sf_value_shape (graph, y)));
      SF_CHECK_MSG (worst <= tolerance, "%s on %s: output %zu is off by %g", level, arch_name, i,
                    worst);
      good = worst <= tolerance;
    }
  for (size_t i = 0; i < MAX_PORTS; i++)
    {
      g_free (found[i]);
      g_free (wanted[i]);
    }
  test_result_clear (&r);
  return good;
}

void
test_both_everywhere (SfGraph *graph, double tolerance)
{
  static const char *const levels[] = { "o0", "o1", "o3" };
  g_autoptr (SfModule) module = test_module (graph);
  for (size_t i = 0; i < G_N_ELEMENTS (levels); i++)
    {
      test_both (module, levels[i], "sn10", tolerance);
      test_both (module, levels[i], "tiny", tolerance);
    }
}

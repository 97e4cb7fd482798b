/* SPDX-License-Identifier: Apache-2.0 */
/* Every case compiled and run on the emulated device, against the reference on the same data. */
#include "tests/ops/compare.h"

#include <sf/compile.h>
#include <sf/plugin/backend.h>
#include <sf/plugins.h>

#include "tests/support/sftest.h"

/* Ops that the device leaves to the host by design, whatever their dtype. */
static const char *const host_ops[] = { "det",       "nonzero", "unique", "nms",
                                        "roi_align", "unfold",  "fold",   NULL };

static bool
every_case (const OpCase *c)
{
  g_autoptr (GError) error = NULL;
  const SfOp *op = sf_op_find (c->op, &error);
  return op != NULL && sf_op_class (op) != SF_OP_COLLECTIVE;
}

static double
tolerance (SfDtype t)
{
  switch (t)
    {
    case SF_F64:
      return 1e-12;
    case SF_F32:
      return 1e-5;
    case SF_F16:
      return 0x1p-8;
    case SF_BF16:
      return 0x1p-5;
    default:
      return 0;
    }
}

/* A case compiled for inference, with data. */
typedef struct
{
  CaseGraph g;
  SfArch *arch;
  SfModule *source;
  SfProgram *program;
  SfTensor inputs[CASE_MAX_INPUTS], scalars[CASE_MAX_INPUTS];
} Compiled;

static bool
compile (const OpCase *c, SfDtype t, Compiled *to, GError **error)
{
  *to = (Compiled){ 0 };
  if (!op_case_graph (c, t, &to->g, error))
    return false;
  for (size_t k = 0; k < to->g.n_out; k++)
    {
      g_autofree char *name = g_strdup_printf ("out%zu", k);
      if (!sf_graph_output (to->g.graph, name, SF_OUTPUT_OTHER, to->g.out[k], error))
        return false;
    }
  g_autoptr (SfModule) module = sf_module_new (c->name);
  sf_module_set_graph (module, "forward", to->g.graph);
  SfCompileOptions options = { .level = "o3", .inference = true };
  to->arch = sf_arch_load ("sn10", error);
  return to->arch != NULL
         && sf_compile_program (module, &options, to->arch, &to->source, NULL, &to->program, error);
}

static bool
make_feeds (const OpCase *c, SfDtype t, Compiled *to, GError **error)
{
  size_t n_inputs = 0, n_scalars = 0;
  for (size_t i = 0; i < to->g.n_in; i++)
    {
      if (to->g.in[i] == SF_NONE)
        continue;
      SfValue v = to->g.in[i];
      bool scalar = sf_value_kind (to->g.graph, v) == SF_VALUE_SCALAR;
      SfTensor *tensor = scalar ? &to->scalars[n_scalars++] : &to->inputs[n_inputs++];
      SfDtype dtype = sf_value_dtype (to->g.graph, v);
      const SfShape *shape = sf_value_shape (to->g.graph, v);
      g_autofree double *values = op_case_data (c, i, t);
      if (!sf_tensor_alloc (dtype, shape, tensor, error))
        return false;
      sf_dtype_convert (SF_F64, values, dtype, tensor->data, (size_t) sf_shape_n_elems (shape));
    }
  return true;
}

static void
clear (Compiled *to)
{
  for (size_t i = 0; i < CASE_MAX_INPUTS; i++)
    {
      sf_tensor_clear (&to->inputs[i]);
      sf_tensor_clear (&to->scalars[i]);
    }
  op_case_clear (&to->g);
  g_clear_pointer (&to->source, sf_module_unref);
  g_clear_pointer (&to->program, sf_program_unref);
  g_clear_pointer (&to->arch, sf_arch_free);
}

/* All outputs of one step, as f64 arrays. */
static bool
run (const Compiled *from, const char *name, double **y, GError **error)
{
  const SfPlugin *plugin = sf_plugins_load (SF_PLUGIN_BACKEND, name, error);
  SfBackendLoad load
      = { .source = from->source, .program = from->program, .arch = from->arch, .n_threads = 1 };
  SfTensor outputs[CASE_MAX_OUTPUTS] = { 0 };
  SfBackendStep step = { .entry = "eval",
                         .phases = 1u << SF_PHASE_FWD,
                         .inputs = from->inputs,
                         .scalars = from->scalars,
                         .outputs = outputs };
  void *instance = plugin != NULL ? plugin->ops.backend->open (&load, error) : NULL;
  if (instance == NULL)
    return false;
  for (size_t k = 0; k < from->g.n_out; k++)
    {
      const SfShape *shape = sf_value_shape (from->g.graph, from->g.out[k]);
      y[k] = g_new0 (double, (size_t) MAX (sf_shape_n_elems (shape), 1));
      outputs[k] = sf_tensor (SF_F64, *shape, y[k]);
    }
  bool good = plugin->ops.backend->step (instance, &step, error);
  plugin->ops.backend->close (instance);
  return good;
}

static bool
lanes_hold (const SfGraph *graph, SfValue value)
{
  SfDtype dtype = sf_value_dtype (graph, value);
  return dtype != SF_F64 && dtype != SF_I64 && dtype != SF_U64 && dtype != SF_U32
         && sf_shape_n_elems (sf_value_shape (graph, value)) > 0;
}

/* What lanes can hold and the host has no monopoly on runs on the device. */
static void
check_placement (const OpCase *c, const Compiled *from, SfDtype t)
{
  bool device = !g_strv_contains (host_ops, c->op);
  for (size_t i = 0; i < from->g.n_in; i++)
    device = device && (from->g.in[i] == SF_NONE || lanes_hold (from->g.graph, from->g.in[i]));
  for (size_t k = 0; k < from->g.n_out; k++)
    device = device && lanes_hold (from->g.graph, from->g.out[k]);
  size_t on_host = sf_program_n_host_graphs (from->program);
  SF_CHECK_MSG (!device || on_host == 0, "in %s: %zu launches on the host", sf_dtype_name (t),
                on_host);
}

static void
check_dtype (const OpCase *c, SfDtype t)
{
  g_autoptr (GError) error = NULL;
  Compiled compiled;
  double *found[CASE_MAX_OUTPUTS] = { NULL }, *wanted[CASE_MAX_OUTPUTS] = { NULL };
  bool good = compile (c, t, &compiled, &error) && make_feeds (c, t, &compiled, &error)
              && run (&compiled, "rdu", found, &error) && run (&compiled, "cpu", wanted, &error);
  SF_CHECK_MSG (good, "in %s: %s", sf_dtype_name (t), error != NULL ? error->message : "");
  for (size_t k = 0; k < compiled.g.n_out && good; k++)
    {
      const SfShape *shape = sf_value_shape (compiled.g.graph, compiled.g.out[k]);
      double worst = op_compare (found[k], wanted[k], (size_t) sf_shape_n_elems (shape));
      SF_CHECK_MSG (worst <= tolerance (t), "output %zu in %s is off by %g, at most %g wanted", k,
                    sf_dtype_name (t), worst, tolerance (t));
    }
  if (good)
    check_placement (c, &compiled, t);
  for (size_t k = 0; k < CASE_MAX_OUTPUTS; k++)
    {
      g_free (found[k]);
      g_free (wanted[k]);
    }
  clear (&compiled);
}

OP_TEST (OpsDevice, every_case)
{
  const OpCase *c = data;
  for (SfDtype t = 0; t < SF_N_DTYPES; t++)
    if (op_case_allows (c, t))
      check_dtype (c, t);
}

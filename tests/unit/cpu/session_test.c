/* SPDX-License-Identifier: Apache-2.0 */
/* Instances of the backend: phases, states, gradients, refusals. */
#include <math.h>

#include <sf/plugin/backend.h>
#include <sf/plugins.h>

#include "tests/support/sftest.h"

#define FWD (1u << SF_PHASE_FWD)
#define BWD (1u << SF_PHASE_BWD)
#define OPT (1u << SF_PHASE_OPT)

/* loss = sum (x w); total (statistic) += loss; g = dloss/dw = x; m += g; w -= lr m, with the new m;
 * a and b change places. */
static void
build_train (SfGraph *graph, SfValue *gradient, GError **error)
{
  const float w0[2] = { 1, 2 }, a0 = 7, b0 = 8;
  SfShape pair = SF_SHAPE (2), one = sf_shape_scalar ();
  SfValue x = sf_graph_input (graph, "x", SF_F32, pair, error);
  SfValue w = sf_graph_state (graph, "w", SF_STATE_PARAM, SF_F32, pair, w0, error);
  SfValue m = sf_graph_state (graph, "m", SF_STATE_OPTIMIZER, SF_F32, pair, NULL, error);
  SfValue total = sf_graph_state (graph, "total", SF_STATE_STATISTIC, SF_F32, one, NULL, error);
  SfValue a = sf_graph_state (graph, "a", SF_STATE_OPTIMIZER, SF_F32, one, &a0, error);
  SfValue b = sf_graph_state (graph, "b", SF_STATE_OPTIMIZER, SF_F32, one, &b0, error);
  SfValue lr = sf_graph_scalar (graph, "lr", SF_F32, one, error);
  SfValue xw = sf_graph_op2 (graph, "mul", x, w, error);
  SfValue loss = sf_graph_op1 (graph, "reduce_sum", xw, error);
  sf_graph_set_update (graph, total, sf_graph_op2 (graph, "add", total, loss, error), error);
  sf_graph_output (graph, "loss", SF_OUTPUT_LOSS, loss, error);
  sf_graph_set_phase (graph, SF_PHASE_BWD);
  sf_graph_set_scope (graph, "g");
  *gradient = sf_graph_op1 (graph, "neg", sf_graph_op1 (graph, "neg", x, error), error);
  sf_graph_set_phase (graph, SF_PHASE_OPT);
  SfValue m1 = sf_graph_op2 (graph, "add", m, *gradient, error);
  sf_graph_set_update (graph, m, m1, error);
  sf_graph_set_update (
      graph, w, sf_graph_op2 (graph, "sub", w, sf_graph_op2 (graph, "mul", lr, m1, error), error),
      error);
  sf_graph_set_update (graph, a, b, error);
  sf_graph_set_update (graph, b, a, error);
}

/* y = w over the same w. */
static void
build_eval (SfGraph *graph, GError **error)
{
  SfValue w = sf_graph_state (graph, "w", SF_STATE_PARAM, SF_F32, SF_SHAPE (2), NULL, error);
  sf_graph_output (graph, "y", SF_OUTPUT_PREDICTION, sf_graph_op2 (graph, "add", w, w, error),
                   error);
}

typedef struct
{
  const SfBackendOps *ops;
  SfModule *module;
  void *instance;
  SfBackendLoad load;
} Fixture;

static bool
fixture_open (Fixture *f, bool f64)
{
  g_autoptr (GError) error = NULL;
  const SfPlugin *plugin = sf_plugins_load (SF_PLUGIN_BACKEND, "cpu", &error);
  *f = (Fixture){ .module = sf_module_new ("m") };
  g_autoptr (SfGraph) train = sf_graph_new ("m.train");
  g_autoptr (SfGraph) eval = sf_graph_new ("m.eval");
  SfValue gradient = SF_NONE;
  if (error == NULL)
    build_train (train, &gradient, &error);
  if (error == NULL)
    build_eval (eval, &error);
  SF_CHECK_NO_ERROR (error);
  if (error != NULL)
    return false;
  sf_module_set_graph (f->module, "train", train);
  sf_module_set_graph (f->module, "eval", eval);
  g_autofree char *id = g_strdup_printf ("%u", gradient);
  sf_module_set_fact (f->module, "grad.train.w", id);
  f->ops = plugin->ops.backend;
  f->load = (SfBackendLoad){ .source = f->module, .n_threads = 1, .f64 = f64 };
  f->instance = f->ops->open (&f->load, &error);
  SF_CHECK_NO_ERROR (error);
  return f->instance != NULL;
}

static void
fixture_close (Fixture *f)
{
  if (f->instance != NULL)
    f->ops->close (f->instance);
  sf_module_unref (f->module);
}

/* One call on `train` with x = (3, 4) and the given lr. */
static bool
train (Fixture *f, unsigned phases, double rate, double *loss, GError **error)
{
  float x[2] = { 3, 4 };
  SfTensor input = sf_tensor (SF_F32, SF_SHAPE (2), x);
  SfTensor scalar = sf_tensor (SF_F64, sf_shape_scalar (), &rate);
  SfTensor output = loss == NULL ? (SfTensor){ 0 } : sf_tensor (SF_F64, sf_shape_scalar (), loss);
  const SfBackendStep step = {
    .entry = "train", .phases = phases, .inputs = &input, .scalars = &scalar, .outputs = &output
  };
  return f->ops->step (f->instance, &step, error);
}

/* Element `index` of a state or gradient of n elements. */
static double
read_element (Fixture *f, const char *name, int64_t n, int index)
{
  g_autoptr (GError) error = NULL;
  double values[2] = { NAN, NAN };
  SfTensor tensor = sf_tensor (SF_F64, n == 1 ? sf_shape_scalar () : SF_SHAPE (n), values);
  f->ops->read (f->instance, name, &tensor, &error);
  SF_CHECK_NO_ERROR (error);
  return values[index];
}

static void
check_after_one_step (Fixture *f)
{
  SF_CHECK_NEAR (read_element (f, "total", 1, 0), 11, 0);
  SF_CHECK_NEAR (read_element (f, "m", 2, 1), 4, 0);
  SF_CHECK_NEAR (read_element (f, "w", 2, 0), 1 - 0.5 * 3, 0);
  SF_CHECK_NEAR (read_element (f, "w", 2, 1), 2 - 0.5 * 4, 0);
  SF_CHECK_NEAR (read_element (f, "a", 1, 0), 8, 0);
  SF_CHECK_NEAR (read_element (f, "b", 1, 0), 7, 0);
}

SF_TEST (CpuSession, AllPhasesAtOnce)
{
  g_autoptr (GError) error = NULL;
  Fixture f;
  double loss = 0;
  if (fixture_open (&f, false))
    {
      SF_CHECK (train (&f, FWD | BWD | OPT, 0.5, &loss, &error));
      SF_CHECK_NO_ERROR (error);
      SF_CHECK_NEAR (loss, 11, 0);
      check_after_one_step (&f);
      SF_CHECK (train (&f, FWD | BWD | OPT, 0.5, &loss, &error));
      SF_CHECK_NEAR (loss, -1.5, 0); /* 3 (-0.5) + 4 0 */
      SF_CHECK_NEAR (read_element (&f, "m", 2, 0), 6, 0);
      SF_CHECK_NEAR (read_element (&f, "a", 1, 0), 7, 0);
    }
  fixture_close (&f);
}

SF_TEST (CpuSession, MemoryIsSteady)
{
  g_autoptr (GError) error = NULL;
  Fixture f;
  if (fixture_open (&f, false))
    {
      g_autofree char *early = NULL, *late = NULL;
      for (int k = 0; k < 12; k++)
        {
          SF_CHECK (train (&f, FWD | BWD | OPT, 0.5, NULL, &error));
          if (k == 1)
            early = f.ops->describe (f.instance);
        }
      SF_CHECK_NO_ERROR (error);
      late = f.ops->describe (f.instance);
      SF_CHECK_STR (late, early);
    }
  fixture_close (&f);
}

SF_TEST (CpuSession, PhaseByPhase)
{
  g_autoptr (GError) error = NULL;
  Fixture f;
  double loss = 0;
  if (fixture_open (&f, false))
    {
      SF_CHECK (train (&f, FWD, 9, &loss, &error));
      SF_CHECK_NEAR (loss, 11, 0);
      SF_CHECK_NEAR (read_element (&f, "total", 1, 0), 11, 0); /* statistics follow fwd */
      SF_CHECK_NEAR (read_element (&f, "w", 2, 0), 1, 0);
      SF_CHECK (train (&f, BWD, 9, NULL, &error));
      SF_CHECK_NEAR (read_element (&f, "grad:w", 2, 1), 4, 0);
      SF_CHECK_NEAR (read_element (&f, "w", 2, 0), 1, 0);
      SF_CHECK (train (&f, OPT, 0.5, NULL, &error)); /* the rate of this call */
      SF_CHECK_NO_ERROR (error);
      check_after_one_step (&f);
    }
  fixture_close (&f);
}

SF_TEST (CpuSession, WrittenGradientIsUsed)
{
  g_autoptr (GError) error = NULL;
  Fixture f;
  double g[2] = { 10, 20 }, w[2] = { 100, 200 };
  SfTensor gradient = sf_tensor (SF_F64, SF_SHAPE (2), g),
           weights = sf_tensor (SF_F64, SF_SHAPE (2), w);
  if (fixture_open (&f, false))
    {
      SF_CHECK (train (&f, FWD | BWD, 0.5, NULL, &error));
      SF_CHECK (f.ops->write (f.instance, "grad:w", &gradient, &error));
      SF_CHECK_NEAR (read_element (&f, "grad:w", 2, 0), 10, 0);
      SF_CHECK (f.ops->write (f.instance, "w", &weights, &error));
      SF_CHECK (train (&f, OPT, 0.5, NULL, &error));
      SF_CHECK_NO_ERROR (error);
      SF_CHECK_NEAR (read_element (&f, "w", 2, 0), 95, 0);
      SF_CHECK_NEAR (read_element (&f, "m", 2, 1), 20, 0);
      SF_CHECK (!f.ops->read (f.instance, "grad:w", &gradient, &error));
      SF_CHECK_ERROR (error, SF_ERROR_INVALID_ARGUMENT, "gradient of w: none is held");
    }
  fixture_close (&f);
}

SF_TEST (CpuSession, EntriesShareStates)
{
  g_autoptr (GError) error = NULL;
  Fixture f;
  float w[2] = { 30, 40 };
  double y[2] = { 0, 0 };
  SfTensor weights = sf_tensor (SF_F32, SF_SHAPE (2), w),
           output = sf_tensor (SF_F64, SF_SHAPE (2), y);
  const SfBackendStep eval = { .entry = "eval", .phases = FWD, .outputs = &output };
  if (fixture_open (&f, false))
    {
      SF_CHECK (train (&f, FWD, 0.5, NULL, &error)); /* a step of train waits meanwhile */
      SF_CHECK (f.ops->step (f.instance, &eval, &error));
      SF_CHECK_NEAR (y[1], 4, 0);
      SF_CHECK (f.ops->write (f.instance, "w", &weights, &error));
      SF_CHECK (f.ops->step (f.instance, &eval, &error));
      SF_CHECK_NEAR (y[1], 80, 0);
      SF_CHECK (train (&f, BWD | OPT, 0.5, NULL, &error));
      SF_CHECK_NO_ERROR (error);
      SF_CHECK_NEAR (read_element (&f, "w", 2, 0), 28.5, 0);
    }
  fixture_close (&f);
}

SF_TEST (CpuSession, PhasesOutOfTurn)
{
  g_autoptr (GError) error = NULL;
  Fixture f;
  if (fixture_open (&f, false))
    {
      SF_CHECK (!train (&f, BWD, 0.5, NULL, &error));
      SF_CHECK_ERROR (error, SF_ERROR_INVALID_ARGUMENT,
                      "train: phase bwd was asked for out of turn");
      SF_CHECK (!train (&f, FWD | OPT, 0.5, NULL, &error));
      SF_CHECK_ERROR (error, SF_ERROR_INVALID_ARGUMENT,
                      "train: phase opt was asked for out of turn");
      SF_CHECK (train (&f, FWD | BWD, 0.5, NULL, &error));
      SF_CHECK (!train (&f, BWD, 0.5, NULL, &error));
      SF_CHECK_ERROR (error, SF_ERROR_INVALID_ARGUMENT,
                      "train: phase bwd was asked for out of turn");
      SF_CHECK (!train (&f, 0, 0.5, NULL, &error));
      SF_CHECK_ERROR (error, SF_ERROR_INVALID_ARGUMENT, "train: phases 0x0 were asked for");
      const SfBackendStep step = { .entry = "serve", .phases = FWD };
      SF_CHECK (!f.ops->step (f.instance, &step, &error));
      SF_CHECK_ERROR (error, SF_ERROR_NOT_FOUND, "entry serve: not in this program, wanted one of");
    }
  fixture_close (&f);
}

SF_TEST (CpuSession, CancelledStepChangesNothing)
{
  g_autoptr (GError) error = NULL;
  Fixture f;
  float x[2] = { 3, 4 }, rate = 1;
  const int cancel = 1;
  SfTensor input = sf_tensor (SF_F32, SF_SHAPE (2), x),
           scalar = sf_tensor (SF_F32, sf_shape_scalar (), &rate);
  const SfBackendStep step = { .entry = "train",
                               .phases = FWD | BWD | OPT,
                               .inputs = &input,
                               .scalars = &scalar,
                               .cancel = &cancel };
  if (fixture_open (&f, false))
    {
      SF_CHECK (!f.ops->step (f.instance, &step, &error));
      SF_CHECK_ERROR (error, SF_ERROR_CANCELLED, "train: cancelled before node");
      SF_CHECK_NEAR (read_element (&f, "total", 1, 0), 0, 0);
      SF_CHECK_NEAR (read_element (&f, "w", 2, 0), 1, 0);
    }
  fixture_close (&f);
}

/* Doubles the gradient as it is made. */
static void
double_gradient (void *user_data, const SfObserved *observed)
{
  SF_CHECK_STR (observed->entry, "train");
  if (observed->value == *(SfValue *) user_data)
    {
      SF_CHECK_INT (observed->phase, SF_PHASE_BWD);
      for (int e = 0; e < 2; e++)
        ((double *) observed->tensor->data)[e] *= 2;
    }
}

SF_TEST (CpuSession, ObserverMayChange)
{
  g_autoptr (GError) error = NULL;
  Fixture f;
  float x[2] = { 3, 4 }, rate = 1;
  SfTensor input = sf_tensor (SF_F32, SF_SHAPE (2), x),
           scalar = sf_tensor (SF_F32, sf_shape_scalar (), &rate);
  if (fixture_open (&f, false))
    {
      SfValue gradient = (SfValue) g_ascii_strtoull (sf_module_fact (f.module, "grad.train.w"),
                                                     NULL, 10);
      const SfBackendStep step = { .entry = "train",
                                   .phases = FWD | BWD | OPT,
                                   .inputs = &input,
                                   .scalars = &scalar,
                                   .observer = double_gradient,
                                   .user_data = &gradient };
      SF_CHECK (f.ops->step (f.instance, &step, &error));
      SF_CHECK_NO_ERROR (error);
      SF_CHECK_NEAR (read_element (&f, "m", 2, 1), 8, 0);
    }
  fixture_close (&f);
}

SF_TEST (CpuSession, PrecisionF64)
{
  g_autoptr (GError) error = NULL;
  for (int f64 = 0; f64 < 2; f64++)
    {
      Fixture f;
      if (fixture_open (&f, f64 != 0))
        {
          double rate = f64 ? 0.1 : (double) 0.1f;
          double want = 1 - rate * 3;
          SF_CHECK (train (&f, FWD | BWD | OPT, 0.1, NULL, &error));
          SF_CHECK_NO_ERROR (error);
          SF_CHECK_NEAR (read_element (&f, "w", 2, 0),
                         f64 ? want : (double) (1.0f - (float) (rate * 3)), 0);
          g_autofree char *facts = f.ops->describe (f.instance);
          SF_CHECK (strstr (facts, f64 ? "precision=f64\n" : "precision=storage\n") != NULL);
        }
      fixture_close (&f);
    }
}

SF_TEST (CpuSession, RefusedAtOpen)
{
  g_autoptr (GError) error = NULL;
  Fixture f;
  if (fixture_open (&f, false))
    {
      SfBackendLoad load = f.load;
      load.source = NULL;
      SF_CHECK (f.ops->open (&load, &error) == NULL);
      SF_CHECK_ERROR (error, SF_ERROR_INCOMPATIBLE, "this PEF was stripped of its source graph");
      load = f.load;
      load.exact_firing = true;
      SF_CHECK (f.ops->open (&load, &error) == NULL);
      SF_CHECK_ERROR (error, SF_ERROR_UNSUPPORTED, "use --backend rdu");
      sf_module_set_fact (f.module, "grad.train.w", "999");
      SF_CHECK (f.ops->open (&f.load, &error) == NULL);
      SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA, "train: fact grad.train.w is 999");
      double value = 0;
      SfTensor tensor = sf_tensor (SF_F64, sf_shape_scalar (), &value);
      SF_CHECK (!f.ops->read (f.instance, "totl", &tensor, &error));
      SF_CHECK_ERROR (error, SF_ERROR_NOT_FOUND, "did you mean total?");
    }
  fixture_close (&f);
}

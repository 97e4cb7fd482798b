/* SPDX-License-Identifier: Apache-2.0 */
/* Three steps of each optimizer on gradients that the test writes between backward and update. */
#include "tests/support/sftest.h"

#include <math.h>
#include <sf/compile.h>
#include <sf/plugins.h>
#include <sf/session.h>

enum
{
  N_STEPS = 3
};

static const double gradients[N_STEPS][2] = { { 0.5, 0.25 }, { -1.0, 0.125 }, { 0.25, 2.0 } };

typedef struct
{
  const char *name, *optimizer;
  const char *options[5]; /* "name=value" */
  const char *group;
  double clip_norm;
  double wanted[N_STEPS][2]; /* of w, from (1, -2) */
} Case;

/* The rules of torch.optim.SGD, Adam and AdamW, evaluated in double precision outside this tree.
 * Clipping: norms 0.559017, 1.007782, 2.015564 against 0.5. */
static const Case cases[] = {
  { "sgd",
    "sgd",
    { "lr=0.1" },
    NULL,
    0,
    { { 0.95, -2.025 }, { 1.05, -2.0375 }, { 1.025, -2.2375 } } },
  { "sgd with weight decay",
    "sgd",
    { "lr=0.1", "weight-decay=0.5" },
    NULL,
    0,
    { { 0.9, -1.925 }, { 0.955, -1.84125 }, { 0.88225, -1.9491875 } } },
  { "sgd with momentum",
    "sgd",
    { "lr=0.1", "momentum=0.75" },
    NULL,
    0,
    { { 0.95, -2.025 }, { 1.0125, -2.05625 }, { 1.034375, -2.2796875 } } },
  { "sgd with Nesterov's momentum",
    "sgd",
    { "lr=0.1", "momentum=0.75", "weight-decay=0.5", "nesterov=true" },
    NULL,
    0,
    { { 0.825, -1.86875 }, { 0.8715625, -1.684921875 }, { 0.74241015625, -1.8103232421875 } } },
  { "sgd of a group",
    "sgd",
    { "lr=7", "momentum=0.75" },
    "w*:lr=0.1",
    0,
    { { 0.95, -2.025 }, { 1.0125, -2.05625 }, { 1.034375, -2.2796875 } } },
  { "sgd, clipped",
    "sgd",
    { "lr=0.1" },
    NULL,
    0.5,
    { { 0.955278720450, -2.022360639775 },
      { 1.004892565055, -2.028562370351 },
      { 0.998690831402, -2.078176239571 } } },
  { "adam",
    "adam",
    { "lr=0.1", "beta1=0.75", "beta2=0.5", "eps=1e-3" },
    NULL,
    0,
    { { 0.900199600798403, -2.0996015936255 },
      { 0.941391341615221, -2.20004863381458 },
      { 0.957193602579764, -2.26372941615541 } } },
  { "adam with weight decay",
    "adam",
    { "lr=0.1", "beta1=0.75", "beta2=0.5", "eps=1e-3", "weight-decay=0.5" },
    NULL,
    0,
    { { 0.9000999000999, -1.90013315579228 },
      { 0.884491981014069, -1.80124703874081 },
      { 0.833213280890983, -1.80382781533139 } } },
  { "adamw",
    "adamw",
    { "lr=0.1", "beta1=0.75", "beta2=0.5", "eps=1e-3", "weight-decay=0.5" },
    NULL,
    0,
    { { 0.850199600798403, -1.9996015936255 },
      { 0.848881361575301, -2.0000685541333 },
      { 0.822239554461079, -1.96374590876747 } } },
};

/* loss = mse (x w, t) with w = (1, -2). */
static SfModule *
new_module (GError **error)
{
  static const float first[2] = { 1, -2 };
  g_autoptr (SfModule) module = sf_module_new ("step");
  g_autoptr (SfGraph) graph = sf_graph_new ("forward");
  SfValue x = sf_graph_input (graph, "x", SF_F32, SF_SHAPE (1, 2), error),
          t = sf_graph_input (graph, "t", SF_F32, SF_SHAPE (1, 2), error),
          w = sf_graph_state (graph, "w", SF_STATE_PARAM, SF_F32, SF_SHAPE (2), first, error);
  SfValue y = sf_graph_op2 (graph, "mul", x, w, error);
  SfValue loss = sf_graph_op2 (graph, "mse", y, t, error);
  if (!sf_graph_output (graph, "y", SF_OUTPUT_PREDICTION, y, error)
      || !sf_graph_output (graph, "loss", SF_OUTPUT_LOSS, loss, error))
    return NULL;
  sf_module_set_graph (module, "forward", graph);
  return g_steal_pointer (&module);
}

static SfPef *
compile (const Case *c, GError **error)
{
  g_autoptr (SfModule) module = new_module (error);
  const SfPlugin *plugin = sf_plugins_load (SF_PLUGIN_OPTIMIZER, c->optimizer, error);
  if (module == NULL || plugin == NULL)
    return NULL;
  g_autoptr (SfOptionValues) values = sf_option_values_new (plugin->options);
  for (size_t i = 0; i < G_N_ELEMENTS (c->options) && c->options[i] != NULL; i++)
    {
      g_auto (GStrv) pair = g_strsplit (c->options[i], "=", 2);
      if (!sf_option_set (values, pair[0], pair[1], "test", error))
        return NULL;
    }
  const char *const groups[] = { c->group, NULL };
  const SfCompileOptions options = { .level = "o0",
                                     .optimizer = c->optimizer,
                                     .optimizer_options = values,
                                     .clip_norm = c->clip_norm,
                                     .groups = groups };
  return sf_compile (module, &options, error);
}

static bool
take_step (SfSession *session, int step, double found[2], GError **error)
{
  float x[2] = { 1, 1 }, t[2] = { 0, 0 };
  double gradient[2] = { gradients[step][0], gradients[step][1] };
  const SfTensor inputs[] = { sf_tensor (SF_F32, SF_SHAPE (1, 2), x),
                              sf_tensor (SF_F32, SF_SHAPE (1, 2), t) };
  const SfTensor given = sf_tensor (SF_F64, SF_SHAPE (2), gradient);
  SfTensor w = sf_tensor (SF_F64, SF_SHAPE (2), found);
  const SfHyper hyper = { .step = step + 1, .lr = NAN };
  return sf_session_step (session, "train", 1u << SF_PHASE_FWD | 1u << SF_PHASE_BWD, inputs, NULL,
                          &hyper, error)
         && sf_session_write (session, "grad:w", &given, error)
         && sf_session_step (session, "train", 1u << SF_PHASE_OPT, inputs, NULL, &hyper, error)
         && sf_session_read (session, "w", &w, error);
}

static void
check_backend (const Case *c, SfPef *pef, const SfSessionOptions *options, double tolerance)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfSession) session = sf_session_open (pef, options, &error);
  SF_REQUIRE_NO_ERROR (error);
  for (int step = 0; step < N_STEPS; step++)
    {
      double found[2] = { NAN, NAN };
      SF_CHECK (take_step (session, step, found, &error));
      SF_REQUIRE_NO_ERROR (error);
      for (int i = 0; i < 2; i++)
        SF_CHECK_MSG (fabs (found[i] - c->wanted[step][i]) <= tolerance,
                      "%s, step %d, w[%d]: found %.12g, wanted %.12g", options->backend, step + 1,
                      i, found[i], c->wanted[step][i]);
    }
}

SF_TEST_CASES (Optimizer, Steps, cases, G_N_ELEMENTS (cases), sf_test_row_name)
{
  const Case *c = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (SfPef) pef = compile (c, &error);
  SF_REQUIRE_NO_ERROR (error);
  const SfSessionOptions exact = { .backend = "cpu", .n_threads = 1, .f64 = true },
                         cpu = { .backend = "cpu", .n_threads = 1 },
                         rdu = { .backend = "rdu", .n_threads = 1 };
  check_backend (c, pef, &exact, 1e-7); /* scalars are f32 */
  check_backend (c, pef, &cpu, 2e-6);
  check_backend (c, pef, &rdu, 2e-6);
}

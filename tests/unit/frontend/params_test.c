/* SPDX-License-Identifier: Apache-2.0 */
/* Initial weights: PyTorch's distributions, the same bits for a seed; arguments and facts. */
#include "tests/support/sftest.h"
#include "tests/unit/frontend/model.h"

#include <math.h>
#include <sf/plugin/frontend.h>
#include <sf/plugins.h>
#include <string.h>

static const float *
values_of (const Model *model, const char *name, int64_t *n)
{
  SfValue state = sf_graph_find (model->graph, name);
  *n = sf_shape_n_elems (sf_value_shape (model->graph, state));
  return sf_value_data (model->graph, state);
}

/* Uniform in (-bound, bound): variance bound^2 / 3, reached at both ends. */
static void
check_uniform (const Model *model, const char *name, double bound)
{
  int64_t n;
  const float *x = values_of (model, name, &n);
  double sum = 0, square = 0, top = 0;
  SF_REQUIRE (x != NULL);
  for (int64_t i = 0; i < n; i++)
    {
      sum += (double) x[i];
      square += (double) x[i] * (double) x[i];
      top = fmax (top, fabs ((double) x[i]));
    }
  double sigma = bound / sqrt (3.0);
  SF_CHECK_MSG (top <= bound && top > bound * (1 - 20.0 / (double) n), "%s: largest %g of %g", name,
                top, bound);
  SF_CHECK_NEAR (sum / (double) n, 0, 4 * sigma / sqrt ((double) n));
  /* The variance of x^2 is 4/45 bound^4. */
  SF_CHECK_NEAR (square / (double) n, sigma * sigma,
                 4 * bound * bound * sqrt (4.0 / 45 / (double) n));
}

SF_TEST (ConfigParams, Distributions)
{
  Model model = model_read (
      "name = \"m\"; batch_size = 1;\n"
      "inputs = ( { name = \"x\"; shape = [ 4, 6, 100 ]; }, { name = \"t\"; dtype = \"i32\"; "
      "shape = [ 3 ]; } );\n"
      "layers = ( { name = \"fc\"; type = \"linear\"; out = 300; },\n"
      "{ name = \"conv\"; type = \"conv2d\"; input = \"x\"; out = 400; kernel = [ 2, 3 ]; groups = 2; "
      "},\n"
      "{ name = \"bn\"; type = \"batch_norm\"; },\n"
      "{ name = \"e\"; type = \"embedding\"; input = \"t\"; rows = 200; out = 96; },\n"
      "{ name = \"a\"; type = \"self_attention\"; heads = 4; } );\n",
      NULL, 0, 3);
  SF_REQUIRE_NO_ERROR (model.error);
  check_uniform (&model, "fc.weight", 1 / sqrt (100.0));
  check_uniform (&model, "fc.bias", 1 / sqrt (100.0));
  /* fan_in = 4 / 2 * 2 * 3 */
  check_uniform (&model, "conv.weight", 1 / sqrt (12.0));
  check_uniform (&model, "conv.bias", 1 / sqrt (12.0));
  check_uniform (&model, "a.in_proj_weight", sqrt (6.0 / (96 + 288)));
  check_uniform (&model, "a.out_proj.weight", 1 / sqrt (96.0));
  int64_t n;
  const float *e = values_of (&model, "e.weight", &n);
  double sum = 0, square = 0, fourth = 0;
  for (int64_t i = 0; i < n; i++)
    {
      double x = (double) e[i];
      sum += x, square += x * x, fourth += x * x * x * x;
    }
  double count = (double) n;
  SF_CHECK_NEAR (sum / count, 0, 4 / sqrt (count));
  SF_CHECK_NEAR (square / count, 1, 4 * sqrt (2 / count));
  SF_CHECK_NEAR (fourth / count, 3, 4 * sqrt (96 / count));
  const float *gamma = values_of (&model, "bn.weight", &n);
  for (int64_t i = 0; i < n; i++)
    SF_CHECK_NEAR (gamma[i], 1, 0);
  static const char *const zeros[] = { "bn.bias", "bn.running_mean", "a.in_proj_bias",
                                       "a.out_proj.bias" };
  for (size_t z = 0; z < G_N_ELEMENTS (zeros); z++)
    SF_CHECK_MSG (values_of (&model, zeros[z], &n) == NULL, "%s is not zero", zeros[z]);
  model_clear (&model);
}

SF_TEST (ConfigParams, SameBitsForASeed)
{
  static const char text[]
      = "name = \"m\"; batch_size = 1; inputs = ( { name = \"x\"; shape = [ 8 ]; } );\n"
        "layers = ( { name = \"a\"; type = \"linear\"; out = 8; }, { name = \"b\"; type = "
        "\"linear\"; out = 8; } );";
  Model one = model_read (text, NULL, 0, 1), again = model_read (text, NULL, 64, 1),
        two = model_read (text, NULL, 0, 2);
  int64_t n;
  SF_REQUIRE (one.graph != NULL && again.graph != NULL && two.graph != NULL);
  const float *a = values_of (&one, "a.weight", &n), *same = values_of (&again, "a.weight", &n),
              *other = values_of (&two, "a.weight", &n), *b = values_of (&one, "b.weight", &n);
  size_t n_bytes = (size_t) n * sizeof *a;
  SF_CHECK_MSG (memcmp (a, same, n_bytes) == 0, "the batch size changes the weights");
  SF_CHECK_MSG (memcmp (a, other, n_bytes) != 0, "the seed does not");
  SF_CHECK_MSG (memcmp (a, b, n_bytes) != 0, "two layers have the same weights");
  model_clear (&one);
  model_clear (&again);
  model_clear (&two);
}

typedef struct
{
  const char *name, *text;
  int64_t wanted;
} Number;

static const Number numbers[] = {
  { "number", "\"12\"", 12 },
  { "argument", "\"$hidden\"", 6 },
  { "product", "\"$hidden * 4\"", 24 },
  { "tight", "\"$hidden*4\"", 24 },
  { "quotient", "\"$hidden / 2\"", 3 },
  { "left to right", "\"$hidden / 4 * 2\"", 3 },
  { "two arguments", "\"$hidden * $heads_2\"", 12 },
  { "number first", "\"  2 * $hidden \"", 12 },
};

SF_TEST_CASES (ConfigParams, Arithmetic, numbers, G_N_ELEMENTS (numbers), sf_test_row_name)
{
  const Number *c = data;
  static const char *const args[] = { "hidden=5", "hidden=6", NULL };
  g_autofree char *text = g_strdup_printf (
      "name = \"m\"; batch_size = 1; args = { hidden = { default = 4; help = \"w\"; }; heads_2 = { "
      "default = 2; help = \"n\"; }; };\n"
      "inputs = ( { name = \"x\"; shape = [ 8 ]; } );\n"
      "layers = ( { type = \"linear\"; out = %s; } );",
      c->text);
  Model model = model_read (text, args, 0, 1);
  SF_REQUIRE_NO_ERROR (model.error);
  SfValue weight = sf_graph_find (model.graph, "linear1.weight");
  SF_CHECK_INT (sf_value_shape (model.graph, weight)->dim[0], c->wanted);
  SF_CHECK_STR (sf_module_fact (model.module, "arg.hidden"), "6");
  SF_CHECK_STR (sf_module_fact (model.module, "arg.heads_2"), "2");
  model_clear (&model);
}

SF_TEST (ConfigParams, Facts)
{
  Model model = model_read (
      "name = \"small\"; batch_size = 4;\n"
      "inputs = ( { name = \"x\"; field = \"images\"; shape = [ 3 ]; scale = 0.5; shift = -1; },\n"
      "{ name = \"t\"; dtype = \"i32\"; shape = [ ]; } );\n"
      "layers = ( { name = \"fc\"; type = \"linear\"; out = 2; }, { type = \"softmax\"; } );\n"
      "output = \"fc\"; loss = { type = \"softmax_ce\"; input = \"fc\"; target = \"t\"; };\n"
      "classes = [ \"no <b>\", \"yes\" ];",
      NULL, 7, 1);
  static const char *const facts[][2]
      = { { "model", "small" },      { "batch_size", "7" },       { "feed.x.field", "images" },
          { "feed.x.scale", "0.5" }, { "feed.x.shift", "-1" },    { "loss", "softmax_ce" },
          { "target", "t" },         { "classes", "no <b>\nyes" } };
  SF_REQUIRE_NO_ERROR (model.error);
  for (size_t i = 0; i < G_N_ELEMENTS (facts); i++)
    SF_CHECK_STR (sf_module_fact (model.module, facts[i][0]), facts[i][1]);
  SF_CHECK (sf_module_fact (model.module, "feed.t.field") == NULL);
  const char *name;
  SfOutputRole role;
  SF_REQUIRE (sf_graph_n_outputs (model.graph) == 2);
  SfValue value = sf_graph_output_at (model.graph, 0, &name, &role);
  SF_CHECK_STR (name, "fc");
  SF_CHECK_INT (role, SF_OUTPUT_PREDICTION);
  SF_CHECK_INT (sf_value_shape (model.graph, value)->dim[0], 7);
  sf_graph_output_at (model.graph, 1, &name, &role);
  SF_CHECK_STR (name, "loss");
  SF_CHECK_INT (role, SF_OUTPUT_LOSS);
  model_clear (&model);
}

SF_TEST (ConfigParams, ListsArguments)
{
  static const char text[]
      = "args = { hidden = { default = 4; help = \"width\"; }; rate = { "
        "default = 0.5; help = \"of dropout\"; }; deep = { default = true; help "
        "= \"more\"; }; };";
  g_autoptr (GError) error = NULL;
  const SfPlugin *plugin = sf_plugins_load (SF_PLUGIN_FRONTEND, "config", &error);
  SF_REQUIRE_NO_ERROR (error);
  const SfSource source = { "m.cfg", (const uint8_t *) text, strlen (text) };
  g_autoptr (GArray) args = g_array_new (FALSE, FALSE, sizeof (SfModelArg));
  SF_CHECK (plugin->ops.frontend->list_args (&source, args, &error));
  SF_REQUIRE_NO_ERROR (error);
  static const char *const wanted[][3]
      = { { "hidden", "4", "width" }, { "rate", "0.5", "of dropout" }, { "deep", "true", "more" } };
  SF_REQUIRE (args->len == 3);
  for (guint i = 0; i < 3; i++)
    {
      SfModelArg *arg = &g_array_index (args, SfModelArg, i);
      SF_CHECK_STR (arg->name, wanted[i][0]);
      SF_CHECK_STR (arg->def, wanted[i][1]);
      SF_CHECK_STR (arg->help, wanted[i][2]);
      g_free (arg->name);
      g_free (arg->def);
      g_free (arg->help);
    }
}

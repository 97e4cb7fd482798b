/* SPDX-License-Identifier: Apache-2.0 */
/* What the caller of an import adds: loss, frozen parameters, fields. */
#include <sf/compile.h>
#include <string.h>

#include "tests/support/sftest.h"

#define BODY                                                                            \
  "name = \"m\"; batch_size = 4;\n"                                                     \
  "inputs = ( { name = \"x\"; shape = [ 3 ]; } );\n"                                    \
  "layers = ( { name = \"fc1\"; type = \"linear\"; out = 5; }, { type = \"relu\"; },\n" \
  "  { name = \"fc2\"; type = \"linear\"; out = 2; }"

static const char plain[] = BODY " );\n";
static const char ends_in_softmax[] = BODY ", { name = \"p\"; type = \"softmax\"; } );\n";

/* Imports the text; NULL with *error. */
static SfModule *
import (const char *text, SfImportOptions options, GError **error)
{
  g_autofree char *folder = sf_test_tmpdir (),
                  *path = sf_test_write_file (folder, "m.cfg", text, -1);
  return sf_import (path, &options, error);
}

static SfGraph *
graph_of (SfModule *module)
{
  return sf_module_graph (module, "forward");
}

static SfNode
last_node (const SfGraph *graph)
{
  return (SfNode) (sf_graph_n_nodes (graph) - 1);
}

SF_TEST (Additions, CrossEntropy)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfModule) module = import (plain, (SfImportOptions){ .loss = "softmax_ce" }, &error);
  SF_REQUIRE_NO_ERROR (error);
  const SfGraph *graph = graph_of (module);
  SF_CHECK_INT (sf_graph_n_outputs (graph), 2);
  const char *name;
  SfOutputRole role;
  SfValue loss = sf_graph_output_at (graph, 1, &name, &role);
  SF_CHECK_STR (name, "loss");
  SF_CHECK_INT (role, SF_OUTPUT_LOSS);
  SF_CHECK_INT (sf_value_producer (graph, loss), last_node (graph));
  SF_CHECK_STR (sf_node_op_name (graph, last_node (graph)), "softmax_ce");
  SF_CHECK_INT (sf_node_input (graph, last_node (graph), 0),
                sf_graph_output_at (graph, 0, NULL, NULL));
  SfValue target = sf_graph_find (graph, "target");
  SF_CHECK_INT (sf_node_input (graph, last_node (graph), 1), target);
  SF_CHECK_INT (sf_value_dtype (graph, target), SF_I32);
  SF_CHECK_INT (sf_value_shape (graph, target)->rank, 1);
  SF_CHECK_INT (sf_value_shape (graph, target)->dim[0], 4);
  SF_CHECK_STR (sf_module_fact (module, "loss"), "softmax_ce");
  SF_CHECK_STR (sf_module_fact (module, "target"), "target");
}

/* The loss is taken of what the softmax is taken of; the prediction stays the softmax. */
SF_TEST (Additions, CrossEntropyPassesOverASoftmax)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfModule) module = import (
      ends_in_softmax, (SfImportOptions){ .loss = "softmax_ce", .target = "t" }, &error);
  SF_REQUIRE_NO_ERROR (error);
  const SfGraph *graph = graph_of (module);
  SfNode softmax = sf_value_producer (graph, sf_graph_output_at (graph, 0, NULL, NULL));
  SF_CHECK_STR (sf_node_op_name (graph, softmax), "softmax");
  SF_CHECK_INT (sf_node_input (graph, last_node (graph), 0), sf_node_input (graph, softmax, 0));
  SF_CHECK (sf_graph_find (graph, "t") != SF_NONE);
}

/* Pictures: [batch, classes, height, width] against [batch, height, width]. */
SF_TEST (Additions, ClassesOfPictures)
{
  static const char pictures[]
      = "name = \"m\"; batch_size = 2; inputs = ( { name = \"x\"; shape = [ 1, 4, 5 ]; } );\n"
        "layers = ( { name = \"c\"; type = \"conv2d\"; out = 3; kernel = 1; } );\n";
  g_autoptr (GError) error = NULL;
  g_autoptr (SfModule) module = import (
      pictures, (SfImportOptions){ .loss = "softmax_ce", .classes_axis = 1 }, &error);
  SF_REQUIRE_NO_ERROR (error);
  const SfGraph *graph = graph_of (module);
  g_autofree char *target = sf_shape_text (sf_value_shape (graph, sf_graph_find (graph, "target")));
  g_autofree char *logits = sf_shape_text (
      sf_value_shape (graph, sf_node_input (graph, last_node (graph), 0)));
  SF_CHECK_STR (target, "[2,4,5]");
  SF_CHECK_STR (logits, "[2,4,5,3]");
  SfNode transpose = sf_value_producer (graph, sf_node_input (graph, last_node (graph), 0));
  size_t n;
  const int64_t *perm = sf_node_attr_ints (graph, transpose, "perm", &n);
  static const int64_t wanted[] = { 0, 2, 3, 1 };
  SF_CHECK (n == 4 && memcmp (perm, wanted, sizeof wanted) == 0);
}

SF_TEST (Additions, MeanSquare)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfModule) module = import (ends_in_softmax, (SfImportOptions){ .loss = "mse" },
                                        &error);
  SF_REQUIRE_NO_ERROR (error);
  const SfGraph *graph = graph_of (module);
  SfValue target = sf_graph_find (graph, "target");
  SF_CHECK_INT (sf_value_dtype (graph, target), SF_F32);
  SF_CHECK_INT (sf_value_shape (graph, target)->rank, 2);
  SF_CHECK_INT (sf_node_input (graph, last_node (graph), 0),
                sf_graph_output_at (graph, 0, NULL, NULL));
}

SF_TEST (Additions, Freeze)
{
  static const char *const patterns[] = { "fc1.*", "*.bias", NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (SfModule) module = import (
      plain, (SfImportOptions){ .loss = "mse", .freeze = patterns }, &error);
  SF_REQUIRE_NO_ERROR (error);
  static const struct
  {
    const char *name;
    SfStateKind kind;
  } wanted[] = { { "fc1.weight", SF_STATE_FROZEN },
                 { "fc1.bias", SF_STATE_FROZEN },
                 { "fc2.weight", SF_STATE_PARAM },
                 { "fc2.bias", SF_STATE_FROZEN } };
  const SfGraph *graph = graph_of (module);
  for (size_t i = 0; i < G_N_ELEMENTS (wanted); i++)
    SF_CHECK_INT (sf_value_state_kind (graph, sf_graph_find (graph, wanted[i].name)),
                  wanted[i].kind);
}

/* Only what is not frozen gets a gradient, an update and an optimizer's state. */
SF_TEST (Additions, FrozenIsNotTrained)
{
  static const char *const patterns[] = { "fc1.*", NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (SfModule) module = import (
      plain, (SfImportOptions){ .loss = "softmax_ce", .freeze = patterns }, &error);
  SF_REQUIRE_NO_ERROR (error);
  const SfCompileOptions options = { .optimizer = "adam" };
  g_autoptr (SfPef) pef = sf_compile (module, &options, &error);
  SF_REQUIRE_NO_ERROR (error);
  const SfGraph *train = sf_module_graph (sf_pef_source (pef), "train");
  SF_CHECK (sf_value_update (train, sf_graph_find (train, "fc1.weight")) == SF_NONE);
  SF_CHECK (sf_value_update (train, sf_graph_find (train, "fc2.weight")) != SF_NONE);
  SF_CHECK_INT (sf_value_state_kind (train, sf_graph_find (train, "fc1.weight")), SF_STATE_FROZEN);
  SF_CHECK (sf_graph_find (train, "fc1.weight.exp_avg") == SF_NONE);
  SF_CHECK (sf_graph_find (train, "fc2.weight.exp_avg") != SF_NONE);
  SF_CHECK (sf_pef_fact (pef, "grad.train.fc1.weight") == NULL);
  SF_CHECK (sf_pef_fact (pef, "grad.train.fc2.weight") != NULL);
}

SF_TEST (Additions, AllFrozenIsNothingToTrain)
{
  static const char *const patterns[] = { "*", NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (SfModule) module = import (
      plain, (SfImportOptions){ .loss = "softmax_ce", .freeze = patterns }, &error);
  SF_REQUIRE_NO_ERROR (error);
  g_autoptr (SfPef) pef = sf_compile (module, NULL, &error);
  SF_CHECK (pef == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_ARGUMENT,
                  "the loss depends on no parameter that is trained");
}

SF_TEST (Additions, Feed)
{
  static const char *const feeds[] = { "x=pixels:scale=1/8,shift=-0.5", "target=digit", NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (SfModule) module = import (
      plain, (SfImportOptions){ .loss = "softmax_ce", .feed = feeds }, &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK_STR (sf_module_fact (module, "feed.x.field"), "pixels");
  SF_CHECK_STR (sf_module_fact (module, "feed.x.scale"), "0.125");
  SF_CHECK_STR (sf_module_fact (module, "feed.x.shift"), "-0.5");
  SF_CHECK_STR (sf_module_fact (module, "feed.target.field"), "digit");
}

/* A model with a loss of its own: the target is one of its inputs. */
SF_TEST (Additions, TargetOfItsOwnLoss)
{
  static const char own[] = BODY " ); loss = { type = \"mse\"; target = \"x\"; input = \"x\"; };";
  g_autoptr (GError) error = NULL;
  g_autoptr (SfModule) module = import (own, (SfImportOptions){ .target = "x" }, &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK_STR (sf_module_fact (module, "target"), "x");
  SF_CHECK_INT (sf_graph_n_outputs (graph_of (module)), 2);
  g_autoptr (SfModule) none = import (own, (SfImportOptions){ .target = "labels" }, &error);
  SF_CHECK (none == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_NOT_FOUND,
                  "--target labels: the model has a loss, but no input of this name");
}

typedef struct
{
  const char *name;
  const char *text;
  SfImportOptions options;
  int code;
  const char *message;
} Refusal;

static const char *const no_such[] = { "conv.*", NULL };
static const char *const no_input[] = { "y=images", NULL };
static const char *const no_field[] = { "x=", NULL };
static const char *const no_number[] = { "x=images:scale=1/0", NULL };
static const char *const no_option[] = { "x=images:gain=2", NULL };

static const Refusal refusals[] = {
  { "kind",
    plain,
    { .loss = "hinge" },
    SF_ERROR_INVALID_ARGUMENT,
    "--loss: found hinge, wanted softmax_ce or mse" },
  { "output",
    plain,
    { .loss = "mse", .loss_output = "logits" },
    SF_ERROR_NOT_FOUND,
    "--loss-output: found no output logits, wanted one of: prediction" },
  { "axis",
    plain,
    { .loss = "softmax_ce", .classes_axis = 2 },
    SF_ERROR_INVALID_ARGUMENT,
    "--loss softmax_ce: output prediction is f32 [4,2], wanted floats [batch, ..., classes]" },
  { "target",
    plain,
    { .loss = "mse", .target = "fc1.bias" },
    SF_ERROR_EXISTS,
    "--target fc1.bias: the model has an input or state of this name" },
  { "own_loss",
    BODY " ); loss = { type = \"mse\"; target = \"x\"; input = \"x\"; };",
    { .loss = "mse" },
    SF_ERROR_INVALID_ARGUMENT,
    "--loss mse: the model has a loss, its output loss; leave --loss out" },
  { "no_loss",
    plain,
    { .target = "t" },
    SF_ERROR_INVALID_ARGUMENT,
    "--target: found no loss to go with it" },
  { "freeze",
    plain,
    { .freeze = no_such },
    SF_ERROR_NOT_FOUND,
    "--freeze conv.*: found no parameter of such a name, wanted one of 4: fc1.weight, fc1.bias, " },
  { "input",
    plain,
    { .feed = no_input },
    SF_ERROR_INVALID_ARGUMENT,
    "--feed y=images: found no input of the model, wanted INPUT=FIELD with one of: x" },
  { "field", plain, { .feed = no_field }, SF_ERROR_INVALID_ARGUMENT, "--feed x=: found no field" },
  { "number",
    plain,
    { .feed = no_number },
    SF_ERROR_INVALID_ARGUMENT,
    "found 'scale=1/0', wanted scale=NUMBER" },
  { "option",
    plain,
    { .feed = no_option },
    SF_ERROR_INVALID_ARGUMENT,
    "found 'gain=2', wanted scale=NUMBER" },
};

SF_TEST_CASES (Additions, Refuses, refusals, G_N_ELEMENTS (refusals), sf_test_row_name)
{
  const Refusal *row = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (SfModule) module = import (row->text, row->options, &error);
  SF_CHECK (module == NULL);
  SF_CHECK_ERROR (error, row->code, row->message);
}

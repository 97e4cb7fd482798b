/* SPDX-License-Identifier: Apache-2.0 */
/* Every layer type: ops, shapes and parameters worked out by hand. */
#include "tests/support/sftest.h"
#include "tests/unit/frontend/model.h"

typedef struct
{
  const char *name, *shape, *layers, *nodes, *states;
} Case;

#define IMAGE  "[ 3, 8, 6 ]"
#define L(...) "{ " __VA_ARGS__ " }"

static const Case cases[] = {
  { "linear", "[ 3 ]", L ("name = \"fc\"; type = \"linear\"; out = 4;"), "linear[2,4]",
    "fc.weight[4,3] fc.bias[4]" },
  { "linear without bias", "[ 5, 3 ]",
    L ("name = \"fc\"; type = \"linear\"; out = 4; bias = false;"), "linear[2,5,4]",
    "fc.weight[4,3]" },
  { "named after its type", "[ 3 ]",
    L ("type = \"linear\"; out = 4;") "," L ("type = \"linear\"; out = 2;"),
    "linear[2,4] linear[2,2]",
    "linear1.weight[4,3] linear1.bias[4] linear2.weight[2,4] linear2.bias[2]" },
  { "activations", "[ 3 ]",
    L ("type = \"relu\";") "," L ("type = \"gelu\";") "," L ("type = \"tanh\";") "," L (
        "type = \"sigmoid\";") "," L ("type = \"exp\";") "," L ("type = \"abs\";") "," L ("type = "
                                                                                          "\"sqrt\""
                                                                                          ";"),
    "relu[2,3] gelu[2,3] tanh[2,3] sigmoid[2,3] exp[2,3] abs[2,3] sqrt[2,3]", "" },
  { "softmax", "[ 3 ]", L ("type = \"softmax\";") "," L ("type = \"log_softmax\"; axis = 1;"),
    "softmax[2,3] log_softmax[2,3]", "" },
  { "dropout", "[ 3 ]", L ("type = \"dropout\"; p = 0.25;"), "dropout[2,3]", "" },
  { "batch_norm", IMAGE, L ("name = \"bn\"; type = \"batch_norm\";"), "batch_norm[2,3,8,6]",
    "bn.weight[3] bn.bias[3] bn.running_mean[3] bn.running_var[3]" },
  { "layer_norm", IMAGE,
    L ("name = \"a\"; type = \"layer_norm\";") "," L (
        "name = \"b\"; type = \"layer_norm\"; dims = 2;"),
    "layer_norm[2,3,8,6] layer_norm[2,3,8,6]", "a.weight[6] a.bias[6] b.weight[8,6] b.bias[8,6]" },
  { "add and mul of three", "[ 3 ]",
    L ("name = \"a\"; type = \"relu\";") "," L (
        "type = \"add\"; inputs = [ \"x\", \"a\", \"x\" ];") "," L ("type = \"mul\"; inputs = [ "
                                                                    "\"a\", \"x\" ];"),
    "relu[2,3] add[2,3] add[2,3] mul[2,3]", "" },
  { "sub and div", "[ 3 ]",
    L ("name = \"a\"; type = \"exp\";") "," L ("type = \"sub\"; inputs = [ \"x\", \"a\" ];") "," L (
        "type = \"div\"; inputs = [ \"x\", "
        "\"a\" ];"),
    "exp[2,3] sub[2,3] div[2,3]", "" },
  { "flatten", IMAGE, L ("type = \"flatten\";"), "reshape[2,144]", "" },
  { "reshape", IMAGE, L ("type = \"reshape\"; shape = [ 6, -1 ];"), "reshape[2,6,24]", "" },
  { "reshape to seven dimensions", "[ 4 ]",
    L ("type = \"reshape\"; shape = [ 1, 1, 1, 1, 1, 2, 2 ];"), "reshape[2,1,1,1,1,1,2,2]", "" },
  { "transpose", IMAGE, L ("type = \"transpose\"; perm = [ 0, 2, 3, 1 ];"), "transpose[2,8,6,3]",
    "" },
  { "slice", IMAGE, L ("type = \"slice\"; axis = 2; start = 1; end = 4;"), "slice[2,3,3,6]", "" },
  { "concat", IMAGE,
    L ("name = \"a\"; type = \"relu\";") "," L ("type = \"concat\"; inputs = [ \"a\", \"x\" ];"),
    "relu[2,3,8,6] concat[2,6,8,6]", "" },
  { "mean", IMAGE, L ("type = \"mean\"; axis = 2;"), "reduce_mean[2,3,6]", "" },
  { "cast", "[ 3 ]", L ("type = \"cast\"; dtype = \"f64\";"), "cast[2,3]", "" },
  /* (8 + 2 - 3) / 2 + 1 = 4, (6 + 2 - 3) / 2 + 1 = 3 */
  { "conv2d", IMAGE,
    L ("name = \"c\"; type = \"conv2d\"; out = 5; kernel = 3; stride = 2; pad = 1;"),
    "conv2d[2,5,4,3]", "c.weight[5,3,3,3] c.bias[5]" },
  /* height 8 + 1 + 1 - 1 = 9 of a kernel of 2, width 6 - 2 (3 - 1) = 2 of dilation 2 */
  { "conv2d with lists", IMAGE,
    L ("name = \"c\"; type = \"conv2d\"; out = 6; kernel = [ 2, 3 ]; dilation = [ 1, 2 ]; "
       "pad = [ 1, 0 ]; groups = 3; bias = false;"),
    "conv2d[2,6,9,2]", "c.weight[6,1,2,3]" },
  /* top 1, left 0, bottom 0, right 2: 8 + 1 - 1, 6 + 2 - 1 */
  { "conv2d with four pads", IMAGE,
    L ("name = \"c\"; type = \"conv2d\"; out = 1; kernel = [ 2, 3 ]; pad = [ 1, 0, 0, 2 ];"),
    "conv2d[2,1,8,6]", "c.weight[1,3,2,3] c.bias[1]" },
  { "pools", IMAGE,
    L ("type = \"max_pool2d\"; kernel = 2;") "," L (
        "type = \"avg_pool2d\"; kernel = 3; stride = 1; pad = 1;") "," L ("type = "
                                                                          "\"global_avg_pool\";"),
    "max_pool2d[2,3,4,3] avg_pool2d[2,3,4,3] global_avg_pool[2,3,1,1]", "" },
  /* ceil ((8 - 3) / 2) + 1 = 4, ceil ((6 - 3) / 2) + 1 = 3 */
  { "pool with ceil_mode", IMAGE,
    L ("type = \"max_pool2d\"; kernel = 3; stride = 2; ceil_mode = true;"), "max_pool2d[2,3,4,3]",
    "" },
  { "position", "[ 5, 4 ]", L ("name = \"p\"; type = \"position\";"), "add[2,5,4]",
    "p.weight[5,4]" },
  { "self_attention", "[ 5, 4 ]", L ("name = \"a\"; type = \"self_attention\"; heads = 2;"),
    "linear[2,5,12] slice[2,5,4] reshape[2,5,2,2] transpose[2,2,5,2] slice[2,5,4] "
    "reshape[2,5,2,2] transpose[2,2,5,2] slice[2,5,4] reshape[2,5,2,2] transpose[2,2,5,2] "
    "attention[2,2,5,2] transpose[2,5,2,2] reshape[2,5,4] linear[2,5,4]",
    "a.in_proj_weight[12,4] a.in_proj_bias[12] a.out_proj.weight[4,4] a.out_proj.bias[4]" },
  { "repeat", "[ 3 ]",
    L ("name = \"b\"; type = \"repeat\"; times = 2; layers = ( { name = \"fc\"; type = "
       "\"linear\"; out = 3; bias = false; }, { type = \"relu\"; }, { type = \"add\"; inputs = [ "
       "\"@in\", \"relu1\" ]; } );"),
    "linear[2,3] relu[2,3] add[2,3] linear[2,3] relu[2,3] add[2,3]",
    "b.0.fc.weight[3,3] b.1.fc.weight[3,3]" },
  { "repeat in a repeat", "[ 3 ]",
    L ("name = \"a\"; type = \"linear\"; out = 3; bias = false;") "," L (
        "name = \"b\"; type = \"repeat\"; times = 2; layers = ( { name = \"c\"; type = "
        "\"repeat\"; times = 1; layers = ( { type = \"add\"; inputs = [ \"@in\", \"a\" ]; } ); } "
        ");"),
    "linear[2,3] add[2,3] add[2,3]", "a.weight[3,3]" },
  { "repeat no times", "[ 3 ]",
    L ("type = \"repeat\"; times = 0; layers = ( { type = \"relu\"; } );") "," L (
        "type = \"tanh\";"),
    "tanh[2,3]", "" },
  { "input by the name of a repeated layer", "[ 3 ]",
    L ("name = \"b\"; type = \"repeat\"; times = 2; layers = ( { name = \"r\"; type = \"relu\"; } "
       ");") "," L ("type = \"add\"; inputs = [ \"b.0.r\", \"b.1.r\" ];"),
    "relu[2,3] relu[2,3] add[2,3]", "" },
};

SF_TEST_CASES (ConfigLayers, Graph, cases, G_N_ELEMENTS (cases), sf_test_row_name)
{
  const Case *c = data;
  Model model = model_read_layers (c->shape, c->layers);
  SF_CHECK_NO_ERROR (model.error);
  if (model.graph != NULL)
    {
      g_autofree char *nodes = model_nodes (&model), *states = model_states (&model);
      SF_CHECK_STR (nodes, c->nodes);
      SF_CHECK_STR (states, c->states);
      SF_CHECK (sf_graph_verify (model.graph, NULL));
    }
  model_clear (&model);
}

/* Values that a graph's shapes do not show. */
SF_TEST (ConfigLayers, Attributes)
{
  Model model = model_read_layers (
      IMAGE,
      L ("type = \"conv2d\"; out = 2; kernel = [ 2, 3 ]; stride = [ 1, 2 ]; "
         "pad = [ 1, 2 ]; dilation = 1;") "," L ("type = \"avg_pool2d\"; kernel = 2; count_include_pad = false;") "," L ("type = \"dropout\"; p = 0.25;") "," L ("type = \"dropout\";") "," L ("type = \"batch_norm\"; eps = 0.5; momentum = 0.25;"));
  size_t n;
  SF_REQUIRE_NO_ERROR (model.error);
  const int64_t *pads = sf_node_attr_ints (model.graph, 0, "pads", &n),
                *strides = sf_node_attr_ints (model.graph, 0, "strides", &n);
  SF_CHECK (pads[0] == 1 && pads[1] == 2 && pads[2] == 1 && pads[3] == 2);
  SF_CHECK (strides[0] == 1 && strides[1] == 2);
  const int64_t *pool = sf_node_attr_ints (model.graph, 1, "strides", &n);
  SF_CHECK (pool[0] == 2 && pool[1] == 2);
  SF_CHECK_INT (sf_node_attr_int (model.graph, 1, "count_include_pad"), 0);
  SF_CHECK_NEAR (sf_node_attr_float (model.graph, 2, "p"), 0.25, 0);
  SF_CHECK_NEAR (sf_node_attr_float (model.graph, 3, "p"), 0.5, 0);
  SF_CHECK_MSG (sf_node_attr_int (model.graph, 2, "stream")
                    != sf_node_attr_int (model.graph, 3, "stream"),
                "two dropouts draw the same numbers");
  SF_CHECK_NEAR (sf_node_attr_float (model.graph, 4, "eps"), 0.5, 0);
  SF_CHECK_NEAR (sf_node_attr_float (model.graph, 4, "momentum"), 0.25, 0);
  SfValue mean = sf_graph_find (model.graph, "batch_norm1.running_mean");
  SF_CHECK_INT (sf_value_state_kind (model.graph, mean), SF_STATE_STATISTIC);
  SF_CHECK_INT (sf_value_update (model.graph, mean), sf_node_output (model.graph, 4, 1));
  model_clear (&model);
}

SF_TEST (ConfigLayers, Embedding)
{
  Model model = model_read ("name = \"m\"; batch_size = 2;\n"
                            "inputs = ( { name = \"t\"; dtype = \"i32\"; shape = [ 5 ]; } );\n"
                            "layers = ( { name = \"e\"; type = \"embedding\"; rows = 7; out = 4; } "
                            ");",
                            NULL, 0, 1);
  SF_REQUIRE_NO_ERROR (model.error);
  g_autofree char *nodes = model_nodes (&model), *states = model_states (&model);
  SF_CHECK_STR (nodes, "embedding[2,5,4]");
  SF_CHECK_STR (states, "e.weight[7,4]");
  model_clear (&model);
}

/* "@in" is what each round was entered with; a name is looked up in the round first, then outside.
 */
SF_TEST (ConfigLayers, NamesInARepeat)
{
  Model model = model_read_layers (
      "[ 3 ]",
      L ("name = \"r\"; type = \"tanh\";") "," L (
          "name = \"b\"; type = \"repeat\"; times = 2; layers = ( { name = \"r\"; type = "
          "\"relu\"; }, { type = \"add\"; inputs = [ \"@in\", \"r\" ]; } );") "," L ("type = \"mul\"; inputs = [ \"r\", \"@in\" ];"));
  SF_REQUIRE_NO_ERROR (model.error);
  const SfGraph *graph = model.graph;
  SfValue x = sf_graph_input_at (graph, 0), out[6];
  SF_REQUIRE (sf_graph_n_nodes (graph) == 6);
  for (SfNode node = 0; node < 6; node++)
    out[node] = sf_node_output (graph, node, 0);
  SF_CHECK_INT (sf_node_input (graph, 2, 0), out[0]);
  SF_CHECK_INT (sf_node_input (graph, 2, 1), out[1]);
  SF_CHECK_INT (sf_node_input (graph, 4, 0), out[2]);
  SF_CHECK_INT (sf_node_input (graph, 4, 1), out[3]);
  SF_CHECK_INT (sf_node_input (graph, 5, 0), out[0]);
  SF_CHECK_INT (sf_node_input (graph, 5, 1), x);
  model_clear (&model);
}

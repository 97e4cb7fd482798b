/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong in a model, with file and line. */
#include "tests/support/sftest.h"
#include "tests/unit/frontend/model.h"

#include <string.h>

typedef struct
{
  const char *name, *shape, *layers, *message;
} Layers;

static const Layers layers[] = {
  { "unknown type", "[ 3 ]", "{ type = \"relu\"; },\n{ type = \"liner\"; out = 3; }",
    "m.cfg:5: unknown layer type \"liner\"; did you mean linear?; there are linear, relu, " },
  { "unknown key", "[ 3 ]", "{ type = \"linear\"; out = 3; bais = false; }", "m.cfg:4: " },
  { "key of another layer", "[ 3 ]", "{ type = \"relu\"; out = 3; }", "m.cfg:4: " },
  { "no type", "[ 3 ]", "{ out = 3; }", "m.cfg:4: " },
  { "no group", "[ 3 ]", "\"relu\", { type = \"relu\"; }",
    "m.cfg:4: a layer is a group: { type = " },
  { "missing key", "[ 3 ]", "{ type = \"linear\"; }", "m.cfg:4: has no out; add out = ..." },
  { "word for a number", "[ 3 ]", "{ type = \"linear\"; out = true; }", "m.cfg:4: " },
  { "fraction", "[ 3 ]", "{ type = \"linear\"; out = 2.5; }", "m.cfg:4: " },
  { "zero", "[ 3 ]", "{ type = \"linear\"; out = 0; }",
    "m.cfg:4: found 0, wanted a whole number from 1 to 2147483647" },
  { "unknown input", "[ 3 ]",
    "{ name = \"fc1\"; type = \"relu\"; },\n{ type = \"relu\"; input = \"fc2\"; }",
    "m.cfg:5: there is no layer or input \"fc2\" before this one; did you mean fc1?" },
  { "later layer", "[ 3 ]",
    "{ type = \"relu\"; input = \"late\"; },\n{ name = \"late\"; type = \"relu\"; }",
    "m.cfg:4: there is no layer or input \"late\" before this one" },
  { "layer inside a repeat from outside", "[ 3 ]",
    "{ name = \"b\"; type = \"repeat\"; times = 1; layers = ( { name = \"inner\"; type = \"relu\"; "
    "} ); },\n{ type = \"relu\"; input = \"inner\"; }",
    "m.cfg:5: there is no layer or input \"inner\" before this one" },
  { "name taken", "[ 3 ]",
    "{ name = \"a\"; type = \"relu\"; },\n{ name = \"a\"; type = \"relu\"; }",
    "m.cfg:5: the name \"a\" is empty, holds '@' or is taken" },
  { "name of an input", "[ 3 ]", "{ name = \"x\"; type = \"relu\"; }",
    "m.cfg:4: the name \"x\" is empty, holds '@' or is taken" },
  { "empty name", "[ 3 ]", "{ name = \"\"; type = \"relu\"; }", "m.cfg:4: the name \"\"" },
  { "reserved name", "[ 3 ]", "{ name = \"@in\"; type = \"relu\"; }", "m.cfg:4: the name \"@in\"" },
  { "too few inputs", "[ 3 ]", "{ name = \"s\"; type = \"add\"; }",
    "m.cfg:4: s has 1 inputs, wanted at least 2; name them with inputs = [ \"a\", \"b\" ]" },
  { "too many inputs", "[ 3 ]", "{ name = \"r\"; type = \"relu\"; inputs = [ \"x\", \"x\" ]; }",
    "m.cfg:4: r has 2 inputs, wanted 1" },
  { "inputs that are no list", "[ 3 ]", "{ type = \"add\"; inputs = \"x\"; }",
    "m.cfg:4: inputs: wanted a list of names" },
  { "image wanted", "[ 3 ]", "{ type = \"conv2d\"; out = 1; kernel = 3; }",
    "m.cfg:4: the layer's input has shape [2,3], wanted [batch, channels, height, width]; reshape "
    "it first" },
  { "kernel larger than the image", "[ 1, 2, 2 ]", "{ type = \"conv2d\"; out = 1; kernel = 3; }",
    "m.cfg:4: " },
  { "kernel of three", "[ 1, 8, 8 ]", "{ type = \"conv2d\"; out = 1; kernel = [ 3, 3, 3 ]; }",
    "m.cfg:4: kernel: wanted one integer or a list of 2" },
  { "pad of three", "[ 1, 8, 8 ]", "{ type = \"max_pool2d\"; kernel = 2; pad = [ 1, 1, 1 ]; }",
    "m.cfg:4: pad: wanted one integer or a list of 4" },
  { "negative pad", "[ 1, 8, 8 ]", "{ type = \"max_pool2d\"; kernel = 2; pad = -1; }",
    "m.cfg:4: found -1, wanted a whole number from 0 to 2147483647" },
  { "groups that do not divide", "[ 3, 8, 8 ]",
    "{ type = \"conv2d\"; out = 4; kernel = 3; groups = 2; }",
    "m.cfg:4: groups = 2 does not divide 3 input and 4 output channels" },
  { "heads that do not divide", "[ 5, 4 ]", "{ type = \"self_attention\"; heads = 3; }",
    "m.cfg:4: the layer's input has shape [2,5,4], wanted [batch, length, features] with features "
    "a multiple of 3 heads" },
  { "dropout of everything", "[ 3 ]", "{ type = \"dropout\"; p = 1.0; }",
    "m.cfg:4: p = 1, wanted 0 <= p < 1" },
  { "shapes that do not meet", "[ 3 ]",
    "{ name = \"a\"; type = \"linear\"; out = 4; },\n{ type = \"add\"; inputs = [ \"x\", \"a\" ]; }",
    "m.cfg:5: " },
  { "reshape to other elements", "[ 6 ]", "{ type = \"reshape\"; shape = [ 4 ]; }", "m.cfg:4: " },
  { "reshape to eight dimensions", "[ 6 ]",
    "{ type = \"reshape\"; shape = [ 1, 1, 1, 1, 1, 1, 1, 6 ]; }",
    "m.cfg:4: shape: wanted a list of at most 7 integers" },
  { "slice outside", "[ 6 ]", "{ type = \"slice\"; axis = 1; start = 2; end = 7; }",
    "m.cfg:4: axis, start, end do not lie in the layer's input" },
  { "norm over the batch", "[ 6 ]", "{ type = \"layer_norm\"; dims = 2; }",
    "m.cfg:4: dims = 2 leaves no batch dimension of rank 2" },
  { "unknown dtype", "[ 6 ]", "{ type = \"cast\"; dtype = \"f23\"; }", "m.cfg:4: " },
  { "repeat without layers", "[ 6 ]", "{ type = \"repeat\"; times = 2; }",
    "m.cfg:4: repeat has no list of layers; add layers = ( ... )" },
  { "error inside a repeat", "[ 6 ]",
    "{ type = \"repeat\"; times = 2; layers = (\n{ type = \"relo\"; } ); }",
    "m.cfg:5: unknown layer type \"relo\"; did you mean relu?" },
  { "repeated without end", "[ 6 ]",
    "{ type = \"repeat\"; times = 2147483647; layers = (\n{ type = \"relu\"; } ); }",
    "m.cfg:5: the model has more than 20000 layers; repeat fewer times" },
};

SF_TEST_CASES (ConfigErrors, Layers, layers, G_N_ELEMENTS (layers), sf_test_row_name)
{
  const Layers *c = data;
  Model model = model_read_layers (c->shape, c->layers);
  SF_CHECK (model.graph == NULL);
  SF_CHECK_MSG (model.error != NULL && g_str_has_prefix (model.error->message, c->message),
                "found: %s\nwanted: %s", model.error ? model.error->message : "none", c->message);
  SF_CHECK (g_error_matches (model.error, SF_ERROR, SF_ERROR_INVALID_DATA));
  model_clear (&model);
}

typedef struct
{
  const char *name, *text, *message;
} File;

#define X "inputs = ( { name = \"x\"; shape = [ 3 ]; } );\n"
#define XT \
  "inputs = ( { name = \"x\"; shape = [ 3 ]; }, { name = \"t\"; dtype = \"i32\"; shape = [ ]; } );\n"
#define NAME   "name = \"m\"; batch_size = 2;\n"
#define LINEAR "layers = ( { name = \"fc\"; type = \"linear\"; out = 2; } );\n"
#define ARGS \
  "args = { hidden = { default = 4; help = \"width\"; }; word = { default = \"wide\"; help = \"h\"; }; };\n"

static const File files[] = {
  { "no inputs", NAME LINEAR, "m.cfg:1: no model: wanted inputs = ( ... ) and layers = ( ... )" },
  { "no layers", NAME X, "m.cfg:1: no model: wanted inputs = ( ... ) and layers = ( ... )" },
  { "no name", "batch_size = 2;\n" X LINEAR, "m.cfg:1: " },
  { "no batch size", "name = \"m\";\n" X LINEAR,
    "m.cfg:1: has no batch_size; add batch_size = ..." },
  { "unknown key", NAME X LINEAR "optimiser = 3;", "m.cfg:4: " },
  { "empty inputs", NAME "inputs = ( );\n" LINEAR, "m.cfg:1: inputs: wanted a list" },
  { "input that is no group", NAME "inputs = ( 3 );\n" LINEAR, "m.cfg:2: an input is a group" },
  { "input without shape", NAME "inputs = ( { name = \"x\"; } );\n" LINEAR,
    "m.cfg:2: has no shape; add shape = ..." },
  { "input of eight dimensions",
    NAME "inputs = ( { name = \"x\"; shape = [ 1, 1, 1, 1, 1, 1, 1, 1 ]; } );\n" LINEAR,
    "m.cfg:2: shape: wanted a list of at most 7 integers" },
  { "input of nine dimensions",
    NAME "inputs = ( { name = \"x\"; shape = [ 1, 1, 1, 1, 1, 1, 1, 1, 1 ]; } );\n" LINEAR,
    "m.cfg:2: shape: wanted a list of at most 7 integers" },
  { "input of a wrong dtype",
    NAME "inputs = ( { name = \"x\"; dtype = \"float\"; shape = [ 3 ]; } );\n" LINEAR,
    "m.cfg:2: " },
  { "input too large",
    NAME "inputs = ( { name = \"x\"; shape = [ 2000000000, 2000000000 ]; } );\n" LINEAR,
    "m.cfg:2: x: shape [2,2000000000,2000000000] has more than 2^40 elements" },
  { "two inputs of one name",
    NAME
    "inputs = ( { name = \"x\"; shape = [ 3 ]; },\n{ name = \"x\"; shape = [ 3 ]; } );\n" LINEAR,
    "m.cfg:3: " },
  { "unknown key of an input",
    NAME "inputs = ( { name = \"x\"; shape = [ 3 ]; scael = 2.0; } );\n" LINEAR, "m.cfg:2: " },
  { "unknown output", NAME X LINEAR "output = \"fd\";",
    "m.cfg:1: there is no layer or input \"fd\" before this one; did you mean fc?" },
  { "unknown loss", NAME XT LINEAR "loss = { type = \"ce\"; target = \"t\"; };",
    "m.cfg:4: unknown loss \"ce\"; there are softmax_ce and mse" },
  { "loss without target", NAME XT LINEAR "loss = { type = \"softmax_ce\"; };", "m.cfg:4: " },
  { "loss of an unknown target",
    NAME XT LINEAR "loss = { type = \"softmax_ce\"; target = \"y\"; };",
    "m.cfg:4: there is no layer or input \"y\" before this one" },
  { "loss that does not fit", NAME XT LINEAR "loss = { type = \"mse\"; target = \"t\"; };",
    "m.cfg:4: " },
  { "loss that is no group", NAME XT LINEAR "loss = \"mse\";", "m.cfg:4: loss: wanted { type = " },
  { "too few classes", NAME X LINEAR "classes = [ \"a\" ];",
    "m.cfg:4: classes: wanted a list of 2 names" },
  { "classes that are no list", NAME X LINEAR "classes = \"a b\";",
    "m.cfg:4: classes: wanted a list of 2 names" },
  { "class of two lines", NAME X LINEAR "classes = [ \"a\\nb\", \"c\" ];",
    "m.cfg:4: the name of class 0 has two lines" },
  { "argument without default", NAME "args = { h = { help = \"x\"; }; };\n" X LINEAR,
    "m.cfg:2: argument h: has no default; add default = ..." },
  { "argument without help", NAME "args = { h = { default = 3; }; };\n" X LINEAR, "m.cfg:2: " },
  { "argument that is a number", NAME "args = { h = 3; };\n" X LINEAR,
    "m.cfg:2: argument h: wanted { default = ...; help = \"...\"; }" },
  { "argument that is a list",
    NAME "args = { h = { default = [ 3 ]; help = \"x\"; }; };\n" X LINEAR,
    "m.cfg:2: default: found a list, wanted a number, a boolean or a string" },
  { "arguments that are a list", NAME "args = ( );\n" X LINEAR, "m.cfg:2: args: wanted a group" },
  { "undeclared argument", NAME ARGS X "layers = ( { type = \"linear\"; out = \"$width\"; } );",
    "m.cfg:4: found \"$width\", wanted a number, or declared arguments and numbers with * and /" },
  { "argument that is a word", NAME ARGS X "layers = ( { type = \"linear\"; out = \"$word\"; } );",
    "m.cfg:4: found \"$word\", wanted a number" },
  { "division by zero", NAME ARGS X "layers = ( { type = \"linear\"; out = \"$hidden / 0\"; } );",
    "m.cfg:4: found \"$hidden / 0\", wanted a number" },
  { "sum", NAME ARGS X "layers = ( { type = \"linear\"; out = \"$hidden + 1\"; } );",
    "m.cfg:4: found \"$hidden + 1\", wanted a number" },
  { "product that ends", NAME ARGS X "layers = ( { type = \"linear\"; out = \"$hidden *\"; } );",
    "m.cfg:4: found \"$hidden *\", wanted a number" },
  { "nothing", NAME ARGS X "layers = ( { type = \"linear\"; out = \"\"; } );",
    "m.cfg:4: found \"\", wanted a number" },
  { "product that is too large",
    NAME ARGS X "layers = ( { type = \"linear\"; out = \"$hidden * 1000000000\"; } );",
    "m.cfg:4: found 4e+09, wanted a whole number from 1 to 2147483647" },
  { "quotient that is no integer",
    NAME ARGS X "layers = ( { type = \"linear\"; out = \"$hidden / 3\"; } );",
    "m.cfg:4: found 1.33333, wanted a whole number from 1 to 2147483647" },
};

SF_TEST_CASES (ConfigErrors, File, files, G_N_ELEMENTS (files), sf_test_row_name)
{
  const File *c = data;
  Model model = model_read (c->text, NULL, 0, 1);
  SF_CHECK (model.graph == NULL);
  SF_CHECK (g_error_matches (model.error, SF_ERROR, SF_ERROR_INVALID_DATA));
  SF_CHECK_MSG (model.error != NULL && g_str_has_prefix (model.error->message, c->message),
                "found: %s\nwanted: %s", model.error ? model.error->message : "none", c->message);
  model_clear (&model);
}

typedef struct
{
  const char *name, *setting, *message;
} Setting;

static const Setting settings[] = {
  { "unknown", "hiden=3",
    "--arg hiden=3: the model has no argument hiden; did you mean hidden?; --help lists them" },
  { "no value", "hidden", "--arg hidden: wanted NAME=VALUE" },
  { "no name", "=3", "--arg =3: wanted NAME=VALUE" },
  { "no number", "hidden=x", "m.cfg:4: found \"$hidden\", wanted a number" },
  { "empty", "hidden=", "m.cfg:4: found \"$hidden\", wanted a number" },
};

SF_TEST_CASES (ConfigErrors, Setting, settings, G_N_ELEMENTS (settings), sf_test_row_name)
{
  const Setting *c = data;
  const char *const args[] = { c->setting, NULL };
  Model model = model_read (NAME ARGS X "layers = ( { type = \"linear\"; out = \"$hidden\"; } );",
                            args, 0, 1);
  SF_CHECK (model.graph == NULL);
  SF_CHECK_MSG (model.error != NULL && g_str_has_prefix (model.error->message, c->message),
                "found: %s\nwanted: %s", model.error ? model.error->message : "none", c->message);
  model_clear (&model);
}

/* A model cut anywhere before its last value is refused, or lacks the loss that training asks for.
 */
SF_TEST (ConfigErrors, Truncation)
{
  static const char text[] = NAME XT LINEAR "loss = { type = \"softmax_ce\"; target = \"t\"; };\n";
  for (size_t n = 0; n + 2 < strlen (text); n++)
    {
      g_autofree char *part = g_strndup (text, n);
      Model model = model_read (part, NULL, 0, 1);
      SF_CHECK_MSG (model.graph == NULL || sf_module_fact (model.module, "loss") == NULL,
                    "cut at %zu: taken whole", n);
      SF_CHECK ((model.graph == NULL) == (model.error != NULL));
      model_clear (&model);
    }
}

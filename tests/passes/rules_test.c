/* SPDX-License-Identifier: Apache-2.0 */
/* Fusion rules that are refused. */
#include <string.h>

#include "tests/passes/fusing.h"

typedef struct
{
  const char *name, *rules, *message;
} BadCase;

static const BadCase bad[] = {
  { "no_rules", "rule = ( );", "r.cfg: found no rules, wanted rules = (" },
  { "no_group", "rules = ( 1 );", "r.cfg:1: found no group, wanted a rule" },
  { "no_name", "rules = ( { pattern = { a = { op_type = \"neg\"; }; }; } );",
    "r.cfg:1: no key \"name\"" },
  { "two_of_a_name",
    "rules = ( { name = \"a\"; pattern = { a = { op_type = \"neg\"; }; }; },\n"
    "{ name = \"a\"; pattern = { a = { op_type = \"neg\"; }; }; } );",
    "r.cfg:2: found a second rule a" },
  { "no_pattern", "rules = ( { name = \"a\"; } );", "r.cfg:1: found no pattern of 1 to 64 nodes" },
  { "unknown_key_of_a_rule", "rules = (\n{ name = \"a\"; patern = { }; } );",
    "r.cfg:2: unknown key \"patern\"; did you mean \"pattern\"?" },
  { "unknown_key_of_a_node", RULE ("", "a = { op_type = \"neg\";\nchidl = \"b\"; };"),
    "r.cfg:2: unknown key \"chidl\"; did you mean \"child\"?" },
  { "no_op_type", RULE ("", "a = { required = true; };"), "r.cfg:1: no key \"op_type\" in a" },
  { "empty_op_type", RULE ("", "a = { op_type = [ ]; };"), "op_type: found an empty list" },
  { "unknown_op", RULE ("", "a = {\nop_type = \"rellu\"; };"),
    "r.cfg:2: op_type: op 'rellu': not in the op table; did you mean 'relu'?" },
  { "unknown_class", RULE ("", "a = { op_type = \"@mapp\"; };"),
    "r.cfg:1: op_type: found class @mapp, wanted @map, @reduce" },
  { "unknown_child",
    RULE ("", "first = { op_type = \"neg\";\nchild = \"secnd\"; }; second = { "
              "op_type = \"exp\"; };"),
    "r.cfg:2: child: found secnd, wanted a node of the pattern of r; did you mean second" },
  { "child_and_children",
    RULE ("", "a = { op_type = \"neg\"; child = \"b\"; children = [ \"b\" ]; };"
              " b = { op_type = \"exp\"; };"),
    "found child and children in a" },
  { "child_twice",
    RULE ("", "a = { op_type = \"neg\"; children = [ \"b\", \"b\" ]; }; b = { op_type "
              "= \"exp\"; };"),
    "children: found b twice" },
  { "circle",
    RULE ("", "a = { op_type = \"neg\"; child = \"b\"; }; b = { op_type = \"exp\"; child = "
              "\"c\"; }; c = { op_type = \"neg\"; child = \"b\"; };"),
    "found the circle c -> b -> c in rule r" },
  { "own_child", RULE ("", "a = { op_type = \"neg\"; child = \"a\"; };"),
    "found the circle a -> a in rule r" },
  { "two_pieces",
    RULE ("", "a = { op_type = \"neg\"; child = \"b\"; }; b = { op_type = \"exp\"; }; c "
              "= { op_type = \"tanh\"; };"),
    "found no way between a and c in rule r" },
  { "pieces_without_an_optional_node",
    RULE ("",
          "a = { op_type = \"neg\"; child = \"c\"; }; b = { op_type = \"exp\"; child = \"c\"; }; c "
          "= { op_type = \"add\"; required = false; };"),
    "rule r falls into pieces without c" },
  { "nothing_included", RULE ("", "a = { op_type = \"neg\"; included = false; };"),
    "found no node to fuse in rule r" },
  { "choice_with_other_keys",
    RULE ("",
          "a = { op_type = \"neg\"; match_first_option = [ \"b\" ]; }; b = { op_type = \"exp\"; "
          "};"),
    "found other keys beside match_first_option in a" },
  { "choice_of_nothing", RULE ("", "a = { match_first_option = [ ]; };"),
    "match_first_option: found an empty list" },
  { "choice_of_what_is_not_there", RULE ("", "a = { match_first_option = [ \"other\" ]; };"),
    "match_first_option: found other, wanted a node of the pattern of r; add other" },
  { "unknown_heuristic", RULE ("heuristic = \"grwo\";", "a = { op_type = \"neg\"; };"),
    "heuristic: found grwo, wanted join, stage or grow; did you mean grow" },
  { "unknown_key_of_a_heuristic",
    RULE ("heuristic = { name = \"grow\"; max_node = 3; };", "a = { op_type = \"neg\"; };"),
    "unknown key \"max_node\"; did you mean \"max_nodes\"?" },
  { "max_nodes",
    RULE ("heuristic = { name = \"grow\"; max_nodes = 0; };", "a = { op_type = \"neg\"; };"),
    "found max_nodes 0, wanted 1 to 1000" },
  { "grow_from_nothing",
    RULE ("heuristic = \"grow\";", "a = { op_type = \"neg\"; required = false; };"),
    "found no required node in rule r" },
  { "type_of_priority", RULE ("priority = \"high\";", "a = { op_type = \"neg\"; };"),
    "priority: found a string, wanted an integer" },
  { "type_of_required", RULE ("", "a = { op_type = \"neg\"; required = 1; };"),
    "required: found an integer, wanted true or false" },
};

SF_TEST_CASES (Fuse, Refuses, bad, G_N_ELEMENTS (bad), sf_test_row_name)
{
  const BadCase *row = data;
  g_autoptr (SfModule) module = test_chain ("neg exp");
  TestResult r = test_fuse (module, row->rules, NULL);
  SF_CHECK (r.error != NULL && strchr (r.error->message, '\n') == NULL);
  SF_CHECK_ERROR (r.error, SF_ERROR_INVALID_DATA, row->message);
  test_result_clear (&r);
}

/* Nine optional nodes in a row have 512 forms. */
SF_TEST (Fuse, RefusesTooManyForms)
{
  g_autoptr (GString) nodes = g_string_new ("a0 = { op_type = \"neg\"; child = \"a1\"; }; ");
  for (int i = 1; i <= 9; i++)
    g_string_append_printf (
        nodes, "a%d = { op_type = \"neg\"; required = false; child = \"a%d\"; }; ", i, i + 1);
  g_string_append (nodes, "a10 = { op_type = \"exp\"; };");
  g_autofree char *rules = g_strdup_printf ("rules = ( { name = \"r\"; pattern = { %s }; } );",
                                            nodes->str);
  g_autoptr (SfModule) module = test_chain ("neg exp");
  TestResult r = test_fuse (module, rules, NULL);
  SF_CHECK_ERROR (r.error, SF_ERROR_INVALID_DATA, "found more than 256 forms of rule r");
  test_result_clear (&r);
}

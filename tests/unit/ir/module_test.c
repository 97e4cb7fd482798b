/* SPDX-License-Identifier: Apache-2.0 */
/* Modules: entries over states that agree, and facts. */
#include "tests/unit/ir/ir_support.h"

#include "tests/support/sftest.h"

static SfGraph *
with_state (SfStateKind kind, SfDtype dtype, SfShape shape)
{
  g_autoptr (GError) error = NULL;
  SfGraph *graph = sf_graph_new ("g");
  sf_graph_state (graph, "w", kind, dtype, shape, NULL, &error);
  SF_CHECK_NO_ERROR (error);
  return graph;
}

typedef struct
{
  const char *name;
  SfStateKind kind;
  SfDtype dtype;
  int64_t dim;
  const char *wanted; /* NULL: accepted */
} Case;

static const Case cases[] = {
  { "same", SF_STATE_PARAM, SF_F32, 3, NULL },
  { "dtype", SF_STATE_PARAM, SF_F64, 3,
    "module m: state w is f64 [3] in entry eval, but f32 [3] in entry train" },
  { "shape", SF_STATE_PARAM, SF_F32, 4,
    "module m: state w is f32 [4] in entry eval, but f32 [3] in entry train" },
  { "kind", SF_STATE_STATISTIC, SF_F32, 3,
    "module m: state w is of another kind in entry eval than in entry train" },
};

SF_TEST_CASES (Module, StatesAgree, cases, G_N_ELEMENTS (cases), sf_test_row_name)
{
  const Case *c = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (SfModule) module = sf_module_new ("m");
  g_autoptr (SfGraph) train = with_state (SF_STATE_PARAM, SF_F32, SF_SHAPE (3));
  g_autoptr (SfGraph) eval = with_state (c->kind, c->dtype, SF_SHAPE (c->dim));
  sf_module_set_graph (module, "train", train);
  sf_module_set_graph (module, "eval", eval);
  SF_CHECK (sf_module_verify (module, &error) == (c->wanted == NULL));
  if (c->wanted != NULL)
    SF_CHECK_ERROR (error, SF_ERROR_INVALID_ARGUMENT, c->wanted);
}

SF_TEST (Module, EntriesAreReplaced)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfModule) module = sf_module_new ("m");
  SF_CHECK (!sf_module_verify (module, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_ARGUMENT, "module m: no entries");
  g_autoptr (SfGraph) a = sf_graph_new ("a");
  g_autoptr (SfGraph) b = sf_graph_new ("b");
  sf_module_set_graph (module, "train", a);
  sf_module_set_graph (module, "train", b);
  SF_CHECK_INT (sf_module_n_entries (module), 1);
  SF_CHECK_STR (sf_module_entry (module, 0), "train");
  SF_CHECK (sf_module_graph (module, "train") == b);
  SF_CHECK (sf_module_graph (module, "eval") == NULL);
}

SF_TEST (Module, FactsAreSorted)
{
  g_autoptr (SfModule) module = sf_module_new ("m");
  SF_CHECK (sf_module_fact_keys (module)[0] == NULL);
  sf_module_set_fact (module, "precision", "f32");
  sf_module_set_fact (module, "batch_size", "32");
  sf_module_set_fact (module, "precision", "bf16");
  const char *const *keys = sf_module_fact_keys (module);
  SF_CHECK_STR (keys[0], "batch_size");
  SF_CHECK_STR (keys[1], "precision");
  SF_CHECK (keys[2] == NULL);
  SF_CHECK_STR (sf_module_fact (module, "precision"), "bf16");
  SF_CHECK (sf_module_fact (module, "none") == NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Copies, origins, digests, and the graph of the entry `eval`. */
#include "tests/unit/ir/ir_support.h"

#include <string.h>

#include "tests/support/sftest.h"

static SfGraph *
copy_of (const SfGraph *from, SfValue *map)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfGraph) to = sf_graph_new (sf_graph_name (from));
  bool ok = sf_graph_copy_interface (to, from, map, &error);
  for (SfNode n = 0; ok && n < sf_graph_n_nodes (from); n++)
    ok = sf_graph_copy_node (to, from, n, map, &error);
  ok = ok && sf_graph_copy_results (to, from, map, &error);
  SF_CHECK_NO_ERROR (error);
  return ok ? g_steal_pointer (&to) : NULL;
}

SF_TEST (Rewrite, CopyPrintsTheSame)
{
  g_autoptr (GError) error = NULL;
  IrMlp mlp = ir_mlp ();
  g_autoptr (SfGraph) g = mlp.graph;
  SfValue map[64], again[64], grads[4];
  SF_CHECK (sf_graph_set_dtype (g, sf_node_output (g, 1, 0), SF_BF16, &error));
  SF_CHECK (sf_graph_differentiate (g, mlp.loss, mlp.params, 4, grads, &error));
  sf_graph_set_phase (g, SF_PHASE_OPT);
  SF_CHECK (sf_graph_set_update (g, mlp.params[1],
                                 sf_graph_op2 (g, "sub", mlp.params[1], grads[1], &error), &error));
  SF_REQUIRE_NO_ERROR (error);
  SF_REQUIRE (sf_graph_n_values (g) <= 64);
  sf_node_set_group (g, 0, 3);
  sf_node_set_on_host (g, 1, true);
  g_autoptr (SfGraph) copy = copy_of (g, map);
  SF_REQUIRE (copy != NULL);
  /* Copying puts declared values first; a copy of the copy has the same ids. */
  g_autoptr (SfGraph) second = copy_of (copy, again);
  SF_REQUIRE (second != NULL);
  g_autofree char *first_text = sf_graph_text (copy);
  g_autofree char *second_text = sf_graph_text (second);
  g_autofree char *first_digest = sf_graph_digest (copy);
  g_autofree char *second_digest = sf_graph_digest (second);
  SF_CHECK_STR (second_text, first_text);
  SF_CHECK_STR (second_digest, first_digest);
  SF_CHECK_INT (strlen (first_digest), 32);
  SF_CHECK_INT (sf_node_group (second, 0), 3);
  SF_CHECK_INT (sf_node_group (second, 1), -1);
  SF_CHECK (sf_node_on_host (second, 1) && !sf_node_on_host (second, 0));
  /* Origins lead through both copies to the source. */
  SF_CHECK_INT (sf_value_origin (g, mlp.logits), mlp.logits);
  SF_CHECK_INT (sf_value_origin (second, again[map[mlp.logits]]), mlp.logits);
  SF_CHECK (sf_graph_verify (second, &error));
  SF_CHECK_NO_ERROR (error);
}

SF_TEST (Rewrite, NeedsInputsFirst)
{
  g_autoptr (GError) error = NULL;
  IrMlp mlp = ir_mlp ();
  g_autoptr (SfGraph) g = mlp.graph;
  g_autoptr (SfGraph) to = sf_graph_new ("to");
  SfValue map[10];
  SF_CHECK (sf_graph_copy_interface (to, g, map, &error));
  SF_CHECK (!sf_graph_copy_node (to, g, 1, map, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_ARGUMENT,
                  "graph to: fc1 is not there yet, wanted before what reads it");
}

/* The digest sees structure and names of the interface, not data and node names. */
SF_TEST (Digest, SeesStructureOnly)
{
  g_autoptr (GError) error = NULL;
  IrMlp a = ir_mlp (), b = ir_mlp (), c = ir_mlp ();
  g_autoptr (SfGraph) ga = a.graph;
  g_autoptr (SfGraph) gb = b.graph;
  g_autoptr (SfGraph) gc = c.graph;
  sf_graph_set_node_name (gb, 0, "renamed");
  SF_CHECK_STR (sf_node_name (gb, 0), "renamed");
  sf_graph_op1 (gc, "neg", c.logits, &error);
  g_autofree char *da = sf_graph_digest (ga);
  g_autofree char *db = sf_graph_digest (gb);
  g_autofree char *dc = sf_graph_digest (gc);
  SF_CHECK_STR (db, da);
  SF_CHECK (strcmp (da, dc) != 0);
  SF_CHECK (sf_graph_set_dtype (gb, b.logits, SF_BF16, &error));
  g_autofree char *dd = sf_graph_digest (gb);
  SF_CHECK (strcmp (da, dd) != 0);
}

SF_TEST (Eval, DropoutGoesAndStatisticsStay)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfGraph) g = sf_graph_new ("t");
  SfValue x = ir_input (g, "x", SF_F32, SF_SHAPE (4, 3));
  SfValue v[5] = { x }, out[5];
  static const char *const names[] = { "", "gamma", "beta", "mean", "var" };
  for (int i = 1; i < 5; i++)
    v[i] = sf_graph_state (g, names[i], i < 3 ? SF_STATE_PARAM : SF_STATE_STATISTIC, SF_F32,
                           SF_SHAPE (3), NULL, &error);
  sf_graph_state (g, "moment", SF_STATE_OPTIMIZER, SF_F32, SF_SHAPE (3), NULL, &error);
  SfValue rng = sf_graph_scalar (g, "rng", SF_I32, SF_SHAPE (3), &error);
  SfNode bn = sf_graph_add (g, "batch_norm", v, 5, (SfAttr[]){ SF_ATTR_F ("eps", 0.25) }, 1, out,
                            &error);
  SF_REQUIRE (bn != SF_NONE);
  SfValue y = sf_graph_op (g, "dropout", (SfValue[]){ out[0], rng }, 2,
                           (SfAttr[]){ SF_ATTR_I ("stream", 1) }, 1, &error);
  SF_CHECK (sf_graph_set_update (g, v[3], out[1], &error));
  SF_CHECK (sf_graph_output (g, "y", SF_OUTPUT_PREDICTION, y, &error));
  SfValue loss = sf_graph_op1 (g, "reduce_sum", y, &error), grad;
  SF_CHECK (sf_graph_differentiate (g, loss, &v[1], 1, &grad, &error));
  SF_REQUIRE_NO_ERROR (error);
  g_autoptr (SfGraph) eval = sf_graph_to_eval (g, &error);
  SF_REQUIRE_NO_ERROR (error);
  g_autofree char *text = sf_graph_text (eval);
  SF_CHECK_STR (text,
                "graph t\n"
                "  %0 = input x f32 [4,3]\n"
                "  %1 = state gamma param f32 [3]\n"
                "  %2 = state beta param f32 [3]\n"
                "  %3 = state mean statistic f32 [3]\n"
                "  %4 = state var statistic f32 [3]\n"
                "  %5 = batch_norm_infer (%0, %1, %2, %3, %4) {eps=0.25} f32 [4,3]  # batch_norm "
                "fwd\n"
                "  output y prediction = %5\n");
  SF_CHECK (sf_graph_verify (eval, &error));
  SF_CHECK_NO_ERROR (error);
  SF_CHECK_INT (sf_value_origin (eval, 5), out[0]);
}

/* Dropout that drops nothing is no op. */
SF_TEST (Rewrite, DropoutOfNothing)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfGraph) from = sf_graph_new ("t"), to = sf_graph_new ("t");
  SfValue in[] = { ir_input (from, "x", SF_F32, SF_SHAPE (4)),
                   sf_graph_scalar (from, "rng", SF_I32, SF_SHAPE (3), &error) };
  SfAttr attrs[] = { SF_ATTR_F ("p", 0), SF_ATTR_I ("stream", 1) };
  SfValue out = SF_NONE;
  SfNode node = sf_graph_add (from, "dropout", in, 2, attrs, 2, &out, &error);
  SF_REQUIRE (node != SF_NONE);
  SfValue map[] = { ir_input (to, "x", SF_F32, SF_SHAPE (4)),
                    sf_graph_scalar (to, "rng", SF_I32, SF_SHAPE (3), &error) };
  SF_CHECK (sf_graph_decompose (to, from, node, map, &out, &error));
  SF_CHECK_NO_ERROR (error);
  SF_CHECK_INT (out, map[0]);
  SF_CHECK_INT (sf_graph_n_nodes (to), 0);
}

/* One graph in variations; each must have a digest of its own. */
static char *
digest_of (const char *input, SfStateKind kind, SfPhase phase, int64_t axis, const char *output)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfGraph) g = sf_graph_new ("t");
  SfValue x = ir_input (g, input, SF_F32, SF_SHAPE (2, 2));
  sf_graph_state (g, "s", kind, SF_F32, SF_SHAPE (2), NULL, &error);
  sf_graph_set_phase (g, phase);
  SfValue y = sf_graph_op (g, "softmax", &x, 1, (SfAttr[]){ SF_ATTR_I ("axis", axis) }, 1, &error);
  sf_graph_output (g, output, SF_OUTPUT_OTHER, y, &error);
  SF_CHECK_NO_ERROR (error);
  return sf_graph_digest (g);
}

SF_TEST (Digest, TellsVariationsApart)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autofree char *again = digest_of ("x", SF_STATE_PARAM, SF_PHASE_FWD, 0, "y");
  g_hash_table_add (seen, digest_of ("x", SF_STATE_PARAM, SF_PHASE_FWD, 0, "y"));
  SF_CHECK (g_hash_table_contains (seen, again));
  g_hash_table_add (seen, digest_of ("z", SF_STATE_PARAM, SF_PHASE_FWD, 0, "y"));
  g_hash_table_add (seen, digest_of ("x", SF_STATE_STATISTIC, SF_PHASE_FWD, 0, "y"));
  g_hash_table_add (seen, digest_of ("x", SF_STATE_PARAM, SF_PHASE_BWD, 0, "y"));
  g_hash_table_add (seen, digest_of ("x", SF_STATE_PARAM, SF_PHASE_FWD, 1, "y"));
  g_hash_table_add (seen, digest_of ("x", SF_STATE_PARAM, SF_PHASE_FWD, 0, "w"));
  SF_CHECK_INT (g_hash_table_size (seen), 6);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Each rule of the verifier, broken once through the records, since the builder refuses what breaks
 * one. */
#include "core/ir/graph.h"
#include "tests/unit/ir/ir_support.h"

#include "tests/support/sftest.h"

/* The graph of ir_mlp: values 0 x, 1 labels, 2-5 parameters, 6-9 results of nodes 0 fc1, 1 fc1.2
 * (relu), 2 fc2, 3 loss. */
typedef struct
{
  const char *name;
  void (*damage) (SfGraph *graph);
  const char *wanted;
} Case;

static void
no_name (SfGraph *g)
{
  sf_value_record (g, 6)->name = NULL;
}

static void
unknown_dtype (SfGraph *g)
{
  sf_value_record (g, 6)->dtype = SF_N_DTYPES;
}

static void
negative_dim (SfGraph *g)
{
  sf_value_record (g, 6)->shape.dim[0] = -4;
}

static void
result_without_producer (SfGraph *g)
{
  sf_value_record (g, 6)->producer = SF_NONE;
}

static void
input_with_producer (SfGraph *g)
{
  sf_value_record (g, 0)->producer = 0;
}

static void
wrong_producer (SfGraph *g)
{
  sf_value_record (g, 6)->producer = 3;
}

static void
constant_without_data (SfGraph *g)
{
  sf_value_record (g, 0)->kind = SF_VALUE_CONSTANT;
}

static void
updated_input (SfGraph *g)
{
  sf_value_record (g, 0)->update = 6;
}

static void
listed_elsewhere (SfGraph *g)
{
  g_array_index (g->inputs, SfValue, 0) = 2;
}

static void
listed_twice (SfGraph *g)
{
  g_array_index (g->inputs, SfValue, 0) = 1;
}

static void
not_listed (SfGraph *g)
{
  g_array_set_size (g->inputs, 1);
}

static void
not_found (SfGraph *g)
{
  g_hash_table_remove (g->interface_names, "labels");
}

static void
no_op (SfGraph *g)
{
  sf_node_record (g, 1)->op = NULL;
}

static void
foreign_op (SfGraph *g)
{
  static SfOp copy;
  copy = *sf_node_record (g, 1)->op;
  sf_node_record (g, 1)->op = &copy;
}

static void
same_node_name (SfGraph *g)
{
  sf_node_record (g, 1)->name = "fc1";
}

/* Value 7, the output of node 1, becomes a state. */
static void
output_of_none (SfGraph *g)
{
  SfValue late = 7;
  SfValueRecord *record = sf_value_record (g, late);
  record->kind = SF_VALUE_STATE;
  record->producer = SF_NONE;
  record->name = "late";
  g_array_append_val (g->states, late);
  g_hash_table_insert (g->interface_names, (gpointer) record->name, GUINT_TO_POINTER (late + 1));
}

static void
outputs_overlap (SfGraph *g)
{
  output_of_none (g);
  sf_node_record (g, 1)->first_output = 6;
}

static void
unknown_phase (SfGraph *g)
{
  sf_node_record (g, 1)->phase = SF_N_PHASES;
}

static void
reads_later_value (SfGraph *g)
{
  sf_node_record (g, 1)->inputs[0] = 8;
}

static void
reads_later_phase (SfGraph *g)
{
  sf_node_record (g, 1)->phase = SF_PHASE_BWD;
}

static void
missing_input (SfGraph *g)
{
  sf_node_record (g, 0)->n_inputs = 1;
}

static void
absent_input (SfGraph *g)
{
  sf_node_record (g, 0)->inputs[1] = SF_NONE;
}

static void
wrong_shape (SfGraph *g)
{
  sf_value_record (g, 7)->shape.dim[1] = 6;
}

static void
wrong_rule_input (SfGraph *g)
{
  sf_value_record (g, 2)->shape.dim[1] = 4;
}

static void
int_output (SfGraph *g)
{
  sf_value_record (g, 8)->dtype = SF_I32;
}

static void
too_wide_output (SfGraph *g)
{
  sf_value_record (g, 6)->dtype = SF_F64;
  sf_value_record (g, 7)->dtype = SF_F64;
}

static void
missing_attr (SfGraph *g)
{
  sf_node_record (g, 3)->n_attrs = 0;
}

static void
misnamed_attr (SfGraph *g)
{
  sf_node_record (g, 3)->attrs[0].name = "ignore";
}

static void
wrong_user_count (SfGraph *g)
{
  sf_value_record (g, 8)->n_users = 1;
}

static void
update_of_other_shape (SfGraph *g)
{
  sf_value_record (g, 5)->update = 8;
}

static void
output_beyond (SfGraph *g)
{
  g_array_index (g->outputs, SfOutputRecord, 0).value = 99;
}

static void
same_output_name (SfGraph *g)
{
  g_array_index (g->outputs, SfOutputRecord, 0).name = "loss";
}

static void
loss_not_scalar (SfGraph *g)
{
  g_array_index (g->outputs, SfOutputRecord, 0).role = SF_OUTPUT_LOSS;
}

static const Case cases[] = {
  { "no_name", no_name, "value 6: has no name" },
  { "unknown_dtype", unknown_dtype, "fc1: kind 4 or dtype 13 is not known" },
  { "negative_dim", negative_dim, "fc1: dimension 0 is -4, wanted 0 or more" },
  { "result_without_producer", result_without_producer, "fc1: is a result without a producer" },
  { "input_with_producer", input_with_producer, "x: has a producer, but is no result" },
  { "wrong_producer", wrong_producer, "fc1: its producer is node 3, which does not give it" },
  { "constant_without_data", constant_without_data, "x: is a constant without data" },
  { "updated_input", updated_input, "x: has an update, but is no state" },
  { "listed_elsewhere", listed_elsewhere,
    "graph mlp: value 2 is listed among values of another kind" },
  { "listed_twice", listed_twice, "labels: two inputs, states or scalars have this name" },
  { "not_listed", not_listed, "graph mlp: 2 values of one kind, 1 of them listed" },
  { "not_found", not_found, "labels: is not found by its name" },
  { "foreign_op", foreign_op, "fc1.2: its op is not a row of the op table" },
  { "same_node_name", same_node_name, "fc1: two nodes have this name" },
  { "outputs_overlap", outputs_overlap, "fc1.2: its outputs begin at value 6, wanted 7 or later" },
  { "output_of_none", output_of_none, "fc1.2: its output value 7 names another producer" },
  { "unknown_phase", unknown_phase, "fc1.2: phase 3 is not known" },
  { "reads_later_value", reads_later_value, "fc1.2: reads value 8 before it is computed" },
  { "reads_later_phase", reads_later_phase, "fc2: reads fc1.2, which a later phase computes" },
  { "missing_input", missing_input, "fc1 (linear): 1 inputs, wanted 2 to 3" },
  { "absent_input", absent_input, "fc1 (linear): input 1 is absent, wanted a value" },
  { "wrong_shape", wrong_shape, "fc1.2 (relu): output 0 is f32 [4,6], its rule gives f32 [4,5]" },
  { "wrong_rule_input", wrong_rule_input, "fc1 (linear): w has shape [5,4], wanted [out,3]" },
  { "int_output", int_output, "fc2 (linear): output 0 is i32 [4,2], its rule gives f32 [4,2]" },
  { "too_wide_output", too_wide_output, "fc1 (linear): output 0 is f64 [4,5], its rule gives f32" },
  { "missing_attr", missing_attr, "loss (softmax_ce): 0 attributes, wanted the 1 of its row" },
  { "misnamed_attr", misnamed_attr, "loss (softmax_ce): attribute 'ignore' is not known" },
  { "wrong_user_count", wrong_user_count, "fc2: counts 1 users, has 2" },
  { "update_of_other_shape", update_of_other_shape,
    "fc2.bias: its update differs from it in dtype or shape" },
  { "output_beyond", output_beyond, "output logits: is value 99, which does not exist" },
  { "same_output_name", same_output_name, "output loss: two outputs have this name" },
  { "loss_not_scalar", loss_not_scalar, "output logits: the loss is not a scalar of f32 or f64" },
  { "no_op", no_op, "node 1: has no op or no name" },
};

SF_TEST_CASES (Verify, Refuses, cases, G_N_ELEMENTS (cases), sf_test_row_name)
{
  const Case *c = data;
  IrMlp mlp = ir_mlp ();
  g_autoptr (SfGraph) g = mlp.graph;
  g_autoptr (GError) error = NULL;
  SF_REQUIRE (sf_graph_verify (g, &error));
  c->damage (g);
  SF_CHECK (!sf_graph_verify (g, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INTERNAL, c->wanted);
}

/* Attributes stay as the rule normalises them. */
SF_TEST (Verify, RefusesAttributeOutOfNormalForm)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfGraph) g = sf_graph_new ("t");
  SfValue x = ir_input (g, "x", SF_F32, SF_SHAPE (2, 3));
  SfNode node = sf_graph_add (g, "softmax", &x, 1, NULL, 0, NULL, &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK_INT (sf_node_attr_int (g, node, "axis"), 1);
  sf_node_record (g, node)->attrs[0].i = -1;
  SF_CHECK (!sf_graph_verify (g, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INTERNAL,
                  "softmax (softmax): attribute axis is not in its normal form");
}

typedef struct
{
  const char *name;
  SfDtype input, stored;
  bool ok;
} StorageCase;

static const StorageCase storage_cases[] = {
  { "f32_as_bf16", SF_F32, SF_BF16, true }, { "f32_as_f16", SF_F32, SF_F16, true },
  { "bf16_as_f32", SF_BF16, SF_F32, true }, { "f64_as_f32", SF_F64, SF_F32, true },
  { "f32_as_f64", SF_F32, SF_F64, false },  { "bf16_as_f64", SF_BF16, SF_F64, false },
};

SF_TEST_CASES (Verify, StorageDtype, storage_cases, G_N_ELEMENTS (storage_cases), sf_test_row_name)
{
  const StorageCase *c = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (SfGraph) g = sf_graph_new ("t");
  SfValue y = sf_graph_op1 (g, "exp", ir_input (g, "x", c->input, SF_SHAPE (2)), &error);
  SF_CHECK (sf_graph_set_dtype (g, y, c->stored, &error));
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK (sf_graph_verify (g, &error) == c->ok);
  /* Nodes added later see the dtype the value is stored in. */
  SfValue z = sf_graph_op1 (g, "exp", y, NULL);
  SF_CHECK_INT (sf_value_dtype (g, z), c->stored);
}

SF_TEST (Verify, CastGivesItsAttribute)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfGraph) g = sf_graph_new ("t");
  SfValue x = ir_input (g, "x", SF_F32, SF_SHAPE (2));
  SfValue y = sf_graph_op (g, "cast", &x, 1, (SfAttr[]){ SF_ATTR_D ("dtype", SF_BF16) }, 1, &error);
  SF_CHECK (sf_graph_set_dtype (g, y, SF_F16, &error));
  SF_CHECK (!sf_graph_verify (g, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INTERNAL, "output 0 is f16 [2], its rule gives bf16 [2]");
}

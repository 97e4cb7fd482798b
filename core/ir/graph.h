/* SPDX-License-Identifier: Apache-2.0 */
/* The records of a graph, seen by core/ir and its tests only. */
#ifndef SF_CORE_IR_GRAPH_H
#define SF_CORE_IR_GRAPH_H

#include "core/ir/op.h"

typedef struct
{
  SfValueKind kind;
  SfDtype dtype;
  bool stored_as; /* dtype set by sf_graph_set_dtype, not as inferred */
  SfShape shape;
  const char *name;
  SfNode producer;
  SfStateKind state_kind;
  SfValue update;
  GBytes *data; /* never written to, so that copies of a graph share it; NULL for all but constants
                   and states with initial data */
  uint32_t n_users;
  SfValue origin;
} SfValueRecord;

typedef struct
{
  const SfOp *op;
  const char *name;
  SfPhase phase;
  uint32_t n_inputs, n_attrs;
  SfValue *inputs; /* without trailing SF_NONE */
  SfValue first_output;
  SfAttr *attrs; /* complete, in row order */
  int32_t group, section;
  bool on_host;
} SfNodeRecord;

typedef struct
{
  const char *name;
  SfOutputRole role;
  SfValue value;
} SfOutputRecord;

/* Records, names and lists live in an arena, so that what a reader borrows stays where it is while
 * the graph grows. */
struct SfGraph
{
  gint ref_count;
  const char *name;
  GPtrArray *values;                 /* SfValueRecord * */
  GPtrArray *nodes;                  /* SfNodeRecord * */
  GArray *inputs, *states, *scalars; /* SfValue */
  GArray *outputs;                   /* SfOutputRecord */
  GHashTable *interface_names;       /* name -> value + 1, of inputs, states and scalars */
  GHashTable *node_names;            /* name -> node + 1 */
  GHashTable *name_counts;           /* scope -> names given under it */
  const char *scope;                 /* NULL: nodes are named after their op */
  SfPhase phase;
  bool has_origins;
  GPtrArray *blocks; /* of the arena */
  size_t block_used, block_bytes;
};

static inline SfValueRecord *
sf_value_record (const SfGraph *graph, SfValue value)
{
  return g_ptr_array_index (graph->values, value);
}

static inline SfNodeRecord *
sf_node_record (const SfGraph *graph, SfNode node)
{
  return g_ptr_array_index (graph->nodes, node);
}

/* Memory that lives as long as the graph, zeroed and 16-byte aligned. */
void *sf_graph_arena (SfGraph *graph, size_t bytes);
const char *sf_graph_arena_text (SfGraph *graph, const char *text);
/* A new value record; takes `data`. */
SfValue sf_graph_new_value (SfGraph *graph, SfValueKind kind, SfDtype dtype, const SfShape *shape,
                            const char *name, GBytes *data);
/* As sf_graph_state and sf_graph_constant, with data that is shared and not copied: dense, of the
 * shape's size, aligned to 64 bytes. init NULL: none. */
SfValue sf_graph_state_of (SfGraph *graph, const char *name, SfStateKind kind, SfDtype dtype,
                           SfShape shape, GBytes *init, GError **error);
SfValue sf_graph_constant_of (SfGraph *graph, SfDtype dtype, SfShape shape, GBytes *data,
                              GError **error);
/* A node name not yet taken: `wanted`, or `wanted` with the next number. */
const char *sf_graph_unique_name (SfGraph *graph, const char *wanted);
/* Names the outputs of `node` after it. */
void sf_graph_name_outputs (SfGraph *graph, SfNode node);
/* Runs the op's shape rule on inputs of `graph`; messages begin with `name`. attrs are complete and
 * may be normalised. */
bool sf_graph_infer (const SfGraph *graph, const SfOp *op, const char *name, const SfValue *inputs,
                     size_t n_inputs, SfAttr *attrs, int64_t (*ints)[SF_MAX_RANK], SfDtype *dtypes,
                     SfShape *shapes, GError **error);
/* Whether a result may be stored as `dtype` when its rule infers `inferred`. */
bool sf_storage_dtype_ok (const SfOp *op, SfDtype inferred, SfDtype dtype);
/* `value` in float dtype `dtype`: itself, stored so if it is a result made since value `mark` that
 * nothing reads yet, or a cast. */
SfValue sf_graph_as_dtype (SfGraph *graph, SfValue value, SfDtype dtype, SfValue mark,
                           GError **error);

typedef bool (*SfDecomposeRule) (SfDecompose *decompose, GError **error);
/* Adds to `to` what `rule` makes of `node`, under the node's name, phase and storage dtypes;
 * outputs[] that the rule leaves out are SF_NONE. */
bool sf_graph_apply_rule (SfGraph *to, const SfGraph *from, SfNode node, SfDecomposeRule rule,
                          const SfValue *map, SfValue *outputs, GError **error);
/* Single steps of sf_graph_copy_interface and sf_graph_copy_results. */
bool sf_graph_copy_declared (SfGraph *to, const SfGraph *from, SfValue value, SfValue *map,
                             GError **error);
bool sf_graph_copy_outputs (SfGraph *to, const SfGraph *from, const SfValue *map, GError **error);

#endif

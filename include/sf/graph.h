/* SPDX-License-Identifier: Apache-2.0 */
/* The dataflow graph: SSA values with dtype and static shape, nodes in topological order, and
 * modules of graphs over shared states.
 *
 * A graph is append-only: a pass that changes one builds another and lets values keep their origin.
 * Ids are dense, from 0, and stay valid for the life of the graph. A graph is used by one thread at
 * a time while it is built; afterwards any number may read. */
#ifndef SF_GRAPH_H
#define SF_GRAPH_H

#include <sf/op.h>
#include <sf/tensor.h>

SF_BEGIN_DECLS

typedef struct SfGraph SfGraph;
typedef uint32_t SfValue;
typedef uint32_t SfNode;
#define SF_NONE UINT32_MAX

typedef enum
{
  SF_VALUE_INPUT,    /* fed at each step; dimension 0 is the batch */
  SF_VALUE_STATE,    /* kept between steps: parameters, optimizer state, statistics */
  SF_VALUE_SCALAR,   /* computed by the host for each step: learning rate, "rng" */
  SF_VALUE_CONSTANT, /* known now */
  SF_VALUE_RESULT,   /* output of a node */
} SfValueKind;

typedef enum
{
  SF_STATE_PARAM,     /* trained; differentiated */
  SF_STATE_OPTIMIZER, /* moments and the like */
  SF_STATE_STATISTIC, /* running mean and variance */
  SF_STATE_FROZEN,    /* a parameter that is not trained */
} SfStateKind;

typedef enum
{
  SF_PHASE_FWD,
  SF_PHASE_BWD,
  SF_PHASE_OPT,
  SF_N_PHASES,
} SfPhase;

typedef enum
{
  SF_OUTPUT_PREDICTION, /* what inference returns: logits, values */
  SF_OUTPUT_LOSS, /* scalar f32 (f64 in an f64 graph), mean over the valid rows of the batch */
  SF_OUTPUT_OTHER,
} SfOutputRole;

/* ---- building ---- */

SF_API SfGraph *sf_graph_new (const char *name); /* owned */
SF_API SfGraph *sf_graph_ref (SfGraph *graph);
SF_API void sf_graph_unref (SfGraph *graph);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfGraph, sf_graph_unref)
SF_API const char *sf_graph_name (const SfGraph *graph);

/* All of these return the new value, or SF_NONE with *error. Names are unique among inputs, states
 * and scalars of a graph. */
SF_API SfValue sf_graph_input (SfGraph *graph, const char *name, SfDtype dtype, SfShape shape,
                               GError **error);
/* A state by value-in; `init` dense of the same dtype and shape, copied; NULL means zeros. */
SF_API SfValue sf_graph_state (SfGraph *graph, const char *name, SfStateKind kind, SfDtype dtype,
                               SfShape shape, const void *init, GError **error);
/* The value that state `state` has after the step; same dtype and shape; at most once per state. */
SF_API bool sf_graph_set_update (SfGraph *graph, SfValue state, SfValue next, GError **error);
/* Turns a parameter into one that is not trained: SF_STATE_FROZEN. */
SF_API bool sf_graph_freeze (SfGraph *graph, SfValue param, GError **error);
/* Well-known: "rng" i32 [3] = seed low word, seed high word, step (for dropout, rng_uniform).
 * Others are f32 []. Asking again returns the same value. */
SF_API SfValue sf_graph_scalar (SfGraph *graph, const char *name, SfDtype dtype, SfShape shape,
                                GError **error);
/* `data` dense, copied. */
SF_API SfValue sf_graph_constant (SfGraph *graph, SfDtype dtype, SfShape shape, const void *data,
                                  GError **error);
/* Float scalar constant of the given float dtype. */
SF_API SfValue sf_graph_constant_f (SfGraph *graph, SfDtype dtype, double value, GError **error);

/* Adds a node: attributes checked and defaults filled in by the op's row, dtype and shape of the
 * outputs inferred. Optional trailing inputs may be left out; an optional one in the middle is
 * SF_NONE. outputs (sf_op_n_outputs entries) may be NULL. Returns the node or SF_NONE. The node
 * takes the graph's current phase. */
SF_API SfNode sf_graph_add (SfGraph *graph, const char *op, const SfValue *inputs, size_t n_inputs,
                            const SfAttr *attrs, size_t n_attrs, SfValue *outputs, GError **error);
/* One-output shorthands. */
SF_API SfValue sf_graph_op1 (SfGraph *graph, const char *op, SfValue a, GError **error);
SF_API SfValue sf_graph_op2 (SfGraph *graph, const char *op, SfValue a, SfValue b, GError **error);
SF_API SfValue sf_graph_op3 (SfGraph *graph, const char *op, SfValue a, SfValue b, SfValue c,
                             GError **error);
SF_API SfValue sf_graph_op (SfGraph *graph, const char *op, const SfValue *inputs, size_t n_inputs,
                            const SfAttr *attrs, size_t n_attrs, GError **error);

SF_API bool sf_graph_output (SfGraph *graph, const char *name, SfOutputRole role, SfValue value,
                             GError **error);
SF_API void sf_graph_set_phase (SfGraph *graph, SfPhase phase); /* of nodes added from now on */
/* Name after the source's own node ("conv1", "/layer1/Conv"); prefix for nodes added without one.
 * Values print as name:output. */
SF_API void sf_graph_set_scope (SfGraph *graph, const char *name);
SF_API void sf_graph_set_node_name (SfGraph *graph, SfNode node, const char *name);
/* Changes the dtype that a result of float dtype is stored in (the precision pass); inference of
 * later nodes sees it. docs/ops.md says which dtypes sf_graph_verify then accepts. */
SF_API bool sf_graph_set_dtype (SfGraph *graph, SfValue value, SfDtype dtype, GError **error);

/* ---- reading ---- */

SF_API size_t sf_graph_n_values (const SfGraph *graph);
SF_API SfValueKind sf_value_kind (const SfGraph *graph, SfValue value);
SF_API SfDtype sf_value_dtype (const SfGraph *graph, SfValue value);
SF_API const SfShape *sf_value_shape (const SfGraph *graph, SfValue value);
SF_API const char *sf_value_name (
    const SfGraph *graph,
    SfValue value); /* inputs, states, scalars: their name; results: "node" or "node:1" */
SF_API SfNode sf_value_producer (const SfGraph *graph, SfValue value); /* SF_NONE unless RESULT */
SF_API SfStateKind sf_value_state_kind (const SfGraph *graph, SfValue value);
SF_API SfValue sf_value_update (const SfGraph *graph,
                                SfValue state); /* SF_NONE: unchanged by a step */
/* Dense data of a constant, or initial data of a state (NULL: zeros). Borrowed. */
SF_API const void *sf_value_data (const SfGraph *graph, SfValue value);
SF_API size_t sf_value_n_users (const SfGraph *graph,
                                SfValue value); /* node inputs, outputs and updates that read it */

SF_API size_t sf_graph_n_nodes (const SfGraph *graph);
SF_API const SfOp *sf_node_op (const SfGraph *graph, SfNode node);
SF_API const char *sf_node_op_name (const SfGraph *graph, SfNode node);
SF_API const char *sf_node_name (const SfGraph *graph, SfNode node);
SF_API SfPhase sf_node_phase (const SfGraph *graph, SfNode node);
SF_API size_t sf_node_n_inputs (const SfGraph *graph, SfNode node);
SF_API SfValue sf_node_input (const SfGraph *graph, SfNode node,
                              size_t index); /* SF_NONE: absent optional */
SF_API size_t sf_node_n_outputs (const SfGraph *graph, SfNode node);
SF_API SfValue sf_node_output (const SfGraph *graph, SfNode node, size_t index);
SF_API size_t sf_node_n_attrs (const SfGraph *graph, SfNode node);
SF_API SfAttr sf_node_attr (const SfGraph *graph, SfNode node,
                            size_t index); /* borrowed pointers */
/* Attribute by name; every attribute of the row is present after sf_graph_add. A wrong name is a
 * defect. */
SF_API int64_t sf_node_attr_int (const SfGraph *graph, SfNode node,
                                 const char *name); /* INT, BOOL, DTYPE */
SF_API double sf_node_attr_float (const SfGraph *graph, SfNode node, const char *name);
SF_API const char *sf_node_attr_string (const SfGraph *graph, SfNode node, const char *name);
SF_API const int64_t *sf_node_attr_ints (const SfGraph *graph, SfNode node, const char *name,
                                         size_t *n);

SF_API size_t sf_graph_n_inputs (const SfGraph *graph);
SF_API SfValue sf_graph_input_at (const SfGraph *graph, size_t index);
SF_API size_t sf_graph_n_states (const SfGraph *graph);
SF_API SfValue sf_graph_state_at (const SfGraph *graph, size_t index);
SF_API size_t sf_graph_n_scalars (const SfGraph *graph);
SF_API SfValue sf_graph_scalar_at (const SfGraph *graph, size_t index);
SF_API size_t sf_graph_n_outputs (const SfGraph *graph);
SF_API SfValue sf_graph_output_at (const SfGraph *graph, size_t index, const char **name,
                                   SfOutputRole *role); /* name, role may be NULL */
SF_API SfValue sf_graph_find (const SfGraph *graph,
                              const char *name); /* input, state or scalar; SF_NONE */

/* ---- rewriting ---- */

/* Copies node `node` of `from` into `to` with inputs mapped by `map` (indexed by value of `from`;
 * SF_NONE = not yet there), sets the map's entries for its outputs; name, phase, attributes and
 * origins follow. */
SF_API bool sf_graph_copy_node (SfGraph *to, const SfGraph *from, SfNode node, SfValue *map,
                                GError **error);
/* Declares all inputs, states, scalars and constants of `from` in `to`, filling `map`. */
SF_API bool sf_graph_copy_interface (SfGraph *to, const SfGraph *from, SfValue *map,
                                     GError **error);
/* That, then every node in order. */
SF_API bool sf_graph_copy_nodes (SfGraph *to, const SfGraph *from, SfValue *map, GError **error);
/* Copies outputs and state updates, through `map`. */
SF_API bool sf_graph_copy_results (SfGraph *to, const SfGraph *from, const SfValue *map,
                                   GError **error);
/* Adds to `graph` what op `node` of `from` decomposes into, one level; outputs[] get the replacing
 * values. UNSUPPORTED when the row has no decomposition. */
SF_API bool sf_graph_decompose (SfGraph *to, const SfGraph *from, SfNode node, const SfValue *map,
                                SfValue *outputs, GError **error);
/* The value of the source graph that this value equals, for debugging and comparison; SF_NONE for
 * inner values of a decomposition. In a graph without origins (the source graph itself) a value is
 * its own origin. */
SF_API SfValue sf_value_origin (const SfGraph *graph, SfValue value);
SF_API void sf_value_set_origin (SfGraph *graph, SfValue value, SfValue origin);

/* Annotations that passes leave on nodes for later passes: fusion group and section, both dense
 * from 0 once assigned; -1 before. */
SF_API int32_t sf_node_group (const SfGraph *graph, SfNode node);
SF_API void sf_node_set_group (SfGraph *graph, SfNode node, int32_t group);
SF_API int32_t sf_node_section (const SfGraph *graph, SfNode node);
SF_API void sf_node_set_section (SfGraph *graph, SfNode node, int32_t section);
/* True: runs on the host (cpu backend), set by legalise. */
SF_API bool sf_node_on_host (const SfGraph *graph, SfNode node);
SF_API void sf_node_set_on_host (SfGraph *graph, SfNode node, bool on_host);

/* ---- differentiation ---- */

/* Appends (phase BWD) the gradient of scalar `loss` with respect to wrt[0..n): grads[i], or SF_NONE
 * where loss does not depend on wrt[i]. Gradients have the dtype of their value. UNSUPPORTED names
 * the node whose op has no gradient. */
SF_API bool sf_graph_differentiate (SfGraph *graph, SfValue loss, const SfValue *wrt, size_t n,
                                    SfValue *grads, GError **error);
/* Copy for the entry `eval`: dropout becomes its input, batch_norm batch_norm_infer (op rows say
 * how); state updates are dropped. Owned. */
SF_API SfGraph *sf_graph_to_eval (const SfGraph *graph, GError **error);

/* ---- checking and printing ---- */

/* Every rule of the op table on every node, order, users, updates, names. INTERNAL names the first
 * node that breaks one. */
SF_API bool sf_graph_verify (const SfGraph *graph, GError **error);
/* One line per value, stable, for people and golden tests. Owned. docs/ops.md shows the form. */
SF_API char *sf_graph_text (const SfGraph *graph);
/* XXH3-128 of the structure (names of states and inputs, ops, attributes, shapes; not data), 32 hex
 * digits. Owned. */
SF_API char *sf_graph_digest (const SfGraph *graph);

/* ---- modules ---- */

/* The graphs of a model, one per entry ("train", "eval"), over one set of states that agree by
 * name, dtype and shape. */
typedef struct SfModule SfModule;

SF_API SfModule *sf_module_new (const char *name); /* owned */
SF_API SfModule *sf_module_ref (SfModule *module);
SF_API void sf_module_unref (SfModule *module);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfModule, sf_module_unref)
SF_API const char *sf_module_name (const SfModule *module);
/* Adds or replaces the graph of an entry; takes a reference. */
SF_API void sf_module_set_graph (SfModule *module, const char *entry, SfGraph *graph);
SF_API size_t sf_module_n_entries (const SfModule *module);
SF_API const char *sf_module_entry (const SfModule *module, size_t index);
SF_API SfGraph *sf_module_graph (const SfModule *module, const char *entry); /* borrowed; NULL */
/* Small facts that travel into the PEF's meta: model file, arguments, batch size, optimizer and its
 * options, precision ... */
SF_API void sf_module_set_fact (SfModule *module, const char *key, const char *value);
SF_API const char *sf_module_fact (const SfModule *module, const char *key);
SF_API const char *const *
sf_module_fact_keys (const SfModule *module); /* sorted, NULL-terminated, borrowed */
SF_API bool sf_module_verify (const SfModule *module, GError **error);

SF_END_DECLS
#endif

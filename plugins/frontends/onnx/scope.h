/* SPDX-License-Identifier: Apache-2.0 */
/* An import in progress: the values of the model by name and scope, and the node being lowered. */
#ifndef SF_ONNX_SCOPE_H
#define SF_ONNX_SCOPE_H

#include <sf/checked.h>
#include <sf/evaluate.h>

#include "plugins/frontends/onnx/importer.h"
#include "plugins/frontends/onnx/model.h"

enum
{
  ONNX_MIN_OPSET = 7,
  ONNX_MAX_OPSET = 21,
  ONNX_MAX_NODES = 1 << 18, /* lowered in one import, each trip of a loop counted */
  ONNX_MAX_NESTING = 32,    /* of functions, branches and bodies */
  /* A folded result beyond this stays in the graph. */
  ONNX_MAX_FOLD_BYTES = 64 << 20,
};

/* ---- values ---- */

typedef enum
{
  ONNX_TENSOR,
  ONNX_SEQUENCE, /* a list known in length; its elements are values */
  ONNX_NOTHING,  /* an optional without content */
  ONNX_ABSENT,   /* an input that the call of a function leaves out */
  ONNX_UNSET,    /* an output that the lowering does not give; refused where it is used */
} OnnxKind;

typedef struct OnnxValue OnnxValue;

/* A value of the model. A tensor has at least one of: an initialiser not yet read, content, a place
 * in the graph, a graph input not yet declared. Owned by the import, shared by every name. */
struct OnnxValue
{
  OnnxKind kind;
  const char *name; /* borrowed; of the initialiser or input */
  SfDtype dtype;
  SfShape shape;
  const Onnx__TensorProto *proto; /* initialiser; read on demand */
  const SfKnownInput *given;      /* graph input whose content the caller knows */
  bool is_param;                  /* float initialiser of rank 1 or more */
  bool is_input;                  /* of the model */
  bool is_computed;               /* result of a node of the graph */
  bool is_nibbles;                /* integers of 4 bits, held in 8 */
  bool has_content;
  bool is_taken;    /* content of a given input was asked for */
  SfTensor content; /* dense */
  SfValue at;       /* in the import's graph; SF_NONE: not there yet */
  SfValue narrow;   /* the same as i32 */
  OnnxValue **items;
  size_t n_items;
};

/* ---- the import ---- */

typedef struct
{
  OnnxModel *model;
  const SfImportOptions *options;
  SfGraph *graph;
  SfModule *module;
  GPtrArray *values;    /* OnnxValue, owned */
  GHashTable *by_proto; /* TensorProto -> OnnxValue: an initialiser of a loop body is one state */
  GHashTable *dims;     /* name of a symbolic dimension -> int64_t */
  GByteArray *origins;  /* per value of the graph: what it depends on */
  size_t n_nodes;       /* lowered so far */
  size_t n_visits;      /* of values, by evaluations of the graph */
  int nesting;
} OnnxImport;

/* A function's body and the node that calls it. */
typedef struct OnnxCall OnnxCall;
typedef struct OnnxScope OnnxScope;

struct OnnxCall
{
  const Onnx__FunctionProto *function;
  const Onnx__NodeProto *node;
  const OnnxScope *scope; /* of the call */
};

/* Names of one graph; inner ones see outer ones, functions see nothing. */
struct OnnxScope
{
  OnnxImport *import;
  const OnnxScope *parent;
  const Onnx__GraphProto *graph; /* NULL: body of a function */
  const OnnxCall *call;          /* NULL outside functions; inherited by graphs within */
  char *prefix;                  /* of node names: "" or "loop/2/" */
  GHashTable *names;             /* -> OnnxValue */
  GHashTable *declared;          /* -> TypeProto; made on demand */
};

OnnxScope *onnx_scope_new (OnnxImport *import, const OnnxScope *parent,
                           const Onnx__GraphProto *graph, const OnnxCall *call, const char *prefix);
void onnx_scope_free (OnnxScope *scope);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (OnnxScope, onnx_scope_free)
OnnxValue *onnx_scope_find (const OnnxScope *scope, const char *name);
/* False when the scope has that name already. */
bool onnx_scope_add (OnnxScope *scope, const char *name, OnnxValue *value);
/* Version of a domain's operators; 0: the model does not say. */
int onnx_scope_opset (const OnnxScope *scope, const char *domain);
/* Type that the scope's graph declares for a name; NULL. */
const Onnx__TypeProto *onnx_scope_declared (OnnxScope *scope, const char *name);
/* The attribute itself, or the caller's that it stands for; NULL: left out by the caller. */
const Onnx__AttributeProto *onnx_scope_attribute (const OnnxScope *scope,
                                                  const Onnx__AttributeProto *attribute);

/* ---- making values ---- */

OnnxValue *onnx_value_new (OnnxImport *import, OnnxKind kind);
OnnxValue *onnx_value_of_graph (OnnxImport *import, SfValue value);
/* Takes over `content`. */
OnnxValue *onnx_value_of_content (OnnxImport *import, SfTensor *content);
OnnxValue *onnx_value_of_list (OnnxImport *import, OnnxValue *const *items, size_t n);

/* ---- asking values ---- */

/* "a sequence" .. */
const char *onnx_kind_name (OnnxKind kind);

/* What the caller knows of an input; NULL. */
const SfKnownInput *onnx_given (const OnnxImport *import, const char *name);
/* Known now and no parameter: what follows from it alone is folded. */
bool onnx_value_is_constant (const OnnxValue *value);
/* Known now, parameters by their initial value, given inputs included. */
bool onnx_value_is_known (OnnxImport *import, const OnnxValue *value);
/* The content of a known value, dense. Borrowed; NULL with an error without an object. */
const SfTensor *onnx_value_content (OnnxImport *import, OnnxValue *value, GError **error);
/* Whether a node is evaluated at import in little time and memory. */
bool onnx_is_light (const SfGraph *graph, SfNode node);
/* Its place in the import's graph, entered there when need be. */
SfValue onnx_value_place (OnnxImport *import, OnnxValue *value, GError **error);

/* ---- nodes ---- */

struct OnnxNode
{
  OnnxImport *import;
  OnnxScope *scope;
  const Onnx__NodeProto *proto;
  const OnnxRow *row;
  int opset;
  char *name;
  SfGraph *graph; /* the import's, or a scratch graph whose results are evaluated */
  GError *error;
  const Onnx__AttributeProto **attributes; /* resolved; NULL: left out */
  bool *asked;                             /* per attribute */
  OnnxValue **inputs;                      /* NULL: absent */
  size_t n_inputs;
  OnnxValue **outputs; /* NULL: not set */
  SfValue *results;    /* per output: place in `graph`; SF_NONE */
  size_t n_outputs;
  GPtrArray *owned; /* memory lent to the lowering */
};

/* Lowers `n` nodes in order; their results become names of the scope. */
bool onnx_walk (OnnxScope *scope, Onnx__NodeProto *const *nodes, size_t n, GError **error);
/* Enters the initialisers of the scope's graph. */
bool onnx_enter_initialisers (OnnxScope *scope, GError **error);

OnnxNode *onnx_node_new (OnnxScope *scope, const Onnx__NodeProto *proto, GError **error);
void onnx_node_free (OnnxNode *node);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (OnnxNode, onnx_node_free)
/* Forgets what a lowering did, before another attempt. */
void onnx_node_reset (OnnxNode *node, SfGraph *graph);
/* Fails the node with an error of somebody else's; takes it over. */
void onnx_adopt (OnnxNode *node, GError *error);
bool onnx_is_scratch (const OnnxNode *node);
/* The value itself, for lowerings that pass values on unseen; NULL: absent. */
OnnxValue *onnx_input_value (OnnxNode *node, size_t index);
void onnx_set_value (OnnxNode *node, size_t index, OnnxValue *value);
/* Marks an attribute as asked for and returns it; NULL: absent. */
const Onnx__AttributeProto *onnx_attr (OnnxNode *node, const char *name);
/* A graph attribute; refused when absent. */
const Onnx__GraphProto *onnx_graph_attr (OnnxNode *node, const char *name);
/* Lowers a body or branch: `inputs` become its inputs, `outputs` (graph->n_output entries) are
 * filled. False: the node has failed. */
bool onnx_run_graph (OnnxNode *node, const Onnx__GraphProto *graph, const char *label,
                     OnnxValue *const *inputs, size_t n_inputs, OnnxValue **outputs);

/* ---- functions ---- */

void onnx_call_function (OnnxNode *node, const Onnx__FunctionProto *function);

/* ---- the table ---- */

/* The row for the node's operator; NULL with an error without an object, that says what exists. */
const OnnxRow *onnx_table_find (const char *domain, const char *op, int opset, GError **error);
/* Every row, by domain, operator and version. The array is owned, the rows are not. */
GPtrArray *onnx_table_rows (void);

/* ---- inputs ---- */

/* Binds symbolic dimensions and enters the model's inputs. */
bool onnx_enter_inputs (OnnxScope *scope, GError **error);
/* Shape of a tensor type; -1 where a dimension is open. False: no tensor type or no rank. */
bool onnx_type_shape (const OnnxImport *import, const Onnx__TypeProto *type, SfShape *shape);

#endif

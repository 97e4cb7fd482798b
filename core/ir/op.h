/* SPDX-License-Identifier: Apache-2.0 */
/* The op table's row type, seen by core/ir only: shape rule, gradient rule, decomposition, eval
 * form. */
#ifndef SF_CORE_IR_OP_H
#define SF_CORE_IR_OP_H

#include <sf/graph.h>

#define SF_MAX_ATTRS   8 /* of a row */
#define SF_MAX_OUTPUTS 8 /* of a row */

typedef struct
{
  const char *name;
  SfAttrType type;
  const char *def; /* NULL: required. INTS as "1,1"; "" an empty list */
} SfOpAttr;

/* What a shape rule sees and fills. Inputs that were left out have dtype SF_N_DTYPES. */
typedef struct
{
  const SfOp *op;
  size_t n_inputs;
  const SfDtype *dtype;
  const SfShape *const *shape;
  SfAttr *attrs; /* complete, in row order; a rule may normalise (negative axes, -1 in reshape) in
                    place */
  int64_t (*ints)[SF_MAX_RANK]; /* room of the INTS attributes, by row order: what attrs[i].ints
                                   points to */
  SfDtype *out_dtype;
  SfShape *out_shape;
} SfInfer;

/* What a gradient rule sees: appends nodes to `graph` (whose phase is BWD) and sets dx[i] for each
 * input that needs it (SF_NONE otherwise). dy[k] is SF_NONE where no gradient flows into output k;
 * at least one is present. */
typedef struct
{
  SfGraph *graph;
  SfNode node;
  const SfValue *dy;
  const bool *needs; /* per input: is its gradient wanted */
  SfValue *dx;
} SfGradient;

/* What a decomposition sees: appends to `to` nodes that compute what `node` of `from` computes,
 * from `inputs` (values of `to`), into outputs[]. */
typedef struct
{
  SfGraph *to;
  const SfGraph *from;
  SfNode node;
  const SfValue *inputs; /* SF_NONE: absent */
  size_t n_inputs;
  SfValue *outputs;
} SfDecompose;

struct SfOp
{
  const char *name;
  int version;
  SfOpClass op_class;
  int min_inputs, max_inputs; /* max -1: any number */
  int n_outputs;
  const SfOpAttr *attrs; /* ends with name NULL; may be NULL */
  bool (*infer) (SfInfer *infer, GError **error);
  bool (*gradient) (SfGradient *gradient, GError **error);    /* NULL: none */
  bool (*decompose) (SfDecompose *decompose, GError **error); /* NULL: primitive */
  bool (*eval_form) (SfDecompose *eval, GError **error);      /* NULL: same as in training */
  const char *summary;
};

/* The families, one file each: core/ir/ops_<family>.c holds rows and shape rules, grad_<family>.c
 * the gradient rules, decompose_<family>.c the decompositions and eval forms; the rules are
 * declared in core/ir/rules.h. */
extern const SfOp sf_ops_elementwise[];
extern const SfOp sf_ops_reduce[]; /* reduce_*, argmax, cumsum, sort, softmax family */
extern const SfOp sf_ops_movement[];
extern const SfOp sf_ops_contraction[]; /* matmul, linear, attention */
extern const SfOp sf_ops_window[];      /* unfold, fold, conv2d */
extern const SfOp sf_ops_pool[];        /* max, average, global */
extern const SfOp sf_ops_index[];   /* gather, scatter_add, embedding, iota, rng_uniform, dropout */
extern const SfOp sf_ops_counted[]; /* nonzero, unique, nms */
extern const SfOp sf_ops_norm[];    /* batch_norm, layer_norm */
extern const SfOp sf_ops_loss[];    /* softmax_ce, mse */
extern const SfOp sf_ops_collective[]; /* each ends with name NULL */

/* Attributes of a row, complete and typed, from what the caller gave: defaults filled in, INTS
 * moved to `ints`. */
bool sf_op_complete_attrs (const SfOp *op, const SfAttr *given, size_t n_given, SfAttr *attrs,
                           int64_t (*ints)[SF_MAX_RANK], size_t *n_attrs, GError **error);
size_t sf_op_n_attrs (const SfOp *op);
/* Whether attribute `index` of the row has its default value in `attr`. */
bool sf_op_attr_is_default (const SfOp *op, size_t index, const SfAttr *attr);
const char *sf_attr_type_name (SfAttrType type);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions over a graph with one sticky error: how rules are written, so that a formula reads as
 * one. */
#ifndef SF_CORE_IR_EXPR_H
#define SF_CORE_IR_EXPR_H

#include <sf/graph.h>

/* After the first failure every call returns SF_NONE (or a scalar shape) and adds nothing;
 * sf_expr_end hands the error over. Results need no last cast: whoever applies a rule stores them
 * in the dtype of the value that they serve. */
typedef struct
{
  SfGraph *graph;
  SfValue mark; /* values from here on are the expression's own */
  GError *error;
} SfExpr;

/* A dimension list under construction. */
typedef struct
{
  size_t n;
  int64_t at[SF_MAX_RANK];
} SfAxes;

static inline SfExpr
sf_expr_begin (SfGraph *graph)
{
  return (SfExpr){ .graph = graph, .mark = (SfValue) sf_graph_n_values (graph) };
}

/* True when nothing failed; otherwise moves the failure to *error. */
bool sf_expr_end (SfExpr *e, GError **error);

SfDtype sf_expr_dtype (const SfExpr *e, SfValue v);
SfShape sf_expr_shape (const SfExpr *e, SfValue v);

/* A node with any number of inputs, attributes and outputs; `outputs` may be NULL when only the
 * first is wanted, which is returned. */
SfValue sf_expr_op (SfExpr *e, const char *op, const SfValue *inputs, size_t n_inputs,
                    const SfAttr *attrs, size_t n_attrs, SfValue *outputs);
SfValue sf_expr_1 (SfExpr *e, const char *op, SfValue a);
SfValue sf_expr_2 (SfExpr *e, const char *op, SfValue a, SfValue b);
SfValue sf_expr_3 (SfExpr *e, const char *op, SfValue a, SfValue b, SfValue c);

/* Scalar constants, of any dtype or of i32. */
SfValue sf_expr_f (SfExpr *e, SfDtype dtype, double value);
SfValue sf_expr_i (SfExpr *e, int32_t value);
/* Data that is known now, given in f64 and stored as `dtype`. */
SfValue sf_expr_data (SfExpr *e, SfDtype dtype, SfShape shape, const double *data);
/* op (v, scalar of v's dtype). */
SfValue sf_expr_2f (SfExpr *e, const char *op, SfValue v, double scalar);
SfValue sf_expr_zeros (SfExpr *e, SfDtype dtype, SfShape shape);

/* These return `v` itself where nothing is to be done. */
/* Where the last call made `v` and nothing reads it yet, it is stored in `dtype`, rounded once;
 * otherwise a cast is added. `v` is not to be used again. */
SfValue sf_expr_cast (SfExpr *e, SfValue v, SfDtype dtype);
SfValue sf_expr_reshape (SfExpr *e, SfValue v, SfShape shape);
SfValue sf_expr_broadcast (SfExpr *e, SfValue v, SfShape shape);
/* The adjoint of broadcasting `shape` to the shape of `v`: sums what was repeated. */
SfValue sf_expr_unbroadcast (SfExpr *e, SfValue v, SfShape shape);

/* The dtype that sums and statistics over values of `dtype` are computed in: f32 for bf16 and f16.
 */
SfDtype sf_expr_wide_dtype (SfDtype dtype);
SfValue sf_expr_wide (SfExpr *e, SfValue v);

SfValue sf_expr_reduce (SfExpr *e, const char *op, SfValue v, SfAxes axes, bool keepdims);
/* softmax and its kin: row by row along `axis`. */
SfValue sf_expr_rows (SfExpr *e, const char *op, const SfValue *inputs, size_t n_inputs, int axis);
SfValue sf_expr_transpose (SfExpr *e, SfValue v, SfAxes perm);
SfValue sf_expr_matmul (SfExpr *e, SfValue a, SfValue b, bool transpose_a, bool transpose_b);
/* Elements starts[i] .. ends[i] - 1 of each dimension. */
SfValue sf_expr_slice (SfExpr *e, SfValue v, const int64_t *starts, const int64_t *ends);
/* `low` and `high` elements of `value` around each dimension. */
SfValue sf_expr_pad (SfExpr *e, SfValue v, const int64_t *low, const int64_t *high, double value);
/* Puts step - 1 zeros after each index of `axis` and cuts the dimension to at most `limit`. */
SfValue sf_expr_dilate (SfExpr *e, SfValue v, int axis, int64_t step, int64_t limit);
SfValue sf_expr_concat (SfExpr *e, const SfValue *parts, size_t n_parts, int axis);
/* i32 values 0 .. shape.dim[axis] - 1 along `axis`. */
SfValue sf_expr_iota (SfExpr *e, SfShape shape, int axis);

/* Axes `first` .. `end` - 1. */
SfAxes sf_axes_range (int first, int end);
/* The axes that the node's attribute lists: ascending, none negative. */
SfAxes sf_axes_of (const SfGraph *graph, SfNode node, const char *name, int rank);
/* The node's single axis, none negative. */
int sf_axis_of (const SfGraph *graph, SfNode node, int rank);
int64_t sf_axes_n_elems (SfAxes axes, SfShape shape);
/* `shape` with 1 at each axis. */
SfShape sf_axes_keep (SfAxes axes, SfShape shape);

/* The node's attribute, to be set on another; its pointers are the node's. A name that the row
 * lacks is a defect. */
SfAttr sf_expr_attr (const SfGraph *graph, SfNode node, const char *name);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What the lowering of an operator sees: the node with its attributes and inputs, and expressions
 * over the graph with one sticky error, so that a formula reads as one.
 *
 * After the first failure of a node every call returns SF_NONE, 0, a scalar shape or NULL and adds
 * nothing; a lowering needs no checks of its own beyond what the specification asks. An attribute
 * that no call asked for is refused afterwards by name, so a lowering asks for every attribute that
 * it means to honour. */
#ifndef SF_ONNX_IMPORTER_H
#define SF_ONNX_IMPORTER_H

#include <sf/graph.h>

typedef struct OnnxNode OnnxNode;

/* ---- the table ---- */

enum
{
  ONNX_HOST = 1 << 0,    /* some part has no form for a device: runs on the host */
  ONNX_NO_GRAD = 1 << 1, /* cannot be trained through */
  ONNX_LIST = 1 << 2,    /* deals in sequences or optionals, so it is never folded */
  ONNX_NIBBLES = 1 << 3, /* takes integers of 4 bits, which come as 8 */
};

/* An operator from one version on. For a model of opset n the row of the operator with the greatest
 * `since` <= n holds. */
typedef struct
{
  const char *op;
  int since;                      /* opset of the domain in which this meaning came in */
  void (*lower) (OnnxNode *node); /* NULL: refused, `note` is the reason in words */
  unsigned flags;
  const char *note;   /* what is left out, for docs/onnx.md; NULL: nothing */
  const char *domain; /* NULL: ai.onnx */
} OnnxRow;

/* The families, one file each: lower_<family>.c; each array ends with op NULL. */
extern const OnnxRow onnx_rows_elementwise[]; /* arithmetic, comparison, logic, bits, cast */
extern const OnnxRow onnx_rows_activation[];  /* relu .. softmax, hardmax, dropout */
extern const OnnxRow onnx_rows_reduce[];      /* Reduce*, ArgMax, CumSum, TopK */
extern const OnnxRow onnx_rows_loss[];
extern const OnnxRow onnx_rows_quantise[];
extern const OnnxRow onnx_rows_generate[]; /* constants, ranges, windows, random numbers */
extern const OnnxRow
    onnx_rows_shape[]; /* Shape, Size, Reshape, Squeeze, Flatten, Expand, Identity .. */
extern const OnnxRow
    onnx_rows_movement[]; /* Transpose, Slice, Split, Concat, Pad, Tile, DepthToSpace .. */
extern const OnnxRow
    onnx_rows_index[]; /* Gather*, Scatter*, OneHot, Where, Trilu, ReverseSequence */
extern const OnnxRow onnx_rows_select[]; /* results of data-dependent size: NonZero, Unique,
                                            Compress, NonMaxSuppression */
extern const OnnxRow onnx_rows_resize[]; /* Resize, Upsample, GridSample, AffineGrid, RoiAlign */
extern const OnnxRow onnx_rows_signal[]; /* DFT, STFT, MelWeightMatrix */
extern const OnnxRow onnx_rows_contraction[]; /* MatMul, Gemm, Einsum, Det */
extern const OnnxRow onnx_rows_conv[];
extern const OnnxRow onnx_rows_pool[];
extern const OnnxRow onnx_rows_norm[];
extern const OnnxRow onnx_rows_recurrent[];
extern const OnnxRow onnx_rows_train[];    /* ai.onnx.preview.training */
extern const OnnxRow onnx_rows_control[];  /* If, Loop, Scan */
extern const OnnxRow onnx_rows_sequence[]; /* sequences, optionals, strings: refused by name */

/* ---- the node ---- */

/* Fails the node: "MODEL: node NAME (OP, opset N): " and the text, of the form "found, wanted; what
 * to do". */
void onnx_refuse (OnnxNode *node, SfErrorCode code, const char *format, ...) G_GNUC_PRINTF (3, 4);
bool onnx_failed (const OnnxNode *node);
const char *onnx_op_type (const OnnxNode *node);
int onnx_opset (const OnnxNode *node); /* of the node's domain */
SfGraph *onnx_graph (OnnxNode *node);  /* where expressions add nodes */

/* ---- attributes ---- */

typedef struct
{
  size_t n;
  int64_t *at; /* owned by the node */
} OnnxInts;

bool onnx_has_attr (OnnxNode *node, const char *name);
int64_t onnx_int (OnnxNode *node, const char *name, int64_t def);
double onnx_float (OnnxNode *node, const char *name, double def);
const char *onnx_string (OnnxNode *node, const char *name, const char *def);
OnnxInts onnx_ints (OnnxNode *node, const char *name); /* absent: n 0, at NULL */
size_t onnx_floats (OnnxNode *node, const char *name, const double **values);
size_t onnx_strings (OnnxNode *node, const char *name, const char *const **values);
/* A tensor attribute: dense; absent: false. */
bool onnx_tensor_attr (OnnxNode *node, const char *name, SfTensor *tensor);
/* Attributes that are required: refused when absent. */
void onnx_want_attr (OnnxNode *node, const char *name);
/* An attribute `dtype`/`to` in ONNX's numbering; SF_N_DTYPES and a refusal for one we lack. */
SfDtype onnx_dtype_attr (OnnxNode *node, const char *name, SfDtype def);

/* ---- inputs ---- */

size_t onnx_n_inputs (const OnnxNode *node); /* trailing absent ones not counted */
bool onnx_has_input (const OnnxNode *node, size_t index);
/* Dtype and shape, without asking for a value of the graph. */
SfDtype onnx_input_dtype (OnnxNode *node, size_t index);
SfShape onnx_input_shape (OnnxNode *node, size_t index);
/* The value in the graph; an absent input is refused. */
SfValue onnx_input (OnnxNode *node, size_t index);
SfValue onnx_input_or_none (OnnxNode *node, size_t index);
/* A float initialiser as a state of kind STATISTIC (running mean and variance), whose update the
 * caller sets; SF_NONE, and no failure, when the input is nothing of the kind or already a
 * parameter: then onnx_input. */
SfValue onnx_input_statistic (OnnxNode *node, size_t index);
/* Input of integers as i32: 64-bit ones are narrowed, saturating. */
SfValue onnx_input_i32 (OnnxNode *node, size_t index);
/* Whether the input is constant, of integers that saturation to i32 leaves and tells from all
 * others: against them a saturated value compares as the value itself. */
bool onnx_input_fits_i32 (OnnxNode *node, size_t index);
/* An index along a dimension of size `dim`: i32, negative ones counted from the end. */
SfValue onnx_input_index (OnnxNode *node, size_t index, int64_t dim);

/* Whether the content is known now (constants, initialisers, what follows from them, known inputs),
 * and the content: dense, in the input's dtype, borrowed until the node is done. Asking for content
 * that is not known refuses the node and says how to make it known. */
bool onnx_is_known (OnnxNode *node, size_t index);
const SfTensor *onnx_known (OnnxNode *node, size_t index);
OnnxInts onnx_known_ints (OnnxNode *node, size_t index); /* any integer dtype, flattened */
int64_t onnx_known_int (OnnxNode *node, size_t index, int64_t def); /* def: absent */
double onnx_known_float (OnnxNode *node, size_t index, double def);
size_t onnx_known_floats (OnnxNode *node, size_t index, const double **values);

/* ---- outputs ---- */

size_t onnx_n_outputs (const OnnxNode *node);
bool onnx_wants_output (const OnnxNode *node, size_t index); /* present and named */
void onnx_set (OnnxNode *node, size_t index, SfValue value);
/* A result that is known now; copied. */
void onnx_set_known (OnnxNode *node, size_t index, SfDtype dtype, SfShape shape, const void *data);
void onnx_set_known_ints (OnnxNode *node, size_t index, const int64_t *values,
                          size_t n); /* i64 [n] */
/* Shape that the model declares for an output (value_info, graph output); false when it does not
 * or leaves a dimension open. For results of data-dependent size. */
bool onnx_declared_shape (OnnxNode *node, size_t index, SfShape *shape);
/* Renames: the output is the input, whatever it is. */
void onnx_forward (OnnxNode *node, size_t index, size_t input);

/* ---- expressions ---- */

SfDtype onnx_dtype (OnnxNode *node, SfValue value);
SfShape onnx_shape (OnnxNode *node, SfValue value);
int64_t onnx_axis (OnnxNode *node, int64_t axis, int rank); /* 0 .. rank-1; refused outside */

SfValue onnx_1 (OnnxNode *node, const char *op, SfValue a);
SfValue onnx_2 (OnnxNode *node, const char *op, SfValue a, SfValue b);
SfValue onnx_3 (OnnxNode *node, const char *op, SfValue a, SfValue b, SfValue c);
/* Any node; `outputs` may be NULL when only the first is wanted, which is returned. */
SfValue onnx_node (OnnxNode *node, const char *op, const SfValue *inputs, size_t n_inputs,
                   const SfAttr *attrs, size_t n_attrs, SfValue *outputs);
/* op (a, scalar of a's dtype). */
SfValue onnx_2f (OnnxNode *node, const char *op, SfValue a, double scalar);
/* Constants: a scalar of any dtype; data dense and copied. */
SfValue onnx_scalar (OnnxNode *node, SfDtype dtype, double value);
SfValue onnx_constant (OnnxNode *node, SfDtype dtype, SfShape shape, const void *data);
SfValue onnx_constant_f64 (OnnxNode *node, SfDtype dtype, SfShape shape,
                           const double *data); /* converted */

/* These return `v` itself where nothing is to be done. Axes may be negative. */
SfValue onnx_cast (OnnxNode *node, SfValue v, SfDtype dtype);
SfValue onnx_reshape (OnnxNode *node, SfValue v, SfShape shape);
SfValue onnx_broadcast (OnnxNode *node, SfValue v, SfShape shape);
SfValue onnx_transpose (OnnxNode *node, SfValue v, const int64_t *perm);
SfValue onnx_slice (OnnxNode *node, SfValue v, int64_t axis, int64_t start, int64_t end,
                    int64_t step); /* 0 <= start <= end <= dim, step >= 1 */
SfValue onnx_pad (OnnxNode *node, SfValue v, const int64_t *low, const int64_t *high, double value);
SfValue onnx_concat (OnnxNode *node, const SfValue *values, size_t n, int64_t axis);
/* Elements in reverse order along axis. */
SfValue onnx_reverse (OnnxNode *node, SfValue v, int64_t axis);
SfValue onnx_gather (OnnxNode *node, SfValue v, SfValue index, int64_t axis); /* index i32 */
SfValue onnx_gather_known (OnnxNode *node, SfValue v, const int64_t *index, size_t n, int64_t axis);
SfValue onnx_reduce (OnnxNode *node, const char *op, SfValue v, const int64_t *axes, size_t n_axes,
                     bool keepdims);
SfValue onnx_matmul (OnnxNode *node, SfValue a, SfValue b, bool transpose_a, bool transpose_b);
SfValue onnx_select (OnnxNode *node, SfValue c, SfValue a, SfValue b);
SfValue onnx_iota (OnnxNode *node, SfShape shape, int axis, SfDtype dtype);

#endif

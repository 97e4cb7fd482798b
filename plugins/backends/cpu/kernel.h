/* SPDX-License-Identifier: Apache-2.0 */
/* What a kernel sees and what its families offer: tensors of double or int64, workers, one table of
 * op name and version. */
#ifndef SF_CPU_KERNEL_H
#define SF_CPU_KERNEL_H

#include <math.h>

#include <sf/graph.h>

#include "workers.h"

/* A dense value as kernels read it: floats of any dtype as double, integers and bool as int64_t
 * (u64 as its bit pattern). */
typedef struct
{
  SfDtype dtype;
  SfShape shape;
  int64_t n;
  union
  {
    double *f;
    int64_t *i;
    void *data; /* NULL: an optional input that was left out */
  };
} CpuTensor;

typedef struct CpuKernel CpuKernel;

/* One node to compute. Outputs are zeroed; the interpreter rounds them to their dtype afterwards.
 */
typedef struct
{
  const SfGraph *graph;
  SfNode node;
  const CpuKernel *kernel;
  CpuWorkers *workers;
  size_t n_in, n_out;
  const CpuTensor *in;
  CpuTensor *out;
  const bool *rounded; /* per output: is it stored in its dtype */
} CpuCall;

typedef bool (*CpuRun) (CpuCall *call, GError **error);

struct CpuKernel
{
  const char *op;
  int version;
  CpuRun run;         /* NULL: refused, `detail` is the reason in words */
  const void *detail; /* what tells the ops of one family apart */
};

/* The families; each ends with op NULL. */
extern const CpuKernel cpu_kernels_elementwise[];
extern const CpuKernel cpu_kernels_integer[];
extern const CpuKernel cpu_kernels_reduce[];
extern const CpuKernel cpu_kernels_along[];
extern const CpuKernel cpu_kernels_softmax[];
extern const CpuKernel cpu_kernels_movement[];
extern const CpuKernel cpu_kernels_contraction[];
extern const CpuKernel cpu_kernels_det[];
extern const CpuKernel cpu_kernels_window[];
extern const CpuKernel cpu_kernels_roi[];
extern const CpuKernel cpu_kernels_conv[];
extern const CpuKernel cpu_kernels_pool[];
extern const CpuKernel cpu_kernels_index[];
extern const CpuKernel cpu_kernels_counted[];
extern const CpuKernel cpu_kernels_random[];
extern const CpuKernel cpu_kernels_norm[];
extern const CpuKernel cpu_kernels_loss[];
extern const CpuKernel cpu_kernels_attention[];
extern const CpuKernel cpu_kernels_collective[];

/* The row of an op, or NULL. */
const CpuKernel *cpu_kernel_find (const char *op, int version);
/* The kernel of a node: INTERNAL when the table has none, UNIMPLEMENTED with the reason when the op
 * is refused. */
const CpuKernel *cpu_kernel_of (const SfGraph *graph, SfNode node, GError **error);

/* ---- attributes ---- */

static inline int64_t
cpu_attr_int (const CpuCall *call, const char *name)
{
  return sf_node_attr_int (call->graph, call->node, name);
}

/* Attribute `axis` in 0 .. rank-1, counted from the end when negative. */
int cpu_attr_axis (const CpuCall *call, int rank);
/* Element `index` of a list, or `def` where the list is shorter. */
int64_t cpu_attr_at (const CpuCall *call, const char *name, size_t index, int64_t def);

/* ---- shapes ---- */

/* Dimensions before, at and after an axis: element (o, k, i) lies at (o * n + k) * inner + i. */
typedef struct
{
  int64_t outer, n, inner;
} CpuAxis;

CpuAxis cpu_axis (const SfShape *shape, int axis);
/* Product of dimensions begin .. end-1. */
int64_t cpu_shape_product (const SfShape *shape, int begin, int end);
/* Element strides of an operand seen in the shape that it broadcasts to: 0 along the dimensions it
 * repeats. */
void cpu_broadcast_strides (const SfShape *from, const SfShape *to, int64_t strides[SF_MAX_RANK]);

/* Whether a step has found as many `what` as the node's attribute n says; INVALID_DATA if not. */
bool cpu_check_count (const CpuCall *call, int64_t found, const char *what, GError **error);

/* "[3,1]": the position of element `flat`, for messages. Owned. */
char *cpu_position_text (const SfShape *shape, int64_t flat);

/* ---- cursor ---- */

#define CPU_CURSOR_OPERANDS 4

/* Walks the elements of a shape in row-major order over operands with strides of their own, one run
 * of the innermost dimension at a time. */
typedef struct
{
  int rank, n_operands;
  int64_t dim[SF_MAX_RANK], index[SF_MAX_RANK];
  int64_t stride[CPU_CURSOR_OPERANDS][SF_MAX_RANK];
  int64_t offset[CPU_CURSOR_OPERANDS]; /* of the current element */
  int64_t inner[CPU_CURSOR_OPERANDS];  /* stride of the innermost dimension */
} CpuCursor;

void cpu_cursor_init (CpuCursor *cursor, const SfShape *shape);
/* The next operand, at offset 0 for element 0. */
void cpu_cursor_add (CpuCursor *cursor, const int64_t strides[SF_MAX_RANK]);
/* Joins dimensions that every operand walks evenly; after the last cpu_cursor_add. */
void cpu_cursor_collapse (CpuCursor *cursor);
void cpu_cursor_seek (CpuCursor *cursor, int64_t element);
/* Elements from the current one to the end of its innermost dimension. */
int64_t cpu_cursor_run (const CpuCursor *cursor);
/* Moves on by n <= cpu_cursor_run elements. */
void cpu_cursor_advance (CpuCursor *cursor, int64_t n);

/* dst[to_base + to . index] = src[from_base + from . index] over all indices of `box`; elements are
 * 8 bytes. */
void cpu_copy_box (CpuWorkers *workers, const SfShape *box, const void *src, int64_t from_base,
                   const int64_t from[SF_MAX_RANK], void *dst, int64_t to_base,
                   const int64_t to[SF_MAX_RANK]);

/* Non-maximum suppression, the third of the counted family. */
bool cpu_run_nms (CpuCall *call, GError **error);
#endif

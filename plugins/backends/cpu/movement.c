/* SPDX-License-Identifier: Apache-2.0 */
/* Ops that move elements and compute nothing. */
#include "kernel.h"

static bool
run_reshape (CpuCall *call, GError **error)
{
  memcpy (call->out[0].data, call->in[0].data, 8 * (size_t) call->in[0].n);
  return true;
}

/* Reads x with the given strides from element `base` into the dense result. */
static bool
copy_to_dense (CpuCall *call, int64_t base, const int64_t strides[SF_MAX_RANK])
{
  int64_t dense[SF_MAX_RANK];
  const SfShape *shape = &call->out[0].shape;
  sf_shape_strides (shape, dense);
  cpu_copy_box (call->workers, shape, call->in[0].data, base, strides, call->out[0].data, 0, dense);
  return true;
}

static bool
run_transpose (CpuCall *call, GError **error)
{
  int64_t of_x[SF_MAX_RANK], strides[SF_MAX_RANK];
  sf_shape_strides (&call->in[0].shape, of_x);
  for (int d = 0; d < call->out[0].shape.rank; d++)
    strides[d] = of_x[cpu_attr_at (call, "perm", (size_t) d, d)];
  return copy_to_dense (call, 0, strides);
}

static bool
run_slice (CpuCall *call, GError **error)
{
  int64_t of_x[SF_MAX_RANK], strides[SF_MAX_RANK], base = 0;
  sf_shape_strides (&call->in[0].shape, of_x);
  for (int d = 0; d < call->out[0].shape.rank; d++)
    {
      base += cpu_attr_at (call, "starts", (size_t) d, 0) * of_x[d];
      strides[d] = cpu_attr_at (call, "steps", (size_t) d, 1) * of_x[d];
    }
  return copy_to_dense (call, base, strides);
}

static bool
run_broadcast (CpuCall *call, GError **error)
{
  int64_t strides[SF_MAX_RANK];
  cpu_broadcast_strides (&call->in[0].shape, &call->out[0].shape, strides);
  return copy_to_dense (call, 0, strides);
}

static bool
run_concat (CpuCall *call, GError **error)
{
  const CpuTensor *y = &call->out[0];
  int axis = cpu_attr_axis (call, y->shape.rank);
  int64_t of_y[SF_MAX_RANK], of_x[SF_MAX_RANK], base = 0;
  sf_shape_strides (&y->shape, of_y);
  for (size_t k = 0; k < call->n_in; k++)
    {
      const CpuTensor *x = &call->in[k];
      sf_shape_strides (&x->shape, of_x);
      cpu_copy_box (call->workers, &x->shape, x->data, 0, of_x, y->data, base, of_y);
      base += x->shape.dim[axis] * of_y[axis];
    }
  return true;
}

static void
fill_range (void *data, int worker, int64_t begin, int64_t end)
{
  const CpuCall *call = data;
  const CpuTensor *y = &call->out[0];
  double value = sf_node_attr_float (call->graph, call->node, "value");
  if (sf_dtype_is_float (y->dtype))
    for (int64_t e = begin; e < end; e++)
      y->f[e] = value;
  else
    for (int64_t e = begin; e < end; e++)
      y->i[e] = (int64_t) value;
}

static bool
run_pad (CpuCall *call, GError **error)
{
  const CpuTensor *x = &call->in[0], *y = &call->out[0];
  int64_t of_x[SF_MAX_RANK], of_y[SF_MAX_RANK], base = 0;
  sf_shape_strides (&x->shape, of_x);
  sf_shape_strides (&y->shape, of_y);
  for (int d = 0; d < y->shape.rank; d++)
    base += cpu_attr_at (call, "low", (size_t) d, 0) * of_y[d];
  cpu_parallel (call->workers, y->n, 1, fill_range, call);
  cpu_copy_box (call->workers, &x->shape, x->data, 0, of_x, y->data, base, of_y);
  return true;
}

const CpuKernel cpu_kernels_movement[] = {
  { "reshape", 1, run_reshape, NULL },
  { "transpose", 1, run_transpose, NULL },
  { "slice", 1, run_slice, NULL },
  { "concat", 1, run_concat, NULL },
  { "pad", 1, run_pad, NULL },
  { "broadcast", 1, run_broadcast, NULL },
  { NULL },
};

static const char no_collectives[]
    = "a collective between RDUs, which no backend carries out; split the model into "
      "graphs that need none";

const CpuKernel cpu_kernels_collective[] = {
  { "all_reduce", 1, NULL, no_collectives },
  { "all_gather", 1, NULL, no_collectives },
  { "send", 1, NULL, no_collectives },
  { "recv", 1, NULL, no_collectives },
  { NULL },
};

/* SPDX-License-Identifier: Apache-2.0 */
/* The table of kernels, and what the families share: attributes, axes, messages. */
#include "kernel.h"

static const CpuKernel *const families[] = {
  cpu_kernels_elementwise, cpu_kernels_integer,   cpu_kernels_reduce,      cpu_kernels_along,
  cpu_kernels_softmax,     cpu_kernels_movement,  cpu_kernels_contraction, cpu_kernels_det,
  cpu_kernels_window,      cpu_kernels_roi,       cpu_kernels_conv,        cpu_kernels_pool,
  cpu_kernels_index,       cpu_kernels_counted,   cpu_kernels_random,      cpu_kernels_norm,
  cpu_kernels_loss,        cpu_kernels_attention, cpu_kernels_collective,
};

const CpuKernel *
cpu_kernel_find (const char *op, int version)
{
  for (size_t f = 0; f < G_N_ELEMENTS (families); f++)
    for (const CpuKernel *kernel = families[f]; kernel->op != NULL; kernel++)
      if (kernel->version == version && strcmp (kernel->op, op) == 0)
        return kernel;
  return NULL;
}

const CpuKernel *
cpu_kernel_of (const SfGraph *graph, SfNode node, GError **error)
{
  const char *op = sf_node_op_name (graph, node);
  int version = sf_op_version (sf_node_op (graph, node));
  const CpuKernel *kernel = cpu_kernel_find (op, version);
  if (kernel == NULL)
    sf_fail (
        error, SF_ERROR_INTERNAL,
        "%s: op %s version %d has no kernel in backend cpu; use the plugin that came with this library",
        sf_node_name (graph, node), op, version);
  else if (kernel->run == NULL)
    {
      sf_fail (error, SF_ERROR_UNIMPLEMENTED, "%s: op %s: %s", sf_node_name (graph, node), op,
               (const char *) kernel->detail);
      kernel = NULL;
    }
  return kernel;
}

int
cpu_attr_axis (const CpuCall *call, int rank)
{
  int axis = (int) cpu_attr_int (call, "axis");
  return axis < 0 ? axis + rank : axis;
}

int64_t
cpu_attr_at (const CpuCall *call, const char *name, size_t index, int64_t def)
{
  size_t n = 0;
  const int64_t *ints = sf_node_attr_ints (call->graph, call->node, name, &n);
  return index < n ? ints[index] : def;
}

int64_t
cpu_shape_product (const SfShape *shape, int begin, int end)
{
  int64_t product = 1;
  for (int d = begin; d < end; d++)
    product *= shape->dim[d];
  return product;
}

CpuAxis
cpu_axis (const SfShape *shape, int axis)
{
  return (CpuAxis){ .outer = cpu_shape_product (shape, 0, axis),
                    .n = shape->dim[axis],
                    .inner = cpu_shape_product (shape, axis + 1, shape->rank) };
}

void
cpu_broadcast_strides (const SfShape *from, const SfShape *to, int64_t strides[SF_MAX_RANK])
{
  int64_t dense[SF_MAX_RANK];
  sf_shape_strides (from, dense);
  int lead = to->rank - from->rank;
  for (int d = 0; d < to->rank; d++)
    strides[d] = d < lead || from->dim[d - lead] == 1 ? 0 : dense[d - lead];
}

char *
cpu_position_text (const SfShape *shape, int64_t flat)
{
  int64_t index[SF_MAX_RANK] = { 0 };
  for (int d = shape->rank - 1; d >= 0; d--)
    {
      index[d] = flat % shape->dim[d];
      flat /= shape->dim[d];
    }
  GString *text = g_string_new ("[");
  for (int d = 0; d < shape->rank; d++)
    g_string_append_printf (text, "%s%" G_GINT64_FORMAT, d > 0 ? "," : "", index[d]);
  g_string_append_c (text, ']');
  return g_string_free (text, FALSE);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Random numbers of a node. */
#include "random.h"

#include <sf/rng.h>

SfValue
onnx_rng (OnnxNode *node)
{
  g_autoptr (GError) error = NULL;
  if (onnx_failed (node))
    return SF_NONE;
  SfValue rng = sf_graph_scalar (onnx_graph (node), "rng", SF_I32, SF_SHAPE (3), &error);
  if (rng == SF_NONE)
    onnx_refuse (node, SF_ERROR_INVALID_DATA, "%s", error->message);
  return rng;
}

uint32_t
onnx_rng_stream (OnnxNode *node, double seed)
{
  if (onnx_failed (node))
    return 0;
  g_autofree char *name = g_strdup_printf ("%s.%zu.%.9g", onnx_op_type (node),
                                           sf_graph_n_values (onnx_graph (node)), seed);
  return sf_rng_stream_of (name);
}

SfValue
onnx_uniform (OnnxNode *node, SfShape shape, double seed)
{
  SfValue rng = onnx_rng (node);
  SfAttr attrs[] = { SF_ATTR_IS ("shape", shape.dim, (size_t) shape.rank),
                     SF_ATTR_I ("stream", onnx_rng_stream (node, seed)) };
  return onnx_node (node, "rng_uniform", &rng, 1, attrs, G_N_ELEMENTS (attrs), NULL);
}

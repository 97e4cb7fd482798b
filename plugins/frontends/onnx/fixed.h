/* SPDX-License-Identifier: Apache-2.0 */
/* Inputs that are numbers of the model, not parameters of it: bounds, scales, class weights. */
#ifndef SF_ONNX_FIXED_H
#define SF_ONNX_FIXED_H

#include "scope.h"

/* An input as a constant when its content is known and no node computes it, so that it is not
 * trained; else the value in the graph. */
static inline SfValue
onnx_fixed (OnnxNode *node, size_t index)
{
  const OnnxValue *value = onnx_input_value (node, index);
  if (value == NULL || value->is_computed || !onnx_is_known (node, index))
    return onnx_input (node, index);
  const SfTensor *known = onnx_known (node, index);
  return known != NULL ? onnx_constant (node, known->dtype, known->shape, known->data) : SF_NONE;
}

#endif

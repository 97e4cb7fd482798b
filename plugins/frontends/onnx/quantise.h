/* SPDX-License-Identifier: Apache-2.0 */
/* What the quantised operators share: numbers per axis, integers around their zero point, rounding
 * back. */
#ifndef SF_ONNX_QUANTISE_H
#define SF_ONNX_QUANTISE_H

#include "fixed.h"
#include "importer.h"

/* `v` of one number, or one for each entry of `axis`, as what broadcasts to `shape`. */
SfValue onnx_per_axis (OnnxNode *node, SfValue v, SfShape shape, int axis);
/* Integer input less its zero point, i32. */
SfValue onnx_centred (OnnxNode *node, size_t index, SfValue zero_point);
/* x rounded, half to even, moved by the zero point (may be SF_NONE), within what `dtype` holds. */
SfValue onnx_saturated (OnnxNode *node, SfValue x, SfValue zero_point, SfDtype dtype);

void onnx_lower_conv_integer (OnnxNode *node);
void onnx_lower_qlinear_conv (OnnxNode *node);

#endif

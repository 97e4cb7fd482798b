/* SPDX-License-Identifier: Apache-2.0 */
/* Elements along an axis at positions that are known at import. */
#ifndef SF_ONNX_TAKE_H
#define SF_ONNX_TAKE_H

#include "plugins/frontends/onnx/importer.h"

/* take (v, positions, axis) as slices, repetitions and joins where a few of them do, which every
 * backend moves cheaply and which have cheap gradients; as a gather otherwise. Positions lie in
 * 0 .. dim-1. */
SfValue onnx_take (OnnxNode *node, SfValue v, const int64_t *positions, size_t n, int64_t axis);

/* Memory for the positions of `n` elements; NULL after a refusal. Owned: g_free. */
int64_t *onnx_positions (OnnxNode *node, int64_t n);

/* The dimensions before, at and after an axis: [before, dim, after]. */
SfShape onnx_around_axis (SfShape shape, int axis);

/* Each element `times` times in place (inner: aabbcc) or the whole axis `times` times (abcabc). */
SfValue onnx_repeat (OnnxNode *node, SfValue v, int64_t axis, int64_t times, bool inner);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Operators that sample images at places which the run computes. */
#ifndef SF_ONNX_GRID_H
#define SF_ONNX_GRID_H

#include "plugins/frontends/onnx/importer.h"

void onnx_lower_grid_sample (OnnxNode *node);
void onnx_lower_affine_grid (OnnxNode *node);
void onnx_lower_roi_align_10 (OnnxNode *node); /* coordinates not shifted by half a pixel */
void onnx_lower_roi_align_16 (OnnxNode *node);
void onnx_lower_max_roi_pool (OnnxNode *node);

#endif

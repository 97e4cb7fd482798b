/* SPDX-License-Identifier: Apache-2.0 */
/* The operators that extend an image: Pad of each version, and Col2Im. */
#ifndef SF_ONNX_PAD_H
#define SF_ONNX_PAD_H

#include "plugins/frontends/onnx/importer.h"

void onnx_lower_pad_2 (OnnxNode *node);  /* pads and value are attributes */
void onnx_lower_pad_11 (OnnxNode *node); /* they are inputs */
void onnx_lower_pad_18 (OnnxNode *node); /* with axes */
void onnx_lower_pad_19 (OnnxNode *node); /* with mode wrap */
void onnx_lower_col2im (OnnxNode *node);

#endif

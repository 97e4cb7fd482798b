/* SPDX-License-Identifier: Apache-2.0 */
/* Einsum, for the table of contractions. */
#ifndef SF_ONNX_EINSUM_H
#define SF_ONNX_EINSUM_H

#include "importer.h"

void onnx_lower_einsum (OnnxNode *node);

#endif

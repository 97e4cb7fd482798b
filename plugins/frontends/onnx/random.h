/* SPDX-License-Identifier: Apache-2.0 */
/* Random numbers of a node: a stream of its own, told apart by where it stands and by its seed. */
#ifndef SF_ONNX_RANDOM_H
#define SF_ONNX_RANDOM_H

#include "importer.h"

/* The scalar "rng", input of ops that draw. */
SfValue onnx_rng (OnnxNode *node);
/* A stream that no other node has. */
uint32_t onnx_rng_stream (OnnxNode *node, double seed);
/* f32 in [0, 1), another stream at each call. */
SfValue onnx_uniform (OnnxNode *node, SfShape shape, double seed);

#endif

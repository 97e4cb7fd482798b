/* SPDX-License-Identifier: Apache-2.0 */
/* Geometry of the windows that convolutions and pools slide over an image, and the steps between
 * images of one to three spatial dimensions and the 2-D ops of the graph. */
#ifndef SF_ONNX_WINDOW_H
#define SF_ONNX_WINDOW_H

#include "importer.h"

#define ONNX_SPATIAL 3

/* Depth, height, width; an image of fewer spatial dimensions has 1 in the first places. */
typedef struct
{
  int n;      /* spatial dimensions that the image has */
  bool fixed; /* auto_pad: pads follow from it, or are none */
  bool same;  /* of them: pads by auto_pad SAME_* */
  bool lower; /* auto_pad puts the odd element before the image */
  int64_t images, channels;
  int64_t in[ONNX_SPATIAL], kernel[ONNX_SPATIAL], strides[ONNX_SPATIAL], dilations[ONNX_SPATIAL];
  int64_t low[ONNX_SPATIAL], high[ONNX_SPATIAL]; /* padding before and after */
  int64_t out[ONNX_SPATIAL];
} OnnxWindow;

/* Reads kernel_shape, strides, dilations, pads, auto_pad over an image of shape `x`; `kernel` (one
 * entry per spatial dimension; NULL: the attribute is required) is what the weight says. Leaves
 * `out` alone. False: the node is refused. */
bool onnx_window_read (OnnxNode *node, SfShape x, const int64_t *kernel, OnnxWindow *window);
/* Pads by auto_pad and the windows that fit. False: the node is refused. */
bool onnx_window_slide (OnnxNode *node, bool ceil_mode, OnnxWindow *window);
/* An attribute with one integer for each spatial dimension. */
bool onnx_window_list (OnnxNode *node, const char *name, int64_t def, int64_t least,
                       const OnnxWindow *window, int64_t *to);

/* Whether what all windows see has a size that shapes can have: `channels`, the kernel, `places`
 * windows for each image. False: the node is refused. */
bool onnx_window_check (OnnxNode *node, const OnnxWindow *window, int64_t channels,
                        const int64_t places[ONNX_SPATIAL]);

/* Elements from the first to the last of a window. */
int64_t onnx_window_reach (const OnnxWindow *window, int d);
int64_t onnx_window_n_kernel (const OnnxWindow *window);
int64_t onnx_window_n_out (const OnnxWindow *window);
/* Whether every window along `d` is one element and each element has its own. */
bool onnx_window_is_trivial (const OnnxWindow *window, int d);
/* [images, channels, spatial dimensions of the result], as ONNX has it. */
SfShape onnx_window_result (const OnnxWindow *window, int64_t channels);

/* Unfolds image `v`, [N,C,D,H,W] in any shape, along depth: [N OD, C KD, H, W]; channel c KD + k
 * holds what element k of the windows sees of channel c. */
SfValue onnx_window_depth_columns (OnnxNode *node, SfValue v, const OnnxWindow *window,
                                   double value);
/* The adjoint for [N D, C KD, OH, OW]: [N, C, OD, OH, OW], sums of what falls on one place; here
 * `in` is what the windows are counted by and `out` the image, as in ConvTranspose. */
SfValue onnx_window_depth_fold (OnnxNode *node, SfValue v, const OnnxWindow *window,
                                int64_t channels);
/* Correlates [images, channels, spatial] `x` with `w` [O, channels / groups, spatial of kernel];
 * `b` may be SF_NONE. The result has ONNX's shape. */
SfValue onnx_window_conv (OnnxNode *node, SfValue x, SfValue w, SfValue b, int64_t groups,
                          const OnnxWindow *window);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The geometry of windows over an image, shared by the shape rules of convolutions and pools. */
#ifndef SF_CORE_IR_WINDOW_H
#define SF_CORE_IR_WINDOW_H

#include "core/ir/infer.h"

#define SF_WINDOW_MAX ((int64_t) 1 << 30) /* of a kernel, stride, dilation or pad */

typedef struct
{
  int64_t kernel[2], strides[2], dilations[2];
  int64_t pads[4]; /* top, left, bottom, right */
} SfWindow;

/* All from the attributes; dilations are 1 where the row has none; empty strides become the kernel.
 */
bool sf_window_read (const SfInfer *infer, SfWindow *window, GError **error);
/* The same without the kernel. */
bool sf_window_read_steps (const SfInfer *infer, SfWindow *window, GError **error);
bool sf_window_set_kernel (SfWindow *window, const int64_t kernel[2], GError **error);
/* Attribute size [H,W]. */
bool sf_window_size (const SfInfer *infer, int64_t size[2], GError **error);
/* Number of windows along H and W. With `ceil_mode` the last may hang over, but not begin beyond
 * the input and its padding before. */
bool sf_window_out (const SfWindow *window, const int64_t size[2], bool ceil_mode, int64_t out[2],
                    GError **error);
/* *n *= KH * KW, at most 2^40. */
bool sf_window_times_kernel (const SfWindow *window, int64_t *n, GError **error);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Geometry of sliding windows over NCHW images, shared by convolutions and pools. */
#ifndef SF_CPU_WINDOW_H
#define SF_CPU_WINDOW_H

#include "kernel.h"

/* Index 0 is the vertical dimension, 1 the horizontal. */
typedef struct
{
  int64_t kernel[2], stride[2], pad[2], dilation[2]; /* pad: before the first element */
  int64_t in[2], out[2];
} CpuWindow;

/* Indices begin .. end-1. */
typedef struct
{
  int64_t begin, end;
} CpuRange;

/* Reads strides, pads and, where the op has them (`dilated`), dilations of the node. Sizes are
 * height and width: of the kernel, of the windowed image, of what has an element per window. */
CpuWindow cpu_window (const CpuCall *call, const int64_t kernel[2], const int64_t image[2],
                      const int64_t windows[2], bool dilated);

/* Input index of element `k` of window 0. */
static inline int64_t
cpu_window_offset (const CpuWindow *w, int dim, int64_t k)
{
  return k * w->dilation[dim] - w->pad[dim];
}

/* The windows whose element `k` lies inside the image. */
CpuRange cpu_window_valid (const CpuWindow *w, int dim, int64_t k);
/* The elements of window `at` that lie inside the image. */
CpuRange cpu_window_elements (const CpuWindow *w, int dim, int64_t at);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A convolution at work: its sizes, and its forms as packed products. */
#ifndef SF_CPU_CONV_H
#define SF_CPU_CONV_H

#include "window.h"

typedef struct
{
  const CpuCall *call;
  CpuWindow window;
  int64_t n, groups;
  int64_t channels, filters; /* per group */
} CpuConv;

/* Elements of one plane of x, of y, of the filters, and planes per image. */
typedef struct
{
  int64_t x, y, taps, n_channels, n_filters;
} CpuPlanes;

static inline CpuPlanes
cpu_planes (const CpuConv *job)
{
  const CpuWindow *w = &job->window;
  return (CpuPlanes){ .x = w->in[0] * w->in[1],
                      .y = w->out[0] * w->out[1],
                      .taps = w->kernel[0] * w->kernel[1],
                      .n_channels = job->groups * job->channels,
                      .n_filters = job->groups * job->filters };
}

/* Filters, or channels of a gradient, of a group that pay for packing what they share. */
#define CPU_CONV_MANY 4

/* y += convolution of in[0] and in[1], without bias. */
void cpu_conv_forward (const CpuConv *job);
/* dx += of dy = in[0] and w = in[1]. */
bool cpu_conv_dx (const CpuConv *job, GError **error);
/* dw += of dy = in[0] and x = in[1]. */
void cpu_conv_dw (const CpuConv *job);

#endif

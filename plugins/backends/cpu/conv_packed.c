/* SPDX-License-Identifier: Apache-2.0 */
/* Convolution and its adjoints as products of matrices, of which one is packed from the image while
 * it is multiplied. */
#include <sf/checked.h>

#include "conv.h"
#include "gemm.h"

/* Some planes of one image. */
typedef struct
{
  const CpuWindow *window;
  const double *first;
} Source;

/* Where the columns of a panel read in a plane, -1 for outside of it, through one kernel element.
 */
typedef struct
{
  int64_t n, at[CPU_GEMM_COLUMNS];
} Places;

/* Whether they read side by side. */
static bool
is_run (const Places *places)
{
  for (int64_t j = 0; j < places->n; j++)
    if (places->at[j] != places->at[0] + j || places->at[j] < 0)
      return false;
  return true;
}

/* Rows k, k + n_taps .. of b, which read through one kernel element: rows are counted by plane and
 * kernel element. `panel` is row k. */
static void
pack_tap (const double *first, int64_t plane_elems, int64_t n_taps, const Places *places, int64_t k,
          int64_t k_end, double *panel)
{
  const bool run = is_run (places);
  const double *plane = first + k / n_taps * plane_elems;
  for (; k < k_end; k += n_taps, plane += plane_elems, panel += n_taps * CPU_GEMM_COLUMNS)
    {
      if (run)
        memcpy (panel, plane + places->at[0], (size_t) places->n * sizeof (double));
      else
        for (int64_t j = 0; j < places->n; j++)
          panel[j] = places->at[j] < 0 ? 0 : plane[places->at[j]];
    }
}

/* ---- forward ---- */

/* b [channel and kernel element, window]: what each window sees. */
static void
pack_windows (const void *source, int64_t k_begin, int64_t k_end, int64_t column, int64_t n,
              double *panel)
{
  const Source *s = source;
  const CpuWindow *w = s->window;
  int64_t n_taps = w->kernel[0] * w->kernel[1];
  for (int64_t k = k_begin; k < MIN (k_begin + n_taps, k_end); k++)
    {
      int64_t tap = k % n_taps;
      Places places = { .n = n };
      for (int64_t j = 0; j < n; j++)
        {
          int64_t ih = (column + j) / w->out[1] * w->stride[0]
                       + cpu_window_offset (w, 0, tap / w->kernel[1]);
          int64_t iw = (column + j) % w->out[1] * w->stride[1]
                       + cpu_window_offset (w, 1, tap % w->kernel[1]);
          bool inside = ih >= 0 && ih < w->in[0] && iw >= 0 && iw < w->in[1];
          places.at[j] = inside ? ih * w->in[1] + iw : -1;
        }
      pack_tap (s->first, w->in[0] * w->in[1], n_taps, &places, k, k_end,
                panel + (k - k_begin) * CPU_GEMM_COLUMNS);
    }
}

/* All filters of a group at once, as rows of a product with the windows. */
void
cpu_conv_forward (const CpuConv *job)
{
  const CpuTensor *in = job->call->in;
  const CpuPlanes p = cpu_planes (job);
  for (int64_t e = 0; e < job->n * job->groups; e++)
    {
      int64_t image = e / job->groups, group = e % job->groups;
      Source source = { &job->window,
                        in[0].f + (image * p.n_channels + group * job->channels) * p.x };
      int64_t k = job->channels * p.taps;
      CpuGemm gemm = { job->filters,
                       p.y,
                       k,
                       in[1].f + group * job->filters * k,
                       job->call->out[0].f + e * job->filters * p.y,
                       pack_windows,
                       &source };
      cpu_gemm_packed (job->call->workers, &gemm);
    }
}

/* ---- by the input ---- */

/* The window of which element `k` lies at `at`, or -1. */
static int64_t
window_of (const CpuWindow *w, int dim, int64_t at, int64_t k)
{
  int64_t from = at - cpu_window_offset (w, dim, k);
  if (from < 0 || from % w->stride[dim] != 0 || from / w->stride[dim] >= w->out[dim])
    return -1;
  return from / w->stride[dim];
}

/* b [filter and kernel element, element of x]: the gradients that reach each element. */
static void
pack_gradients (const void *source, int64_t k_begin, int64_t k_end, int64_t column, int64_t n,
                double *panel)
{
  const Source *s = source;
  const CpuWindow *w = s->window;
  int64_t n_taps = w->kernel[0] * w->kernel[1];
  for (int64_t k = k_begin; k < MIN (k_begin + n_taps, k_end); k++)
    {
      int64_t tap = k % n_taps;
      Places places = { .n = n };
      for (int64_t j = 0; j < n; j++)
        {
          int64_t oh = window_of (w, 0, (column + j) / w->in[1], tap / w->kernel[1]);
          int64_t ow = window_of (w, 1, (column + j) % w->in[1], tap % w->kernel[1]);
          places.at[j] = oh >= 0 && ow >= 0 ? oh * w->out[1] + ow : -1;
        }
      pack_tap (s->first, w->out[0] * w->out[1], n_taps, &places, k, k_end,
                panel + (k - k_begin) * CPU_GEMM_COLUMNS);
    }
}

/* The filters with channels before filters, in each group; sf_aligned_free. */
static double *
by_channel (const CpuConv *job, GError **error)
{
  const CpuTensor *w = &job->call->in[1];
  const CpuPlanes p = cpu_planes (job);
  double *turned = sf_aligned_alloc ((size_t) MAX (w->n, 1), sizeof (double),
                                     sf_node_name (job->call->graph, job->call->node), error);
  if (turned == NULL)
    return NULL;
  const SfShape box = SF_SHAPE (job->groups, job->channels, job->filters, p.taps);
  int64_t per_group = job->filters * job->channels * p.taps;
  const int64_t from[SF_MAX_RANK] = { per_group, p.taps, job->channels * p.taps, 1 };
  const int64_t to[SF_MAX_RANK] = { per_group, job->filters * p.taps, p.taps, 1 };
  cpu_copy_box (job->call->workers, &box, w->f, 0, from, turned, 0, to);
  return turned;
}

bool
cpu_conv_dx (const CpuConv *job, GError **error)
{
  const CpuPlanes p = cpu_planes (job);
  double *turned = by_channel (job, error);
  if (turned == NULL)
    return false;
  for (int64_t e = 0; e < job->n * job->groups; e++)
    {
      Source source = { &job->window, job->call->in[0].f + e * job->filters * p.y };
      int64_t k = job->filters * p.taps;
      CpuGemm gemm = { job->channels,
                       p.x,
                       k,
                       turned + e % job->groups * job->channels * k,
                       job->call->out[0].f + e * job->channels * p.x,
                       pack_gradients,
                       &source };
      cpu_gemm_packed (job->call->workers, &gemm);
    }
  sf_aligned_free (turned);
  return true;
}

/* ---- by the filters ---- */

/* b [window, channel and kernel element]: what each window sees, turned. */
static void
pack_seen (const void *source, int64_t k_begin, int64_t k_end, int64_t column, int64_t n,
           double *panel)
{
  const Source *s = source;
  const CpuWindow *w = s->window;
  int64_t n_taps = w->kernel[0] * w->kernel[1];
  for (int64_t j = 0; j < n; j++)
    {
      int64_t tap = (column + j) % n_taps, oh = k_begin / w->out[1], ow = k_begin % w->out[1];
      const double *plane = s->first + (column + j) / n_taps * w->in[0] * w->in[1];
      int64_t dy = cpu_window_offset (w, 0, tap / w->kernel[1]);
      int64_t dx = cpu_window_offset (w, 1, tap % w->kernel[1]);
      for (int64_t k = k_begin; k < k_end; k++)
        {
          int64_t ih = oh * w->stride[0] + dy, iw = ow * w->stride[1] + dx;
          bool inside = ih >= 0 && ih < w->in[0] && iw >= 0 && iw < w->in[1];
          panel[(k - k_begin) * CPU_GEMM_COLUMNS + j] = inside ? plane[ih * w->in[1] + iw] : 0;
          if (++ow == w->out[1])
            {
              ow = 0;
              oh++;
            }
        }
    }
}

void
cpu_conv_dw (const CpuConv *job)
{
  const CpuPlanes p = cpu_planes (job);
  for (int64_t e = 0; e < job->n * job->groups; e++)
    {
      Source source = { &job->window, job->call->in[1].f + e * job->channels * p.x };
      int64_t n = job->channels * p.taps;
      CpuGemm gemm = { job->filters,
                       n,
                       p.y,
                       job->call->in[0].f + e * job->filters * p.y,
                       job->call->out[0].f + e % job->groups * job->filters * n,
                       pack_seen,
                       &source };
      cpu_gemm_packed (job->call->workers, &gemm);
    }
}

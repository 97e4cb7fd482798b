/* SPDX-License-Identifier: Apache-2.0 */
/* roi_align: regions of an image, resampled bilinearly to a grid of bins (He et al., Mask R-CNN,
 * 2017). */
#include "kernel.h"

/* Samples of one bin along one dimension; more are taken for damaged data. */
#define SAMPLES_MAX 65536

typedef struct
{
  const CpuCall *call;
  int64_t size[2], out[2]; /* height and width, of the image and of the result */
  int64_t sampling_ratio;
  double scale, offset; /* from numbers in rois to elements of x */
  bool max, clip;       /* clip: no region is smaller than an element */
} RoiJob;

/* One region along one dimension. */
typedef struct
{
  double begin, step; /* of bins */
  int64_t n_samples;  /* in a bin */
} RoiSide;

static RoiSide
roi_side (const RoiJob *job, const double *roi, int dim)
{
  /* rois are x1, y1, x2, y2 */
  double begin = roi[1 - dim] * job->scale - job->offset;
  double length = roi[3 - dim] * job->scale - job->offset - begin;
  if (job->clip)
    length = MAX (length, 1);
  RoiSide side = { .begin = begin, .step = length / (double) job->out[dim] };
  double wanted = job->sampling_ratio > 0 ? (double) job->sampling_ratio : ceil (side.step);
  side.n_samples = wanted > 0 ? (int64_t) MIN (wanted, SAMPLES_MAX + 1.0) : 0;
  return side;
}

/* The two neighbours of a position and their weights; false outside the image. */
static bool
neighbours (double at, int64_t size, int64_t place[2], double weight[2])
{
  if (!(at >= -1 && at <= (double) size))
    return false;
  at = MAX (at, 0);
  place[0] = MIN ((int64_t) at, size - 1);
  place[1] = MIN (place[0] + 1, size - 1);
  weight[1] = place[0] == size - 1 ? 0 : at - (double) place[0];
  weight[0] = 1 - weight[1];
  return true;
}

/* Adds the four weighted neighbours to `sum` and lets each compete for `most`. */
static void
sample (const RoiJob *job, const double *plane, double y, double x, double *sum, double *most,
        bool *any)
{
  int64_t rows[2], columns[2];
  double by_row[2], by_column[2];
  double value = 0, largest = 0;
  if (job->size[0] > 0 && job->size[1] > 0 && neighbours (y, job->size[0], rows, by_row)
      && neighbours (x, job->size[1], columns, by_column))
    for (int k = 0; k < 4; k++)
      {
        double part = by_row[k / 2] * by_column[k % 2]
                      * plane[rows[k / 2] * job->size[1] + columns[k % 2]];
        value += part;
        largest = k == 0 ? part : MAX (largest, part);
      }
  *sum += value;
  *most = *any ? MAX (*most, largest) : largest;
  *any = true;
}

static double
bin (const RoiJob *job, const double *plane, const RoiSide side[2], int64_t row, int64_t column)
{
  double sum = 0, most = 0;
  bool any = false;
  for (int64_t i = 0; i < side[0].n_samples; i++)
    for (int64_t j = 0; j < side[1].n_samples; j++)
      sample (job, plane,
              side[0].begin
                  + side[0].step * ((double) row + ((double) i + 0.5) / (double) side[0].n_samples),
              side[1].begin
                  + side[1].step
                        * ((double) column + ((double) j + 0.5) / (double) side[1].n_samples),
              &sum, &most, &any);
  return job->max ? most : sum / (double) MAX (side[0].n_samples * side[1].n_samples, 1);
}

/* Items are regions times channels. */
static void
roi_range (void *data, int worker, int64_t begin, int64_t end)
{
  const RoiJob *job = data;
  const CpuTensor *x = &job->call->in[0];
  int64_t n_channels = x->shape.dim[1], area = job->out[0] * job->out[1];
  for (int64_t e = begin; e < end; e++)
    {
      int64_t roi = e / n_channels, image = job->call->in[2].i[roi];
      const double *corners = job->call->in[1].f + 4 * roi;
      const double *plane = x->f
                            + (image * n_channels + e % n_channels) * job->size[0] * job->size[1];
      RoiSide side[2] = { roi_side (job, corners, 0), roi_side (job, corners, 1) };
      for (int64_t k = 0; k < area; k++)
        job->call->out[0].f[e * area + k] = bin (job, plane, side, k / job->out[1],
                                                 k % job->out[1]);
    }
}

static bool
check_rois (const RoiJob *job, GError **error)
{
  const CpuCall *call = job->call;
  const char *name = sf_node_name (call->graph, call->node);
  int64_t n_images = call->in[0].shape.dim[0];
  for (int64_t k = 0; k < call->in[2].n; k++)
    {
      int64_t image = call->in[2].i[k];
      if (image < 0 || image >= n_images)
        return sf_fail (error, SF_ERROR_INVALID_DATA,
                        "%s: batch [%" G_GINT64_FORMAT "] is %" G_GINT64_FORMAT
                        ", wanted 0 to %" G_GINT64_FORMAT "; correct the data that is fed",
                        name, k, image, n_images - 1);
      for (int d = 0; d < 2; d++)
        if (roi_side (job, call->in[1].f + 4 * k, d).n_samples > SAMPLES_MAX)
          return sf_fail (error, SF_ERROR_INVALID_DATA,
                          "%s: region %" G_GINT64_FORMAT
                          " takes more than %d samples a bin, wanted "
                          "less; correct the data that is fed or set sampling_ratio",
                          name, k, SAMPLES_MAX);
    }
  return true;
}

static bool
run_roi_align (CpuCall *call, GError **error)
{
  const SfShape *x = &call->in[0].shape, *y = &call->out[0].shape;
  const char *transformation = sf_node_attr_string (call->graph, call->node,
                                                    "coordinate_transformation_mode");
  bool half_pixel = strcmp (transformation, "half_pixel") == 0;
  RoiJob job = { .call = call,
                 .size = { x->dim[2], x->dim[3] },
                 .out = { y->dim[2], y->dim[3] },
                 .sampling_ratio = cpu_attr_int (call, "sampling_ratio"),
                 .scale = sf_node_attr_float (call->graph, call->node, "spatial_scale"),
                 .offset = half_pixel ? 0.5 : 0,
                 .max = strcmp (sf_node_attr_string (call->graph, call->node, "mode"), "max") == 0,
                 .clip = !half_pixel };
  if (!check_rois (&job, error))
    return false;
  cpu_parallel (call->workers, y->dim[0] * y->dim[1], 64 * y->dim[2] * y->dim[3], roi_range, &job);
  return true;
}

const CpuKernel cpu_kernels_roi[] = {
  { "roi_align", 1, run_roi_align, NULL },
  { NULL },
};

/* SPDX-License-Identifier: Apache-2.0 */
/* Interpolation along one axis, as the specification of Resize defines it. */
#include "plugins/frontends/onnx/resize.h"

#include <glib.h>
#include <math.h>

static double
crop_coordinate (const ResizeAxis *a, double x)
{
  double last = (double) (a->in - 1);
  if (a->out <= 1)
    return 0.5 * (a->start + a->end) * last;
  return a->start * last + x * (a->end - a->start) * last / (double) (a->out - 1);
}

static double
raw_coordinate (ResizeTransform transform, const ResizeAxis *a, double x)
{
  double in = (double) a->in, out = a->scale * in; /* not rounded to a whole number */
  switch (transform)
    {
    case RESIZE_ALIGN_CORNERS:
      return out == 1 ? 0 : x * (in - 1) / (out - 1);
    case RESIZE_ASYMMETRIC:
      return x / a->scale;
    case RESIZE_TF_HALF_PIXEL_FOR_NN:
      return (x + 0.5) / a->scale;
    case RESIZE_TF_CROP_AND_RESIZE:
      return crop_coordinate (a, x);
    case RESIZE_PYTORCH_HALF_PIXEL:
      return a->out > 1 ? (x + 0.5) / a->scale - 0.5 : 0;
    case RESIZE_HALF_PIXEL_SYMMETRIC:
      return in / 2 * (1 - (double) a->out / out) + (x + 0.5) / a->scale - 0.5;
    default:
      return (x + 0.5) / a->scale - 0.5;
    }
}

double
onnx_resize_coordinate (const ResizeKind *kind, const ResizeAxis *axis, int64_t x)
{
  double at = raw_coordinate (kind->transform, axis, (double) x);
  return isnan (at) ? 0 : CLAMP (at, -4.0, (double) axis->in + 4.0);
}

bool
onnx_resize_is_outside (const ResizeKind *kind, const ResizeAxis *axis, int64_t x)
{
  if (kind->transform != RESIZE_TF_CROP_AND_RESIZE)
    return false;
  double at = raw_coordinate (kind->transform, axis, (double) x);
  return !(at >= 0 && at <= (double) (axis->in - 1));
}

int64_t
onnx_resize_nearest (const ResizeKind *kind, const ResizeAxis *axis, int64_t x)
{
  double at = onnx_resize_coordinate (kind, axis, x);
  switch (kind->rounding)
    {
    case RESIZE_ROUND_PREFER_CEIL:
      at = floor (at + 0.5);
      break;
    case RESIZE_FLOOR:
      at = floor (at);
      break;
    case RESIZE_CEIL:
      at = ceil (at);
      break;
    case RESIZE_SIMPLE:
      at = axis->scale < 1 ? ceil (at) : floor (at);
      break;
    default:
      at = ceil (at - 0.5);
    }
  return (int64_t) CLAMP (at, 0, (double) (axis->in - 1));
}

double
onnx_cubic_weight (double distance, double a)
{
  double x = fabs (distance);
  if (x <= 1)
    return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

static double
weight (const ResizeKind *kind, double distance)
{
  if (kind->mode == RESIZE_CUBIC)
    return onnx_cubic_weight (distance, kind->cubic_a);
  return MAX (1 - fabs (distance), 0);
}

void
onnx_resize_weights (const ResizeKind *kind, const ResizeAxis *axis, int64_t x, double *row)
{
  double at = onnx_resize_coordinate (kind, axis, x), left = ceil (at) - 1;
  /* Antialiasing widens the filter as the image shrinks. */
  double shrink = kind->antialias ? MIN (axis->scale, 1) : 1;
  double reach = kind->mode == RESIZE_CUBIC ? 2 : 1, last = (double) (axis->in - 1);
  double first = left + floor (-reach / shrink) + 1, end = left + 1 - floor (-reach / shrink);
  /* Far outside every neighbour is the edge: as many of them as there are elements suffice. */
  first = MAX (first, -2.0 * (double) axis->in - 8);
  end = MIN (end, 3.0 * (double) axis->in + 8);
  double sum = 0;
  for (double i = first; i < end; i++)
    {
      bool outside = i < 0 || i > last;
      double w = outside && kind->exclude_outside ? 0 : weight (kind, (i - at) * shrink);
      row[(int64_t) CLAMP (i, 0, last)] += w;
      sum += w;
    }
  if (sum == 0)
    row[(int64_t) CLAMP (at, 0, last)] = sum = 1;
  if (kind->antialias || kind->exclude_outside)
    for (int64_t i = 0; i < axis->in; i++)
      row[i] /= sum;
}

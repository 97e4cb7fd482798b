/* SPDX-License-Identifier: Apache-2.0 */
/* Interpolation along one axis, as the specification of Resize defines it: where in the input a
 * result lies, and the weights of the input's elements. Pure arithmetic, no graph. */
#ifndef SF_ONNX_RESIZE_H
#define SF_ONNX_RESIZE_H

#include <stdbool.h>
#include <stdint.h>

typedef enum
{
  RESIZE_NEAREST,
  RESIZE_LINEAR,
  RESIZE_CUBIC,
  N_RESIZE_MODES,
} ResizeMode;

typedef enum
{
  RESIZE_HALF_PIXEL,
  RESIZE_HALF_PIXEL_SYMMETRIC,
  RESIZE_PYTORCH_HALF_PIXEL,
  RESIZE_ALIGN_CORNERS,
  RESIZE_ASYMMETRIC,
  RESIZE_TF_HALF_PIXEL_FOR_NN,
  RESIZE_TF_CROP_AND_RESIZE,
  N_RESIZE_TRANSFORMS,
} ResizeTransform;

typedef enum
{
  RESIZE_ROUND_PREFER_FLOOR,
  RESIZE_ROUND_PREFER_CEIL,
  RESIZE_FLOOR,
  RESIZE_CEIL,
  RESIZE_SIMPLE, /* before opset 11: floor, when shrinking ceil */
  N_RESIZE_ROUNDINGS,
} ResizeRounding;

typedef struct
{
  ResizeMode mode;
  ResizeTransform transform;
  ResizeRounding rounding;
  double cubic_a;
  bool antialias;
  bool exclude_outside;
} ResizeKind;

typedef struct
{
  int64_t in, out;
  double scale;      /* > 0, finite; not always out / in */
  double start, end; /* region of interest, in parts of the input */
} ResizeAxis;

/* Coordinate in the input of result `x`; bounded to a little beyond the input. */
double onnx_resize_coordinate (const ResizeKind *kind, const ResizeAxis *axis, int64_t x);
/* tf_crop_and_resize: the coordinate is outside the input, the result is the extrapolation value.
 */
bool onnx_resize_is_outside (const ResizeKind *kind, const ResizeAxis *axis, int64_t x);
/* The element that mode nearest takes. */
int64_t onnx_resize_nearest (const ResizeKind *kind, const ResizeAxis *axis, int64_t x);
/* Weights of the axis' elements, row [in], zeroed before, in result x of mode linear or cubic. */
void onnx_resize_weights (const ResizeKind *kind, const ResizeAxis *axis, int64_t x, double *row);

/* Weight at `distance` of cubic convolution with coefficient `a`. */
double onnx_cubic_weight (double distance, double a);

#endif

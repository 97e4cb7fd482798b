/* SPDX-License-Identifier: Apache-2.0 */
/* Lowering of Fourier transforms, as products with constant matrices, and of MelWeightMatrix. */
#include <inttypes.h>
#include <math.h>

#include <sf/exact.h>

#include "fixed.h"
#include "importer.h"

#define MAX_MATRIX ((int64_t) 1 << 26) /* elements */
#define MAX_MELS   ((int64_t) 1 << 16)

/* ---- the matrix ---- */

/* Of a transform of `length` samples: which sample and frequency its rows and columns are. Complex
 * numbers lie as pairs, real part first; real samples have no second row. */
typedef struct
{
  int64_t length, n_samples, n_frequencies;
  int64_t n_parts; /* rows per sample: 1 real, 2 complex */
  bool inverse;
  bool parts_first; /* rows are [part, sample], else [sample, part] */
} Fourier;

/* cos and sin of 2 pi i / length, i < length, as pairs. */
static double *
circle (const Fourier *f)
{
  double *at = g_try_new0 (double, 2 * (size_t) f->length);
  for (int64_t i = 0; at != NULL && i < f->length; i++)
    {
      double t = 2 * G_PI * (double) i / (double) f->length;
      at[2 * i] = sf_exact_cos (t);
      at[2 * i + 1] = f->inverse ? sf_exact_sin (t) : -sf_exact_sin (t);
    }
  return at;
}

/* exp (-+ 2 pi i n k / length), times i in the row of the imaginary part. */
static void
fill (const Fourier *f, const double *at, double *m)
{
  double scale = f->inverse ? 1 / (double) f->length : 1;
  for (int64_t n = 0; n < f->n_samples; n++)
    for (int64_t part = 0; part < f->n_parts; part++)
      {
        int64_t row = f->parts_first ? part * f->n_samples + n : n * f->n_parts + part;
        double *to = m + row * 2 * f->n_frequencies;
        for (int64_t k = 0; k < f->n_frequencies; k++, to += 2)
          {
            const double *z = at + 2 * (n * k % f->length);
            to[0] = scale * (part == 0 ? z[0] : -z[1]);
            to[1] = scale * (part == 0 ? z[1] : z[0]);
          }
      }
}

/* [n_samples * n_parts, n_frequencies * 2] */
static SfValue
fourier_matrix (OnnxNode *node, const Fourier *f, SfDtype dtype)
{
  int64_t rows = f->n_samples * f->n_parts, columns = 2 * f->n_frequencies, n;
  if (onnx_failed (node))
    return SF_NONE;
  if (__builtin_mul_overflow (rows, columns, &n) || n > MAX_MATRIX || f->length > MAX_MATRIX)
    {
      onnx_refuse (node, SF_ERROR_UNSUPPORTED,
                   "transform of %" PRId64 " samples to %" PRId64
                   " frequencies, wanted a matrix of at most %" PRId64 " elements",
                   f->n_samples, f->n_frequencies, MAX_MATRIX);
      return SF_NONE;
    }
  g_autofree double *at = circle (f);
  g_autofree double *m = g_try_new0 (double, (size_t) n + 1);
  if (at == NULL || m == NULL)
    {
      onnx_refuse (node, SF_ERROR_NO_RESOURCE, "no memory for %" PRId64 " numbers", n);
      return SF_NONE;
    }
  fill (f, at, m);
  return onnx_constant_f64 (node, dtype, SF_SHAPE (rows, columns), m);
}

/* Length, frequencies and parts of a transform of samples that lie along a dimension of `dim`. */
static Fourier
fourier_of (OnnxNode *node, int64_t length, int64_t dim, int64_t n_parts, bool onesided)
{
  Fourier f = { .length = length, .n_samples = MIN (dim, length), .n_parts = n_parts };
  f.n_frequencies = onesided ? length / 2 + 1 : length;
  if (onnx_failed (node))
    return f;
  if (length < 1 || (n_parts != 1 && n_parts != 2))
    onnx_refuse (node, SF_ERROR_INVALID_DATA,
                 "%" PRId64 " samples of %" PRId64 " parts, wanted 1 or more of 1 (real) or 2",
                 length, n_parts);
  else if (onesided && n_parts != 1)
    onnx_refuse (
        node, SF_ERROR_INVALID_DATA,
        "onesided is 1 for complex samples, wanted real ones; their spectrum has two sides");
  return f;
}

/* ---- DFT ---- */

/* x [.., n at axis, .., parts] to [.., k at axis, .., 2]: axis is brought beside the parts. */
static SfValue
transformed (OnnxNode *node, SfValue x, int axis, const Fourier *f)
{
  SfShape shape = onnx_shape (node, x);
  int last = shape.rank - 1, r = 0;
  int64_t perm[SF_MAX_RANK], back[SF_MAX_RANK];
  x = onnx_slice (node, x, axis, 0, f->n_samples, 1);
  for (int d = 0; d < last; d++)
    if (d != axis)
      perm[r++] = d;
  perm[r++] = axis;
  perm[r] = last;
  if (axis != last - 1)
    x = onnx_transpose (node, x, perm);
  SfShape moved = onnx_shape (node, x), rows = moved;
  rows.dim[last - 1] = f->n_samples * f->n_parts;
  rows.dim[last] = 0;
  rows.rank = last;
  x = onnx_reshape (node, x, rows.rank == 1 ? SF_SHAPE (1, rows.dim[0]) : rows);
  SfValue y = onnx_matmul (node, x, fourier_matrix (node, f, onnx_dtype (node, x)), false, false);
  moved.dim[last - 1] = f->n_frequencies;
  moved.dim[last] = 2;
  y = onnx_reshape (node, y, moved);
  for (int d = 0; d <= last; d++)
    back[perm[d]] = d;
  return axis != last - 1 ? onnx_transpose (node, y, back) : y;
}

static void
set_dft (OnnxNode *node, int64_t axis_given)
{
  bool inverse = onnx_int (node, "inverse", 0) != 0;
  bool onesided = onnx_int (node, "onesided", 0) != 0;
  SfValue x = onnx_input (node, 0);
  SfShape shape = onnx_shape (node, x);
  int axis = (int) onnx_axis (node, axis_given, shape.rank);
  if (onnx_failed (node))
    return;
  if (axis == shape.rank - 1 || (inverse && onesided))
    {
      onnx_refuse (node, SF_ERROR_INVALID_DATA,
                   "axis %d of %d dimensions, inverse %d, onesided %d; wanted an axis before the "
                   "last, and not both of inverse and onesided",
                   axis, shape.rank, inverse, onesided);
      return;
    }
  int64_t length = onnx_known_int (node, 1, shape.dim[axis]);
  Fourier f = fourier_of (node, length, shape.dim[axis], shape.dim[shape.rank - 1], onesided);
  f.inverse = inverse;
  if (!onnx_failed (node))
    onnx_set (node, 0, transformed (node, x, axis, &f));
}

static void
lower_dft_17 (OnnxNode *node)
{
  set_dft (node, onnx_int (node, "axis", 1));
}

static void
lower_dft_20 (OnnxNode *node)
{
  set_dft (node, onnx_known_int (node, 2, -2));
}

/* ---- STFT ---- */

/* Frames of a signal [N,L,parts]: [N, parts * length, frames]. */
static SfValue
frames (OnnxNode *node, SfValue signal, int64_t length, int64_t step)
{
  static const int64_t parts_before[] = { 0, 2, 1 };
  SfShape shape = onnx_shape (node, signal);
  SfValue x = shape.dim[2] == 1 ? signal : onnx_transpose (node, signal, parts_before);
  x = onnx_reshape (node, x, SF_SHAPE (shape.dim[0], shape.dim[2], 1, shape.dim[1]));
  SfAttr attrs[] = { SF_ATTR_IS ("kernel", ((int64_t[]){ 1, length }), 2),
                     SF_ATTR_IS ("strides", ((int64_t[]){ 1, step }), 2) };
  return onnx_node (node, "unfold", &x, 1, attrs, G_N_ELEMENTS (attrs), NULL);
}

/* Each frame times the window. */
static SfValue
windowed (OnnxNode *node, SfValue x, int64_t length)
{
  SfShape shape = onnx_shape (node, x), window = onnx_input_shape (node, 2);
  if (onnx_failed (node))
    return SF_NONE;
  if (window.rank != 1 || window.dim[0] != length)
    {
      g_autofree char *text = sf_shape_text (&window);
      onnx_refuse (node, SF_ERROR_INVALID_DATA, "window is %s, wanted [%" PRId64 "], the frame",
                   text, length);
      return SF_NONE;
    }
  SfShape split = { 4, { shape.dim[0], shape.dim[1] / length, length, shape.dim[2] } };
  SfValue w = onnx_reshape (node, onnx_fixed (node, 2), SF_SHAPE (length, 1));
  SfValue y = onnx_2 (node, "mul", onnx_reshape (node, x, split), w);
  return onnx_reshape (node, y, shape);
}

static void
lower_stft (OnnxNode *node)
{
  bool onesided = onnx_int (node, "onesided", 1) != 0;
  SfValue signal = onnx_input (node, 0);
  SfShape shape = onnx_shape (node, signal);
  int64_t step = onnx_known_int (node, 1, 1), length = 0;
  if (onnx_has_input (node, 3))
    length = onnx_known_int (node, 3, 0);
  else if (onnx_has_input (node, 2) && onnx_input_shape (node, 2).rank == 1)
    length = onnx_input_shape (node, 2).dim[0];
  if (onnx_failed (node))
    return;
  if (shape.rank != 3 || step < 1 || length < 1 || length > shape.dim[1])
    {
      g_autofree char *text = sf_shape_text (&shape);
      onnx_refuse (node, SF_ERROR_INVALID_DATA,
                   "signal %s, frame of %" PRId64 ", step %" PRId64
                   ", wanted [N,L,1 or 2], a frame of 1 .. L samples, given or that of the window, "
                   "and a step of 1 or more",
                   text, length, step);
      return;
    }
  Fourier f = fourier_of (node, length, length, shape.dim[2], onesided);
  f.parts_first = true;
  SfValue x = frames (node, signal, length, MIN (step, shape.dim[1]));
  if (onnx_has_input (node, 2))
    x = windowed (node, x, length);
  SfShape framed = onnx_shape (node, x);
  SfValue matrix = fourier_matrix (node, &f, onnx_dtype (node, x));
  SfValue y = onnx_matmul (node, x, matrix, true, false);
  onnx_set (node, 0,
            onnx_reshape (node, y, SF_SHAPE (framed.dim[0], framed.dim[2], f.n_frequencies, 2)));
}

/* ---- mel ---- */

typedef struct
{
  int64_t n_mels, n_bins, dft_length, rate;
  double low, high; /* Hz */
} Mel;

/* mel (f) = 2595 log10 (1 + f / 700) */
static double
mel_of_hertz (double hertz)
{
  return 2595 * sf_exact_log (1 + hertz / 700) / G_LN10;
}

/* The bin of a point among the n_mels + 2 that lie evenly between the edges, as mel. */
static int64_t
bin_of (const Mel *mel, int64_t point)
{
  double low = mel_of_hertz (mel->low), high = mel_of_hertz (mel->high);
  double at = low + (double) point * (high - low) / (double) (mel->n_mels + 2);
  double hertz = 700 * (sf_exact_pow (10, at / 2595) - 1);
  double bin = floor ((double) (mel->dft_length + 1) * hertz / (double) mel->rate);
  return (int64_t) CLAMP (bin, 0, (double) mel->n_bins);
}

/* Triangle `i`: from its left point up to 1 at the next and down to the one after. */
static void
fill_triangle (const Mel *mel, int64_t i, double *weights)
{
  int64_t left = bin_of (mel, i), centre = bin_of (mel, i + 1), right = bin_of (mel, i + 2);
  for (int64_t b = left; b <= MIN (centre, mel->n_bins - 1); b++)
    weights[b * mel->n_mels + i] = centre == left ? 1
                                                  : (double) (b - left) / (double) (centre - left);
  for (int64_t b = centre; b < right; b++)
    weights[b * mel->n_mels + i] = (double) (right - b) / (double) (right - centre);
}

static void
set_mel (OnnxNode *node, const Mel *mel, SfDtype dtype)
{
  size_t n = (size_t) (mel->n_bins * mel->n_mels);
  g_autofree double *weights = g_try_new0 (double, n + 1);
  g_autofree double *data = g_try_new0 (double, n + 1);
  if (weights == NULL || data == NULL)
    {
      onnx_refuse (node, SF_ERROR_NO_RESOURCE, "no memory for %zu numbers", n);
      return;
    }
  for (int64_t i = 0; i < mel->n_mels; i++)
    fill_triangle (mel, i, weights);
  sf_dtype_convert (SF_F64, weights, dtype, data, n);
  onnx_set_known (node, 0, dtype, SF_SHAPE (mel->n_bins, mel->n_mels), data);
}

static void
lower_mel_weights (OnnxNode *node)
{
  SfDtype dtype = onnx_dtype_attr (node, "output_datatype", SF_F32);
  Mel mel = { .n_mels = onnx_known_int (node, 0, 0),
              .dft_length = onnx_known_int (node, 1, 0),
              .rate = onnx_known_int (node, 2, 0),
              .low = onnx_known_float (node, 3, 0),
              .high = onnx_known_float (node, 4, 0) };
  mel.n_bins = mel.dft_length / 2 + 1;
  if (onnx_failed (node))
    return;
  if (mel.n_mels < 1 || mel.n_mels > MAX_MELS || mel.dft_length < 1 || mel.rate < 1
      || mel.n_bins > MAX_MATRIX / mel.n_mels || !(mel.low >= 0 && mel.high >= mel.low)
      || !(mel.high <= 1e9))
    onnx_refuse (node, SF_ERROR_INVALID_DATA,
                 "%" PRId64 " bands of %" PRId64 " samples at %" PRId64
                 " Hz from %g to %g Hz, wanted positive numbers and edges in order",
                 mel.n_mels, mel.dft_length, mel.rate, mel.low, mel.high);
  else
    set_mel (node, &mel, dtype);
}

#define DFT_NOTE "matrices of at most 2^26 elements; length and axis are known at import"

/* clang-format off */
const OnnxRow onnx_rows_signal[] = {
  { "DFT", 17, lower_dft_17, 0, DFT_NOTE, NULL },
  { "DFT", 20, lower_dft_20, 0, DFT_NOTE, NULL },
  { "STFT", 17, lower_stft, 0, "matrices of at most 2^26 elements; step and length are known at import", NULL },
  { "MelWeightMatrix", 17, lower_mel_weights, 0, "inputs are known at import", NULL },
  { NULL, 0, NULL, 0, NULL, NULL },
};
/* clang-format on */

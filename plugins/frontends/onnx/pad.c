/* SPDX-License-Identifier: Apache-2.0 */
/* Pad: constants around, or the tensor's own elements again, by their positions along each axis. */
#include "plugins/frontends/onnx/pad.h"
#include "plugins/frontends/onnx/take.h"

#define MAX_PAD (INT64_C (1) << 32) /* per side; more is no tensor */

typedef struct
{
  int64_t low[SF_MAX_RANK], high[SF_MAX_RANK]; /* negative: cropped */
} Pads;

/* The position 0 .. dim-1 that the padded axis shows at `at` (negative before its begin). */
typedef int64_t (*Position) (int64_t at, int64_t dim);

static int64_t
position_edge (int64_t at, int64_t dim)
{
  return CLAMP (at, 0, dim - 1);
}

static int64_t
position_reflect (int64_t at, int64_t dim)
{
  if (dim == 1)
    return 0;
  int64_t period = 2 * (dim - 1), in = (at % period + period) % period;
  return MIN (in, period - in);
}

static int64_t
position_wrap (int64_t at, int64_t dim)
{
  return (at % dim + dim) % dim;
}

static const struct
{
  const char *mode;
  int since;
  Position position;
} modes[] = {
  { "edge", 2, position_edge },
  { "reflect", 2, position_reflect },
  { "wrap", 19, position_wrap },
};

static SfValue
pad_positions (OnnxNode *node, SfValue v, int axis, int64_t low, int64_t high, Position position)
{
  SfShape shape = onnx_shape (node, v);
  if (onnx_failed (node) || (low == 0 && high == 0))
    return v;
  int64_t dim = shape.dim[axis], n = low + dim + high;
  if (n < 0 || (n > 0 && dim == 0))
    {
      onnx_refuse (node, SF_ERROR_INVALID_DATA,
                   "axis %d of %" G_GINT64_FORMAT " elements padded by %" G_GINT64_FORMAT
                   " and %" G_GINT64_FORMAT ", wanted an element to repeat and a result",
                   axis, dim, low, high);
      return SF_NONE;
    }
  g_autofree int64_t *at = onnx_positions (node, n);
  if (!at)
    return SF_NONE;
  for (int64_t i = 0; i < n; i++)
    at[i] = position (i - low, dim);
  return onnx_take (node, v, at, (size_t) n, axis);
}

/* Negative pads cut, what is left extends. */
static SfValue
crop (OnnxNode *node, SfValue v, Pads *pads)
{
  SfShape shape = onnx_shape (node, v);
  for (int i = 0; i < shape.rank && !onnx_failed (node); i++)
    {
      int64_t begin = MAX (-pads->low[i], 0), end = shape.dim[i] - MAX (-pads->high[i], 0);
      if (begin > end)
        onnx_refuse (node, SF_ERROR_INVALID_DATA,
                     "axis %d of %" G_GINT64_FORMAT " elements cut by %" G_GINT64_FORMAT
                     " and %" G_GINT64_FORMAT,
                     i, shape.dim[i], -pads->low[i], -pads->high[i]);
      v = onnx_slice (node, v, i, begin, end, 1);
      pads->low[i] = MAX (pads->low[i], 0);
      pads->high[i] = MAX (pads->high[i], 0);
    }
  return v;
}

/* A constant that only the run knows: what a mask of the padding selects. */
static SfValue
pad_run_time (OnnxNode *node, SfValue v, Pads pads, SfValue value)
{
  SfShape shape = onnx_shape (node, v);
  SfValue inside = onnx_broadcast (node, onnx_scalar (node, SF_BOOL, 1), shape);
  SfValue mask = onnx_pad (node, inside, pads.low, pads.high, 0);
  SfValue padded = onnx_pad (node, v, pads.low, pads.high, 0);
  return onnx_select (node, mask, padded, onnx_reshape (node, value, sf_shape_scalar ()));
}

/* The constant is input 2 where there is one, `attr` otherwise. */
static SfValue
pad_constant (OnnxNode *node, SfValue v, Pads pads, double attr)
{
  if (!onnx_has_input (node, 2))
    return onnx_pad (node, v, pads.low, pads.high, attr);
  if (!onnx_is_known (node, 2))
    return pad_run_time (node, v, pads, onnx_input (node, 2));
  const SfTensor *value = onnx_known (node, 2);
  double number = 0;
  if (value && sf_shape_n_elems (&value->shape) == 1)
    sf_dtype_convert (value->dtype, value->data, SF_F64, &number, 1);
  else
    onnx_refuse (node, SF_ERROR_INVALID_DATA, "constant_value has not one element");
  return onnx_pad (node, v, pads.low, pads.high, number);
}

static void
pad_mode (OnnxNode *node, SfValue v, Pads pads, double value)
{
  const char *mode = onnx_string (node, "mode", "constant");
  SfShape shape = onnx_shape (node, v);
  bool empty = sf_shape_n_elems (&shape) == 0;
  if (onnx_failed (node))
    return;
  if (g_str_equal (mode, "constant") || empty)
    {
      v = crop (node, v, &pads);
      return onnx_set (node, 0, pad_constant (node, v, pads, value));
    }
  for (size_t m = 0; m < G_N_ELEMENTS (modes); m++)
    if (g_str_equal (mode, modes[m].mode) && onnx_opset (node) >= modes[m].since)
      {
        for (int i = 0; i < shape.rank; i++)
          v = pad_positions (node, v, i, pads.low[i], pads.high[i], modes[m].position);
        return onnx_set (node, 0, v);
      }
  onnx_refuse (node, SF_ERROR_INVALID_DATA,
               "mode %s, wanted constant, reflect or edge, or wrap from opset 19 on", mode);
}

/* pads: begins, then ends, of the axes (all of them when there is no list). */
static void
pad (OnnxNode *node, OnnxInts numbers, OnnxInts axes, double value)
{
  SfValue x = onnx_input (node, 0);
  int rank = onnx_shape (node, x).rank;
  size_t n = axes.n ? axes.n : (size_t) rank;
  Pads pads = { 0 };
  if (onnx_failed (node))
    return;
  if (numbers.n != 2 * n)
    return onnx_refuse (node, SF_ERROR_INVALID_DATA, "%zu pads, wanted %zu, two per axis",
                        numbers.n, 2 * n);
  for (size_t i = 0; i < n; i++)
    {
      int64_t axis = onnx_axis (node, axes.n ? axes.at[i] : (int64_t) i, rank);
      int64_t low = numbers.at[i], high = numbers.at[n + i];
      if (low < -MAX_PAD || low > MAX_PAD || high < -MAX_PAD || high > MAX_PAD)
        onnx_refuse (node, SF_ERROR_INVALID_DATA,
                     "pads %" G_GINT64_FORMAT " and %" G_GINT64_FORMAT ", wanted at most 2^32", low,
                     high);
      if (onnx_failed (node))
        return;
      pads.low[axis] = low;
      pads.high[axis] = high;
    }
  pad_mode (node, x, pads, value);
}

void
onnx_lower_pad_2 (OnnxNode *node)
{
  onnx_want_attr (node, "pads");
  pad (node, onnx_ints (node, "pads"), (OnnxInts){ 0 }, onnx_float (node, "value", 0));
}

void
onnx_lower_pad_11 (OnnxNode *node)
{
  pad (node, onnx_known_ints (node, 1), (OnnxInts){ 0 }, 0);
}

void
onnx_lower_pad_18 (OnnxNode *node)
{
  OnnxInts axes = onnx_has_input (node, 3) ? onnx_known_ints (node, 3) : (OnnxInts){ 0 };
  pad (node, onnx_known_ints (node, 1), axes, 0);
}

void
onnx_lower_pad_19 (OnnxNode *node)
{
  onnx_lower_pad_18 (node);
}

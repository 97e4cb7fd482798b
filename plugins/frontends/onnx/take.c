/* SPDX-License-Identifier: Apache-2.0 */
/* Elements along an axis at positions that are known at import: runs of them become slices. */
#include "plugins/frontends/onnx/take.h"

enum
{
  MAX_RUNS = 4,            /* joined; beyond, one gather moves less */
  MAX_POSITIONS = 1 << 26, /* along an axis, known one by one */
};

/* `n` positions from `start` on, `step` apart. */
typedef struct
{
  int64_t start, step;
  size_t n;
} Run;

static Run
first_run (const int64_t *at, size_t n)
{
  Run run = { .start = at[0], .step = n > 1 ? at[1] - at[0] : 1, .n = n > 1 ? 2 : 1 };
  while (run.n < n && at[run.n] - at[run.n - 1] == run.step)
    run.n++;
  return run;
}

/* The runs of the positions; 0 when there are more than MAX_RUNS. */
static size_t
find_runs (const int64_t *at, size_t n, Run runs[MAX_RUNS])
{
  size_t n_runs = 0;
  for (size_t done = 0; done < n; done += runs[n_runs++].n)
    {
      if (n_runs == MAX_RUNS)
        return 0;
      runs[n_runs] = first_run (at + done, n - done);
    }
  return n_runs;
}

static SfValue
take_run (OnnxNode *node, SfValue v, Run run, int64_t axis)
{
  int64_t last = run.start + run.step * (int64_t) (run.n - 1);
  if (run.step > 0)
    return onnx_slice (node, v, axis, run.start, last + 1, run.step);
  if (run.step < 0)
    return onnx_reverse (node, onnx_slice (node, v, axis, last, run.start + 1, -run.step), axis);
  SfValue one = onnx_slice (node, v, axis, run.start, run.start + 1, 1);
  SfShape shape = onnx_shape (node, one);
  if (onnx_failed (node))
    return SF_NONE;
  shape.dim[axis] = (int64_t) run.n;
  return onnx_broadcast (node, one, shape);
}

/* The factor k of aabbcc (each of the axis' elements k times), 0 when the positions are not that.
 */
static int64_t
repeats (const int64_t *at, size_t n, int64_t dim)
{
  if (dim < 1 || n <= (size_t) dim || n % (size_t) dim != 0)
    return 0;
  size_t times = n / (size_t) dim;
  for (size_t i = 0; i < n; i++)
    if (at[i] != (int64_t) (i / times))
      return 0;
  return (int64_t) times;
}

SfValue
onnx_take (OnnxNode *node, SfValue v, const int64_t *positions, size_t n, int64_t axis)
{
  SfShape shape = onnx_shape (node, v);
  axis = onnx_axis (node, axis, shape.rank);
  if (onnx_failed (node))
    return SF_NONE;
  if (n == 0)
    return onnx_slice (node, v, axis, 0, 0, 1);
  int64_t times = repeats (positions, n, shape.dim[axis]);
  if (times > 0)
    return onnx_repeat (node, v, axis, times, true);
  Run runs[MAX_RUNS];
  size_t n_runs = find_runs (positions, n, runs);
  if (n_runs == 0)
    return onnx_gather_known (node, v, positions, n, axis);
  SfValue parts[MAX_RUNS];
  for (size_t i = 0; i < n_runs; i++)
    parts[i] = take_run (node, v, runs[i], axis);
  return n_runs == 1 ? parts[0] : onnx_concat (node, parts, n_runs, axis);
}

int64_t *
onnx_positions (OnnxNode *node, int64_t n)
{
  int64_t *at = n >= 0 && n <= MAX_POSITIONS ? g_try_new (int64_t, (gsize) MAX (n, 1)) : NULL;
  if (!at)
    onnx_refuse (node, SF_ERROR_NO_RESOURCE,
                 "%" G_GINT64_FORMAT " elements along an axis, wanted at most %d, and memory", n,
                 MAX_POSITIONS);
  return at;
}

SfShape
onnx_around_axis (SfShape shape, int axis)
{
  int64_t dims[3] = { 1, shape.dim[axis], 1 };
  for (int i = 0; i < shape.rank; i++)
    if (i != axis)
      dims[i < axis ? 0 : 2] *= shape.dim[i];
  return sf_shape (3, dims);
}

SfValue
onnx_repeat (OnnxNode *node, SfValue v, int64_t axis, int64_t times, bool inner)
{
  SfShape shape = onnx_shape (node, v);
  axis = onnx_axis (node, axis, shape.rank);
  if (onnx_failed (node) || times == 1)
    return v;
  SfShape around = onnx_around_axis (shape, (int) axis);
  int64_t before = inner ? around.dim[0] * around.dim[1] : around.dim[0];
  int64_t after = inner ? around.dim[2] : around.dim[1] * around.dim[2];
  if (times < 0 || (shape.dim[axis] > 0 && times > INT64_MAX / shape.dim[axis]))
    {
      onnx_refuse (node, SF_ERROR_INVALID_DATA, "dimension %d repeated %" G_GINT64_FORMAT " times",
                   (int) axis, times);
      return SF_NONE;
    }
  shape.dim[axis] *= times;
  SfValue one = onnx_reshape (node, v, SF_SHAPE (before, 1, after));
  SfValue all = onnx_broadcast (node, one, SF_SHAPE (before, times, after));
  return onnx_reshape (node, all, shape);
}

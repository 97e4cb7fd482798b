/* SPDX-License-Identifier: Apache-2.0 */
/* Random cases of unfold, fold, conv2d and the pools. */
#include "tests/ops/random.h"

typedef struct
{
  int64_t kernel[2], strides[2], pads[4], dilations[2], size[2], out[2];
} Window;

/* A window that fits its image. Pools pad no more than a window reaches. */
static Window
draw_window (bool dilated, bool pool)
{
  Window w;
  for (int i = 0; i < 2; i++)
    {
      w.kernel[i] = random_int (1, 3);
      w.strides[i] = random_int (1, 3);
      w.dilations[i] = dilated ? random_int (1, 2) : 1;
      int64_t reach = (w.kernel[i] - 1) * w.dilations[i], most = pool ? MIN (reach, 2) : 2;
      w.pads[i] = random_int (0, most);
      w.pads[2 + i] = random_int (0, most);
      w.size[i] = random_int (1, 4) + reach;
      w.out[i] = (w.size[i] + w.pads[i] + w.pads[2 + i] - reach - 1) / w.strides[i] + 1;
    }
  return w;
}

static void
window_attrs (OpCase *c, const Window *w, bool kernel, bool dilations)
{
  if (kernel)
    random_attr_ints (c, "kernel", w->kernel, 2);
  random_attr_ints (c, "strides", w->strides, 2);
  random_attr_ints (c, "pads", w->pads, 4);
  if (dilations)
    random_attr_ints (c, "dilations", w->dilations, 2);
}

static void
draw_unfold_fold (int64_t images)
{
  Window w = draw_window (true, false);
  int64_t channels = random_int (1, 2);
  OpCase *c = random_case ("unfold");
  random_input (c, CASE_T, SF_SHAPE (images, channels, w.size[0], w.size[1]));
  window_attrs (c, &w, true, true);
  random_attr_float (c, "value", 0.5);
  c = random_case ("fold");
  random_input (c, CASE_T,
                SF_SHAPE (images, channels * w.kernel[0] * w.kernel[1], w.out[0] * w.out[1]));
  window_attrs (c, &w, true, true);
  random_attr_ints (c, "size", w.size, 2);
}

static void
draw_conv (int64_t images, bool bias)
{
  Window w = draw_window (true, false);
  int64_t groups = random_int (1, 3), in = random_int (1, 2), out = random_int (1, 2);
  OpCase *c = random_case ("conv2d");
  random_input (c, CASE_T, SF_SHAPE (images, groups * in, w.size[0], w.size[1]));
  random_input (c, CASE_T, SF_SHAPE (groups * out, in, w.kernel[0], w.kernel[1]));
  if (bias)
    random_input (c, CASE_T, SF_SHAPE (groups * out));
  window_attrs (c, &w, false, true);
  random_attr_int (c, "groups", groups);
  c = random_case ("conv2d_dx");
  random_input (c, CASE_T, SF_SHAPE (images, groups * out, w.out[0], w.out[1]));
  random_input (c, CASE_T, SF_SHAPE (groups * out, in, w.kernel[0], w.kernel[1]));
  window_attrs (c, &w, false, true);
  random_attr_int (c, "groups", groups);
  random_attr_ints (c, "size", w.size, 2);
  c = random_case ("conv2d_dw");
  random_input (c, CASE_T, SF_SHAPE (images, groups * out, w.out[0], w.out[1]));
  random_input (c, CASE_T, SF_SHAPE (images, groups * in, w.size[0], w.size[1]));
  window_attrs (c, &w, true, true);
  random_attr_int (c, "groups", groups);
}

static void
draw_pools (int64_t images)
{
  Window w = draw_window (true, true);
  int64_t channels = random_int (1, 2);
  OpCase *c = random_case ("max_pool2d");
  random_input (c, CASE_T, SF_SHAPE (images, channels, w.size[0], w.size[1]))->fill = FILL_DISTINCT;
  window_attrs (c, &w, true, true);
  random_attr_bool (c, "ceil_mode", random_bool ());
  w = draw_window (false, true);
  c = random_case ("avg_pool2d");
  random_input (c, CASE_T, SF_SHAPE (images, channels, w.size[0], w.size[1]));
  window_attrs (c, &w, true, false);
  random_attr_bool (c, "ceil_mode", random_bool ());
  random_attr_bool (c, "count_include_pad", random_bool ());
  c = random_case ("avg_pool2d_bwd");
  random_input (c, CASE_T, SF_SHAPE (images, channels, w.out[0], w.out[1]));
  window_attrs (c, &w, true, false);
  random_attr_ints (c, "size", w.size, 2);
  c = random_case ("global_avg_pool");
  random_input (c, CASE_T, SF_SHAPE (images, channels, w.size[0], w.size[1]));
}

void
random_window (void)
{
  for (int times = 0; times < 6; times++)
    {
      int64_t images = times == 0 ? 0 : random_int (1, 3);
      draw_unfold_fold (images);
      draw_conv (images, true);
      draw_conv (random_int (1, 3), times % 3 == 0);
      draw_pools (images);
      draw_pools (random_int (1, 2));
    }
}

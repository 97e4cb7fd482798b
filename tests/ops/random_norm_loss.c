/* SPDX-License-Identifier: Apache-2.0 */
/* Random cases of the norms and the losses. */
#include "tests/ops/random.h"

static void
positive (CaseInput *in)
{
  in->low = 0.5;
  in->high = 2;
}

static void
draw_batch_norm (const char *op)
{
  OpCase *c = random_case (op);
  SfShape x = random_shape (2, 4, 1), channels = SF_SHAPE (x.dim[1]);
  x.dim[0] = random_int (2, 4);
  random_input (c, CASE_T, x);
  positive (random_input (c, CASE_WIDE, channels));
  random_input (c, CASE_WIDE, channels);
  random_input (c, CASE_WIDE, channels);
  positive (random_input (c, CASE_WIDE, channels));
  random_attr_float (c, "eps", 1e-2);
}

static void
draw_layer_norm (int64_t least)
{
  OpCase *c = random_case ("layer_norm");
  SfShape x = random_shape (1, 4, 1);
  int64_t axis = random_int (0, x.rank - 1);
  x.dim[x.rank - 1] = random_int (2, 6);
  if (axis > 0)
    x.dim[0] = MAX (least, random_int (0, 1) * x.dim[0]);
  SfShape inner = sf_shape ((int) (x.rank - axis), x.dim + axis);
  random_input (c, CASE_T, x);
  positive (random_input (c, CASE_WIDE, inner));
  random_input (c, CASE_WIDE, inner);
  random_attr_int (c, "axis", random_bool () ? axis : axis - x.rank);
  random_attr_float (c, "eps", 1e-2);
}

static void
draw_layer_norm_dx (void)
{
  OpCase *c = random_case ("layer_norm_dx");
  SfShape x = random_shape (1, 4, 1);
  int64_t axis = random_int (0, x.rank - 1);
  random_input (c, CASE_T, x);
  random_input (c, CASE_T, x);
  random_input (c, CASE_WIDE, sf_shape ((int) (x.rank - axis), x.dim + axis));
  random_input (c, CASE_WIDE, sf_shape ((int) axis, x.dim));
  positive (random_input (c, CASE_WIDE, sf_shape ((int) axis, x.dim)));
  random_attr_int (c, "axis", random_bool () ? axis : axis - x.rank);
}

static void
draw_softmax_ce (void)
{
  OpCase *c = random_case ("softmax_ce");
  SfShape x = random_shape (1, 3, 1);
  CaseInput *logits = random_input (c, CASE_T, x);
  logits->low = -4;
  logits->high = 4;
  CaseInput *labels = random_input (c, CASE_I32, sf_shape (x.rank - 1, x.dim));
  labels->fill = FILL_INTEGER;
  labels->low = random_bool () ? 0 : -1;
  labels->high = (double) x.dim[x.rank - 1];
  if (labels->low == 0)
    random_attr_int (c, "ignore_index", random_int (0, x.dim[x.rank - 1]));
}

static void
draw_mse (void)
{
  OpCase *c = random_case ("mse");
  SfShape x = random_shape (0, 4, 1);
  random_input (c, CASE_T, x);
  random_input (c, CASE_T, x);
}

void
random_norm_loss (void)
{
  for (int times = 0; times < 5; times++)
    {
      draw_batch_norm ("batch_norm");
      draw_batch_norm ("batch_norm_infer");
      draw_layer_norm (times == 0 ? 0 : 1);
      draw_layer_norm_dx ();
      draw_softmax_ce ();
      draw_mse ();
    }
}

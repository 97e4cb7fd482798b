/* SPDX-License-Identifier: Apache-2.0 */
/* Random cases of the ops that only move elements. */
#include "tests/ops/random.h"

static void
draw_reshape (void)
{
  OpCase *c = random_case ("reshape");
  SfShape shape = random_shape (1, 4, 0), back = shape;
  for (int i = 0; i < shape.rank; i++)
    back.dim[i] = shape.dim[shape.rank - 1 - i];
  random_input (c, CASE_T, shape);
  random_attr_ints (c, "shape", back.dim, (size_t) back.rank);
}

static void
draw_transpose (void)
{
  OpCase *c = random_case ("transpose");
  SfShape shape = random_shape (0, 5, 0);
  int64_t perm[SF_MAX_RANK];
  for (int i = 0; i < shape.rank; i++)
    {
      int64_t at = random_int (0, i);
      perm[i] = perm[at];
      perm[at] = i;
    }
  random_input (c, CASE_T, shape);
  random_attr_ints (c, "perm", perm, (size_t) shape.rank);
}

static void
draw_slice (void)
{
  OpCase *c = random_case ("slice");
  SfShape shape = random_shape (0, 4, 0);
  int64_t starts[SF_MAX_RANK], ends[SF_MAX_RANK], steps[SF_MAX_RANK];
  for (int i = 0; i < shape.rank; i++)
    {
      starts[i] = random_int (0, shape.dim[i]) / 2;
      ends[i] = random_int (starts[i], shape.dim[i]);
      if (random_bool ())
        ends[i] = shape.dim[i];
      steps[i] = random_int (1, 3);
    }
  random_input (c, CASE_T, shape);
  random_attr_ints (c, "starts", starts, (size_t) shape.rank);
  random_attr_ints (c, "ends", ends, (size_t) shape.rank);
  random_attr_ints (c, "steps", steps, (size_t) shape.rank);
}

static void
draw_concat (void)
{
  OpCase *c = random_case ("concat");
  SfShape shape = random_shape (1, 4, 0);
  int64_t axis = random_int (0, shape.rank - 1), n = random_int (1, 4);
  for (int64_t i = 0; i < n; i++)
    {
      shape.dim[axis] = random_int (0, 3);
      random_input (c, CASE_T, shape);
    }
  random_attr_int (c, "axis", axis);
}

static void
draw_pad (void)
{
  OpCase *c = random_case ("pad");
  SfShape shape = random_shape (0, 4, 0);
  int64_t low[SF_MAX_RANK], high[SF_MAX_RANK];
  for (int i = 0; i < shape.rank; i++)
    {
      low[i] = random_int (0, 2);
      high[i] = random_int (0, 2);
    }
  random_input (c, CASE_T, shape);
  random_attr_ints (c, "low", low, (size_t) shape.rank);
  random_attr_ints (c, "high", high, (size_t) shape.rank);
  random_attr_float (c, "value", 0.5);
}

static void
draw_broadcast (void)
{
  OpCase *c = random_case ("broadcast");
  SfShape shape = random_shape (0, 4, 0);
  random_input (c, CASE_T, random_part (shape));
  random_attr_ints (c, "shape", shape.dim, (size_t) shape.rank);
}

void
random_movement (void)
{
  for (int times = 0; times < 5; times++)
    {
      draw_reshape ();
      draw_transpose ();
      draw_slice ();
      draw_concat ();
      draw_pad ();
      draw_broadcast ();
    }
}

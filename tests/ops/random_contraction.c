/* SPDX-License-Identifier: Apache-2.0 */
/* Random cases of matmul, det, linear and attention. */
#include "tests/ops/random.h"

/* `leading` with [rows, columns] after it, the two swapped when `turned`. */
static SfShape
matrix (SfShape leading, int64_t rows, int64_t columns, bool turned)
{
  leading.dim[leading.rank++] = turned ? columns : rows;
  leading.dim[leading.rank++] = turned ? rows : columns;
  return leading;
}

static void
draw_matmul (bool shared)
{
  OpCase *c = random_case ("matmul");
  SfShape leading = random_shape (0, 3, 0);
  int64_t m = random_int (1, 5), k = random_int (shared ? 1 : 0, 5), n = random_int (1, 5);
  bool turn_a = random_bool (), turn_b = random_bool ();
  SfShape a = shared || random_bool () ? leading : random_part (leading);
  SfShape b = shared ? sf_shape_scalar () : random_part (leading);
  random_input (c, CASE_T, matrix (a, m, k, turn_a));
  random_input (c, CASE_T, matrix (b, k, n, turn_b));
  random_attr_bool (c, "transpose_a", turn_a);
  random_attr_bool (c, "transpose_b", turn_b);
}

static void
draw_det (int64_t n)
{
  OpCase *c = random_case ("det");
  random_input (c, CASE_T, matrix (random_shape (0, 2, 0), n, n, false));
}

static void
draw_linear (bool bias)
{
  OpCase *c = random_case ("linear");
  SfShape x = random_shape (1, 4, 0);
  int64_t in = x.dim[x.rank - 1], out = random_int (1, 5);
  random_input (c, CASE_T, x);
  random_input (c, CASE_T, SF_SHAPE (out, in));
  if (bias)
    random_input (c, CASE_T, SF_SHAPE (out));
}

static void
draw_attention (int which, bool backward)
{
  OpCase *c = random_case (backward ? "attention_bwd" : "attention");
  int64_t b = random_int (which == 0 ? 0 : 1, 2), h = random_int (1, 2);
  int64_t s = which == 0 ? 0 : random_int (1, 4);
  int64_t t = random_int (1, 4), d = random_int (1, 3), e = random_int (1, 3);
  if (backward)
    random_input (c, CASE_T, SF_SHAPE (b, h, s, e));
  random_input (c, CASE_T, SF_SHAPE (b, h, s, d));
  random_input (c, CASE_T, SF_SHAPE (b, h, t, d));
  random_input (c, CASE_T, SF_SHAPE (b, h, t, e));
  if (which % 2 == 1)
    random_input (c, CASE_T, random_part (SF_SHAPE (b, h, s, t)))->no_gradient = true;
  random_attr_bool (c, "causal", which % 3 != 0);
  if (random_bool ())
    random_attr_float (c, "scale", 0.7);
}

void
random_contraction (void)
{
  for (int times = 0; times < 8; times++)
    draw_matmul (times % 4 == 3);
  for (int64_t n = 0; n <= 4; n++)
    draw_det (n);
  for (int times = 0; times < 8; times++)
    draw_linear (times % 2 == 0);
  for (int times = 0; times < 7; times++)
    draw_attention (times, false);
  for (int times = 0; times < 4; times++)
    draw_attention (times, true);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Random cases of the reductions and the softmax family. */
#include "tests/ops/random.h"

static void
random_axes (OpCase *c, int rank)
{
  int64_t axes[SF_MAX_RANK];
  size_t n = 0;
  for (int i = 0; i < rank; i++)
    if (random_bool ())
      axes[n++] = random_bool () ? i : i - rank;
  random_attr_ints (c, "axes", axes, n);
  random_attr_bool (c, "keepdims", random_bool ());
}

/* Ops whose results hang on the order along an axis. */
static void
random_ordered (void)
{
  for (int times = 0; times < 6; times++)
    {
      OpCase *c = random_case ("cumsum");
      SfShape shape = random_shape (1, 4, 0);
      random_input (c, CASE_T, shape);
      random_attr_int (c, "axis", random_int (-shape.rank, shape.rank - 1));
      random_attr_bool (c, "exclusive", random_bool ());
      random_attr_bool (c, "reverse", random_bool ());
    }
  for (int times = 0; times < 6; times++)
    {
      OpCase *c = random_case ("sort");
      SfShape shape = random_shape (1, 4, 0);
      random_input (c, CASE_T, shape)->fill = FILL_DISTINCT;
      random_attr_int (c, "axis", random_int (-shape.rank, shape.rank - 1));
      random_attr_bool (c, "descending", random_bool ());
    }
}

void
random_reduce (void)
{
  static const char *const ops[] = { "reduce_sum", "reduce_mean", "reduce_max", "reduce_min" };
  for (size_t i = 0; i < G_N_ELEMENTS (ops); i++)
    for (int times = 0; times < 5; times++)
      {
        OpCase *c = random_case (ops[i]);
        SfShape shape = random_shape (times == 0 ? 0 : 1, 4, i == 0 ? 0 : 1);
        random_input (c, CASE_T, shape)->fill = FILL_DISTINCT;
        random_axes (c, shape.rank);
      }
  for (int times = 0; times < 6; times++)
    {
      OpCase *c = random_case ("reduce_prod");
      SfShape shape = random_shape (times == 0 ? 0 : 1, 4, 0);
      CaseInput *x = random_input (c, CASE_T, shape);
      x->low = -1.5;
      x->high = 1.5;
      if (times > 2) /* with zeros among them */
        *x = (CaseInput){ CASE_T, x->shape, NULL, FILL_INTEGER, -1, 3 };
      random_axes (c, shape.rank);
    }
  for (int times = 0; times < 6; times++)
    {
      OpCase *c = random_case ("argmax");
      SfShape shape = random_shape (1, 4, 1);
      CaseInput *x = random_input (c, CASE_T, shape);
      x->fill = FILL_INTEGER;
      x->high = 4;
      c->dtypes = "fiu";
      random_attr_int (c, "axis", random_int (-shape.rank, shape.rank - 1));
      random_attr_bool (c, "keepdims", random_bool ());
      random_attr_bool (c, "last", times % 2 != 0);
    }
  random_ordered ();
  static const char *const along[] = { "softmax", "log_softmax" };
  for (size_t i = 0; i < G_N_ELEMENTS (along); i++)
    for (int times = 0; times < 4; times++)
      {
        OpCase *c = random_case (along[i]);
        SfShape shape = random_shape (1, 4, times == 0 ? 0 : 1);
        CaseInput *x = random_input (c, CASE_T, shape);
        x->low = -4;
        x->high = 4;
        random_attr_int (c, "axis", random_int (-shape.rank, shape.rank - 1));
      }
}

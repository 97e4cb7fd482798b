/* SPDX-License-Identifier: Apache-2.0 */
/* Random cases of gather, scatter, scatter_add, embedding and dropout. */
#include "tests/ops/random.h"

static void
indices (OpCase *c, SfShape shape, int64_t n)
{
  CaseInput *in = random_input (c, CASE_I32, shape);
  in->fill = FILL_INTEGER;
  in->low = 0;
  in->high = (double) n;
}

/* x with dimension `axis` replaced by those of i. */
static SfShape
taken (SfShape x, SfShape i, int64_t axis)
{
  SfShape y = sf_shape ((int) axis, x.dim);
  for (int d = 0; d < i.rank; d++)
    y.dim[y.rank++] = i.dim[d];
  for (int64_t d = axis + 1; d < x.rank; d++)
    y.dim[y.rank++] = x.dim[d];
  return y;
}

static void
draw_gather_scatter (void)
{
  SfShape x = random_shape (1, 3, 0), i = random_shape (0, 2, 0);
  int64_t axis = random_int (0, x.rank - 1);
  x.dim[axis] = random_int (1, 4);
  OpCase *c = random_case ("gather");
  random_input (c, CASE_T, x);
  indices (c, i, x.dim[axis]);
  random_attr_int (c, "axis", axis);
  c = random_case ("scatter_add");
  indices (c, i, x.dim[axis]);
  random_input (c, CASE_T, taken (x, i, axis));
  random_attr_int (c, "axis", axis);
  random_attr_int (c, "size", x.dim[axis]);
}

static void
draw_scatter (bool sums)
{
  SfShape x = random_shape (1, 3, 0), i = random_shape (0, 2, 0);
  int64_t axis = random_int (0, x.rank - 1);
  x.dim[axis] = random_int (1, 4);
  OpCase *c = random_case ("scatter");
  random_input (c, CASE_T, x);
  indices (c, i, x.dim[axis]);
  random_input (c, CASE_T, taken (x, i, axis));
  random_attr_int (c, "axis", random_bool () ? axis : axis - x.rank);
  if (sums)
    c->attrs[1] = SF_ATTR_S ("reduce", "add");
}

static void
draw_embedding (void)
{
  OpCase *c = random_case ("embedding");
  int64_t rows = random_int (1, 5);
  random_input (c, CASE_T, SF_SHAPE (rows, random_int (1, 4)));
  SfShape ids = random_shape (0, 3, 0);
  indices (c, ids, rows);
  c = random_case ("embedding_bwd");
  ids.dim[ids.rank++] = 3;
  random_input (c, CASE_T, ids);
  ids.rank--;
  indices (c, sf_shape (ids.rank, ids.dim), rows);
  random_attr_int (c, "rows", rows);
}

static void
draw_dropout (void)
{
  OpCase *c = random_case ("dropout");
  random_input (c, CASE_T, random_shape (0, 4, 0));
  indices (c, SF_SHAPE (3), 1000);
  random_attr_float (c, "p", (double) random_int (0, 9) / 10);
  random_attr_int (c, "stream", random_int (0, 1000));
}

void
random_index (void)
{
  for (int times = 0; times < 5; times++)
    {
      draw_gather_scatter ();
      draw_scatter (false);
      draw_scatter (true);
      draw_embedding ();
      draw_dropout ();
    }
}

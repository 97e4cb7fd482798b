/* SPDX-License-Identifier: Apache-2.0 */
/* How random cases are drawn. */
#include "tests/ops/random.h"

#include <sf/rng.h>

static const SfRng rng = { .seed = 2024 };
static uint64_t n_drawn;
static GPtrArray *cases;

int64_t
random_int (int64_t low, int64_t high)
{
  return low + (int64_t) (sf_rng_u64 (&rng, n_drawn++) % (uint64_t) (high - low + 1));
}

bool
random_bool (void)
{
  return random_int (0, 1) != 0;
}

SfShape
random_shape (int low_rank, int high_rank, int64_t least)
{
  SfShape shape = { .rank = (int32_t) random_int (low_rank, high_rank) };
  for (int i = 0; i < shape.rank; i++)
    shape.dim[i] = random_int (0, 9) == 0 ? least : random_int (1, 5);
  return shape;
}

SfShape
random_part (SfShape shape)
{
  int dropped = (int) random_int (0, shape.rank);
  SfShape part = sf_shape (shape.rank - dropped, shape.dim + dropped);
  for (int i = 0; i < part.rank; i++)
    if (random_int (0, 2) == 0)
      part.dim[i] = 1;
  return part;
}

OpCase *
random_case (const char *op)
{
  OpCase *c = g_new0 (OpCase, 1);
  c->name = g_strdup_printf ("random_%s_%u", op, cases->len);
  c->op = op;
  g_ptr_array_add (cases, c);
  return c;
}

CaseInput *
random_input (OpCase *c, CaseType type, SfShape shape)
{
  CaseInput *in = &c->in[op_case_n_inputs (c)];
  GString *text = g_string_new (NULL);
  for (int i = 0; i < shape.rank; i++)
    g_string_append_printf (text, "%s%" G_GINT64_FORMAT, i > 0 ? "," : "", shape.dim[i]);
  in->type = type;
  in->shape = g_string_free (text, FALSE);
  return in;
}

static SfAttr *
new_attr (OpCase *c, const char *name, SfAttrType type)
{
  SfAttr *attr = c->attrs;
  while (attr->name != NULL)
    attr++;
  attr->name = name;
  attr->type = type;
  return attr;
}

void
random_attr_ints (OpCase *c, const char *name, const int64_t *ints, size_t n)
{
  SfAttr *attr = new_attr (c, name, SF_ATTR_INTS);
  attr->ints = g_memdup2 (ints, n * sizeof *ints);
  attr->n_ints = n;
}

void
random_attr_int (OpCase *c, const char *name, int64_t value)
{
  new_attr (c, name, SF_ATTR_INT)->i = value;
}

void
random_attr_bool (OpCase *c, const char *name, bool value)
{
  new_attr (c, name, SF_ATTR_BOOL)->i = value;
}

void
random_attr_float (OpCase *c, const char *name, double value)
{
  new_attr (c, name, SF_ATTR_FLOAT)->f = value;
}

void
op_cases_random (GPtrArray *to)
{
  cases = to;
  n_drawn = 0;
  random_elementwise ();
  random_reduce ();
  random_movement ();
  random_contraction ();
  random_window ();
  random_index ();
  random_norm_loss ();
}

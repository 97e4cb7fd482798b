/* SPDX-License-Identifier: Apache-2.0 */
/* The list of all cases, and their data. */
#include "tests/ops/cases.h"

#include <stdlib.h>

#include <sf/rng.h>

static const OpCases *const families[] = {
  &op_cases_elementwise, &op_cases_reduce, &op_cases_movement,
  &op_cases_contraction, &op_cases_window, &op_cases_index,
  &op_cases_counted,     &op_cases_norm,   &op_cases_loss,
};

static const GPtrArray *
all_cases (void)
{
  static GPtrArray *all;
  if (all != NULL)
    return all;
  all = g_ptr_array_new ();
  for (size_t i = 0; i < G_N_ELEMENTS (families); i++)
    for (size_t j = 0; j < families[i]->n; j++)
      g_ptr_array_add (all, (gpointer) &families[i]->rows[j]);
  op_cases_random (all);
  return all;
}

size_t
op_case_count (void)
{
  return all_cases ()->len;
}

const OpCase *
op_case_at (size_t index)
{
  return g_ptr_array_index (all_cases (), index);
}

size_t
op_case_n_inputs (const OpCase *c)
{
  size_t n = 0;
  for (size_t i = 0; i < CASE_MAX_INPUTS; i++)
    if (c->in[i].type != CASE_ABSENT)
      n = i + 1;
  return n;
}

SfShape
op_case_shape (const char *text)
{
  SfShape shape = sf_shape_scalar ();
  while (*text != '\0')
    {
      char *end;
      shape.dim[shape.rank++] = strtoll (text, &end, 10);
      text = *end == ',' ? end + 1 : end;
    }
  return shape;
}

SfDtype
op_case_dtype (CaseType type, SfDtype t)
{
  switch (type)
    {
    case CASE_T:
      return t;
    case CASE_WIDE:
      return t == SF_F64 ? SF_F64 : SF_F32;
    case CASE_F32:
      return SF_F32;
    case CASE_F64:
      return SF_F64;
    case CASE_I32:
      return SF_I32;
    case CASE_BOOL:
      return SF_BOOL;
    case CASE_ABSENT:
      break;
    }
  return SF_N_DTYPES;
}

bool
op_case_allows (const OpCase *c, SfDtype t)
{
  char kind = sf_dtype_is_float (t) ? 'f' : t == SF_BOOL ? 'b' : sf_dtype_is_signed (t) ? 'i' : 'u';
  return strchr (c->dtypes != NULL ? c->dtypes : "f", kind) != NULL;
}

static double
filled (const CaseInput *in, const SfRng *rng, uint64_t i, const uint32_t *order, size_t n)
{
  double u = (double) sf_rng_u64 (rng, i) * 0x1p-64;
  double low = in->low, high = in->high;
  if (low == 0 && high == 0)
    {
      low = -1;
      high = 1;
    }
  switch (in->fill)
    {
    case FILL_UNIFORM:
      return low + u * (high - low);
    case FILL_SIGNED:
      return u < 0.5 ? -(low + 2 * u * (high - low)) : low + (2 * u - 1) * (high - low);
    case FILL_INTEGER:
      return floor (low + u * (high - low));
    case FILL_DISTINCT:
      return ((double) order[i] - (double) (n / 2)) * 0.1 + in->low;
    }
  return 0;
}

double *
op_case_data (const OpCase *c, size_t index, SfDtype t)
{
  const CaseInput *in = &c->in[index];
  SfShape shape = op_case_shape (in->shape);
  size_t n = (size_t) sf_shape_n_elems (&shape);
  SfDtype dtype = op_case_dtype (in->type, t);
  SfRng rng = { .seed = 20, .stream = sf_rng_stream_of (c->name), .step = (uint32_t) index };
  g_autofree uint32_t *order = g_new (uint32_t, MAX (n, 1));
  sf_rng_permutation (&rng, (uint32_t) n, order);
  double *data = g_new0 (double, MAX (n, 1));
  for (size_t i = 0; i < n; i++)
    {
      data[i] = in->data != NULL ? in->data[i] : filled (in, &rng, i, order, n);
      if (sf_dtype_is_float (dtype))
        data[i] = sf_dtype_round (dtype, data[i]);
    }
  return data;
}

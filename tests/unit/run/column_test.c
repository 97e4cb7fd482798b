/* SPDX-License-Identifier: Apache-2.0 */
/* Every stored byte, and numbers of other dtypes, scaled and shifted in double. */
#include "core/run/column.h"

#include "tests/support/sftest.h"

enum
{
  N_ROWS = 3,
  ROW_ELEMS = 20000 /* more than one row is more than is converted at once */
};

/* A dataset of one field that is an array of rows. */
static bool
read_rows (void *instance, size_t field, const int64_t *rows, size_t n, void *out, GError **error)
{
  const SfTensor *stored = instance;
  size_t row_bytes = ROW_ELEMS * sf_dtype_bytes (stored->dtype);
  if (field != 7)
    return sf_fail (error, SF_ERROR_INVALID_DATA, "field %zu cannot be read", field);
  for (size_t i = 0; i < n; i++)
    memcpy ((char *) out + i * row_bytes,
            (const char *) stored->data + (size_t) rows[i] * row_bytes, row_bytes);
  return true;
}

static const SfDatasetOps ops = { .size = sizeof ops, .read = read_rows };

typedef struct
{
  const char *name;
  SfDtype from, to;
  double scale, shift;
} Case;

static const Case cases[] = {
  { "bytes to floats", SF_U8, SF_F32, 1, 0 },
  { "bytes scaled", SF_U8, SF_F32, 1 / 255.0, -0.1307 },
  { "signed bytes scaled", SF_I8, SF_F32, 0.3, 0.7 },
  { "bytes to doubles", SF_U8, SF_F64, 1 / 255.0, 0 },
  { "bytes to bf16", SF_U8, SF_BF16, 1 / 255.0, 0 },
  { "bytes as they are", SF_U8, SF_U8, 1, 0 },
  { "bytes shifted", SF_U8, SF_U8, 1, 3 },
  { "bytes to labels", SF_U8, SF_I32, 1, 0 },
  { "shorts scaled", SF_I16, SF_F32, 0.3, 0.7 },
  { "floats as they are", SF_F32, SF_F32, 1, 0 },
  { "floats scaled", SF_F32, SF_F32, 0.3, 0.7 },
  { "doubles to floats", SF_F64, SF_F32, 1, 0 },
};

/* By the definition: x in double, then the input's dtype. */
static double
expected (const Case *c, int64_t index)
{
  double x = (double) (index % 256);
  if (c->from == SF_I8)
    x = (double) (int8_t) (index % 256);
  x = x * c->scale + c->shift;
  if (sf_dtype_is_float (c->to))
    return sf_dtype_round (c->to, x);
  return x > 255 && c->to == SF_U8 ? 255 : x;
}

SF_TEST_CASES (Column, Reads, cases, G_N_ELEMENTS (cases), sf_test_row_name)
{
  static const int64_t rows[] = { 2, 0, 1, 1, 2 };
  const Case *c = data;
  g_autoptr (GError) error = NULL;
  const SfShape shape = SF_SHAPE (N_ROWS, ROW_ELEMS), batch = SF_SHAPE (5, ROW_ELEMS);
  SfTensor stored = { 0 }, found = { 0 };
  g_autofree double *values = g_new (double, N_ROWS *ROW_ELEMS);
  for (int64_t i = 0; i < N_ROWS * ROW_ELEMS; i++)
    values[i] = (double) (c->from == SF_I8 ? (int8_t) (i % 256) : i % 256);
  SF_REQUIRE (sf_tensor_alloc (c->from, &shape, &stored, NULL));
  SF_REQUIRE (sf_tensor_alloc (c->to, &batch, &found, NULL));
  sf_dtype_convert (SF_F64, values, c->from, stored.data, N_ROWS * ROW_ELEMS);
  SfColumn column = { .ops = &ops,
                      .dataset = &stored,
                      .field = 7,
                      .from = c->from,
                      .to = c->to,
                      .scale = c->scale,
                      .shift = c->shift,
                      .row_elems = ROW_ELEMS };
  SF_CHECK (sf_column_prepare (&column, &error));
  SF_CHECK (sf_column_read (&column, rows, 5, found.data, &error));
  SF_REQUIRE_NO_ERROR (error);
  int n_wrong = 0;
  for (int64_t i = 0; i < 5 * ROW_ELEMS; i++)
    {
      double x;
      sf_dtype_convert (c->to, (char *) found.data + (size_t) i * sf_dtype_bytes (c->to), SF_F64,
                        &x, 1);
      n_wrong += x != expected (c, rows[i / ROW_ELEMS] * ROW_ELEMS + i % ROW_ELEMS);
    }
  SF_CHECK_INT (n_wrong, 0);
  column.field = 8;
  SF_CHECK (!sf_column_read (&column, rows, 5, found.data, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA, "field 8 cannot be read");
  sf_column_clear (&column);
  sf_tensor_clear (&stored);
  sf_tensor_clear (&found);
}

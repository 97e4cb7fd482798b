/* SPDX-License-Identifier: Apache-2.0 */
/* Integers beyond what a double holds: every width to its last bit, worked out by hand. */
#include <sf/evaluate.h>

#include "tests/support/sftest.h"

typedef struct
{
  const char *name, *op;
  SfDtype dtype;
  SfShape shape[2];
  const int64_t *in[2]; /* the second may be NULL */
  SfAttr attrs[3];      /* ends with name NULL */
  SfDtype want_dtype;
  int64_t n;
  const int64_t *want;
  const int64_t *index; /* an i32 vector after the first input: of gather and scatter */
  int64_t n_index;
  const int64_t *u; /* as long as index, of the dtype; after it */
} Exact;

/* clang-format off */
#define L(...) (const int64_t[]) { __VA_ARGS__ }
#define V1 { 1, { 1 } }
#define V2 { 1, { 2 } }
#define V3 { 1, { 3 } }
#define V4 { 1, { 4 } }
#define U(x) ((int64_t) (x##u))
#define TO(dtype_) { .name = "dtype", .type = SF_ATTR_DTYPE, .i = dtype_ }, { .name = "saturate", .type = SF_ATTR_BOOL, .i = 1 }
#define AXIS0 { .name = "axis", .type = SF_ATTR_INT, .i = 0 }
#define AXES0 { .name = "axes", .type = SF_ATTR_INTS, .ints = L (0), .n_ints = 1 }
#define BIG (INT64_C (1) << 62)

static const Exact rows[] = {
  { "bit_not_u8", "bit_not", SF_U8, { V2 }, { L (0, 200) }, .want_dtype = SF_U8, 2, L (255, 55) },
  { "bit_not_u16", "bit_not", SF_U16, { V1 }, { L (1) }, .want_dtype = SF_U16, 1, L (65534) },
  { "bit_not_u32", "bit_not", SF_U32, { V1 }, { L (1) }, .want_dtype = SF_U32, 1, L (4294967294) },
  { "bit_not_u64", "bit_not", SF_U64, { V1 }, { L (1) }, .want_dtype = SF_U64, 1, L (-2) },
  { "bit_xor_i64", "bit_xor", SF_I64, { V2, V2 }, { L (BIG + 1, -1), L (BIG, BIG + 5) },
    .want_dtype = SF_I64, 2, L (1, -BIG - 6) },
  { "shift_left_u8", "shift_left", SF_U8, { V3, V3 }, { L (129, 255, 1), L (1, 7, 8) },
    .want_dtype = SF_U8, 3, L (2, 128, 0) },
  { "shift_left_i32", "shift_left", SF_I32, { V3, V3 }, { L (1, 3, 1), L (31, 30, 32) },
    .want_dtype = SF_I32, 3, L (INT32_MIN, -1073741824, 0) },
  { "shift_left_u64", "shift_left", SF_U64, { V2, V2 }, { L (3, 1), L (63, 64) },
    .want_dtype = SF_U64, 2, L (INT64_MIN, 0) },
  { "shift_right_u64", "shift_right", SF_U64, { V3, V3 }, { L (-1, -1, INT64_MIN), L (1, 63, 62) },
    .want_dtype = SF_U64, 3, L (INT64_MAX, 1, 2) },
  { "shift_right_i64", "shift_right", SF_I64, { V3, V3 }, { L (INT64_MIN, -1, -9), L (62, 63, -1) },
    .want_dtype = SF_I64, 3, L (-2, -1, 0) },
  { "mod_u64", "mod", SF_U64, { V2, V2 }, { L (-1, 7), L (10, -1) }, .want_dtype = SF_U64, 2, L (5, 7) },
  { "mod_i64", "mod", SF_I64, { V3, V3 }, { L (INT64_MIN, INT64_MIN, BIG + 1), L (-1, 10, BIG) },
    .want_dtype = SF_I64, 3, L (0, 2, 1) },
  { "fmod_i64", "fmod", SF_I64, { V2, V2 }, { L (INT64_MIN, -BIG - 3), L (10, BIG) },
    .want_dtype = SF_I64, 2, L (-8, -3) },
  { "saturate_i64_i32", "cast", SF_I64, { V4 }, { L (BIG, -BIG, 7, INT32_MAX) }, { TO (SF_I32) },
    .want_dtype = SF_I32, 4, L (INT32_MAX, INT32_MIN, 7, INT32_MAX) },
  { "saturate_i32_u8", "cast", SF_I32, { V4 }, { L (-5, 300, 255, 7) }, { TO (SF_U8) },
    .want_dtype = SF_U8, 4, L (0, 255, 255, 7) },
  { "saturate_i16_i8", "cast", SF_I16, { V4 }, { L (-500, 128, -128, 127) }, { TO (SF_I8) },
    .want_dtype = SF_I8, 4, L (-128, 127, -128, 127) },
  { "saturate_u64_i64", "cast", SF_U64, { V2 }, { L (-1, 3) }, { TO (SF_I64) },
    .want_dtype = SF_I64, 2, L (INT64_MAX, 3) },
  { "saturate_u64_u32", "cast", SF_U64, { V2 }, { L (-1, 3) }, { TO (SF_U32) },
    .want_dtype = SF_U32, 2, L (4294967295, 3) },
  { "saturate_i64_u64", "cast", SF_I64, { V2 }, { L (-1, BIG + 1) }, { TO (SF_U64) },
    .want_dtype = SF_U64, 2, L (0, BIG + 1) },
  { "saturate_widens", "cast", SF_I8, { V2 }, { L (-128, 127) }, { TO (SF_I64) },
    .want_dtype = SF_I64, 2, L (-128, 127) },
  { "wraps_i64_i32", "cast", SF_I64, { V2 }, { L (BIG + 5, -1) },
    { { .name = "dtype", .type = SF_ATTR_DTYPE, .i = SF_I32 } }, .want_dtype = SF_I32, 2, L (5, -1) },
  { "prod_i64", "reduce_prod", SF_I64, { V3 }, { L (BIG / 2 + 1, 2, -1) }, { AXES0 },
    .want_dtype = SF_I64, 1, L (-BIG - 2) },
  { "prod_u8_wraps", "reduce_prod", SF_U8, { V2 }, { L (100, 3) }, { AXES0 },
    .want_dtype = SF_U8, 1, L (44) },
  { "argmax_i64", "argmax", SF_I64, { V3 }, { L (BIG, BIG + 1, BIG - 1) }, { AXIS0 },
    .want_dtype = SF_I32, 1, L (1) },
  { "argmax_u64", "argmax", SF_U64, { V3 }, { L (5, -2, -3) }, { AXIS0 },
    .want_dtype = SF_I32, 1, L (1) },
  { "cumsum_i64", "cumsum", SF_I64, { V3 }, { L (BIG - 1, 2, -BIG) }, { AXIS0 },
    .want_dtype = SF_I64, 3, L (BIG - 1, BIG + 1, 1) },
  { "cumsum_u8_wraps", "cumsum", SF_U8, { V3 }, { L (200, 100, 1) }, { AXIS0 },
    .want_dtype = SF_U8, 3, L (200, 44, 45) },
  { "sort_i64", "sort", SF_I64, { V4 }, { L (BIG + 1, -BIG - 1, BIG, -BIG) },
    .want_dtype = SF_I64, 4, L (-BIG - 1, -BIG, BIG, BIG + 1) },
  { "sort_u64", "sort", SF_U64, { V4 }, { L (-1, 0, -2, 1) },
    .want_dtype = SF_U64, 4, L (0, 1, -2, -1) },
  { "unfold_i64", "unfold", SF_I64, { { 4, { 1, 1, 1, 2 } } }, { L (BIG + 1, -BIG - 3) },
    { { .name = "kernel", .type = SF_ATTR_INTS, .ints = L (1, 2), .n_ints = 2 },
      { .name = "pads", .type = SF_ATTR_INTS, .ints = L (0, 1, 0, 0), .n_ints = 4 } },
    .want_dtype = SF_I64, 4, L (0, BIG + 1, BIG + 1, -BIG - 3) },
  { "fold_i64", "fold", SF_I64, { { 3, { 1, 2, 2 } } }, { L (5, BIG, 2, 9) },
    { { .name = "kernel", .type = SF_ATTR_INTS, .ints = L (1, 2), .n_ints = 2 },
      { .name = "size", .type = SF_ATTR_INTS, .ints = L (1, 3), .n_ints = 2 } },
    .want_dtype = SF_I64, 3, L (5, BIG + 2, 9) },
  { "gather_i64", "gather", SF_I64, { V3 }, { L (BIG + 1, 7, -BIG - 1) }, { AXIS0 },
    .want_dtype = SF_I64, 2, L (-BIG - 1, BIG + 1), .index = L (2, 0), .n_index = 2 },
  { "scatter_add_i64", "scatter", SF_I64, { V2 }, { L (BIG - 1, 1) },
    { AXIS0, { .name = "reduce", .type = SF_ATTR_STRING, .s = "add" } },
    .want_dtype = SF_I64, 2, L (BIG + 1, 4), .index = L (0, 1), .n_index = 2, .u = L (2, 3) },
  { "scatter_max_u64", "scatter", SF_U64, { V2 }, { L (-1, 1) },
    { AXIS0, { .name = "reduce", .type = SF_ATTR_STRING, .s = "max" } },
    .want_dtype = SF_U64, 2, L (-1, -3), .index = L (0, 1), .n_index = 2, .u = L (5, -3) },
  { "scatter_min_u64", "scatter", SF_U64, { V2 }, { L (-1, 1) },
    { AXIS0, { .name = "reduce", .type = SF_ATTR_STRING, .s = "min" } },
    .want_dtype = SF_U64, 2, L (5, 1), .index = L (0, 1), .n_index = 2, .u = L (5, -3) },
  { "unique_i64", "unique", SF_I64, { V4 }, { L (BIG + 1, BIG, BIG + 1, -BIG) },
    { { .name = "n", .type = SF_ATTR_INT, .i = 3 } }, .want_dtype = SF_I64, 3, L (-BIG, BIG, BIG + 1) },
  { "unique_u64", "unique", SF_U64, { V4 }, { L (-1, 0, -1, 1) },
    { { .name = "n", .type = SF_ATTR_INT, .i = 3 } }, .want_dtype = SF_U64, 3, L (0, 1, -1) },
  { "nonzero_i64", "nonzero", SF_I64, { V4 }, { L (0, BIG, INT64_MIN, 0) },
    { { .name = "n", .type = SF_ATTR_INT, .i = 2 } }, .want_dtype = SF_I32, 2, L (1, 2) },
  { "matmul_i8_wraps", "matmul", SF_I8, { { 2, { 1, 2 } }, { 2, { 2, 1 } } },
    { L (100, 1), L (2, 1) }, .want_dtype = SF_I8, 1, L (-55) },
  { "matmul_i32_wraps", "matmul", SF_I32, { { 2, { 1, 2 } }, { 2, { 2, 1 } } },
    { L (INT32_MAX, INT32_MAX), L (2, 1) }, .want_dtype = SF_I32, 1, L (2147483645) },
  { "matmul_i64", "matmul", SF_I64, { { 2, { 1, 2 } }, { 2, { 2, 1 } } },
    { L (BIG / 2 + 1, 3), L (2, -1) }, .want_dtype = SF_I64, 1, L (BIG - 1) },
  { "matmul_u64", "matmul", SF_U64, { { 2, { 1, 2 } }, { 2, { 2, 1 } } },
    { L (-1, 1), L (1, 1) }, .want_dtype = SF_U64, 1, L (0) },
};
/* clang-format on */

SF_TEST_CASES (OpsExact, Integers, rows, G_N_ELEMENTS (rows), sf_test_row_name)
{
  const Exact *row = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (SfGraph) graph = sf_graph_new (row->name);
  SfValue in[3];
  SfFeed feeds[3];
  size_t n_in = 0, n_attrs = 0;
  while (n_attrs < 2 && row->attrs[n_attrs].name != NULL)
    n_attrs++;
  SfDtype held = row->dtype == SF_U64 ? SF_U64 : SF_I64;
  SfShape index = SF_SHAPE (row->n_index);
  const struct
  {
    SfDtype dtype, held;
    const SfShape *shape;
    const int64_t *data;
  } given[] = { { row->dtype, held, &row->shape[0], row->in[0] },
                { row->dtype, held, &row->shape[1], row->in[1] },
                { SF_I32, SF_I64, &index, row->index },
                { row->dtype, held, &index, row->u } };
  for (size_t i = 0; i < G_N_ELEMENTS (given); i++)
    {
      if (given[i].data == NULL)
        continue;
      char name[] = { (char) ('a' + n_in), '\0' };
      in[n_in] = sf_graph_input (graph, name, given[i].dtype, *given[i].shape, &error);
      SF_REQUIRE_NO_ERROR (error);
      feeds[n_in] = (SfFeed){ in[n_in],
                              sf_tensor (given[i].held, *given[i].shape, (void *) given[i].data) };
      n_in++;
    }
  SfValue outputs[4];
  sf_graph_add (graph, row->op, in, n_in, row->attrs, n_attrs, outputs, &error);
  SF_REQUIRE_NO_ERROR (error);
  SfValue y = outputs[0];
  SF_CHECK_STR (sf_dtype_name (sf_value_dtype (graph, y)), sf_dtype_name (row->want_dtype));
  SF_REQUIRE (sf_shape_n_elems (sf_value_shape (graph, y)) == row->n);
  int64_t found[8] = { 0 };
  SfFetch fetch = { y, sf_tensor (row->want_dtype == SF_U64 ? SF_U64 : SF_I64,
                                  *sf_value_shape (graph, y), found) };
  sf_evaluate (graph, NULL, feeds, n_in, &fetch, 1, &error);
  SF_REQUIRE_NO_ERROR (error);
  for (int64_t i = 0; i < row->n; i++)
    SF_CHECK_INT (found[i], row->want[i]);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* TensorProto in every encoding, and files beside the model. */
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/sftest.h"
#include "tests/unit/onnx/build.h"

static const int64_t two[] = { 2 };

static Onnx__TensorProto *
raw (Build *build, int type, const void *bytes, size_t n)
{
  Onnx__TensorProto *tensor = build_tensor (build, "t", type, 1, two);
  tensor->has_raw_data = true;
  tensor->raw_data.len = n;
  tensor->raw_data.data = build_alloc (build, n);
  memcpy (tensor->raw_data.data, bytes, n);
  return tensor;
}

/* Reads two elements as f64. */
static void
expect (const Onnx__TensorProto *proto, SfDtype dtype, double first, double second)
{
  g_autoptr (GError) error = NULL;
  SfTensor tensor = { 0 };
  double found[2];
  SF_REQUIRE_MSG (build_read_tensor (proto, "/nonexistent/t.pb", &tensor, &error), "type %d: %s",
                  proto->data_type, error->message);
  SF_CHECK_INT (tensor.dtype, dtype);
  sf_dtype_convert (tensor.dtype, tensor.data, SF_F64, found, 2);
  SF_CHECK_MSG (found[0] == first && found[1] == second, "type %d: found %g, %g, wanted %g, %g",
                proto->data_type, found[0], found[1], first, second);
  sf_tensor_clear (&tensor);
}

static void
refused (const Onnx__TensorProto *proto, const char *path, SfErrorCode code, const char *message)
{
  GError *error = NULL;
  SfTensor tensor = { 0 };
  SF_CHECK (!build_read_tensor (proto, path, &tensor, &error));
  SF_CHECK_ERROR (error, code, message);
}

SF_TEST (OnnxTensor, RawBytes)
{
  g_autoptr (Build) build = build_new (13);
  expect (raw (build, 1, (float[]){ 1.5f, -2 }, 8), SF_F32, 1.5, -2);
  expect (raw (build, 2, (uint8_t[]){ 1, 255 }, 2), SF_U8, 1, 255);
  expect (raw (build, 3, (int8_t[]){ -1, 127 }, 2), SF_I8, -1, 127);
  expect (raw (build, 4, (uint16_t[]){ 1, 65535 }, 4), SF_U16, 1, 65535);
  expect (raw (build, 5, (int16_t[]){ -1, 5 }, 4), SF_I16, -1, 5);
  expect (raw (build, 6, (int32_t[]){ -7, 5 }, 8), SF_I32, -7, 5);
  expect (raw (build, 7, (int64_t[]){ -7, INT64_C (1) << 40 }, 16), SF_I64, -7, 1099511627776.0);
  expect (raw (build, 9, (uint8_t[]){ 0, 7 }, 2), SF_BOOL, 0, 1);
  expect (raw (build, 10, (uint16_t[]){ 0x3c00, 0xc000 }, 4), SF_F16, 1, -2);
  expect (raw (build, 11, (double[]){ 0.1, -2 }, 16), SF_F64, 0.1, -2);
  expect (raw (build, 12, (uint32_t[]){ 1, UINT32_MAX }, 8), SF_U32, 1, 4294967295.0);
  expect (raw (build, 13, (uint64_t[]){ 1, UINT64_C (1) << 63 }, 16), SF_U64, 1, 0x1p63);
  expect (raw (build, 16, (uint16_t[]){ 0x3f80, 0xc000 }, 4), SF_BF16, 1, -2);
  expect (raw (build, 21, (uint8_t[]){ 0xf1 }, 1), SF_U8, 1, 15);
  expect (raw (build, 22, (uint8_t[]){ 0xf7 }, 1), SF_I8, 7, -1);
}

SF_TEST (OnnxTensor, Lists)
{
  g_autoptr (Build) build = build_new (13);
  static const struct
  {
    int type;
    SfDtype dtype;
    int32_t first, second;
    double wanted[2];
  } narrow[] = {
    { 2, SF_U8, 1, 255, { 1, 255 } },
    { 3, SF_I8, -128, 127, { -128, 127 } },
    { 4, SF_U16, 0, 65535, { 0, 65535 } },
    { 5, SF_I16, -32768, 1, { -32768, 1 } },
    { 6, SF_I32, INT32_MIN, 1, { -0x1p31, 1 } },
    { 9, SF_BOOL, 0, 1, { 0, 1 } },
    { 10, SF_F16, 0x3c00, 0xc000, { 1, -2 } },
    { 16, SF_BF16, 0x3f80, 0xc000, { 1, -2 } },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (narrow); i++)
    {
      Onnx__TensorProto *tensor = build_tensor (build, NULL, narrow[i].type, 1, two);
      tensor->int32_data = build_alloc (build, 2 * sizeof (int32_t));
      tensor->int32_data[0] = narrow[i].first;
      tensor->int32_data[1] = narrow[i].second;
      tensor->n_int32_data = 2;
      expect (tensor, narrow[i].dtype, narrow[i].wanted[0], narrow[i].wanted[1]);
    }
  Onnx__TensorProto *tensor = build_tensor (build, NULL, 12, 1, two);
  tensor->uint64_data = build_alloc (build, 16);
  tensor->uint64_data[1] = UINT32_MAX;
  tensor->n_uint64_data = 2;
  expect (tensor, SF_U32, 0, 4294967295.0);
  tensor->data_type = 13;
  tensor->uint64_data[1] = UINT64_C (1) << 63;
  expect (tensor, SF_U64, 0, 0x1p63);
}

SF_TEST (OnnxTensor, RefusesWhatDoesNotFit)
{
  g_autoptr (Build) build = build_new (13);
  const char *path = "/nonexistent/t.pb";
  refused (raw (build, 1, "1234567", 7), path, SF_ERROR_INVALID_DATA,
           "/nonexistent/t.pb: 7 bytes, but its shape wants 8");
  refused (raw (build, 8, "", 0), path, SF_ERROR_UNSUPPORTED, "elements of type STRING (8)");
  refused (raw (build, 14, "", 0), path, SF_ERROR_UNSUPPORTED, "elements of type COMPLEX64 (14)");
  refused (raw (build, 17, "", 0), path, SF_ERROR_UNSUPPORTED, "FLOAT8E4M3FN (17)");
  refused (raw (build, 99, "", 0), path, SF_ERROR_UNSUPPORTED, "of a later version (99)");
  Onnx__TensorProto *byte = build_tensor (build, NULL, 2, 1, two);
  byte->n_int32_data = 2;
  byte->int32_data = build_alloc (build, 8);
  byte->int32_data[1] = 256;
  refused (byte, path, SF_ERROR_INVALID_DATA, "element 1 is 256, wanted a u8");
  byte->n_int32_data = 1;
  refused (byte, path, SF_ERROR_INVALID_DATA, "1 numbers, but its shape wants 2");
  refused (build_tensor (build, NULL, 1, 2, (int64_t[]){ -1, 2 }), path, SF_ERROR_INVALID_ARGUMENT,
           "-1");
  refused (build_tensor (build, NULL, 1, 2, (int64_t[]){ INT64_MAX, INT64_MAX }), path,
           SF_ERROR_INVALID_ARGUMENT, "/nonexistent/t.pb");
  refused (build_tensor (build, NULL, 1, 9, (int64_t[]){ 1, 1, 1, 1, 1, 1, 1, 1, 1 }), path,
           SF_ERROR_UNSUPPORTED, "9 dimensions, wanted at most 8");
}

/* Large contents stay in the file, wherever they begin there. */
SF_TEST (OnnxTensor, LargeContents)
{
  enum
  {
    N = 3000
  };
  g_autoptr (GError) error = NULL;
  g_autofree float *values = g_new (float, N);
  g_autofree double *x = g_new0 (double, N);
  g_autofree double *out = g_new0 (double, N);
  for (int i = 0; i < N; i++)
    values[i] = (float) i;
  for (size_t shift = 0; shift < 4; shift++)
    {
      g_autoptr (Build) build = build_new (13);
      g_autofree char *name = g_strnfill (shift + 1, 'w');
      build_input (build, "x", F32, "3000");
      build_floats (build, name, "3000", values);
      Onnx__NodeProto *constant = build_node (build, "Constant", "_", "c");
      constant->n_input = 0;
      Onnx__TensorProto *tensor = build_tensor (build, "t", F32, 1, (int64_t[]){ N });
      tensor->has_raw_data = true;
      tensor->raw_data.len = N * sizeof (float);
      tensor->raw_data.data = (uint8_t *) values;
      build_attr (build, constant, "value", ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR)->t
          = tensor;
      g_autofree char *inputs = g_strconcat ("x ", name, NULL);
      build_node (build, "Add", inputs, "a");
      build_node (build, "Add", "a c", "y");
      build_output (build, "y");
      g_autoptr (SfGraph) graph = build_import (build, NULL, NULL, &error);
      SF_REQUIRE_NO_ERROR (error);
      SF_REQUIRE (sf_graph_n_states (graph) == 1);
      SfValue w = sf_graph_state_at (graph, 0);
      SF_CHECK (memcmp (sf_value_data (graph, w), values, N * sizeof (float)) == 0);
      SF_REQUIRE (build_run (graph, 0, (const double *[]){ x }, out, N));
      SF_CHECK_NEAR (out[N - 1], 2 * (N - 1), 0);
    }
}

/* ---- sparse tensors ---- */

static SfGraph *
sparse_model (const char *dims, bool linear, const int64_t *indices, GError **error)
{
  g_autoptr (Build) build = build_new (13);
  build_sparse (build, "w", dims, 2, (float[]){ 5, 7 }, linear, indices);
  build_node (build, "Identity", "w", "y");
  build_output (build, "y");
  return build_import (build, NULL, NULL, error);
}

SF_TEST (OnnxTensor, SparseBecomesDense)
{
  static const int64_t positions[] = { 1, 5 }, places[] = { 0, 1, 1, 2 };
  for (int linear = 0; linear < 2; linear++)
    {
      g_autoptr (GError) error = NULL;
      double out[6];
      g_autoptr (SfGraph) graph = sparse_model ("2,3", linear != 0,
                                                linear != 0 ? positions : places, &error);
      SF_REQUIRE_NO_ERROR (error);
      SF_REQUIRE (build_run (graph, 0, NULL, out, 6));
      SF_CHECK (out[0] == 0 && out[1] == 5 && out[2] == 0 && out[5] == 7);
    }
}

SF_TEST (OnnxTensor, SparseStaysWithinItsShape)
{
  GError *error = NULL;
  SF_CHECK (sparse_model ("2,3", true, (int64_t[]){ 1, 6 }, &error) == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA,
                  "index 1 of a sparse tensor lies outside its shape");
  SF_CHECK (sparse_model ("2,3", false, (int64_t[]){ 0, 3, 0, 0 }, &error) == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA,
                  "index 0 of a sparse tensor lies outside its shape");
  SF_CHECK (sparse_model ("100000,100000", true, (int64_t[]){ 0, 1 }, &error) == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_UNSUPPORTED, "wanted at most 67108864, for it is made dense");
}

/* ---- external data ---- */

static void
set_entry (Build *build, Onnx__TensorProto *tensor, const char *key, const char *value)
{
  Onnx__StringStringEntryProto *entry = build_alloc (build, sizeof *entry);
  onnx__string_string_entry_proto__init (entry);
  entry->key = strcpy (build_alloc (build, strlen (key) + 1), key);
  entry->value = strcpy (build_alloc (build, strlen (value) + 1), value);
  tensor->external_data[tensor->n_external_data++] = entry;
}

static Onnx__TensorProto *
external (Build *build, const char *location, const char *offset, const char *length)
{
  Onnx__TensorProto *tensor = build_tensor (build, "w", 1, 1, two);
  tensor->has_data_location = true;
  tensor->data_location = ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
  tensor->external_data = build_alloc (build, 4 * sizeof *tensor->external_data);
  set_entry (build, tensor, "location", location);
  if (offset != NULL)
    set_entry (build, tensor, "offset", offset);
  if (length != NULL)
    set_entry (build, tensor, "length", length);
  return tensor;
}

typedef struct
{
  const char *name, *location, *offset, *length;
  const char *message; /* NULL: read */
} External;

static const External externals[] = {
  { "whole", "w.bin", NULL, NULL, NULL },
  { "offset", "w.bin", "4", "8", NULL },
  { "unaligned", "w.bin", "3", "8", NULL },
  { "folder", "sub/../w.bin", NULL, NULL, "wanted a path below the folder of the model" },
  { "inner", "sub/w.bin", NULL, NULL, NULL },
  { "absolute", "/etc/passwd", NULL, NULL, "wanted a path below the folder of the model" },
  { "upwards", "../secret.bin", NULL, NULL, "wanted a path below the folder of the model" },
  { "empty", "", NULL, NULL, "wanted a path below the folder of the model" },
  { "link", "link.bin", NULL, NULL, "is a link out of the folder of the model" },
  { "linkedfolder", "up/secret.bin", NULL, NULL, "is a link out of the folder of the model" },
  { "missing", "none.bin", NULL, NULL, "none.bin" },
  { "short", "w.bin", "9", NULL, "8 bytes at 9, but the file has 16" },
  { "far", "w.bin", "18446744073709551615", NULL, "but the file has 16" },
  { "length", "w.bin", "0", "12", "12 bytes of external data, but its shape wants 8" },
  { "number", "w.bin", "-4", NULL, "offset is \"-4\", wanted a number" },
};

SF_TEST_CASES (OnnxTensor, External, externals, G_N_ELEMENTS (externals), sf_test_row_name)
{
  const External *row = data;
  g_autofree char *top = sf_test_tmpdir ();
  g_autofree char *folder = g_build_filename (top, "model", NULL);
  g_autofree char *sub = g_build_filename (folder, "sub", NULL);
  g_autofree char *path = g_build_filename (folder, "t.pb", NULL);
  static const uint8_t bytes[16] = { 0, 0, 128, 63, 0, 0, 0, 64, 0, 0, 64, 64 };
  SF_REQUIRE (g_mkdir_with_parents (sub, 0700) == 0);
  const char *const folders[] = { folder, sub, top };
  for (int i = 0; i < 3; i++)
    g_free (sf_test_write_file (folders[i], i < 2 ? "w.bin" : "secret.bin", bytes, sizeof bytes));
  g_autofree char *link = g_build_filename (folder, "link.bin", NULL);
  g_autofree char *up = g_build_filename (folder, "up", NULL);
  SF_REQUIRE (symlink ("../secret.bin", link) == 0 && symlink ("..", up) == 0);
  g_autoptr (Build) build = build_new (13);
  Onnx__TensorProto *proto = external (build, row->location, row->offset, row->length);
  GError *error = NULL;
  SfTensor tensor = { 0 };
  bool ok = build_read_tensor (proto, path, &tensor, &error);
  if (row->message != NULL)
    {
      SF_CHECK_MSG (!ok && strstr (error->message, row->message) != NULL, "found %s, wanted %s",
                    ok ? "a tensor" : error->message, row->message);
      g_clear_error (&error);
      return;
    }
  SF_REQUIRE_NO_ERROR (error);
  guint64 offset = row->offset != NULL ? g_ascii_strtoull (row->offset, NULL, 10) : 0;
  SF_CHECK (memcmp (tensor.data, bytes + offset, 8) == 0);
  sf_tensor_clear (&tensor);
}

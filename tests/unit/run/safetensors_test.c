/* SPDX-License-Identifier: Apache-2.0 */
/* The safetensors reader on files built by hand from the format's description, and what the writer
 * makes of them. */
#include "core/run/safetensors.h"

#include "tests/support/sftest.h"

#include <string.h>

/* 8 bytes of length, header, data. */
static GByteArray *
file_of (const char *header, const void *data, size_t n_bytes)
{
  GByteArray *file = g_byte_array_new ();
  uint64_t length = GUINT64_TO_LE ((uint64_t) strlen (header));
  g_byte_array_append (file, (const guint8 *) &length, 8);
  g_byte_array_append (file, (const guint8 *) header, (guint) strlen (header));
  g_byte_array_append (file, data, (guint) n_bytes);
  return file;
}

SF_TEST (Safetensors, ReadsFileOfAnotherWriter)
{
  /* 1.0f, -2.0f, 0.5f, then int64 -3, then bool 1, 0; names not in the order of the data. */
  static const uint8_t bytes[] = { 0,    0,    0x80, 0x3f, 0,    0,    0,    0xc0, 0,    0, 0,
                                   0x3f, 0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0 };
  g_autoptr (GError) error = NULL;
  g_autoptr (GByteArray) file = file_of (
      "{\"__metadata__\":{\"by\":\"hand\"},"
      "\"n\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[12,20]},"
      "\"flags\":{\"dtype\":\"BOOL\",\"shape\":[2],\"data_offsets\":[20,22]},"
      "\"a.weight\":{\"dtype\":\"F32\",\"shape\":[3,1],\"data_offsets\":[0,12]}}  ",
      bytes, sizeof bytes);
  g_autoptr (SfTensorFile) tensors = sf_tensor_file_parse (file->data, file->len, "x", &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK_STR (sf_tensor_file_get (tensors, "by"), "hand");
  SF_CHECK (sf_tensor_file_get (tensors, "format") == NULL);
  const SfTensor *weight = sf_tensor_file_find (tensors, "a.weight"),
                 *n = sf_tensor_file_find (tensors, "n"),
                 *flags = sf_tensor_file_find (tensors, "flags");
  SF_REQUIRE (weight != NULL && n != NULL && flags != NULL);
  SF_CHECK (sf_tensor_file_find (tensors, "weight") == NULL);
  SF_CHECK_INT (weight->dtype, SF_F32);
  SF_CHECK_INT (weight->shape.rank, 2);
  SF_CHECK_INT (weight->shape.dim[0], 3);
  SF_CHECK_NEAR (((float *) weight->data)[1], -2.0, 0);
  SF_CHECK_NEAR (((float *) weight->data)[2], 0.5, 0);
  SF_CHECK_INT (n->shape.rank, 0);
  SF_CHECK_INT (*(int64_t *) n->data, -3);
  SF_CHECK_INT (flags->dtype, SF_BOOL);
  SF_CHECK_INT (((uint8_t *) flags->data)[0], 1);
}

typedef struct
{
  const char *name;
  const char *header;
  size_t n_bytes; /* of data */
  const char *message;
} Bad;

#define ENTRY(dtype, shape, offsets) \
  "{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

static const Bad bad[] = {
  { "no JSON", "hello, world", 0, "x:1:" },
  { "an array", "[ 1, 2 ]", 0, "x: its header is no JSON object" },
  { "text after the object", "{} {}", 0, "x:1:" },
  { "overlap", "{\"a\":" ENTRY ("F32", "[2]", "[0,8]") ",\"b\":" ENTRY ("F32", "[2]", "[4,12]") "}",
    12, "x: its tensors overlap or leave a hole at byte 8" },
  { "the same bytes twice",
    "{\"a\":" ENTRY ("F32", "[2]", "[0,8]") ",\"b\":" ENTRY ("F32", "[2]", "[0,8]") "}", 8,
    "x: its tensors overlap or leave a hole at byte 8" },
  { "hole between",
    "{\"a\":" ENTRY ("F32", "[1]", "[0,4]") ",\"b\":" ENTRY ("F32", "[1]", "[8,12]") "}", 12,
    "x: its tensors overlap or leave a hole at byte 4" },
  { "hole in front", "{\"a\":" ENTRY ("F32", "[1]", "[4,8]") "}", 8,
    "x: its tensors overlap or leave a hole at byte 0" },
  { "bytes left over", "{\"a\":" ENTRY ("F32", "[1]", "[0,4]") "}", 5,
    "x: 5 bytes of data, its tensors hold 4" },
  { "past the end", "{\"a\":" ENTRY ("F32", "[2]", "[0,8]") "}", 7,
    "x: tensor \"a\": its dtype, shape or offsets are damaged" },
  { "wild offset", "{\"a\":" ENTRY ("F32", "[1]", "[9223372036854775803,9223372036854775807]") "}",
    4, "x: tensor \"a\": its dtype, shape or offsets are damaged" },
  { "offset beyond 64 bits", "{\"a\":" ENTRY ("F32", "[1]", "[0,18446744073709551620]") "}", 4,
    "x:1:" },
  { "negative offset", "{\"a\":" ENTRY ("F32", "[1]", "[-4,0]") "}", 4,
    "x: tensor \"a\": its dtype, shape or offsets are damaged" },
  { "backward", "{\"a\":" ENTRY ("F32", "[1]", "[4,0]") "}", 4,
    "x: tensor \"a\": its dtype, shape or offsets are damaged" },
  { "one offset", "{\"a\":" ENTRY ("F32", "[1]", "[4]") "}", 4,
    "x: tensor \"a\": its dtype, shape or offsets are damaged" },
  { "three offsets", "{\"a\":" ENTRY ("F32", "[1]", "[0,4,4]") "}", 4,
    "x: tensor \"a\": its dtype, shape or offsets are damaged" },
  { "offsets in words", "{\"a\":" ENTRY ("F32", "[1]", "[\"0\",\"4\"]") "}", 4,
    "x: tensor \"a\": its dtype, shape or offsets are damaged" },
  { "unknown dtype", "{\"a\":" ENTRY ("F8_E4M3", "[4]", "[0,4]") "}", 4,
    "x: tensor \"a\": its dtype, shape or offsets are damaged" },
  { "negative dimension", "{\"a\":" ENTRY ("F32", "[-1]", "[0,4]") "}", 4,
    "x: tensor \"a\": its dtype, shape or offsets are damaged" },
  { "rank 9", "{\"a\":" ENTRY ("U8", "[1,1,1,1,1,1,1,1,1]", "[0,1]") "}", 1,
    "x: tensor \"a\": its dtype, shape or offsets are damaged" },
  { "shape and offsets disagree", "{\"a\":" ENTRY ("F32", "[3]", "[0,8]") "}", 8,
    "x: tensor \"a\": its offsets hold 8 bytes, its shape wants 12" },
  { "shape that overflows", "{\"a\":" ENTRY ("U8", "[4294967296,4294967296]", "[0,0]") "}", 0,
    "more than 2^40 elements" },
  { "key twice",
    "{\"a\":" ENTRY ("F32", "[1]", "[0,4]") ",\"a\":" ENTRY ("F32", "[1]", "[4,8]") "}", 8,
    "x:1:" },
  { "tensor that is a number", "{\"a\":3}", 0,
    "x: tensor \"a\": its dtype, shape or offsets are damaged" },
  { "metadata that is a number", "{\"__metadata__\":{\"step\":3}}", 0,
    "x: metadata \"step\" is not a string" },
  { "metadata that is no object", "{\"__metadata__\":[]}", 0,
    "x: its __metadata__ is no JSON object" },
  { "digest that is not of the file",
    "{\"__metadata__\":{\"xxh3_128\":\"0123456789abcdef0123456789abcdef\"}}", 0, "x: is damaged" },
  { "digest that is too short", "{\"__metadata__\":{\"xxh3_128\":\"0\"}}", 0, "x: is damaged" },
  { "our format without digest", "{\"__metadata__\":{\"format\":\"spatialflow-checkpoint-1\"}}", 0,
    "x: is damaged (its digest is gone)" },
};

SF_TEST_CASES (Safetensors, Refuses, bad, G_N_ELEMENTS (bad), sf_test_row_name)
{
  const Bad *c = data;
  g_autoptr (GError) error = NULL;
  g_autofree uint8_t *zeros = g_malloc0 (c->n_bytes + 1);
  g_autoptr (GByteArray) file = file_of (c->header, zeros, c->n_bytes);
  g_autoptr (SfTensorFile) tensors = sf_tensor_file_parse (file->data, file->len, "x", &error);
  SF_CHECK (tensors == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA, c->message);
}

SF_TEST (Safetensors, RefusesLengthsThatLie)
{
  static const uint64_t lengths[]
      = { 0, 1, 3, 100, (uint64_t) 1 << 32, (uint64_t) 1 << 63, UINT64_MAX, UINT64_MAX - 7 };
  for (size_t i = 0; i < G_N_ELEMENTS (lengths); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GByteArray) file = file_of ("{}", NULL, 0);
      uint64_t length = GUINT64_TO_LE (lengths[i]);
      memcpy (file->data, &length, 8);
      SF_CHECK (sf_tensor_file_parse (file->data, file->len, "x", &error) == NULL);
      SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA,
                      "x: is no safetensors file, or cut off (10 bytes)");
    }
}

/* A file as a training leaves it, in memory. */
static GBytes *
sample (const char *folder)
{
  g_autoptr (SfTensorFile) file = sf_tensor_file_new ();
  const SfShape matrix = SF_SHAPE (2, 3), empty = SF_SHAPE (0, 4), scalar = sf_shape_scalar ();
  SfTensor tensor = { 0 };
  char *bytes = NULL;
  gsize n_bytes = 0;
  sf_tensor_alloc (SF_F32, &matrix, &tensor, NULL);
  for (int i = 0; i < 6; i++)
    ((float *) tensor.data)[i] = 1.5f * (float) i;
  sf_tensor_file_take (file, "fc1.weight", &tensor);
  SF_CHECK (tensor.data == NULL);
  sf_tensor_alloc (SF_BF16, &empty, &tensor, NULL);
  sf_tensor_file_take (file, "nothing", &tensor);
  sf_tensor_alloc (SF_I64, &scalar, &tensor, NULL);
  *(int64_t *) tensor.data = -7;
  sf_tensor_file_take (file, "count \"quoted\"", &tensor);
  sf_tensor_file_set (file, "format", "spatialflow-checkpoint-1");
  sf_tensor_file_set (file, "step", "12");
  g_autofree char *path = g_build_filename (folder, "a.safetensors", NULL);
  g_autoptr (GError) error = NULL;
  SF_CHECK (sf_tensor_file_save (file, path, &error));
  SF_CHECK_NO_ERROR (error);
  SF_CHECK (g_file_get_contents (path, &bytes, &n_bytes, NULL));
  return g_bytes_new_take (bytes, n_bytes);
}

SF_TEST (Safetensors, RoundTrip)
{
  g_autofree char *folder = sf_test_tmpdir ();
  g_autoptr (GBytes) first = sample (folder), second = sample (folder);
  SF_CHECK_MSG (g_bytes_equal (first, second), "the same tensors gave other bytes");
  g_autofree char *path = g_build_filename (folder, "a.safetensors", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (SfTensorFile) file = sf_tensor_file_open (path, &error);
  SF_REQUIRE_NO_ERROR (error);
  const SfTensor *weight = sf_tensor_file_find (file, "fc1.weight"),
                 *nothing = sf_tensor_file_find (file, "nothing"),
                 *count = sf_tensor_file_find (file, "count \"quoted\"");
  SF_REQUIRE (weight != NULL && nothing != NULL && count != NULL);
  SF_CHECK_NEAR (((float *) weight->data)[5], 7.5, 0);
  SF_CHECK_INT (nothing->dtype, SF_BF16);
  SF_CHECK_INT (nothing->shape.dim[1], 4);
  SF_CHECK_INT (*(int64_t *) count->data, -7);
  SF_CHECK_STR (sf_tensor_file_get (file, "step"), "12");
}

/* As the format says: a length, a JSON object that names every byte that follows, data aligned. */
SF_TEST (Safetensors, WritesTheFormat)
{
  g_autofree char *folder = sf_test_tmpdir ();
  g_autoptr (GBytes) bytes = sample (folder);
  gsize n_bytes;
  const uint8_t *content = g_bytes_get_data (bytes, &n_bytes);
  uint64_t length;
  memcpy (&length, content, 8);
  length = GUINT64_FROM_LE (length);
  SF_CHECK_INT ((int64_t) (length % 8), 0);
  SF_REQUIRE (8 + length < n_bytes);
  SF_CHECK_INT (content[8], '{');
  /* int64, six floats, nothing: in the order of their names */
  SF_CHECK_INT ((int64_t) (n_bytes - 8 - length), 8 + 24);
  g_autofree char *header = g_strndup ((const char *) content + 8, length);
  SF_CHECK_MSG (strstr (header, "\"fc1.weight\":{\"data_offsets\":[8,32],\"dtype\":\"F32\","
                                "\"shape\":[2,3]}")
                    != NULL,
                "%s", header);
  SF_CHECK (strstr (header, "\"__metadata__\":{") != NULL);
}

SF_TEST (Safetensors, EveryTruncationIsRefused)
{
  g_autofree char *folder = sf_test_tmpdir ();
  g_autoptr (GBytes) bytes = sample (folder);
  gsize n_bytes;
  const uint8_t *content = g_bytes_get_data (bytes, &n_bytes);
  for (size_t n = 0; n < n_bytes; n++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree uint8_t *part = g_memdup2 (content, n);
      g_autoptr (SfTensorFile) file = sf_tensor_file_parse (part, n, "x", &error);
      SF_CHECK_MSG (file == NULL, "%zu of %zu bytes were taken", n, (size_t) n_bytes);
      SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA, "x");
    }
}

SF_TEST (Safetensors, EveryFlippedBitIsRefused)
{
  g_autofree char *folder = sf_test_tmpdir ();
  g_autoptr (GBytes) bytes = sample (folder);
  gsize n_bytes;
  const uint8_t *content = g_bytes_get_data (bytes, &n_bytes);
  g_autofree uint8_t *copy = g_memdup2 (content, n_bytes);
  for (size_t at = 0; at < n_bytes; at++)
    for (int bit = 0; bit < 8; bit++)
      {
        g_autoptr (GError) error = NULL;
        copy[at] ^= (uint8_t) (1 << bit);
        g_autoptr (SfTensorFile) file = sf_tensor_file_parse (copy, n_bytes, "x", &error);
        SF_CHECK_MSG (file == NULL, "bit %d of byte %zu was not missed", bit, at);
        copy[at] ^= (uint8_t) (1 << bit);
      }
}

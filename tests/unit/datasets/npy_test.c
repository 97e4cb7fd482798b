/* SPDX-License-Identifier: Apache-2.0 */
/* NumPy arrays, built after numpy.lib.format: versions 1 to 3, dtypes, and headers that lie. */
#include "tests/support/sftest.h"
#include "tests/unit/datasets/open.h"

#include <string.h>

static GByteArray *
array_of (uint8_t version, const char *header, const void *bytes, guint n_bytes)
{
  GByteArray *file = g_byte_array_new ();
  size_t length = strlen (header);
  const uint8_t magic[8] = { 0x93, 'N', 'U', 'M', 'P', 'Y', version, 0 };
  const uint8_t size[4] = { (uint8_t) length, (uint8_t) (length >> 8), 0, 0 };
  g_byte_array_append (file, magic, 8);
  g_byte_array_append (file, size, version == 1 ? 2 : 4);
  g_byte_array_append (file, (const guint8 *) header, (guint) length);
  g_byte_array_append (file, bytes, n_bytes);
  return file;
}

typedef struct
{
  const char *name;
  uint8_t version;
  const char *descr;
  uint8_t bytes[16]; /* two values, little endian */
  guint width;
  SfDtype dtype;
  double values[2];
} Case;

static const Case cases[] = {
  { "u1", 1, "|u1", { 3, 255 }, 1, SF_U8, { 3, 255 } },
  { "i1", 1, "|i1", { 3, 255 }, 1, SF_I8, { 3, -1 } },
  { "bool", 1, "|b1", { 1, 0 }, 1, SF_BOOL, { 1, 0 } },
  { "i2", 1, "<i2", { 2, 1, 0xfe, 0xff }, 2, SF_I16, { 258, -2 } },
  { "i4, version 2",
    2,
    "<i4",
    { 4, 3, 2, 1, 0xfe, 0xff, 0xff, 0xff },
    4,
    SF_I32,
    { 16909060, -2 } },
  { "i8, version 3",
    3,
    "<i8",
    { 1, 0, 0, 0, 0, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
    8,
    SF_I64,
    { 1, -2 } },
  { "f4", 1, "<f4", { 0, 0, 0xc0, 0x3f, 0, 0, 0x20, 0xc0 }, 4, SF_F32, { 1.5, -2.5 } },
  { "f8",
    1,
    "<f8",
    { 0, 0, 0, 0, 0, 0, 0xf8, 0x3f, 0, 0, 0, 0, 0, 0, 0x04, 0xc0 },
    8,
    SF_F64,
    { 1.5, -2.5 } },
};

SF_TEST_CASES (Npy, Dtype, cases, G_N_ELEMENTS (cases), sf_test_row_name)
{
  const Case *c = data;
  g_autofree char *header = g_strdup_printf (
      "{'descr': '%s', 'fortran_order': False, 'shape': (2, 1), }     \n", c->descr);
  g_autoptr (GByteArray) file = array_of (c->version, header, c->bytes, 2 * c->width);
  G_GNUC_UNUSED g_autofree char *folder = sf_test_tmpdir (),
                                *path = sf_test_write_file (folder, "test-x.npy", file->data,
                                                            file->len);
  Dataset dataset = dataset_open ("npy", folder, "test", NULL);
  SF_CHECK_NO_ERROR (dataset.error);
  if (dataset.instance != NULL)
    {
      SfDatasetField field = dataset_field (&dataset, 0);
      SF_CHECK_STR (field.name, "x");
      SF_CHECK_INT (field.dtype, c->dtype);
      SF_CHECK_INT (field.shape.rank, 1);
      SF_CHECK_NEAR (dataset_value (&dataset, 0, 0, 0), c->values[0], 0);
      SF_CHECK_NEAR (dataset_value (&dataset, 0, 1, 0), c->values[1], 0);
      for (guint n = 0; n < file->len; n++)
        dataset_check_refused ("npy", "train-x.npy", file->data, n, SF_ERROR_INVALID_DATA,
                               "train-x.npy: ");
    }
  dataset_close (&dataset);
}

typedef struct
{
  const char *name, *header;
  int code;
  const char *message;
} Bad;

#define HEADER(descr, order, shape) \
  "{'descr': " descr ", 'fortran_order': " order ", 'shape': " shape ", }\n"
static const Bad bad[] = {
  { "fortran order", HEADER ("'<f4'", "True", "(2,)"), SF_ERROR_UNSUPPORTED,
    "is in Fortran order; save numpy.ascontiguousarray (array)" },
  { "big endian", HEADER ("'>f4'", "False", "(2,)"), SF_ERROR_UNSUPPORTED,
    "dtype >f4; wanted little-endian numbers or bool" },
  { "objects", HEADER ("'|O'", "False", "(2,)"), SF_ERROR_UNSUPPORTED, "dtype |O" },
  { "records", HEADER ("[('a', '<f4')]", "False", "(2,)"), SF_ERROR_INVALID_DATA,
    "the .npy header is damaged" },
  { "no rows", HEADER ("'<f4'", "False", "()"), SF_ERROR_INVALID_DATA,
    "the .npy header is damaged" },
  { "negative", HEADER ("'<f4'", "False", "(-2,)"), SF_ERROR_INVALID_DATA,
    "the .npy header is damaged" },
  { "rank 9", HEADER ("'<f4'", "False", "(1,1,1,1,1,1,1,1,2)"), SF_ERROR_INVALID_DATA,
    "the .npy header is damaged" },
  { "shape that does not end", "{'descr': '<f4', 'fortran_order': False, 'shape': (2,",
    SF_ERROR_INVALID_DATA, "the .npy header is damaged" },
  { "no shape", "{'descr': '<f4', 'fortran_order': False, }", SF_ERROR_INVALID_DATA,
    "the .npy header is damaged" },
  { "more rows than bytes", HEADER ("'<f4'", "False", "(3,)"), SF_ERROR_INVALID_DATA,
    "bytes, its header wants" },
  { "fewer rows than bytes", HEADER ("'<f4'", "False", "(1,)"), SF_ERROR_INVALID_DATA,
    "bytes, its header wants" },
  { "overflow", HEADER ("'<f4'", "False", "(99999999999999999999, 9223372036854775807)"),
    SF_ERROR_INVALID_DATA, "more than 2^40 elements" },
};

SF_TEST_CASES (Npy, Refuses, bad, G_N_ELEMENTS (bad), sf_test_row_name)
{
  const Bad *c = data;
  static const uint8_t zeros[8] = { 0 };
  g_autoptr (GByteArray) file = array_of (1, c->header, zeros, sizeof zeros);
  dataset_check_refused ("npy", "train-x.npy", file->data, file->len, c->code, c->message);
}

SF_TEST (Npy, FieldsOfOneLength)
{
  static const uint8_t zeros[16] = { 0 };
  g_autoptr (GByteArray) two = array_of (1, HEADER ("'|u1'", "False", "(2, 3)"), zeros, 6),
                         three = array_of (1, HEADER ("'|u1'", "False", "(3,)"), zeros, 3);
  G_GNUC_UNUSED g_autofree char *folder
      = sf_test_tmpdir (),
      *a = sf_test_write_file (folder, "train-images.npy", two->data, two->len),
      *b = sf_test_write_file (folder, "train-labels.npy", three->data, three->len);
  Dataset dataset = dataset_open ("npy", folder, "train", NULL);
  SF_CHECK (dataset.instance == NULL);
  SF_CHECK_ERROR (dataset.error, SF_ERROR_INVALID_DATA, "train-labels.npy: has 3 rows, ");
  dataset_close (&dataset);
  dataset = dataset_open ("npy", folder, "test", NULL);
  SF_CHECK (dataset.instance == NULL);
  SF_CHECK_ERROR (dataset.error, SF_ERROR_NOT_FOUND, "no test-*.npy file");
  dataset_close (&dataset);
}

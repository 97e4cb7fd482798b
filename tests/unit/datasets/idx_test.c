/* SPDX-License-Identifier: Apache-2.0 */
/* IDX files, byte by byte after the description at yann.lecun.com/exdb/mnist. */
#include "tests/support/sftest.h"
#include "tests/unit/datasets/open.h"

#include <string.h>
#include <zlib.h>

typedef struct
{
  const char *name;
  uint8_t code;
  uint8_t bytes[16]; /* two values, big endian */
  size_t width;
  SfDtype dtype;
  double values[2];
} Case;

static const Case cases[] = {
  { "u8", 0x08, { 0, 255 }, 1, SF_U8, { 0, 255 } },
  { "i8", 0x09, { 0x7f, 0x80 }, 1, SF_I8, { 127, -128 } },
  { "i16", 0x0b, { 0x01, 0x02, 0xff, 0xfe }, 2, SF_I16, { 258, -2 } },
  { "i32",
    0x0c,
    { 0x01, 0x02, 0x03, 0x04, 0x80, 0, 0, 0 },
    4,
    SF_I32,
    { 16909060, -2147483648.0 } },
  { "f32", 0x0d, { 0x3f, 0xc0, 0, 0, 0xc0, 0x20, 0, 0 }, 4, SF_F32, { 1.5, -2.5 } },
  { "f64",
    0x0e,
    { 0x3f, 0xf8, 0, 0, 0, 0, 0, 0, 0xc0, 0x04, 0, 0, 0, 0, 0, 0 },
    8,
    SF_F64,
    { 1.5, -2.5 } },
};

static gssize
write_head (uint8_t *file, uint8_t code, uint8_t rank, const uint32_t *dims)
{
  file[0] = file[1] = 0, file[2] = code, file[3] = rank;
  for (int i = 0; i < rank; i++)
    for (int b = 0; b < 4; b++)
      file[4 + 4 * i + b] = (uint8_t) (dims[i] >> (24 - 8 * b));
  return 4 + 4 * rank;
}

SF_TEST_CASES (Idx, Dtype, cases, G_N_ELEMENTS (cases), sf_test_row_name)
{
  const Case *c = data;
  uint8_t file[64];
  gssize n = write_head (file, c->code, 2, (const uint32_t[]){ 2, 1 });
  memcpy (file + n, c->bytes, 2 * c->width);
  G_GNUC_UNUSED g_autofree char *folder = sf_test_tmpdir (),
                                *path = sf_test_write_file (folder, "train-images-idx2", file,
                                                            n + (gssize) (2 * c->width));
  Dataset dataset = dataset_open ("idx", folder, "train", NULL);
  SF_CHECK_NO_ERROR (dataset.error);
  if (dataset.instance != NULL)
    {
      SfDatasetField field = dataset_field (&dataset, 0);
      SF_CHECK_STR (field.name, "images");
      SF_CHECK_INT (field.dtype, c->dtype);
      SF_CHECK_INT (field.shape.rank, 1);
      SF_CHECK_INT (dataset.ops->n_rows (dataset.instance), 2);
      SF_CHECK_INT ((int64_t) dataset.ops->n_fields (dataset.instance), 1);
      SF_CHECK_NEAR (dataset_value (&dataset, 0, 0, 0), c->values[0], 0);
      SF_CHECK_NEAR (dataset_value (&dataset, 0, 1, 0), c->values[1], 0);
    }
  dataset_close (&dataset);
}

static void
write_gzip (const char *folder, const char *name, const void *bytes, unsigned n_bytes)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  gzFile file = gzopen (path, "wb");
  SF_CHECK_INT (gzwrite (file, bytes, n_bytes), n_bytes);
  SF_CHECK_INT (gzclose (file), Z_OK);
}

/* MNIST's own names: t10k-*, gzipped; rows out of order and repeated. */
SF_TEST (Idx, GzippedTestSplit)
{
  uint8_t images[64], labels[64];
  gssize n = write_head (images, 8, 3, (const uint32_t[]){ 3, 1, 2 }),
         m = write_head (labels, 8, 1, (const uint32_t[]){ 3 });
  for (uint8_t i = 0; i < 6; i++)
    images[n + i] = (uint8_t) (i + 1);
  memcpy (labels + m, "\7\10\11", 3);
  g_autofree char *folder = sf_test_tmpdir ();
  write_gzip (folder, "t10k-images-idx3-ubyte.gz", images, (unsigned) n + 6);
  write_gzip (folder, "t10k-labels-idx1-ubyte.gz", labels, (unsigned) m + 3);
  Dataset dataset = dataset_open ("idx", folder, "test", NULL);
  SF_REQUIRE_NO_ERROR (dataset.error);
  SF_CHECK (dataset.ops->probe (folder) > 0);
  uint8_t out[6];
  static const int64_t rows[] = { 2, 0, 2 };
  SF_CHECK (dataset.ops->read (dataset.instance, 0, rows, 3, out, NULL));
  SF_CHECK (memcmp (out, "\5\6\1\2\5\6", 6) == 0);
  SF_CHECK (dataset.ops->read (dataset.instance, 1, rows, 3, out, NULL));
  SF_CHECK (memcmp (out, "\11\7\11", 3) == 0);
  static const int64_t outside[] = { 0, 3 }, negative[] = { -1 };
  g_autoptr (GError) error = NULL;
  SF_CHECK (!dataset.ops->read (dataset.instance, 0, outside, 2, out, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_ARGUMENT, "row 3 of 3");
  SF_CHECK (!dataset.ops->read (dataset.instance, 0, negative, 1, out, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_ARGUMENT, "row -1 of 3");
  SfDatasetField field;
  SF_CHECK (!dataset.ops->field (dataset.instance, 2, &field, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_ARGUMENT, "field 2, wanted one of 2");
  dataset_close (&dataset);
}

SF_TEST (Idx, Refuses)
{
  uint8_t file[64] = { 0 };
  gssize n = write_head (file, 8, 2, (const uint32_t[]){ 2, 3 });
  const char *name = "train-images";
  for (gssize size = 0; size < n + 6; size++)
    dataset_check_refused ("idx", name, file, size, SF_ERROR_INVALID_DATA, "train-images: ");
  dataset_check_refused ("idx", name, file, n + 5, SF_ERROR_INVALID_DATA,
                         "train-images: found 17 bytes, its header wants 18; the file is cut off "
                         "or damaged");
  dataset_check_refused ("idx", name, file, n + 7, SF_ERROR_INVALID_DATA,
                         "found 19 bytes, its header wants 18");
  file[2] = 0x0a;
  dataset_check_refused ("idx", name, file, n + 6, SF_ERROR_INVALID_DATA, "not an IDX file");
  file[2] = 8, file[3] = 0;
  dataset_check_refused ("idx", name, file, n + 6, SF_ERROR_INVALID_DATA, "not an IDX file");
  file[3] = 200;
  dataset_check_refused ("idx", name, file, n + 6, SF_ERROR_INVALID_DATA, "not an IDX file");
  file[3] = 2, file[0] = 1;
  dataset_check_refused ("idx", name, file, n + 6, SF_ERROR_INVALID_DATA, "not an IDX file");
  n = write_head (file, 0x0e, 3, (const uint32_t[]){ UINT32_MAX, UINT32_MAX, UINT32_MAX });
  dataset_check_refused ("idx", name, file, n, SF_ERROR_INVALID_DATA, "more than 2^40 elements");
  dataset_check_refused ("idx", "notes.txt", file, n, SF_ERROR_NOT_FOUND,
                         "no train-images* file for split train; IDX files are called "
                         "train-images*, train-labels*, test-images*, test-labels*");
}

SF_TEST (Idx, LabelsOfAnotherSet)
{
  uint8_t images[64] = { 0 }, labels[64] = { 0 };
  gssize n = write_head (images, 8, 2, (const uint32_t[]){ 3, 1 }),
         m = write_head (labels, 8, 1, (const uint32_t[]){ 2 });
  G_GNUC_UNUSED g_autofree char *folder = sf_test_tmpdir (),
                                *a = sf_test_write_file (folder, "train-images", images, n + 3),
                                *b = sf_test_write_file (folder, "train-labels", labels, m + 2);
  Dataset dataset = dataset_open ("idx", folder, "train", NULL);
  SF_CHECK (dataset.instance == NULL);
  SF_CHECK_ERROR (dataset.error, SF_ERROR_INVALID_DATA,
                  "2 labels for 3 images; the files do not belong together");
  dataset_close (&dataset);
}

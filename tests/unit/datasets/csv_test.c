/* SPDX-License-Identifier: Apache-2.0 */
/* Tables with and without header, the column of the label, and lines that are wrong. */
#include "tests/support/sftest.h"
#include "tests/unit/datasets/open.h"

typedef struct
{
  const char *name, *text, *option;
  int64_t rows, columns;
  double features[2]; /* of the last row: first and last */
  double label;
} Case;

static const Case cases[] = {
  { "no header", "1,2,0\n3.5,-4e-1,1\n", NULL, 2, 2, { 3.5, -0.4 }, 1 },
  { "header", "width,height,kind\n1,2,0\n3,4,7\n", NULL, 2, 2, { 3, 4 }, 7 },
  { "label by name", "kind,width,height\n5,1,2\n6,3,4\n", "label=kind", 2, 2, { 3, 4 }, 6 },
  { "label by number", "9,1,2\n8,3,4\n", "label=0", 2, 2, { 3, 4 }, 8 },
  { "label by number under a header", "a,b,c\n1,8,2\n", "label=1", 1, 2, { 1, 2 }, 8 },
  { "carriage returns", "1,2,0\r\n3,4,1\r\n", NULL, 2, 2, { 3, 4 }, 1 },
  { "no newline at the end", "1,2,0\n3,4,1", NULL, 2, 2, { 3, 4 }, 1 },
  { "empty lines", "\n1,2,0\n\n\n3,4,1\n\n", NULL, 2, 2, { 3, 4 }, 1 },
  { "spaces", " 1 , 2 , 0 \n 3 ,\t4 , 1 \n", NULL, 2, 2, { 3, 4 }, 1 },
  { "byte order mark before numbers",
    "\xef\xbb\xbf"
    "1,2,0\n3,4,1\n",
    NULL,
    2,
    2,
    { 3, 4 },
    1 },
  { "byte order mark before a header",
    "\xef\xbb\xbf"
    "kind,a,b\n5,1,2\n",
    "label=kind",
    1,
    2,
    { 1, 2 },
    5 },
  { "negative label", "1,2,-1\n", NULL, 1, 2, { 1, 2 }, -1 },
};

SF_TEST_CASES (Csv, Reads, cases, G_N_ELEMENTS (cases), sf_test_row_name)
{
  const Case *c = data;
  G_GNUC_UNUSED g_autofree char *folder = sf_test_tmpdir (),
                                *path = sf_test_write_file (folder, "train.csv", c->text, -1);
  Dataset dataset = dataset_open ("csv", folder, "train", c->option);
  SF_CHECK_NO_ERROR (dataset.error);
  if (dataset.instance != NULL)
    {
      SfDatasetField features = dataset_field (&dataset, 0), labels = dataset_field (&dataset, 1);
      SF_CHECK_STR (features.name, "features");
      SF_CHECK_STR (labels.name, "labels");
      SF_CHECK_INT (features.shape.dim[0], c->columns);
      SF_CHECK_INT (labels.shape.rank, 0);
      SF_CHECK_INT (dataset.ops->n_rows (dataset.instance), c->rows);
      SF_CHECK_NEAR (dataset_value (&dataset, 0, c->rows - 1, 0), c->features[0], 1e-7);
      SF_CHECK_NEAR (dataset_value (&dataset, 0, c->rows - 1, (size_t) c->columns - 1),
                     c->features[1], 1e-7);
      SF_CHECK_NEAR (dataset_value (&dataset, 1, c->rows - 1, 0), c->label, 0);
    }
  dataset_close (&dataset);
}

SF_TEST (Csv, OneColumnIsLabels)
{
  g_autofree char *folder = sf_test_tmpdir (),
                  *path = sf_test_write_file (folder, "one.csv", "4\n5\n", -1);
  Dataset dataset = dataset_open ("csv", path, "test", NULL);
  SF_REQUIRE_NO_ERROR (dataset.error);
  SF_CHECK_INT ((int64_t) dataset.ops->n_fields (dataset.instance), 1);
  SF_CHECK_STR (dataset_field (&dataset, 0).name, "labels");
  SF_CHECK_NEAR (dataset_value (&dataset, 0, 1, 0), 5, 0);
  SF_CHECK (dataset.ops->probe (path) > 0);
  SF_CHECK_INT (dataset.ops->probe (folder), 0);
  dataset_close (&dataset);
}

typedef struct
{
  const char *name, *text, *message;
} Bad;

static const Bad bad[] = {
  { "empty", "", "train.csv: has no rows of numbers" },
  { "only a header", "a,b\n", "train.csv: has no rows of numbers" },
  { "too few columns", "1,2,0\n3,4\n", "train.csv:2: found 2 columns, the first line has 3" },
  { "too many columns", "a,b,c\n1,2,0\n\n3,4,5,6\n",
    "train.csv:4: found 4 columns, the first line has 3" },
  { "a word", "1,2,0\n3,four,1\n",
    "train.csv:2: column 1: found \"four\", wanted a finite number" },
  { "a number and more", "1,2,0\n3x,4,1\n",
    "train.csv:2: column 0: found \"3x\", wanted a finite number" },
  { "nothing", "1,2,0\n3,,1\n", "train.csv:2: column 1: found \"\", wanted a finite number" },
  { "NaN", "1,2,0\n3,nan,1\n", "train.csv:2: column 1: found \"nan\", wanted a finite number" },
  { "infinity", "1,2,0\ninf,2,1\n",
    "train.csv:2: column 0: found \"inf\", wanted a finite number" },
  { "beyond float", "1,2,0\n1e39,2,1\n",
    "train.csv:2: column 0: found \"1e39\", wanted a finite number" },
  { "fraction as label", "1,2,0\n3,4,0.5\n",
    "train.csv:2: the label is 0.5, wanted a whole number; name its column with --data-option "
    "label=NAME" },
  { "label beyond 32 bits", "1,2,0\n3,4,1e10\n",
    "train.csv:2: the label is 1e+10, wanted a whole number" },
  { "not UTF-8", "1,2,0\n\xff,4,1\n", "train.csv: is not text in UTF-8" },
};

SF_TEST_CASES (Csv, Refuses, bad, G_N_ELEMENTS (bad), sf_test_row_name)
{
  const Bad *c = data;
  dataset_check_refused ("csv", "train.csv", c->text, -1, SF_ERROR_INVALID_DATA, c->message);
}

SF_TEST (Csv, RefusesOtherColumnsAndBytes)
{
  G_GNUC_UNUSED g_autofree char *folder = sf_test_tmpdir (),
                                *path = sf_test_write_file (folder, "train.csv", "a,b\n1,2\n", -1);
  static const char *const options[] = { "label=c", "label=2", "label=-1", "label=1x", "label=" };
  for (size_t i = 0; i < G_N_ELEMENTS (options); i++)
    {
      Dataset dataset = dataset_open ("csv", folder, "train", options[i]);
      SF_CHECK_MSG (dataset.instance == NULL, "%s was taken", options[i]);
      SF_CHECK_ERROR (dataset.error, SF_ERROR_INVALID_ARGUMENT,
                      "name one of its header or a number from 0 to 1");
      dataset_close (&dataset);
    }
  dataset_check_refused ("csv", "train.csv", "1,2\0003,4\n", 8, SF_ERROR_INVALID_DATA,
                         "is not text in UTF-8");
  Dataset missing = dataset_open ("csv", folder, "test", NULL);
  SF_CHECK (missing.instance == NULL);
  SF_CHECK_ERROR (missing.error, SF_ERROR_NOT_FOUND, "test.csv");
  dataset_close (&missing);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Error codes, their exit codes and names, and the nearest word. */
#include <sf/error.h>

#include <errno.h>

#include "tests/support/sftest.h"

typedef struct
{
  const char *name;
  SfErrorCode code;
  int exit_code;
} CodeCase;

static const CodeCase code_cases[] = {
  { "invalid-argument", SF_ERROR_INVALID_ARGUMENT, 2 },
  { "invalid-data", SF_ERROR_INVALID_DATA, 3 },
  { "not-found", SF_ERROR_NOT_FOUND, 4 },
  { "exists", SF_ERROR_EXISTS, 4 },
  { "incompatible", SF_ERROR_INCOMPATIBLE, 5 },
  { "unsupported", SF_ERROR_UNSUPPORTED, 6 },
  { "unimplemented", SF_ERROR_UNIMPLEMENTED, 6 },
  { "no-resource", SF_ERROR_NO_RESOURCE, 7 },
  { "timeout", SF_ERROR_TIMEOUT, 8 },
  { "cancelled", SF_ERROR_CANCELLED, 9 },
  { "check-failed", SF_ERROR_CHECK_FAILED, 10 },
  { "io", SF_ERROR_IO, 11 },
  { "internal", SF_ERROR_INTERNAL, 70 },
};

SF_TEST_CASES (Error, Code, code_cases, G_N_ELEMENTS (code_cases), sf_test_row_name)
{
  const CodeCase *c = data;
  g_autoptr (GError) error = NULL;
  SF_CHECK (!sf_fail (&error, c->code, "x: found %d, wanted %s", 1, "2"));
  SF_REQUIRE (error != NULL);
  SF_CHECK_STR (error->message, "x: found 1, wanted 2");
  SF_CHECK_INT (sf_error_exit_code (error), c->exit_code);
  SF_CHECK_STR (sf_error_code_name (c->code), c->name);
}

SF_TEST (Error, OtherDomains)
{
  SF_CHECK_INT (sf_error_exit_code (NULL), 0);
  g_autoptr (GError) file = g_error_new (G_FILE_ERROR, G_FILE_ERROR_NOENT, "gone");
  SF_CHECK_INT (sf_error_exit_code (file), 11);
  g_autoptr (GError) option = g_error_new (G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "bad");
  SF_CHECK_INT (sf_error_exit_code (option), 2);
  SF_CHECK_STR (sf_error_code_name ((SfErrorCode) 99), "internal");
}

SF_TEST (Error, NullErrorIsFine)
{
  SF_CHECK (!sf_fail (NULL, SF_ERROR_IO, "%s", "nobody listens"));
  SF_CHECK (!sf_fail_errno (NULL, EIO, "%s", "nobody listens"));
}

SF_TEST (Error, Errno)
{
  g_autoptr (GError) error = NULL;
  SF_CHECK (!sf_fail_errno (&error, ENOENT, "%s: cannot open", "a.pef"));
  SF_CHECK_ERROR (error, SF_ERROR_NOT_FOUND, "a.pef: cannot open: No such file or directory");
  sf_fail_errno (&error, EEXIST, "a");
  SF_CHECK_ERROR (error, SF_ERROR_EXISTS, "a: File exists");
  sf_fail_errno (&error, ENOMEM, "a");
  SF_CHECK_ERROR (error, SF_ERROR_NO_RESOURCE, "a: Cannot allocate memory");
  sf_fail_errno (&error, ENOSPC, "a");
  SF_CHECK_ERROR (error, SF_ERROR_IO, "a: No space left on device");
}

typedef struct
{
  const char *word, *nearest;
} WordCase;

static const WordCase word_cases[] = {
  { "batch_szie", "batch_size" }, /* swapped letters */
  { "batchsize", "batch_size" },  /* one missing */
  { "epoch", "epochs" },
  { "epochs", "epochs" },
  { "lrr", "lr" },
  { "zebra", NULL },
  { "q", NULL },
  { "", NULL },
};

SF_TEST_CASES (Error, NearestWord, word_cases, G_N_ELEMENTS (word_cases), sf_test_row_name)
{
  const WordCase *c = data;
  const char *const words[] = { "batch_size", "epochs", "lr", "optimizer" };
  SF_CHECK_STR (sf_nearest_word (c->word, words, G_N_ELEMENTS (words)), c->nearest);
  SF_CHECK_STR (sf_nearest_word (c->word, words, 0), NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The error domain: names, exit codes, raising, and the nearest word for "did you mean". */
#include <sf/error.h>

#include <errno.h>
#include <string.h>

typedef struct
{
  const char *name;
  int exit_code;
} CodeRow;

static const CodeRow code_rows[] = {
  [SF_ERROR_INVALID_ARGUMENT] = { "invalid-argument", 2 },
  [SF_ERROR_INVALID_DATA] = { "invalid-data", 3 },
  [SF_ERROR_NOT_FOUND] = { "not-found", 4 },
  [SF_ERROR_EXISTS] = { "exists", 4 },
  [SF_ERROR_INCOMPATIBLE] = { "incompatible", 5 },
  [SF_ERROR_UNSUPPORTED] = { "unsupported", 6 },
  [SF_ERROR_UNIMPLEMENTED] = { "unimplemented", 6 },
  [SF_ERROR_NO_RESOURCE] = { "no-resource", 7 },
  [SF_ERROR_TIMEOUT] = { "timeout", 8 },
  [SF_ERROR_CANCELLED] = { "cancelled", 9 },
  [SF_ERROR_CHECK_FAILED] = { "check-failed", 10 },
  [SF_ERROR_IO] = { "io", 11 },
  [SF_ERROR_INTERNAL] = { "internal", 70 },
};

GQuark
sf_error_quark (void)
{
  return g_quark_from_static_string ("sf-error-quark");
}

/* The row of `code`; a number outside the table is itself a defect and reads as internal. */
static const CodeRow *
code_row (int code)
{
  if (code < 0 || code >= (int) G_N_ELEMENTS (code_rows))
    code = SF_ERROR_INTERNAL;
  return &code_rows[code];
}

int
sf_error_exit_code (const GError *error)
{
  if (error == NULL)
    return 0;
  if (error->domain == SF_ERROR)
    return code_row (error->code)->exit_code;
  if (error->domain == G_OPTION_ERROR)
    return code_row (SF_ERROR_INVALID_ARGUMENT)->exit_code;
  return code_row (SF_ERROR_IO)->exit_code;
}

const char *
sf_error_code_name (SfErrorCode code)
{
  return code_row ((int) code)->name;
}

bool
sf_fail (GError **error, SfErrorCode code, const char *format, ...)
{
  if (error != NULL)
    {
      va_list args;
      va_start (args, format);
      g_propagate_error (error, g_error_new_valist (SF_ERROR, (int) code, format, args));
      va_end (args);
    }
  return false;
}

bool
sf_fail_errno (GError **error, int saved_errno, const char *format, ...)
{
  if (error == NULL)
    return false;

  SfErrorCode code = SF_ERROR_IO;
  if (saved_errno == ENOENT)
    code = SF_ERROR_NOT_FOUND;
  else if (saved_errno == EEXIST)
    code = SF_ERROR_EXISTS;
  else if (saved_errno == ENOMEM)
    code = SF_ERROR_NO_RESOURCE;

  va_list args;
  va_start (args, format);
  g_autofree char *text = g_strdup_vprintf (format, args);
  va_end (args);
  return sf_fail (error, code, "%s: %s", text, g_strerror (saved_errno));
}

/* Edit distance with neighbouring letters swapped counted as one edit. Rows of `b` are kept three
 * at a time: O (|b|) memory. */
static size_t
edit_distance (const char *a, const char *b)
{
  enum
  {
    MAX_WORD = 63
  };
  size_t n_a = strlen (a), n_b = strlen (b);
  if (n_a > MAX_WORD || n_b > MAX_WORD)
    return SIZE_MAX;

  size_t rows[3][MAX_WORD + 1];
  for (size_t j = 0; j <= n_b; j++)
    rows[0][j] = j;
  for (size_t i = 1; i <= n_a; i++)
    {
      size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];
      row[0] = i;
      for (size_t j = 1; j <= n_b; j++)
        {
          size_t best = above[j - 1] + (a[i - 1] != b[j - 1]);
          best = MIN (best, above[j] + 1);
          best = MIN (best, row[j - 1] + 1);
          if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
            best = MIN (best, above2[j - 2] + 1);
          row[j] = best;
        }
    }
  return rows[n_a % 3][n_b];
}

const char *
sf_nearest_word (const char *word, const char *const *candidates, size_t n)
{
  const char *nearest = NULL;
  size_t best = SIZE_MAX;
  size_t n_word = strlen (word);
  for (size_t i = 0; i < n; i++)
    {
      size_t distance = edit_distance (word, candidates[i]);
      size_t limit = MAX (n_word, strlen (candidates[i])) / 3;
      if (distance <= MAX (limit, 1) && distance < MAX (n_word, 2) && distance < best)
        {
          best = distance;
          nearest = candidates[i];
        }
    }
  return nearest;
}

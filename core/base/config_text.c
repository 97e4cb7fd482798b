/* SPDX-License-Identifier: Apache-2.0 */
/* Config text made safe for libconfig, which takes 4294967297 for 1, 1e400 for infinity, and
 * includes any file of the machine. */
#include "core/base/config_text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/read.h"

/* One file in the course of being read. */
typedef struct
{
  SfConfigText *out;
  const char *file; /* as messages name it */
  const char
      *top; /* resolved folder that includes may not leave; NULL when it cannot be resolved */
  const char *at, *end;
  const char *line_start;
  int line;
  int n_includes; /* files that stand above this one */
  int *nesting, *n_keys;
} Scanner;

static bool scan (Scanner *self, GError **error);

static bool fail_here (const Scanner *self, GError **error, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

static bool
fail_here (const Scanner *self, GError **error, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree char *text = g_strdup_vprintf (format, args);
  va_end (args);
  return sf_fail (error, SF_ERROR_INVALID_DATA, "%s:%d: %s", self->file, self->line, text);
}

static void
begin_line (Scanner *self)
{
  SfConfigPlace place = { self->file, self->line };
  g_array_append_val (self->out->places, place);
}

/* Copies what stands before `to`, counting lines. */
static void
copy_to (Scanner *self, const char *to)
{
  for (const char *p = self->at; p < to; p++)
    {
      g_string_append_c (self->out->text, *p);
      if (*p == '\n')
        {
          self->line++;
          self->line_start = p + 1;
          begin_line (self);
        }
    }
  self->at = to;
}

static bool
copy_string (Scanner *self, GError **error)
{
  const char *p = self->at + 1;
  while (p < self->end && *p != '"')
    {
      if (*p == '\\' && p + 1 < self->end)
        {
          if (self->end - p >= 4 && (p[1] == 'x' || p[1] == 'X') && p[2] == '0' && p[3] == '0')
            return fail_here (self, error, "string: found \\x00, wanted text; remove it");
          p++;
        }
      p++;
    }
  if (p >= self->end)
    return fail_here (self, error, "string: found no closing '\"'; add it");
  copy_to (self, p + 1);
  return true;
}

static bool
copy_block_comment (Scanner *self, GError **error)
{
  for (const char *p = self->at + 2; p + 1 < self->end; p++)
    if (p[0] == '*' && p[1] == '/')
      {
        copy_to (self, p + 2);
        return true;
      }
  return fail_here (self, error, "comment: found no closing */; add it");
}

static void
copy_line_comment (Scanner *self)
{
  const char *p = memchr (self->at, '\n', (size_t) (self->end - self->at));
  copy_to (self, p != NULL ? p : self->end);
}

static void
copy_name (Scanner *self)
{
  const char *p = self->at;
  while (p < self->end && (g_ascii_isalnum (*p) || strchr ("_*-", *p) != NULL) && *p != '\0')
    p++;
  copy_to (self, p);
}

static const char *
skip_digits (const char *p, const char *end)
{
  while (p < end && g_ascii_isdigit (*p))
    p++;
  return p;
}

/* End of the number that begins at `p` (libconfig's grammar), *is_float, *is_hex; NULL when it is
 * none. */
static const char *
number_end (const char *p, const char *end, bool *is_float, bool *is_hex)
{
  *is_float = *is_hex = false;
  if (end - p > 2 && p[0] == '0' && (p[1] == 'x' || p[1] == 'X') && g_ascii_isxdigit (p[2]))
    {
      *is_hex = true;
      for (p += 2; p < end && g_ascii_isxdigit (*p);)
        p++;
      return p;
    }
  if (p < end && (*p == '-' || *p == '+'))
    p++;
  const char *digits = p;
  p = skip_digits (p, end);
  size_t n_digits = (size_t) (p - digits);
  if (p < end && *p == '.')
    {
      const char *fraction = ++p;
      p = skip_digits (p, end);
      n_digits += (size_t) (p - fraction);
      *is_float = true;
    }
  if (n_digits == 0)
    return NULL;
  if (p < end && (*p == 'e' || *p == 'E'))
    {
      const char *q = p + 1;
      if (q < end && (*q == '-' || *q == '+'))
        q++;
      if (q < end && g_ascii_isdigit (*q))
        {
          *is_float = true;
          p = skip_digits (q, end);
        }
    }
  return p;
}

static bool
copy_number (Scanner *self, GError **error)
{
  bool is_float, is_hex;
  const char *p = number_end (self->at, self->end, &is_float, &is_hex);
  if (p == NULL)
    return fail_here (self, error, "found '%c' that begins no number; remove it", *self->at);
  g_autofree char *text = g_strndup (self->at, (size_t) (p - self->at));
  if (is_float)
    {
      if (!isfinite (g_ascii_strtod (text, NULL)))
        return fail_here (self, error,
                          "number %.40s: found more than a double holds, wanted a finite number",
                          text);
      copy_to (self, p);
      return true;
    }
  guint64 hex;
  gint64 value;
  bool good = is_hex ? g_ascii_string_to_unsigned (text + 2, 16, 0, G_MAXINT64, &hex, NULL)
                     : g_ascii_string_to_signed (text[0] == '+' ? text + 1 : text, 10, G_MININT64,
                                                 G_MAXINT64, &value, NULL);
  if (!good)
    return fail_here (self, error,
                      "number %.40s: found more than 64 bits hold, wanted a smaller one", text);
  copy_to (self, p);
  while (self->at < self->end && *self->at == 'L' && self->at - p < 2)
    self->at++;
  g_string_append_c (self->out->text, 'L');
  return true;
}

static bool
open_bracket (Scanner *self, GError **error)
{
  if (++*self->nesting > SF_CONFIG_MAX_NESTING)
    return fail_here (self, error, "found brackets nested deeper than %d, wanted fewer",
                      SF_CONFIG_MAX_NESTING);
  copy_to (self, self->at + 1);
  return true;
}

static bool
equals_sign (Scanner *self, GError **error)
{
  if (++*self->n_keys > SF_CONFIG_MAX_KEYS)
    return fail_here (self, error, "found more than %d keys, wanted fewer; split the file",
                      SF_CONFIG_MAX_KEYS);
  copy_to (self, self->at + 1);
  return true;
}

/* Path of an include as written, from the quoted string at `*p`; moves *p behind it. */
static char *
include_path (const Scanner *self, const char **p, GError **error)
{
  static const char word[] = "@include";
  size_t n_word = sizeof word - 1;
  const char *q = self->at;
  for (const char *b = self->line_start; b < q; b++)
    if (*b != ' ' && *b != '\t')
      {
        fail_here (self, error, "found '@' inside a line, wanted @include at its beginning");
        return NULL;
      }
  bool good = (size_t) (self->end - q) > n_word && memcmp (q, word, n_word) == 0;
  if (good)
    for (q += n_word; q < self->end && (*q == ' ' || *q == '\t');)
      q++;
  const char *close = NULL;
  if (good && q < self->end && *q == '"')
    close = memchr (q + 1, '"', (size_t) (self->end - q - 1));
  if (close == NULL || memchr (q, '\n', (size_t) (close - q)) != NULL
      || memchr (q, '\\', (size_t) (close - q)) != NULL)
    {
      fail_here (self, error, "found '@', wanted @include \"FILE\"");
      return NULL;
    }
  *p = close + 1;
  return g_strndup (q + 1, (size_t) (close - q - 1));
}

/* Resolved path of the included file, which has to lie below self->top, symbolic links followed. */
static char *
resolve_include (const Scanner *self, const char *written, GError **error)
{
  bool leaves = g_path_is_absolute (written) || written[0] == '\0';
  g_auto (GStrv) parts = g_strsplit (written, "/", -1);
  for (char **part = parts; *part != NULL; part++)
    leaves = leaves || strcmp (*part, "..") == 0;
  if (leaves)
    {
      fail_here (self, error,
                 "@include \"%s\": wanted a path below the folder of the file, without ..",
                 written);
      return NULL;
    }
  g_autofree char *folder = g_path_get_dirname (self->file);
  g_autofree char *joined = g_build_filename (folder, written, NULL);
  g_autofree char *resolved = realpath (joined, NULL);
  if (resolved == NULL)
    {
      sf_fail (error, SF_ERROR_NOT_FOUND, "%s:%d: @include \"%s\": not found in %s", self->file,
               self->line, written, folder);
      return NULL;
    }
  size_t n_top = self->top != NULL ? strlen (self->top) : 0;
  bool below = n_top > 0 && g_str_has_prefix (resolved, self->top)
               && (resolved[n_top] == '/' || self->top[n_top - 1] == '/');
  if (!below)
    {
      fail_here (
          self, error,
          "@include \"%s\": found a link out of the folder of the file, wanted a path below it",
          written);
      return NULL;
    }
  return g_strdup (resolved);
}

static bool
include (Scanner *self, GError **error)
{
  const char *after = NULL;
  g_autofree char *written = include_path (self, &after, error);
  if (written == NULL)
    return false;
  if (self->n_includes >= SF_CONFIG_MAX_INCLUDES)
    return fail_here (
        self, error,
        "@include \"%s\": found more than %d files including one another, wanted fewer", written,
        SF_CONFIG_MAX_INCLUDES);
  g_autofree char *resolved = resolve_include (self, written, error);
  if (resolved == NULL)
    return false;
  size_t n_bytes;
  g_autofree char *source = sf_file_read_all (resolved, SF_CONFIG_MAX_BYTES, &n_bytes, error);
  if (source == NULL)
    return false;

  g_autofree char *folder = g_path_get_dirname (self->file);
  char *name = strcmp (folder, ".") == 0 ? g_strdup (written)
                                         : g_build_filename (folder, written, NULL);
  g_ptr_array_add (self->out->files, name);
  Scanner inner = *self;
  inner.file = name;
  inner.at = inner.line_start = source;
  inner.end = source + n_bytes;
  inner.line = 1;
  inner.n_includes++;
  /* Only blanks stand before @include, so the line belongs to the included file's first. */
  g_array_index (self->out->places, SfConfigPlace, self->out->places->len - 1)
      = (SfConfigPlace){ name, 1 };
  if (!scan (&inner, error))
    return false;
  g_string_append_c (self->out->text, '\n');
  begin_line (self);
  self->at = after;
  return true;
}

static bool
token (Scanner *self, GError **error)
{
  char c = *self->at, next = self->end - self->at > 1 ? self->at[1] : '\0';
  if (c == '"')
    return copy_string (self, error);
  if (c == '/' && next == '*')
    return copy_block_comment (self, error);
  if (c == '#' || (c == '/' && next == '/'))
    {
      copy_line_comment (self);
      return true;
    }
  if (c == '@')
    return include (self, error);
  if (g_ascii_isalpha (c) || c == '*')
    {
      copy_name (self);
      return true;
    }
  if (g_ascii_isdigit (c) || c == '-' || c == '+' || c == '.')
    return copy_number (self, error);
  if (c == '{' || c == '(' || c == '[')
    return open_bracket (self, error);
  if (c == '=' || c == ':')
    return equals_sign (self, error);
  if (c == '}' || c == ')' || c == ']')
    *self->nesting -= 1;
  else if (strchr (" \t\r\n\f,;", c) == NULL)
    return fail_here (self, error, "found byte 0x%02x outside a string, wanted libconfig text",
                      (unsigned char) c);
  copy_to (self, self->at + 1);
  return true;
}

static bool
scan (Scanner *self, GError **error)
{
  const char *bad;
  if (memchr (self->at, '\0', (size_t) (self->end - self->at)) != NULL)
    return sf_fail (error, SF_ERROR_INVALID_DATA, "%s: found a zero byte, wanted text", self->file);
  if (!g_utf8_validate (self->at, self->end - self->at, &bad))
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: found bytes that are not UTF-8 at offset %zu, wanted text", self->file,
                    (size_t) (bad - self->at));
  while (self->at < self->end)
    {
      if (!token (self, error))
        return false;
      if (self->out->text->len > SF_CONFIG_MAX_BYTES)
        return sf_fail (
            error, SF_ERROR_INVALID_DATA,
            "%s: found more than %d bytes with what it includes, wanted at most that many",
            self->file, SF_CONFIG_MAX_BYTES);
    }
  return true;
}

bool
sf_config_text_read (SfConfigText *self, const char *source, size_t n_bytes, const char *name,
                     GError **error)
{
  self->text = g_string_sized_new (n_bytes + n_bytes / 8);
  self->places = g_array_new (FALSE, FALSE, sizeof (SfConfigPlace));
  self->files = g_ptr_array_new_with_free_func (g_free);
  if (n_bytes > SF_CONFIG_MAX_BYTES)
    return sf_fail (error, SF_ERROR_INVALID_DATA, "%s: found %zu bytes, wanted at most %d", name,
                    n_bytes, SF_CONFIG_MAX_BYTES);

  if (n_bytes == 0)
    source = ""; /* may be NULL */
  g_ptr_array_add (self->files, g_strdup (name));
  g_autofree char *folder = g_path_get_dirname (name);
  g_autofree char *top = realpath (folder, NULL);
  int nesting = 0, n_keys = 0;
  Scanner scanner = {
    .out = self,
    .file = self->files->pdata[0],
    .top = top,
    .at = source,
    .end = source + n_bytes,
    .line_start = source,
    .line = 1,
    .nesting = &nesting,
    .n_keys = &n_keys,
  };
  begin_line (&scanner);
  return scan (&scanner, error);
}

void
sf_config_text_clear (SfConfigText *self)
{
  g_string_free (self->text, TRUE);
  g_array_free (self->places, TRUE);
  g_ptr_array_free (self->files, TRUE);
}

SfConfigPlace
sf_config_text_place (const SfConfigText *self, unsigned line)
{
  unsigned index = CLAMP (line, 1, self->places->len) - 1;
  return g_array_index (self->places, SfConfigPlace, index);
}

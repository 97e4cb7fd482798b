/* SPDX-License-Identifier: Apache-2.0 */
/* The verb `plugin new`: writes a plugin that builds and works, ready to be changed, into the
 * current folder. */
#include <stdio.h>
#include <string.h>

#include <sf/file.h>
#include <sf/paths.h>
#include <sf/plugins.h>

#include "tools/sf/verbs.h"

#define MAX_TEMPLATE_BYTES (1 << 20)

static const SfOption new_options[] = {
  { .name = "kind",
    .type = SF_OPTION_CHOICE,
    .choices = "frontend|pass|optimizer|backend|dataset|executor",
    .flags = SF_OPTION_POSITIONAL | SF_OPTION_REQUIRED,
    .arg = "KIND",
    .help = "what the plugin is" },
  { .name = "name",
    .type = SF_OPTION_STRING,
    .flags = SF_OPTION_POSITIONAL | SF_OPTION_REQUIRED,
    .arg = "NAME",
    .help = "a to z, 0 to 9, '_' and '-', a letter first" },
  { .name = "cxx", .type = SF_OPTION_BOOL, .help = "C++17 instead of C11" },
  { .name = NULL },
};

/* A file to write: where from, where to, and its content once read. */
typedef struct
{
  char *source;
  char *target;
  char *text;
} NewFile;

static void
new_file_clear (NewFile *file)
{
  g_free (file->source);
  g_free (file->target);
  g_free (file->text);
}

/* `text` with each @word@ of `words` (word, value, ..., NULL) replaced. Owned. */
static char *
substitute (const char *text, const char *const *words)
{
  char *out = g_strdup (text);
  for (; words[0] != NULL; words += 2)
    {
      g_auto (GStrv) parts = g_strsplit (out, words[0], -1);
      g_free (out);
      out = g_strjoinv (words[1], parts);
    }
  return out;
}

static bool
read_template (NewFile *file, const char *const *words, GError **error)
{
  g_autofree char *relative = g_build_filename ("etc", "templates", file->source, NULL);
  g_autofree char *path = sf_data_path (relative);
  size_t n_bytes;
  g_autofree uint8_t *bytes = sf_file_read_maybe_gzip (path, MAX_TEMPLATE_BYTES, &n_bytes, error);
  if (bytes == NULL)
    return false;
  g_autofree char *text = g_strndup ((const char *) bytes, n_bytes);
  file->text = substitute (text, words);
  if (g_file_test (file->target, G_FILE_TEST_EXISTS))
    return sf_fail (error, SF_ERROR_EXISTS,
                    "%s: exists, wanted a folder without it; use an empty folder", file->target);
  return true;
}

static bool
check_name (const char *name, GError **error)
{
  size_t n = strspn (name, "abcdefghijklmnopqrstuvwxyz0123456789_-");
  if (g_ascii_islower (name[0]) && name[n] == '\0' && n <= 64)
    return true;
  return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                  "plugin name '%s': wanted up to 64 of a-z, 0-9, '_' and '-', a letter first; "
                  "choose another",
                  name);
}

static int
run_plugin_new (const SfOptionValues *options, GError **error)
{
  const char *kind = sf_option_string (options, "kind");
  const char *name = sf_option_string (options, "name");
  bool cxx = sf_option_bool (options, "cxx");
  if (!check_name (name, error))
    return 1;
  const char *const words[] = { "@kind@",     kind,
                                "@name@",     name,
                                "@suffix@",   cxx ? "cc" : "c",
                                "@compiler@", cxx ? "$(CXX) -std=c++17" : "$(CC) -std=c11",
                                "@flags@",    cxx ? "CXXFLAGS" : "CFLAGS",
                                NULL };
  NewFile files[] = {
    { g_strdup_printf ("%s.c", kind), g_strdup_printf ("sf-%s-%s.%s", kind, name, cxx ? "cc" : "c"),
      NULL },
    { g_strdup ("Makefile.txt"), g_strdup ("Makefile"), NULL },
    { g_strdup_printf ("%s.md", kind), g_strdup ("README.md"), NULL },
  };
  bool ok = true;
  for (size_t i = 0; ok && i < G_N_ELEMENTS (files); i++)
    ok = read_template (&files[i], words, error);
  for (size_t i = 0; ok && i < G_N_ELEMENTS (files); i++)
    ok = sf_file_replace (files[i].target, files[i].text, strlen (files[i].text), error);
  if (ok)
    printf ("wrote %s, %s and %s; next: make, then see README.md\n", files[0].target,
            files[1].target, files[2].target);
  for (size_t i = 0; i < G_N_ELEMENTS (files); i++)
    new_file_clear (&files[i]);
  return ok ? 0 : 1;
}

const SfVerb sf_verb_plugin_new = {
  .name = "plugin new",
  .summary = "write a working plugin of a kind into the current folder",
  .example = "mkdir clip && cd clip && sf plugin new pass clip && make\nsf inspect pass:clip "
             "--plugin-path .",
  .options = new_options,
  .run = run_plugin_new,
};

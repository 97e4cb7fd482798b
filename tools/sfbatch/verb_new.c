/* SPDX-License-Identifier: Apache-2.0 */
/* The verb `new`: writes a job file with all there is to say, ready to be changed. */
#include <stdio.h>
#include <string.h>

#include <sf/file.h>
#include <sf/paths.h>

#include "tools/sfbatch/verbs.h"

#define MAX_TEMPLATE_BYTES (1 << 20)

static const SfOption new_options[] = {
  { .name = "file",
    .type = SF_OPTION_STRING,
    .flags = SF_OPTION_POSITIONAL,
    .def = "job.cfg",
    .arg = "JOB.cfg",
    .help = "file to write; job.cfg without" },
  { .name = "model",
    .type = SF_OPTION_STRING,
    .arg = "FILE",
    .help = "model; without, that of the digits and their data" },
  { .name = "data", .type = SF_OPTION_STRING, .arg = "PATH", .help = "data for the model" },
  { .name = NULL },
};

/* `text` between the quotes of a string of a job file. Owned. */
static char *
quoted (const char *text)
{
  GString *out = g_string_new (NULL);
  for (const char *c = text; *c != '\0'; c++)
    if (g_ascii_iscntrl (*c))
      g_string_append_printf (out, "\\x%02x", (unsigned char) *c);
    else
      g_string_append_printf (out, "%s%c", *c == '"' || *c == '\\' ? "\\" : "", *c);
  return g_string_free (out, FALSE);
}

static void
replace (char **text, const char *word, const char *value)
{
  g_auto (GStrv) parts = g_strsplit (*text, word, -1);
  g_free (*text);
  *text = g_strjoinv (value, parts);
}

/* A path of the command line, absolute; without one, that of a file that comes with Spatialflow. */
static char *
path_of (const SfOptionValues *options, const char *name, const char *installed)
{
  const char *given = sf_option_string (options, name);
  g_autofree char *path = given != NULL ? g_canonicalize_filename (given, NULL)
                                        : sf_data_path (installed);
  return quoted (path);
}

/* "job" for "/x/job.cfg", in quotes' terms. */
static char *
name_of (const char *file)
{
  g_autofree char *base = g_path_get_basename (file);
  char *dot = strrchr (base, '.');
  if (dot != NULL && dot != base)
    *dot = '\0';
  return quoted (base);
}

static int
run_new (const SfOptionValues *options, GError **error)
{
  const char *file = sf_option_string (options, "file");
  if (sf_option_is_set (options, "data") && !sf_option_is_set (options, "model"))
    {
      sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
               "--data: found no --model beside it, wanted the model for the data; add --model");
      return 1;
    }
  if (g_file_test (file, G_FILE_TEST_EXISTS) || g_file_test (file, G_FILE_TEST_IS_SYMLINK))
    {
      sf_fail (error, SF_ERROR_EXISTS, "%s: exists, wanted a new file; choose another name", file);
      return 1;
    }
  g_autofree char *path = sf_data_path ("etc/templates/job.cfg");
  size_t n_bytes;
  g_autofree uint8_t *bytes = sf_file_read_maybe_gzip (path, MAX_TEMPLATE_BYTES, &n_bytes, error);
  if (bytes == NULL)
    return 1;
  g_autofree char *text = g_strndup ((const char *) bytes, n_bytes);
  g_autofree char *name = name_of (file);
  g_autofree char *model = path_of (options, "model", "apps/digits/model.cfg");
  g_autofree char *data = path_of (options, "data", "apps/digits/data");
  g_autofree char *shown = quoted (file);
  if (sf_option_is_set (options, "model") && !sf_option_is_set (options, "data"))
    replace (&text, "data  = \"@data@\";", "// data = \"...\";");
  replace (&text, "@file@", shown);
  replace (&text, "@name@", name);
  replace (&text, "@model@", model);
  replace (&text, "@data@", data);
  if (!sf_file_replace (file, text, strlen (text), error))
    return 1;
  printf ("wrote %s; next: sfbatch submit --check %s\n", shown, shown);
  return 0;
}

const SfVerb sf_batch_new = {
  .name = "new",
  .summary = "write a job file with comments, ready to be changed",
  .example = "sfbatch new digits.cfg\nsfbatch new mine.cfg --model model.onnx --data data",
  .options = new_options,
  .run = run_new,
};

/* SPDX-License-Identifier: Apache-2.0 */
/* The verb `report`: makes the page of a regression run again. */
#include <stdio.h>
#include <string.h>

#include "queue/report_kept.h"
#include "tools/sfbatch/verbs.h"

static const SfOption report_options[] = {
  { .name = "runs",
    .type = SF_OPTION_LIST,
    .flags = SF_OPTION_POSITIONAL,
    .arg = "SUITE|RESULTS.json",
    .help = "a suite, for its newest run, or the results of a run; without, the newest of all" },
  { .name = "output",
    .short_name = 'o',
    .type = SF_OPTION_STRING,
    .arg = "FILE",
    .help = "the page; default: index.html beside the results" },
  { .name = NULL },
};

static bool
is_file (const char *word)
{
  return strchr (word, '/') != NULL || g_str_has_suffix (word, ".json");
}

static bool
remake (const char *word, const char *output, GError **error)
{
  g_autofree char *results = word != NULL && is_file (word) ? g_strdup (word)
                                                            : sf_report_newest (word, error);
  if (results == NULL)
    return false;
  g_autofree char *folder = g_path_get_dirname (results),
                  *beside = g_build_filename (folder, "index.html", NULL);
  const char *page = output != NULL ? output : beside;
  if (!sf_report_remake (results, page, error))
    return false;
  printf ("wrote %s\n", page);
  return true;
}

static int
run_report (const SfOptionValues *options, GError **error)
{
  const char *const *words = sf_option_list (options, "runs");
  const char *output = sf_option_string (options, "output");
  if (output != NULL && words[0] != NULL && words[1] != NULL)
    {
      sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
               "--output: found several runs, wanted one for one file; leave --output out");
      return 1;
    }
  if (words[0] == NULL)
    return remake (NULL, output, error) ? 0 : 1;
  for (; *words != NULL; words++)
    if (!remake (*words, output, error))
      return 1;
  return 0;
}

const SfVerb sf_batch_report = {
  .name = "report",
  .summary = "make the page of a regression run again, with its past",
  .example = "sfbatch report\nsfbatch report nightly --output page.html",
  .options = report_options,
  .run = run_report,
};

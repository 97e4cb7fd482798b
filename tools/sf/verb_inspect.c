/* SPDX-License-Identifier: Apache-2.0 */
/* The verb `inspect`: shows a thing by what it is. */
#include "tools/sf/inspect.h"
#include "tools/sf/verbs.h"

/* The first row that claims the subject shows it. */
static const SfInspector *const inspectors[] = {
  &sf_inspect_pef,
  &sf_inspect_arch,
  &sf_inspect_plugin,
};

static const SfOption inspect_options[] = {
  { .name = "subject",
    .type = SF_OPTION_STRING,
    .flags = SF_OPTION_POSITIONAL | SF_OPTION_REQUIRED,
    .arg = "SUBJECT",
    .help = "a PEF file, a machine (name or file), or a plugin (name, kind:name or file)" },
  { .name = "json", .type = SF_OPTION_BOOL, .help = "print one JSON object" },
  { .name = NULL },
};

static int
run_inspect (const SfOptionValues *options, GError **error)
{
  const char *subject = sf_option_string (options, "subject");
  g_autoptr (GString) sorts = g_string_new (NULL);
  for (size_t i = 0; i < G_N_ELEMENTS (inspectors); i++)
    {
      if (inspectors[i]->claims (subject))
        return inspectors[i]->show (subject, sf_option_bool (options, "json"), error) ? 0 : 1;
      g_string_append_printf (sorts, "%s%s", i > 0 ? ", " : "", inspectors[i]->what);
    }
  sf_fail (error, SF_ERROR_NOT_FOUND,
           "%s: nothing of that name, wanted %s; sf plugins lists plugins", subject, sorts->str);
  return 1;
}

const SfVerb sf_verb_inspect = {
  .name = "inspect",
  .summary = "show a PEF, a machine or a plugin",
  .example
  = "sf inspect digits.pef\nsf inspect sn10\nsf inspect optimizer:sgd\nsf inspect ./sf-pass-mine.so --json",
  .options = inspect_options,
  .run = run_inspect,
};

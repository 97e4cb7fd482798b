/* SPDX-License-Identifier: Apache-2.0 */
/* The verb `completion`: a shell script that completes verbs, options and their values, written
 * from the tables. */
#include "tools/completion.h"

#include <string.h>

static const struct
{
  const char *name;
  void (*print) (const SfTool *tool);
} shells[] = {
  { "bash", completion_bash },
  { "fish", completion_fish },
  { "zsh", completion_zsh },
};

static const SfOption completion_options[] = {
  { .name = "shell",
    .type = SF_OPTION_CHOICE,
    .choices = "bash|fish|zsh",
    .flags = SF_OPTION_POSITIONAL | SF_OPTION_REQUIRED,
    .arg = "SHELL",
    .help = "the shell that will read the script" },
  { .name = NULL },
};

/* ---- what a placeholder says of the values that go there ---- */

static const struct
{
  const char *arg, *files;
  bool ids;
} places[] = {
  { "ID", "", true },        { "ID...", "", true },       { "DIR", "/", false },
  { "DIRS", "/", false },    { "FILE", "*", false },      { "FILE,...", "*", false },
  { "MODEL", "*", false },   { "NAME|FILE", "*", false }, { "PATH", "*", false },
  { "PEF", "*.pef", false }, { "SUBJECT", "*", false },
};

Values
values_of (const SfOption *option)
{
  const char *arg = option->arg != NULL ? option->arg : "", *suffix = strrchr (arg, '.');
  Values values = { g_strdup (""), g_strdup (""), false };
  if (option->type == SF_OPTION_CHOICE)
    {
      g_free (values.words);
      values.words = g_strdelimit (g_strdup (option->choices), "|", ' ');
      return values;
    }
  for (size_t i = 0; i < G_N_ELEMENTS (places); i++)
    if (strcmp (places[i].arg, arg) == 0)
      {
        g_free (values.files);
        values.files = g_strdup (places[i].files);
        values.ids = places[i].ids;
        return values;
      }
  if (suffix != NULL && g_ascii_isalpha (suffix[1]))
    {
      g_free (values.files);
      values.files = g_strconcat ("*", suffix, NULL);
    }
  return values;
}

void
values_clear (Values *values)
{
  g_free (values->words);
  g_free (values->files);
}

bool
is_named_option (const SfOption *option)
{
  return (option->flags & (SF_OPTION_HIDDEN | SF_OPTION_POSITIONAL)) == 0;
}

/* ---- the verb ---- */

static int
run_completion (const SfOptionValues *options, GError **error)
{
  for (size_t i = 0; i < G_N_ELEMENTS (shells); i++)
    if (strcmp (shells[i].name, sf_option_string (options, "shell")) == 0)
      shells[i].print (sf_tool_current ());
  return 0;
}

const SfVerb sf_verb_completion = {
  .name = "completion",
  .summary = "print a script that completes this tool's verbs and options",
  .example = "source <(sf completion bash)\nsf completion fish | source",
  .options = completion_options,
  .run = run_completion,
};

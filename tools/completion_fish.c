/* SPDX-License-Identifier: Apache-2.0 */
/* Completion for fish. */
#include <stdio.h>
#include <string.h>

#include "tools/completion.h"

/* Between single quotes. Owned. */
static char *
quoted (const char *text)
{
  GString *out = g_string_new (NULL);
  for (; *text != '\0'; text++)
    g_string_append_printf (out, "%s%c", *text == '\'' || *text == '\\' ? "\\" : "", *text);
  return g_string_free (out, FALSE);
}

/* " -a '...'" of what may stand there; nothing to say: files. */
static void
print_values (const SfTool *tool, const Values *values)
{
  if (values->words[0] != '\0')
    printf (" -a '%s'", values->words);
  else if (values->ids)
    printf (" -a '(__%s_ids)'", tool->name);
  else if (strcmp (values->files, "/") == 0)
    printf (" -a '(__fish_complete_directories)'");
  else if (strcmp (values->files, "*") == 0)
    printf (" -F");
  else if (values->files[0] != '\0')
    printf (" -k -a '(__fish_complete_suffix %s)'", values->files + 1);
}

static void
print_option (const SfTool *tool, const char *condition, const SfOption *option)
{
  g_auto (Values) values = values_of (option);
  g_autofree char *help = quoted (option->help != NULL ? option->help : "");
  bool positional = (option->flags & SF_OPTION_POSITIONAL) != 0;
  if (positional && values.words[0] == '\0' && values.files[0] == '\0' && !values.ids)
    return;
  printf ("complete -c %s -n '%s'", tool->name, condition);
  if (!positional)
    printf (" -l %s", option->name);
  if (!positional && option->short_name != 0)
    printf (" -s %c", option->short_name);
  if (!positional && option->type != SF_OPTION_BOOL)
    printf (" -r");
  print_values (tool, &values);
  if (!positional)
    printf (" -d '%s'", help);
  printf ("\n");
}

static void
print_verb (const SfTool *tool, const SfVerb *verb)
{
  g_autofree SfOption *table = sf_tool_option_table (verb);
  g_auto (GStrv) words = g_strsplit (verb->name, " ", 2);
  g_autofree char *summary = quoted (verb->summary),
                  *one = g_strdup_printf ("__fish_seen_subcommand_from %s", words[0]),
                  *both = words[1] != NULL ? g_strdup_printf (
                              "%s; and __fish_seen_subcommand_from %s", one, words[1])
                                           : g_strdup (one);
  printf ("complete -c %s -n __fish_use_subcommand -a %s -d '%s'\n", tool->name, words[0], summary);
  if (words[1] != NULL)
    printf ("complete -c %s -n '%s; and not __fish_seen_subcommand_from %s' -a %s -d '%s'\n",
            tool->name, one, words[1], words[1], summary);
  for (const SfOption *option = table; option->name != NULL; option++)
    if ((option->flags & SF_OPTION_HIDDEN) == 0)
      print_option (tool, both, option);
}

void
completion_fish (const SfTool *tool)
{
  printf (
      "# fish completion of %s; to use it: %s completion fish | source\n"
      "function __%s_ids\n"
      "  %s list --parsable 2>/dev/null | string replace -r '^(\\d+)\\|([^|]*)\\|.*' '$1\\t$2' | "
      "string match -r '^\\d+.*'\n"
      "end\ncomplete -c %s -f\n"
      "complete -c %s -n __fish_use_subcommand -l help -d 'print what verbs there are'\n"
      "complete -c %s -n __fish_use_subcommand -l version -d 'print the version'\n",
      tool->name, tool->name, tool->name, tool->name, tool->name, tool->name, tool->name);
  for (const SfVerb *const *verb = tool->verbs; *verb != NULL; verb++)
    print_verb (tool, *verb);
}

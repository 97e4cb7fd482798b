/* SPDX-License-Identifier: Apache-2.0 */
/* Completion for zsh. */
#include <stdio.h>
#include <string.h>

#include "tools/completion.h"

/* Within single quotes, and with a backslash before what `special` has. Owned. */
static char *
quoted (const char *text, const char *special)
{
  GString *out = g_string_new (NULL);
  for (; *text != '\0'; text++)
    if (*text == '\'')
      g_string_append (out, "'\\''");
    else
      g_string_append_printf (out, "%s%c", strchr (special, *text) != NULL ? "\\" : "", *text);
  return g_string_free (out, FALSE);
}

/* ":MODEL:_files" and the like, as _arguments takes it. Owned. */
static char *
value_spec (const SfTool *tool, const SfOption *option)
{
  g_auto (Values) values = values_of (option);
  g_autofree char *what = quoted (option->arg != NULL ? option->arg : option->name, ":[]\\");
  if (values.words[0] != '\0')
    return g_strdup_printf (":%s:(%s)", what, values.words);
  if (values.ids)
    return g_strdup_printf (":%s:_%s_ids", what, tool->name);
  if (strcmp (values.files, "/") == 0)
    return g_strdup_printf (":%s:_files -/", what);
  if (strcmp (values.files, "*") == 0)
    return g_strdup_printf (":%s:_files", what);
  if (values.files[0] != '\0')
    return g_strdup_printf (":%s:_files -g \"%s\"", what, values.files);
  return g_strdup_printf (":%s: ", what);
}

static void
print_option (const SfTool *tool, const SfOption *option)
{
  g_autofree char *spec = value_spec (tool, option),
                  *help = quoted (option->help != NULL ? option->help : "", ":[]\\");
  bool list = option->type == SF_OPTION_LIST, is_bool = option->type == SF_OPTION_BOOL;
  if ((option->flags & SF_OPTION_POSITIONAL) != 0)
    {
      printf (" \\\n        '%s%s'", list ? "*" : "", spec);
      return;
    }
  printf (" \\\n        '%s--%s%s[%s]%s'", list ? "*" : "", option->name, is_bool ? "" : "=", help,
          is_bool ? "" : spec);
  if (option->short_name != 0)
    printf (" \\\n        '%s-%c%s[%s]%s'", list ? "*" : "", option->short_name, is_bool ? "" : "+",
            help, is_bool ? "" : spec);
}

static void
print_verb (const SfTool *tool, const SfVerb *verb)
{
  g_autofree SfOption *table = sf_tool_option_table (verb);
  printf ("    ('%s')\n      _arguments -s", verb->name);
  for (const SfOption *option = table; option->name != NULL; option++)
    if ((option->flags & SF_OPTION_HIDDEN) == 0)
      print_option (tool, option);
  printf (" ;;\n");
}

void
completion_zsh (const SfTool *tool)
{
  printf ("#compdef %s\n# zsh completion of %s; to use it: source <(%s completion zsh)\n"
          "_%s_ids ()\n{\n  local -a ids\n"
          "  ids=(${(f)\"$(%s list --parsable 2>/dev/null | sed '1d; s/|/:/; s/|.*//')\"})\n"
          "  _describe -V job ids\n}\n\n_%s ()\n{\n  local verb=$words[2]\n  local -a verbs\n"
          "  verbs=(\n",
          tool->name, tool->name, tool->name, tool->name, tool->name, tool->name);
  g_autoptr (GString) pairs = g_string_new (NULL);
  for (const SfVerb *const *verb = tool->verbs; *verb != NULL; verb++)
    {
      g_autofree char *summary = quoted ((*verb)->summary, "\\");
      g_auto (GStrv) words = g_strsplit ((*verb)->name, " ", 2);
      printf ("    '%s:%s'\n", words[0], summary);
      if (words[1] != NULL)
        g_string_append_printf (
            pairs,
            "    (%s)\n      if (( CURRENT == 3 )); then compadd %s; return; fi\n"
            "      verb=\"$words[2] $words[3]\"; shift words; (( CURRENT-- )) ;;\n",
            words[0], words[1]);
    }
  printf ("  )\n  if (( CURRENT == 2 )); then _describe verb verbs; return; fi\n"
          "  case $verb in\n%s  esac\n  shift words\n  (( CURRENT-- ))\n  case $verb in\n",
          pairs->str);
  for (const SfVerb *const *verb = tool->verbs; *verb != NULL; verb++)
    print_verb (tool, *verb);
  printf ("  esac\n}\n\nif [ \"$funcstack[1]\" = _%s ]; then _%s \"$@\"; else compdef _%s %s; fi\n",
          tool->name, tool->name, tool->name, tool->name);
}

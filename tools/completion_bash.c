/* SPDX-License-Identifier: Apache-2.0 */
/* Completion for bash. The script needs nothing but bash itself. */
#include <stdio.h>
#include <string.h>

#include "tools/completion.h"

/* One branch by the word before the cursor: values of an option, or what a verb takes without. */
static void
print_values (const char *pattern, const Values *values)
{
  if (values->words[0] == '\0' && values->files[0] == '\0' && !values->ids)
    {
      printf ("        %s) return ;;\n", pattern);
      return;
    }
  printf ("        %s)", pattern);
  if (values->words[0] != '\0')
    printf (" words=\"%s\"", values->words);
  if (values->files[0] != '\0')
    printf ("%s files='%s'", values->words[0] != '\0' ? ";" : "", values->files);
  if (values->ids)
    printf (" ids=1");
  printf (" ;;\n");
}

static void
print_option (const SfOption *option)
{
  g_auto (Values) values = values_of (option);
  g_autofree char *pattern = option->short_name != 0
                                 ? g_strdup_printf ("--%s|-%c", option->name, option->short_name)
                                 : g_strdup_printf ("--%s", option->name);
  print_values (pattern, &values);
}

/* All positionals in one: which of them it is, is not counted. */
static void
print_positionals (const SfOption *table)
{
  g_autoptr (GString) words = g_string_new (NULL), files = g_string_new (NULL);
  bool ids = false;
  for (const SfOption *option = table; option->name != NULL; option++)
    {
      g_auto (Values) values = values_of (option);
      if ((option->flags & SF_OPTION_POSITIONAL) == 0)
        continue;
      g_string_append_printf (words, "%s%s", words->len > 0 && values.words[0] != '\0' ? " " : "",
                              values.words);
      if (files->len == 0)
        g_string_append (files, values.files);
      ids = ids || values.ids;
    }
  const Values all = { words->str, files->str, ids };
  if (words->len == 0 && files->len == 0 && !ids)
    printf ("        *) words=$options ;;\n");
  else
    print_values ("*", &all);
}

static void
print_verb (const SfVerb *verb)
{
  g_autofree SfOption *table = sf_tool_option_table (verb);
  g_autofree char *pattern = g_strdelimit (g_strdup (verb->name), " ", '_');
  printf ("    %s)\n      options=\"", pattern);
  for (const SfOption *option = table; option->name != NULL; option++)
    if (is_named_option (option))
      printf ("--%s ", option->name);
  printf ("\"\n      case \"$previous\" in\n");
  for (const SfOption *option = table; option->name != NULL; option++)
    if (is_named_option (option) && option->type != SF_OPTION_BOOL)
      print_option (option);
  print_positionals (table);
  printf ("      esac ;;\n");
}

/* The first words of verbs, and what may follow those of two words. */
static void
print_verb_names (const SfTool *tool)
{
  g_autoptr (GString) first = g_string_new (NULL);
  printf ("  case \"$verb\" in\n");
  for (const SfVerb *const *verb = tool->verbs; *verb != NULL; verb++)
    {
      const char *space = strchr ((*verb)->name, ' ');
      size_t length = space != NULL ? (size_t) (space - (*verb)->name) : strlen ((*verb)->name);
      g_string_append_printf (first, "%.*s ", (int) length, (*verb)->name);
      if (space != NULL)
        printf ("    %.*s) second=\"$second %s\" ;;\n", (int) length, (*verb)->name, space + 1);
    }
  printf ("    *) ;;\n  esac\n  if [ \"$COMP_CWORD\" = 1 ]; then\n"
          "    words=\"%s--help --version\"\n",
          first->str);
}

void
completion_bash (const SfTool *tool)
{
  printf ("# bash completion of %s; to use it: source <(%s completion bash)\n_%s_complete ()\n{\n",
          tool->name, tool->name, tool->name);
  printf ("  local word=\"${COMP_WORDS[COMP_CWORD]}\" previous=\"${COMP_WORDS[COMP_CWORD-1]}\"\n"
          "  local verb=\"${COMP_WORDS[1]}\" options= words= files= ids= second= found\n"
          "  # --option=value comes in three words\n"
          "  if [ \"$word\" = = ]; then word=\n"
          "  elif [ \"$previous\" = = ]; then previous=\"${COMP_WORDS[COMP_CWORD-2]}\"\n  fi\n"
          "  COMPREPLY=()\n");
  print_verb_names (tool);
  printf ("  elif [ \"$COMP_CWORD\" = 2 ] && [ -n \"$second\" ]; then\n    words=$second\n"
          "  else\n    [ -n \"$second\" ] && verb=\"${verb}_${COMP_WORDS[2]}\"\n"
          "    case \"$verb\" in\n");
  for (const SfVerb *const *verb = tool->verbs; *verb != NULL; verb++)
    print_verb (*verb);
  printf (
      "    esac\n    case \"$word\" in -*) words=$options files= ids= ;; esac\n  fi\n"
      "  if [ -n \"$ids\" ]; then\n"
      "    words=\"$words $(\"${1:-%s}\" list --parsable 2>/dev/null | sed '1d; s/|.*//')\"\n  fi\n"
      "  COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
      "  if [ -n \"$files\" ]; then\n    compopt -o filenames 2>/dev/null\n"
      "    while IFS= read -r found; do\n      COMPREPLY+=(\"$found\")\n"
      "    done < <(compgen -f -X \"!$files\" -- \"$word\"; compgen -d -- \"$word\")\n  fi\n"
      "}\ncomplete -F _%s_complete %s\n",
      tool->name, tool->name, tool->name);
}

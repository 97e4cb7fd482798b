/* SPDX-License-Identifier: Apache-2.0 */
/* The verb `completion`: a shell script that completes verbs and options, written from the tables.
 */
#include <stdio.h>
#include <string.h>

#include "tools/tool.h"

static const SfOption completion_options[] = {
  { .name = "shell",
    .type = SF_OPTION_CHOICE,
    .choices = "bash",
    .flags = SF_OPTION_POSITIONAL | SF_OPTION_REQUIRED,
    .arg = "SHELL",
    .help = "the shell that will read the script" },
  { .name = NULL },
};

/* One case branch: the choices of the option before the cursor, else the verb's options. */
static void
print_verb (const SfVerb *verb)
{
  g_autofree SfOption *table = sf_tool_option_table (verb);
  g_autofree char *pattern = g_strdelimit (g_strdup (verb->name), " ", '_');
  g_autoptr (GString) names = g_string_new (NULL);
  printf ("    %s)\n      case \"$previous\" in\n", pattern);
  for (const SfOption *option = table; option->name != NULL; option++)
    {
      if ((option->flags & SF_OPTION_HIDDEN) != 0)
        continue;
      g_autofree char *words = option->type == SF_OPTION_CHOICE
                                   ? g_strdelimit (g_strdup (option->choices), "|", ' ')
                                   : NULL;
      if ((option->flags & SF_OPTION_POSITIONAL) != 0)
        g_string_append_printf (names, "%s ", words != NULL ? words : "");
      else
        g_string_append_printf (names, "--%s ", option->name);
      if (words != NULL && (option->flags & SF_OPTION_POSITIONAL) == 0)
        printf ("        --%s) words=\"%s\" ;;\n", option->name, words);
    }
  printf ("        *) words=\"%s\" ;;\n      esac ;;\n", names->str);
}

static int
run_completion (const SfOptionValues *options, GError **error)
{
  const SfTool *tool = sf_tool_current ();
  g_autoptr (GString) verbs = g_string_new (NULL);
  g_autoptr (GString) pairs = g_string_new (NULL);
  for (const SfVerb *const *verb = tool->verbs; *verb != NULL; verb++)
    {
      const char *space = strchr ((*verb)->name, ' ');
      g_string_append_printf (
          verbs, "%.*s ",
          (int) (space != NULL ? space - (*verb)->name : (gssize) strlen ((*verb)->name)),
          (*verb)->name);
      if (space != NULL)
        g_string_append_printf (pairs, "    %.*s) second=\"$second %s\" ;;\n",
                                (int) (space - (*verb)->name), (*verb)->name, space + 1);
    }
  printf ("# bash completion of %s; to use it: source <(%s completion bash)\n_%s_complete ()\n{\n",
          tool->name, tool->name, tool->name);
  printf (
      "  local word=\"${COMP_WORDS[COMP_CWORD]}\" previous=\"${COMP_WORDS[COMP_CWORD-1]}\"\n"
      "  local verb=\"${COMP_WORDS[1]}\" pair=\"${COMP_WORDS[1]}_${COMP_WORDS[2]}\" words= second=\n"
      "  case \"$verb\" in\n%s  esac\n"
      "  if [ \"$COMP_CWORD\" = 1 ]; then words=\"%s--help --version\"\n"
      "  elif [ \"$COMP_CWORD\" = 2 ] && [ -n \"$second\" ]; then words=\"$second\"\n"
      "  else\n    [ -n \"$second\" ] && verb=\"$pair\"\n    case \"$verb\" in\n",
      pairs->str, verbs->str);
  for (const SfVerb *const *verb = tool->verbs; *verb != NULL; verb++)
    print_verb (*verb);
  printf ("    esac\n  fi\n"
          "  COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
          "}\ncomplete -o default -F _%s_complete %s\n",
          tool->name, tool->name);
  return 0;
}

const SfVerb sf_verb_completion = {
  .name = "completion",
  .summary = "print a script that completes this tool's verbs and options",
  .example = "source <(sf completion bash)",
  .options = completion_options,
  .run = run_completion,
};

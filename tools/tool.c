/* SPDX-License-Identifier: Apache-2.0 */
/* What the command line tools share: verbs by table, --help, --version, global options, errors and
 * exit codes. */
#include "tools/tool.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sf/log.h>
#include <sf/plugins.h>

static const SfTool *current_tool;

static const SfOption global_options[] = {
  { .name = "plugin-path",
    .type = SF_OPTION_STRING,
    .arg = "DIRS",
    .help = "folders searched for plugins before $SF_PLUGIN_PATH, separated by ':'" },
  { .name = "log",
    .type = SF_OPTION_CHOICE,
    .def = "warning",
    .choices = "error|warning|info|debug",
    .help = "diagnostics that go to stderr" },
  { .name = "help", .short_name = 'h', .type = SF_OPTION_BOOL, .help = "print this text" },
  { .name = NULL },
};

static size_t
table_length (const SfOption *table)
{
  size_t n = 0;
  while (table != NULL && table[n].name != NULL)
    n++;
  return n;
}

const SfTool *
sf_tool_current (void)
{
  return current_tool;
}

SfOption *
sf_tool_option_table (const SfVerb *verb)
{
  size_t n = table_length (verb->options);
  SfOption *table = g_new0 (SfOption, n + G_N_ELEMENTS (global_options));
  if (n > 0)
    memcpy (table, verb->options, n * sizeof *table);
  memcpy (table + n, global_options, sizeof global_options);
  return table;
}

/* ---- help ---- */

static void
print_indented (const char *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    printf ("  %s\n", *line);
}

static void
print_tool_help (const SfTool *tool)
{
  printf ("Usage: %s VERB [OPTION]...\n%s.\n\nVerbs:\n", tool->name, tool->summary);
  int width = 0;
  for (const SfVerb *const *verb = tool->verbs; *verb != NULL; verb++)
    width = MAX (width, (int) strlen ((*verb)->name));
  for (const SfVerb *const *verb = tool->verbs; *verb != NULL; verb++)
    printf ("  %-*s  %s\n", width, (*verb)->name, (*verb)->summary);
  printf ("\nEvery verb takes --help, --plugin-path DIRS and --log LEVEL; %s --version prints the "
          "version.\n\nExample:\n",
          tool->name);
  print_indented (tool->example);
}

char *
sf_tool_usage (const SfTool *tool, const SfVerb *verb)
{
  GString *usage = g_string_new (NULL);
  g_string_printf (usage, "%s %s", tool->name, verb->name);
  size_t n = table_length (verb->options);
  for (size_t i = 0; i < n; i++)
    {
      const SfOption *option = &verb->options[i];
      if ((option->flags & SF_OPTION_POSITIONAL) == 0)
        continue;
      g_autofree char *upper = g_ascii_strup (option->name, -1);
      const char *word = option->arg != NULL ? option->arg : upper;
      bool required = (option->flags & SF_OPTION_REQUIRED) != 0,
           again = option->type == SF_OPTION_LIST && !g_str_has_suffix (word, "...");
      g_string_append_printf (usage, " %s%s%s%s", required ? "" : "[", word, required ? "" : "]",
                              again ? "..." : "");
    }
  g_string_append (usage, " [OPTION]...");
  return g_string_free (usage, FALSE);
}

static void
print_verb_help (const SfTool *tool, const SfVerb *verb, const SfOption *table,
                 const SfOptionValues *values)
{
  g_autofree char *usage = sf_tool_usage (tool, verb);
  printf ("Usage: %s\n%c%s.\n", usage, g_ascii_toupper (verb->summary[0]), verb->summary + 1);
  g_autofree char *options = sf_option_help (table);
  printf ("\n%s", options);
  g_autofree char *more = verb->more_help != NULL ? verb->more_help (values) : NULL;
  if (more != NULL)
    printf ("\n%s", more);
  printf ("\nExample:\n");
  print_indented (verb->example);
}

/* ---- finding the verb ---- */

/* The verb that argv[*index] names, alone or with the word after it; moves *index past it. */
static const SfVerb *
find_verb (const SfTool *tool, int argc, char **argv, int *index)
{
  const char *first = argv[*index];
  g_autofree char *both = *index + 1 < argc ? g_strdup_printf ("%s %s", first, argv[*index + 1])
                                            : NULL;
  for (const SfVerb *const *verb = tool->verbs; *verb != NULL; verb++)
    {
      bool two = both != NULL && strcmp ((*verb)->name, both) == 0;
      if (two || strcmp ((*verb)->name, first) == 0)
        {
          *index += two ? 2 : 1;
          return *verb;
        }
    }
  return NULL;
}

static bool
fail_no_verb (const SfTool *tool, const char *word, GError **error)
{
  g_autofree char *prefix = g_strdup_printf ("%s ", word);
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  for (const SfVerb *const *verb = tool->verbs; *verb != NULL; verb++)
    {
      if (g_str_has_prefix ((*verb)->name, prefix))
        return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                        "%s: half a verb, wanted %s; see %s %s --help", word, (*verb)->name,
                        tool->name, (*verb)->name);
      g_ptr_array_add (names, (gpointer) (*verb)->name);
    }
  const char *nearest = sf_nearest_word (word, (const char *const *) names->pdata, names->len);
  if (nearest != NULL)
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "%s: unknown verb, wanted one of %s --help; did you mean %s?", word, tool->name,
                    nearest);
  return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                  "%s: unknown verb, wanted one that %s --help lists; choose one", word,
                  tool->name);
}

/* Moves the options before the verb to `moved`; *index is then the verb's. */
static bool
take_leading_options (const SfTool *tool, int argc, char **argv, int *index, GPtrArray *moved,
                      GError **error)
{
  for (; *index < argc && argv[*index][0] == '-'; ++*index)
    {
      const char *word = argv[*index];
      const SfOption *known = NULL;
      for (const SfOption *option = global_options; option->name != NULL; option++)
        {
          size_t n = strlen (option->name);
          if (strncmp (word, "--", 2) == 0 && strncmp (word + 2, option->name, n) == 0
              && (word[n + 2] == '\0' || word[n + 2] == '='))
            known = option;
        }
      if (known == NULL)
        return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                        "%s: unknown option before the verb, wanted --plugin-path or --log; put "
                        "a verb's options behind it, see %s --help",
                        word, tool->name);
      g_ptr_array_add (moved, (gpointer) word);
      if (known->type != SF_OPTION_BOOL && strchr (word, '=') == NULL && *index + 1 < argc)
        g_ptr_array_add (moved, argv[++*index]);
    }
  return true;
}

/* ---- running ---- */

static void
log_to_stderr (SfLogLevel level, const char *message, void *user_data)
{
  static const char *const names[] = { "error", "warning", "info", "debug" };
  fprintf (stderr, "%s: %s: %s\n", (const char *) user_data, names[level], message);
}

static void
apply_global_options (const SfTool *tool, const SfOptionValues *values)
{
  static const char *const levels[] = { "error", "warning", "info", "debug", NULL };
  const char *level = sf_option_string (values, "log");
  for (int i = 0; levels[i] != NULL; i++)
    if (strcmp (levels[i], level) == 0)
      sf_log_set_sink (log_to_stderr, (void *) tool->name, (SfLogLevel) i);
  if (sf_option_string (values, "plugin-path") != NULL)
    sf_plugins_set_path (sf_option_string (values, "plugin-path"));
}

/* Runs a verb on its own argv: argv[0] is "sf plugins". */
static int
run_verb (const SfTool *tool, const SfVerb *verb, int argc, char **argv, GError **error)
{
  g_autofree SfOption *table = sf_tool_option_table (verb);
  g_autoptr (SfOptionValues) values = sf_option_values_new (table);
  if (!sf_option_parse_argv (values, argc, argv, error))
    return 1;
  apply_global_options (tool, values);
  if (sf_option_bool (values, "help"))
    {
      print_verb_help (tool, verb, table, values);
      return 0;
    }
  if (!sf_option_check (values, argv[0], error))
    return 1;
  return verb->run (values, error);
}

static int
run_tool (const SfTool *tool, int argc, char **argv, GError **error)
{
  int index = 1;
  g_autoptr (GPtrArray) own = g_ptr_array_new ();
  g_ptr_array_add (own, NULL);
  if (argc > 1 && (strcmp (argv[1], "--help") == 0 || strcmp (argv[1], "-h") == 0))
    {
      print_tool_help (tool);
      return 0;
    }
  if (argc > 1 && strcmp (argv[1], "--version") == 0)
    {
      printf ("%s (Spatialflow) %s\n", tool->name, PACKAGE_VERSION);
      return 0;
    }
  if (!take_leading_options (tool, argc, argv, &index, own, error))
    return 1;
  if (index >= argc)
    {
      sf_fail (error, SF_ERROR_INVALID_ARGUMENT, "no verb, wanted one; see %s --help", tool->name);
      return 1;
    }
  const char *word = argv[index];
  const SfVerb *verb = find_verb (tool, argc, argv, &index);
  if (verb == NULL)
    {
      fail_no_verb (tool, word, error);
      return 1;
    }
  g_autofree char *name = g_strdup_printf ("%s %s", tool->name, verb->name);
  own->pdata[0] = name;
  for (; index < argc; index++)
    g_ptr_array_add (own, argv[index]);
  int own_argc = (int) own->len;
  g_ptr_array_add (own, NULL);
  return run_verb (tool, verb, own_argc, (char **) own->pdata, error);
}

int
sf_tool_main (const SfTool *tool, int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  current_tool = tool;
  sf_log_set_sink (log_to_stderr, (void *) tool->name, SF_LOG_WARNING);
  int code = run_tool (tool, argc, argv, &error);
  errno = 0;
  if ((fflush (stdout) != 0 || ferror (stdout) != 0) && error == NULL)
    sf_fail_errno (&error, errno != 0 ? errno : EIO, "standard output: cannot write");
  if (error == NULL)
    return code;
  fprintf (stderr, "%s: %s\n", tool->name, error->message);
  return sf_error_exit_code (error);
}

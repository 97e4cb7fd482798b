/* SPDX-License-Identifier: Apache-2.0 */
/* Option tables as --help text, option values as a command line. */
#include <sf/options.h>

#include <string.h>

#include "core/base/option_values.h"

enum
{
  HELP_COLUMN = 30
};

char *
sf_option_help_head (const SfOption *option)
{
  if ((option->flags & SF_OPTION_POSITIONAL) != 0)
    return g_strdup (sf_option_placeholder (option));
  GString *head = g_string_new (NULL);
  if (option->short_name != 0)
    g_string_append_printf (head, "-%c, ", option->short_name);
  bool is_bool = option->type == SF_OPTION_BOOL;
  g_string_append_printf (
      head, "--%s%s", is_bool && g_strcmp0 (option->def, "true") == 0 ? "[no-]" : "", option->name);
  if (!is_bool)
    g_string_append_printf (head, " %s", sf_option_placeholder (option));
  return g_string_free (head, FALSE);
}

static void
append_notes (GString *text, const SfOption *option)
{
  g_autoptr (GPtrArray) notes = g_ptr_array_new_with_free_func (g_free);
  if ((option->flags & SF_OPTION_REQUIRED) != 0 && (option->flags & SF_OPTION_POSITIONAL) == 0)
    g_ptr_array_add (notes, g_strdup ("required"));
  if (option->type == SF_OPTION_CHOICE && option->arg != NULL)
    g_ptr_array_add (notes, g_strdup_printf ("one of %s", option->choices));
  if ((option->type == SF_OPTION_INT || option->type == SF_OPTION_FLOAT)
      && option->min < option->max)
    g_ptr_array_add (notes, option->max < 1e9
                                ? g_strdup_printf ("%.15g to %.15g", option->min, option->max)
                                : g_strdup_printf ("at least %.15g", option->min));
  if (option->type == SF_OPTION_LIST)
    g_ptr_array_add (notes, g_strdup ("may be given again"));
  if (option->def != NULL && option->type != SF_OPTION_BOOL)
    g_ptr_array_add (notes, g_strdup_printf ("default: %s", option->def));
  for (guint i = 0; i < notes->len; i++)
    g_string_append_printf (text, "%s%s%s", i == 0 ? " (" : "; ", (char *) notes->pdata[i],
                            i + 1 == notes->len ? ")" : "");
}

char *
sf_option_help_text (const SfOption *option)
{
  GString *text = g_string_new (option->help);
  append_notes (text, option);
  return g_string_free (text, FALSE);
}

char *
sf_option_help (const SfOption *table)
{
  GString *text = g_string_new (NULL);
  for (int positional = 1; positional >= 0; positional--)
    for (const SfOption *option = table; option->name != NULL; option++)
      {
        bool is_positional = (option->flags & SF_OPTION_POSITIONAL) != 0;
        if ((option->flags & SF_OPTION_HIDDEN) != 0 || is_positional != (positional == 1))
          continue;
        g_autofree char *head = sf_option_help_head (option), *help = sf_option_help_text (option);
        if (strlen (head) + 4 > HELP_COLUMN)
          g_string_append_printf (text, "  %s\n%*s%s\n", head, HELP_COLUMN, "", help);
        else
          g_string_append_printf (text, "  %-*s%s\n", HELP_COLUMN - 2, head, help);
      }
  return g_string_free (text, FALSE);
}

static void
add_option (GPtrArray *argv, const SfOption *option, const char *value)
{
  bool is_bool = option->type == SF_OPTION_BOOL;
  g_ptr_array_add (argv,
                   g_strdup_printf ("--%s%s", is_bool && strcmp (value, "false") == 0 ? "no-" : "",
                                    option->name));
  if (!is_bool)
    g_ptr_array_add (argv, g_strdup (value));
}

char **
sf_option_to_argv (const SfOptionValues *values)
{
  g_autoptr (GPtrArray) positionals = g_ptr_array_new ();
  g_autoptr (GPtrArray) options = g_ptr_array_new ();
  bool looks_like_option = false;
  for (size_t i = 0; i < values->n; i++)
    {
      const SfOption *option = &values->table[i];
      const SfOptionValue *value = &values->values[i];
      if (!value->is_set)
        continue;
      bool is_list = option->type == SF_OPTION_LIST;
      for (guint k = 0; k < (is_list ? value->list->len - 1 : 1); k++)
        {
          const char *text = is_list ? value->list->pdata[k] : value->text;
          if ((option->flags & SF_OPTION_POSITIONAL) == 0)
            {
              add_option (options, option, text);
              continue;
            }
          g_ptr_array_add (positionals, g_strdup (text));
          looks_like_option = looks_like_option || (text[0] == '-' && text[1] != '\0');
        }
    }
  /* Positionals first reads well; behind "--" when one of them begins like an option. */
  GPtrArray *argv = looks_like_option ? options : positionals,
            *rest = looks_like_option ? positionals : options;
  if (looks_like_option)
    g_ptr_array_add (argv, g_strdup ("--"));
  for (guint i = 0; i < rest->len; i++)
    g_ptr_array_add (argv, rest->pdata[i]);
  g_ptr_array_add (argv, NULL);
  return (char **) g_memdup2 (argv->pdata, argv->len * sizeof (char *));
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Option values from a name, a command line, or a config group. */
#include <sf/options.h>

#include <inttypes.h>
#include <string.h>

#include "core/base/option_values.h"

/* "batch_size" for "batch-size", or the other way round. */
static char *
respell (const char *name, char from, char to)
{
  char *copy = g_strdup (name);
  for (char *p = copy; *p != '\0'; p++)
    if (*p == from)
      *p = to;
  return copy;
}

/* The row whose name, spelled with `separator`, is nearest to `name`. Owned. */
static char *
nearest_row (const SfOption *table, const char *name, char separator)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  for (const SfOption *option = table; option->name != NULL; option++)
    if ((option->flags & SF_OPTION_HIDDEN) == 0)
      g_ptr_array_add (names, respell (option->name, '-', separator));
  return g_strdup (sf_nearest_word (name, (const char *const *) names->pdata, names->len));
}

bool
sf_option_set (SfOptionValues *values, const char *name, const char *text, const char *where,
               GError **error)
{
  g_autofree char *spelled = respell (name, '_', '-');
  g_autofree char *shown = where != NULL ? g_strdup_printf ("%s: %s", where, name)
                                         : g_strdup (name);
  int row = sf_option_find (values->table, spelled);
  if (row >= 0)
    return sf_option_set_row (values, row, text, shown, SF_ERROR_INVALID_ARGUMENT, error);
  g_autofree char *nearest = nearest_row (values->table, spelled, '-');
  if (nearest != NULL)
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT, "%s: unknown option; did you mean %s?", shown,
                    nearest);
  return sf_fail (error, SF_ERROR_INVALID_ARGUMENT, "%s: unknown option", shown);
}

/* An argv on its way into values. */
typedef struct
{
  SfOptionValues *values;
  int argc;
  char **argv;
  int at;
  int next_positional; /* row from which the next positional is looked for */
} Reader;

/* The argument's value: what is attached, or the next word. */
static bool
take_value (Reader *self, int row, const char *attached, const char *shown, GError **error)
{
  const SfOption *option = &self->values->table[row];
  if (attached == NULL && option->type == SF_OPTION_BOOL)
    attached = "true";
  if (attached == NULL && self->at + 1 >= self->argc)
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT, "%s: found no value, wanted %s", shown,
                    sf_option_placeholder (option));
  if (attached == NULL)
    attached = self->argv[++self->at];
  return sf_option_set_row (self->values, row, attached, shown, SF_ERROR_INVALID_ARGUMENT, error);
}

static bool
read_long (Reader *self, const char *word, GError **error)
{
  const char *equals = strchr (word, '=');
  g_autofree char *name = equals != NULL ? g_strndup (word + 2, (size_t) (equals - word - 2))
                                         : g_strdup (word + 2);
  g_autofree char *shown = g_strconcat ("--", name, NULL);
  const SfOption *table = self->values->table;
  int row = sf_option_find (table, name);
  if (row >= 0 && (table[row].flags & SF_OPTION_POSITIONAL) == 0)
    return take_value (self, row, equals != NULL ? equals + 1 : NULL, shown, error);
  if (g_str_has_prefix (name, "no-") && equals == NULL)
    {
      row = sf_option_find (table, name + 3);
      if (row >= 0 && table[row].type == SF_OPTION_BOOL)
        return sf_option_set_row (self->values, row, "false", shown, SF_ERROR_INVALID_ARGUMENT,
                                  error);
    }
  g_autofree char *nearest = nearest_row (table, name, '-');
  if (nearest != NULL && (table[sf_option_find (table, nearest)].flags & SF_OPTION_POSITIONAL) == 0)
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT, "%s: unknown option; did you mean --%s?",
                    shown, nearest);
  return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                  "%s: unknown option; --help lists the known ones", shown);
}

/* -O3 names the choice "3", or "o3". */
static const char *
spelled_choice (const SfOption *option, const char *text, char **owned)
{
  *owned = g_strdup_printf ("%c%s", g_ascii_tolower (option->short_name), text);
  g_auto (GStrv) words = g_strsplit (option->choices, "|", -1);
  bool needs_letter = !g_strv_contains ((const char *const *) words, text)
                      && g_strv_contains ((const char *const *) words, *owned);
  return needs_letter ? *owned : text;
}

static bool
read_short (Reader *self, const char *word, GError **error)
{
  const SfOption *table = self->values->table;
  const char shown[] = { '-', word[1], '\0' };
  for (int row = 0; table[row].name != NULL; row++)
    {
      if (table[row].short_name != word[1])
        continue;
      const char *attached = word[2] != '\0' ? word + 2 : NULL;
      g_autofree char *owned = NULL;
      if (attached != NULL && table[row].type == SF_OPTION_CHOICE)
        attached = spelled_choice (&table[row], attached, &owned);
      return take_value (self, row, attached, shown, error);
    }
  return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                  "%s: unknown option; --help lists the known ones", shown);
}

static bool
read_positional (Reader *self, const char *word, GError **error)
{
  const SfOption *table = self->values->table;
  for (int row = self->next_positional; table[row].name != NULL; row++)
    if ((table[row].flags & SF_OPTION_POSITIONAL) != 0)
      {
        self->next_positional = table[row].type == SF_OPTION_LIST ? row : row + 1;
        return sf_option_set_row (self->values, row, word, sf_option_placeholder (&table[row]),
                                  SF_ERROR_INVALID_ARGUMENT, error);
      }
  return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                  "%s: found one argument too many; --help shows what is wanted", word);
}

bool
sf_option_parse_argv (SfOptionValues *values, int argc, char **argv, GError **error)
{
  Reader reader = { .values = values, .argc = argc, .argv = argv };
  bool only_positionals = false;
  for (reader.at = 1; reader.at < argc; reader.at++)
    {
      const char *word = argv[reader.at];
      bool good = true;
      if (only_positionals || word[0] != '-' || word[1] == '\0')
        good = read_positional (&reader, word, error);
      else if (strcmp (word, "--") == 0)
        only_positionals = true;
      else if (word[1] == '-')
        good = read_long (&reader, word, error);
      else
        good = read_short (&reader, word, error);
      if (!good)
        return false;
    }
  return true;
}

/* A scalar of a config as the text that the row's type reads. Owned; NULL with an error. */
static char *
node_text (SfConfigNode *node, const SfOption *option, GError **error)
{
  static const char *const wanted[] = {
    [SF_OPTION_BOOL] = "true or false",
    [SF_OPTION_INT] = "an integer",
    [SF_OPTION_FLOAT] = "a number",
    [SF_OPTION_STRING] = "a string",
    [SF_OPTION_CHOICE] = "a string",
    [SF_OPTION_LIST] = "a list of strings",
    [SF_OPTION_BYTES] = "a string with a unit",
    [SF_OPTION_SECONDS] = "a string with a unit",
  };
  bool has_units = option->type == SF_OPTION_BYTES || option->type == SF_OPTION_SECONDS;
  bool textual = option->type == SF_OPTION_STRING || option->type == SF_OPTION_CHOICE
                 || option->type == SF_OPTION_LIST || has_units;
  /* What a string is bound to may be read as either. */
  SfConfigType type = textual && sf_config_node_type (node) == SF_CONFIG_STRING
                          ? SF_CONFIG_STRING
                          : sf_config_node_value_type (node);
  bool number = option->type == SF_OPTION_INT || option->type == SF_OPTION_FLOAT;
  bool fits = (type == SF_CONFIG_STRING && textual)
              || (type == SF_CONFIG_BOOL && option->type == SF_OPTION_BOOL)
              || (type == SF_CONFIG_INT && (number || has_units))
              || (type == SF_CONFIG_FLOAT && option->type == SF_OPTION_FLOAT);
  if (fits)
    return sf_config_node_text (node, error);
  static const char *const found[] = {
    [SF_CONFIG_GROUP] = "a group { }", [SF_CONFIG_LIST] = "a list",
    [SF_CONFIG_INT] = "an integer",    [SF_CONFIG_FLOAT] = "a float",
    [SF_CONFIG_BOOL] = "a boolean",    [SF_CONFIG_STRING] = "a string",
  };
  sf_fail (error, SF_ERROR_INVALID_DATA, "%s: %s: found %s, wanted %s", sf_config_node_where (node),
           sf_config_node_name (node) != NULL ? sf_config_node_name (node) : "element", found[type],
           wanted[option->type]);
  return NULL;
}

static bool
set_from_node (SfOptionValues *values, int row, SfConfigNode *node, GError **error)
{
  const SfOption *option = &values->table[row];
  if (option->type == SF_OPTION_LIST && sf_config_node_type (node) == SF_CONFIG_LIST)
    {
      for (size_t i = 0; i < sf_config_node_count (node); i++)
        if (!set_from_node (values, row, sf_config_node_at (node, i), error))
          return false;
      return true;
    }
  g_autofree char *text = node_text (node, option, error);
  if (text == NULL)
    return false;
  g_autofree char *key = respell (option->name, '-', '_');
  g_autofree char *shown = g_strdup_printf ("%s: %s", sf_config_node_where (node), key);
  return sf_option_set_row (values, row, text, shown, SF_ERROR_INVALID_DATA, error);
}

bool
sf_option_parse_config (SfOptionValues *values, SfConfigNode *group, const char *const *also_known,
                        GError **error)
{
  for (size_t i = 0; i < sf_config_node_count (group); i++)
    {
      SfConfigNode *node = sf_config_node_at (group, i);
      const char *key = sf_config_node_name (node);
      if (key == NULL)
        return sf_fail (error, SF_ERROR_INVALID_DATA,
                        "%s: found a list, wanted a group { } of options",
                        sf_config_node_where (group));
      if (also_known != NULL && g_strv_contains (also_known, key))
        continue;
      g_autofree char *name = respell (key, '_', '-');
      int row = strchr (key, '-') == NULL ? sf_option_find (values->table, name) : -1;
      if (row >= 0)
        {
          sf_config_node_member (group, key);
          if (!set_from_node (values, row, node, error))
            return false;
          continue;
        }
      const char *where = sf_config_node_where (node);
      g_autofree char *nearest = nearest_row (values->table, key, '_');
      size_t n_also = also_known != NULL ? g_strv_length ((char **) also_known) : 0;
      const char *best = nearest != NULL ? nearest : sf_nearest_word (key, also_known, n_also);
      if (best != NULL)
        return sf_fail (error, SF_ERROR_INVALID_DATA,
                        "%s: unknown key \"%s\"; did you mean \"%s\"?", where, key, best);
      return sf_fail (error, SF_ERROR_INVALID_DATA, "%s: unknown key \"%s\"; remove it", where,
                      key);
    }
  return true;
}

bool
sf_option_check (const SfOptionValues *values, const char *where, GError **error)
{
  for (size_t i = 0; i < values->n; i++)
    {
      const SfOption *option = &values->table[i];
      if ((option->flags & SF_OPTION_REQUIRED) == 0 || values->values[i].text != NULL)
        continue;
      bool positional = (option->flags & SF_OPTION_POSITIONAL) != 0;
      g_autofree char *form = positional ? g_strdup (sf_option_placeholder (option))
                                         : g_strdup_printf ("--%s %s", option->name,
                                                            sf_option_placeholder (option));
      return sf_fail (error, SF_ERROR_INVALID_ARGUMENT, "%s%sfound no %s, wanted one; add it",
                      where != NULL ? where : "", where != NULL ? ": " : "", form);
    }
  return true;
}

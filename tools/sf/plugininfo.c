/* SPDX-License-Identifier: Apache-2.0 */
/* Plugins as text and JSON, for the verbs `plugins` and `inspect`. */
#include "tools/sf/plugininfo.h"

#include <stdio.h>

#include <sf/plugin/frontend.h>
#include <sf/plugin/optimizer.h>

const char *
sf_option_type_name (SfOptionType type)
{
  static const char *const names[] = { "bool",   "int",  "float", "string",
                                       "choice", "list", "bytes", "seconds" };
  return (size_t) type < G_N_ELEMENTS (names) ? names[type] : "unknown";
}

static json_t *
options_to_json (const SfOption *table)
{
  json_t *array = json_array ();
  for (const SfOption *option = table; option != NULL && option->name != NULL; option++)
    {
      json_t *object = json_pack ("{s:s, s:s, s:s?, s:s}", "name", option->name, "type",
                                  sf_option_type_name (option->type), "default", option->def,
                                  "help", option->help);
      if (option->type == SF_OPTION_CHOICE)
        json_object_set_new (object, "choices", json_string (option->choices));
      if (option->min < option->max)
        {
          json_object_set_new (object, "min", json_real (option->min));
          json_object_set_new (object, "max", json_real (option->max));
        }
      json_array_append_new (array, object);
    }
  return array;
}

json_t *
sf_plugin_to_json (const SfPlugin *plugin, const char *path)
{
  g_autofree char *abi = g_strdup_printf ("%u.%u", plugin->abi_major, plugin->abi_minor);
  return json_pack ("{s:s, s:s, s:s, s:s, s:s, s:s, s:o}", "kind",
                    sf_plugin_kind_name ((SfPluginKind) plugin->kind), "name", plugin->name,
                    "version", plugin->version, "abi", abi, "summary", plugin->summary, "file",
                    path, "options", options_to_json (plugin->options));
}

/* "1..9", "soft|hard" or "". Owned. */
static char *
describe_range (const SfOption *option)
{
  if (option->type == SF_OPTION_CHOICE)
    return g_strdup (option->choices);
  if (option->min < option->max)
    return g_strdup_printf ("%.15g..%.15g", option->min, option->max);
  return g_strdup ("");
}

static void
print_options (const SfOption *table)
{
  int widths[3] = { (int) sizeof "option" - 1, (int) sizeof "default" - 1,
                    (int) sizeof "range" - 1 };
  if (table == NULL || table->name == NULL)
    {
      printf ("\nno options\n");
      return;
    }
  for (const SfOption *option = table; option->name != NULL; option++)
    {
      g_autofree char *range = describe_range (option);
      widths[0] = MAX (widths[0], (int) strlen (option->name));
      widths[1] = MAX (widths[1], option->def != NULL ? (int) strlen (option->def) : 0);
      widths[2] = MAX (widths[2], (int) strlen (range));
    }
  printf ("\n%-*s  type     %-*s  %-*s  help\n", widths[0], "option", widths[1], "default",
          widths[2], "range");
  for (const SfOption *option = table; option->name != NULL; option++)
    {
      g_autofree char *range = describe_range (option);
      printf ("%-*s  %-7s  %-*s  %-*s  %s\n", widths[0], option->name,
              sf_option_type_name (option->type), widths[1],
              option->def != NULL ? option->def : "-", widths[2], range, option->help);
    }
}

void
sf_plugin_print (const SfPlugin *plugin, const char *path)
{
  printf ("%s %s %s: %s\n", sf_plugin_kind_name ((SfPluginKind) plugin->kind), plugin->name,
          plugin->version, plugin->summary);
  printf ("file      %s\n", path);
  printf ("ABI       %u.%u\n", plugin->abi_major, plugin->abi_minor);
  if (plugin->kind == SF_PLUGIN_FRONTEND && plugin->ops.frontend->suffixes != NULL)
    printf ("suffixes  %s\n", plugin->ops.frontend->suffixes);
  if (plugin->kind == SF_PLUGIN_OPTIMIZER && plugin->ops.optimizer->derived != NULL)
    {
      g_autofree char *derived = g_strjoinv (", ", (char **) plugin->ops.optimizer->derived);
      printf ("derived   %s\n", derived);
    }
  print_options (plugin->options);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The verb `plugins`: every plugin on the search path, and whether it holds what plugins promise.
 */
#include <stdio.h>
#include <string.h>

#include "tools/sf/plugincheck.h"
#include "tools/sf/plugininfo.h"
#include "tools/sf/verbs.h"

static const SfOption plugins_options[] = {
  { .name = "check",
    .type = SF_OPTION_BOOL,
    .help = "examine every plugin found; exit 10 when one is broken" },
  { .name = "json", .type = SF_OPTION_BOOL, .help = "print one JSON array" },
  { .name = NULL },
};

/* Fills entry->error where a plugin that loads does not behave. */
static void
check_entries (GPtrArray *entries)
{
  for (guint i = 0; i < entries->len; i++)
    {
      SfPluginEntry *entry = g_ptr_array_index (entries, i);
      if (entry->plugin != NULL)
        sf_plugin_check (entry->plugin, entry->path, &entry->error);
    }
}

/* Why an entry is not used, or NULL. */
static const char *
entry_note (const SfPluginEntry *entry)
{
  if (entry->shadowed)
    return "shadowed by the one above";
  return entry->error != NULL ? "broken" : NULL;
}

static void
print_table (const GPtrArray *entries)
{
  int widths[4] = { 4, 4, 7, 7 };
  for (guint i = 0; i < entries->len; i++)
    {
      const SfPluginEntry *entry = g_ptr_array_index (entries, i);
      const char *note = entry_note (entry);
      const char *summary = note != NULL ? note : entry->plugin->summary;
      widths[0] = MAX (widths[0], (int) strlen (sf_plugin_kind_name (entry->kind)));
      widths[1] = MAX (widths[1], (int) strlen (entry->name));
      if (entry->plugin != NULL)
        widths[2] = MAX (widths[2], (int) strlen (entry->plugin->version));
      widths[3] = MAX (widths[3], (int) strlen (summary));
    }
  printf ("%-*s  %-*s  %-*s  %-*s  %s\n", widths[0], "kind", widths[1], "name", widths[2],
          "version", widths[3], "summary", "file");
  for (guint i = 0; i < entries->len; i++)
    {
      const SfPluginEntry *entry = g_ptr_array_index (entries, i);
      const char *note = entry_note (entry);
      printf ("%-*s  %-*s  %-*s  %-*s  %s\n", widths[0], sf_plugin_kind_name (entry->kind),
              widths[1], entry->name, widths[2],
              entry->plugin != NULL ? entry->plugin->version : "-", widths[3],
              note != NULL ? note : entry->plugin->summary, entry->path);
    }
}

static void
print_json (const GPtrArray *entries)
{
  g_autoptr (json_t) array = json_array ();
  for (guint i = 0; i < entries->len; i++)
    {
      const SfPluginEntry *entry = g_ptr_array_index (entries, i);
      json_t *object = entry->plugin != NULL ? sf_plugin_to_json (entry->plugin, entry->path)
                                             : json_pack ("{s:s, s:s, s:s}", "kind",
                                                          sf_plugin_kind_name (entry->kind), "name",
                                                          entry->name, "file", entry->path);
      json_object_set_new (object, "shadowed", json_boolean (entry->shadowed));
      if (entry->error != NULL)
        json_object_set_new (object, "error", json_string (entry->error->message));
      json_array_append_new (array, object);
    }
  json_dumpf (array, stdout, JSON_INDENT (2));
  putchar ('\n');
}

/* One line per broken plugin on stdout; the error counts them. */
static bool
report_broken (const GPtrArray *entries, bool json, GError **error)
{
  guint n_broken = 0;
  g_autoptr (GString) names = g_string_new (NULL);
  for (guint i = 0; i < entries->len; i++)
    {
      const SfPluginEntry *entry = g_ptr_array_index (entries, i);
      if (entry->error == NULL)
        continue;
      if (!json)
        printf ("broken: %s\n", entry->error->message);
      g_string_append_printf (names, "%s%s:%s", n_broken > 0 ? ", " : "",
                              sf_plugin_kind_name (entry->kind), entry->name);
      n_broken++;
    }
  if (n_broken == 0)
    return true;
  return sf_fail (error, SF_ERROR_CHECK_FAILED,
                  "plugins: %u broken of %u, wanted none; repair or remove %s", n_broken,
                  entries->len, names->str);
}

static int
run_plugins (const SfOptionValues *options, GError **error)
{
  bool json = sf_option_bool (options, "json");
  bool check = sf_option_bool (options, "check");
  g_autoptr (GPtrArray) entries = sf_plugins_list ();
  if (check)
    check_entries (entries);
  if (json)
    print_json (entries);
  else
    print_table (entries);
  return !check || report_broken (entries, json, error) ? 0 : 1;
}

const SfVerb sf_verb_plugins = {
  .name = "plugins",
  .summary = "list the plugins on the search path, shadowed and broken ones too",
  .example = "sf plugins\nsf plugins --check --plugin-path .",
  .options = plugins_options,
  .run = run_plugins,
};

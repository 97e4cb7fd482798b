/* SPDX-License-Identifier: Apache-2.0 */
/* SfModule: the graphs of a model by entry, and facts about it. */
#include <string.h>

#include <sf/graph.h>

typedef struct
{
  char *name;
  SfGraph *graph;
} Entry;

struct SfModule
{
  gint ref_count;
  char *name;
  GArray *entries; /* Entry, in the order they were first set */
  GTree *facts;    /* key -> value, both owned */
  GPtrArray *fact_keys;
};

static void
entry_clear (gpointer data)
{
  Entry *entry = data;
  g_free (entry->name);
  sf_graph_unref (entry->graph);
}

static gint
compare_keys (gconstpointer a, gconstpointer b, gpointer user_data)
{
  (void) user_data;
  return strcmp (a, b);
}

SfModule *
sf_module_new (const char *name)
{
  SfModule *module = g_new0 (SfModule, 1);
  module->ref_count = 1;
  module->name = g_strdup (name);
  module->entries = g_array_new (FALSE, FALSE, sizeof (Entry));
  g_array_set_clear_func (module->entries, entry_clear);
  module->facts = g_tree_new_full (compare_keys, NULL, g_free, g_free);
  module->fact_keys = g_ptr_array_new ();
  g_ptr_array_add (module->fact_keys, NULL);
  return module;
}

SfModule *
sf_module_ref (SfModule *module)
{
  g_atomic_int_inc (&module->ref_count);
  return module;
}

void
sf_module_unref (SfModule *module)
{
  if (module == NULL || !g_atomic_int_dec_and_test (&module->ref_count))
    return;
  g_array_unref (module->entries);
  g_tree_unref (module->facts);
  g_ptr_array_unref (module->fact_keys);
  g_free (module->name);
  g_free (module);
}

const char *
sf_module_name (const SfModule *module)
{
  return module->name;
}

static Entry *
find_entry (const SfModule *module, const char *name)
{
  for (guint i = 0; i < module->entries->len; i++)
    {
      Entry *entry = &g_array_index (module->entries, Entry, i);
      if (strcmp (entry->name, name) == 0)
        return entry;
    }
  return NULL;
}

void
sf_module_set_graph (SfModule *module, const char *entry, SfGraph *graph)
{
  Entry *known = find_entry (module, entry);
  sf_graph_ref (graph);
  if (known != NULL)
    {
      sf_graph_unref (known->graph);
      known->graph = graph;
      return;
    }
  Entry added = { g_strdup (entry), graph };
  g_array_append_val (module->entries, added);
}

size_t
sf_module_n_entries (const SfModule *module)
{
  return module->entries->len;
}

const char *
sf_module_entry (const SfModule *module, size_t index)
{
  return index < module->entries->len ? g_array_index (module->entries, Entry, index).name : NULL;
}

SfGraph *
sf_module_graph (const SfModule *module, const char *entry)
{
  const Entry *found = find_entry (module, entry);
  return found != NULL ? found->graph : NULL;
}

static gboolean
add_key (gpointer key, gpointer value, gpointer keys)
{
  (void) value;
  g_ptr_array_add (keys, key);
  return FALSE;
}

void
sf_module_set_fact (SfModule *module, const char *key, const char *value)
{
  g_tree_insert (module->facts, g_strdup (key), g_strdup (value));
  g_ptr_array_set_size (module->fact_keys, 0);
  g_tree_foreach (module->facts, add_key, module->fact_keys);
  g_ptr_array_add (module->fact_keys, NULL);
}

const char *
sf_module_fact (const SfModule *module, const char *key)
{
  return g_tree_lookup (module->facts, key);
}

const char *const *
sf_module_fact_keys (const SfModule *module)
{
  return (const char *const *) module->fact_keys->pdata;
}

/* State `state` of `entry` against the one of the same name in the entry that had it first. */
static bool
check_state (const SfModule *module, const Entry *entry, SfValue state, GHashTable *first,
             GError **error)
{
  const char *name = sf_value_name (entry->graph, state);
  const Entry *other = g_hash_table_lookup (first, name);
  if (other == NULL)
    {
      g_hash_table_insert (first, (gpointer) name, (gpointer) entry);
      return true;
    }
  SfValue known = sf_graph_find (other->graph, name);
  const SfShape *a = sf_value_shape (entry->graph, state);
  const SfShape *b = sf_value_shape (other->graph, known);
  SfDtype x = sf_value_dtype (entry->graph, state), y = sf_value_dtype (other->graph, known);
  if (x != y || !sf_shape_equal (a, b))
    {
      g_autofree char *found = sf_shape_text (a);
      g_autofree char *wanted = sf_shape_text (b);
      return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                      "module %s: state %s is %s %s in entry %s, but %s %s in entry %s; entries "
                      "share their states",
                      module->name, name, sf_dtype_name (x), found, entry->name, sf_dtype_name (y),
                      wanted, other->name);
    }
  if (sf_value_state_kind (entry->graph, state) != sf_value_state_kind (other->graph, known))
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "module %s: state %s is of another kind in entry %s than in entry %s; entries "
                    "share their states",
                    module->name, name, entry->name, other->name);
  return true;
}

bool
sf_module_verify (const SfModule *module, GError **error)
{
  g_autoptr (GHashTable) first = g_hash_table_new (g_str_hash, g_str_equal);
  if (module->entries->len == 0)
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "module %s: no entries, wanted one or more; set a graph", module->name);
  for (guint i = 0; i < module->entries->len; i++)
    {
      const Entry *entry = &g_array_index (module->entries, Entry, i);
      if (!sf_graph_verify (entry->graph, error))
        {
          g_prefix_error (error, "module %s, entry %s: ", module->name, entry->name);
          return false;
        }
      for (size_t s = 0; s < sf_graph_n_states (entry->graph); s++)
        if (!check_state (module, entry, sf_graph_state_at (entry->graph, s), first, error))
          return false;
    }
  return true;
}

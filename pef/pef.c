/* SPDX-License-Identifier: Apache-2.0 */
/* SfPef: building, opening, stripping and saving; whichever way it came to be, its content has
 * passed the whole verifier. */
#include <sf/pef.h>

#include <string.h>

#include <sf/checked.h>
#include <sf/file.h>
#include <sf/json.h>

#include "core/program/program.h"
#include "pef/pef.h"
#include "pef/reader.h"
#include "pef/writer.h"

#define MAX_FILE_BYTES ((size_t) 1 << 40)

struct SfPef
{
  gatomicrefcount ref_count;
  GBytes *bytes;
  char *name;   /* of the file, or the module */
  char *module; /* as in meta */
  SfProgram *program;
  SfModule *source;
  SfArch *arch;
  GHashTable *facts; /* owned strings */
  GPtrArray *keys;   /* sorted, NULL-terminated; borrowed from facts */
  char *graph_digest;
  char digest[33];
};

SfPef *
sf_pef_ref (SfPef *pef)
{
  g_atomic_ref_count_inc (&pef->ref_count);
  return pef;
}

void
sf_pef_unref (SfPef *pef)
{
  if (pef == NULL || !g_atomic_ref_count_dec (&pef->ref_count))
    return;
  sf_program_unref (pef->program);
  sf_module_unref (pef->source);
  sf_arch_free (pef->arch);
  g_ptr_array_unref (pef->keys);
  g_hash_table_unref (pef->facts);
  g_clear_pointer (&pef->bytes, g_bytes_unref);
  g_free (pef->graph_digest);
  g_free (pef->name);
  g_free (pef->module);
  g_free (pef);
}

static int
compare_keys (const void *a, const void *b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* ---- reading ---- */

static bool
read_facts (SfPef *pef, PefReader *reader, const json_t *facts, GError **error)
{
  const char *key;
  json_t *value;
  json_object_foreach ((json_t *) facts, key, value)
    {
      if (!json_is_string (value))
        return pef_refuse (reader, error, "fact %s is no string", key);
      g_hash_table_insert (pef->facts, g_strdup (key), g_strdup (json_string_value (value)));
      g_ptr_array_add (pef->keys, NULL);
    }
  GHashTableIter iter;
  gpointer found;
  guint n = 0;
  if (pef->keys->len == 0)
    {
      g_ptr_array_add (pef->keys, NULL);
      return true;
    }
  g_hash_table_iter_init (&iter, pef->facts);
  while (g_hash_table_iter_next (&iter, &found, NULL))
    pef->keys->pdata[n++] = found;
  qsort (pef->keys->pdata, n, sizeof (gpointer), compare_keys);
  g_ptr_array_add (pef->keys, NULL);
  return true;
}

static bool
read_meta (SfPef *pef, PefReader *reader, GError **error)
{
  g_autoptr (json_t) meta = sf_json_parse ((const char *) reader->table[PEF_META].data,
                                           reader->table[PEF_META].n, reader->name, error);
  if (meta == NULL)
    return false;
  const char *module, *graph_digest;
  if (!sf_json_get_string (meta, "module", &module, reader->name, error)
      || !sf_json_get_string (meta, "graph_digest", &graph_digest, reader->name, error))
    return false;
  pef->graph_digest = g_strdup (graph_digest);
  pef->module = g_strdup (module);
  return read_facts (pef, reader, json_object_get (meta, "facts"), error);
}

/* Source graphs belong to the entries of the program, and their interface is the program's. */
static bool
check_source (const SfPef *pef, PefReader *reader, GError **error)
{
  for (size_t i = 0; pef->source != NULL && i < sf_module_n_entries (pef->source); i++)
    {
      const char *name = sf_module_entry (pef->source, i);
      const SfGraph *graph = sf_module_graph (pef->source, name);
      uint32_t entry;
      if (!sf_program_find_entry (pef->program, name, &entry)
          || sf_entry_n_inputs (pef->program, entry) != sf_graph_n_inputs (graph)
          || sf_entry_n_outputs (pef->program, entry) != sf_graph_n_outputs (graph))
        return pef_refuse (
            reader, error,
            "source graph %s has no entry with its inputs and outputs in the program", name);
    }
  return pef->source == NULL || sf_module_verify (pef->source, error);
}

static bool
read_content (SfPef *pef, PefReader *reader, GError **error)
{
  if (!read_meta (pef, reader, error))
    return false;
  pef->arch = sf_arch_from_json ((const char *) reader->table[PEF_ARCH].data,
                                 reader->table[PEF_ARCH].n, error);
  if (pef->arch == NULL || (pef->program = pef_decode_program (reader, error)) == NULL
      || !pef_decode_graphs (reader, pef->module, pef->program, &pef->source, error))
    return false;
  for (guint i = 0; pef->source != NULL && i + 1 < pef->keys->len; i++)
    sf_module_set_fact (pef->source, pef->keys->pdata[i],
                        g_hash_table_lookup (pef->facts, pef->keys->pdata[i]));
  return sf_program_verify (pef->program, pef->arch, SF_CHECK_MEMORY, error)
         && check_source (pef, reader, error);
}

/* What broke while content was read is the file's fault, whatever the checker calls it. */
static bool
blame_file (const char *name, GError *inner, GError **error)
{
  if (g_error_matches (inner, SF_ERROR, SF_ERROR_CHECK_FAILED)
      || g_error_matches (inner, SF_ERROR, SF_ERROR_INVALID_ARGUMENT)
      || g_error_matches (inner, SF_ERROR, SF_ERROR_INTERNAL)
      || g_error_matches (inner, SF_ERROR, SF_ERROR_NOT_FOUND))
    {
      sf_fail (error, SF_ERROR_INVALID_DATA, "%s: %s", name, inner->message);
      g_error_free (inner);
    }
  else
    g_propagate_error (error, inner);
  return false;
}

static SfPef *
from_bytes (GBytes *bytes, const char *name, bool trusted, GError **error)
{
  PefReader reader;
  if (!pef_reader_init (&reader, bytes, name, trusted, error))
    return NULL;
  g_autoptr (SfPef) pef = g_new0 (SfPef, 1);
  g_atomic_ref_count_init (&pef->ref_count);
  pef->bytes = g_bytes_ref (bytes);
  pef->name = g_strdup (name);
  pef->facts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  pef->keys = g_ptr_array_new ();
  const PefHeader *header = g_bytes_get_data (bytes, NULL);
  for (int i = 0; i < 16; i++)
    g_snprintf (pef->digest + 2 * i, 3, "%02x", header->digest[i]);
  GError *inner = NULL;
  if (read_content (pef, &reader, &inner))
    return g_steal_pointer (&pef);
  blame_file (name, inner, error);
  return NULL;
}

SfPef *
pef_from_trusted_bytes (GBytes *bytes, const char *name, GError **error)
{
  return from_bytes (bytes, name, true, error);
}

static void
unmap (void *data)
{
  SfFileMap *map = data;
  sf_file_unmap (map);
  g_free (map);
}

SfPef *
sf_pef_open (const char *path, GError **error)
{
  SfFileMap *map = g_new0 (SfFileMap, 1);
  if (!sf_file_map_watched (path, MAX_FILE_BYTES, map, error))
    {
      g_free (map);
      return NULL;
    }
  g_autoptr (GBytes) bytes = g_bytes_new_with_free_func (map->data, map->n_bytes, unmap, map);
  SfPef *pef = from_bytes (bytes, path, false, error);
  if (pef == NULL)
    return NULL;
  /* The digest has read every byte; most of them are not read soon. */
  sf_file_map_let_go (map, map->data, map->n_bytes);
  sf_program_set_file (pef->program, map, path);
  return pef;
}

SfPef *
sf_pef_from_bytes (const void *data, size_t n_bytes, GError **error)
{
  uint8_t *copy = sf_aligned_alloc (n_bytes, 1, "the PEF", error);
  if (copy == NULL)
    return NULL;
  if (n_bytes > 0)
    memcpy (copy, data, n_bytes);
  g_autoptr (GBytes) bytes = g_bytes_new_with_free_func (copy, n_bytes, sf_aligned_free, copy);
  return from_bytes (bytes, "PEF", false, error);
}

/* ---- writing ---- */

static void
put_text (PefWriter *writer, PefSectionId section, const char *text)
{
  pef_writer_add (writer, section, text, strlen (text));
}

/* Facts and digest go into the meta section of stripped PEFs, too. */
static void
put_meta (PefWriter *writer, const char *module, const char *graph_digest, const char *const *keys,
          const char *(*fact) (const void *, const char *), const void *from)
{
  g_autoptr (json_t) meta = json_object ();
  json_t *facts = json_object ();
  for (size_t i = 0; keys != NULL && keys[i] != NULL; i++)
    json_object_set_new (facts, keys[i], json_string (fact (from, keys[i])));
  json_object_set_new (meta, "module", json_string (module));
  json_object_set_new (meta, "graph_digest", json_string (graph_digest));
  json_object_set_new (meta, "facts", facts);
  char *text = sf_json_text (meta);
  put_text (writer, PEF_META, text);
  free (text);
}

static const char *
module_fact (const void *module, const char *key)
{
  return sf_module_fact (module, key);
}

static const char *
pef_fact (const void *pef, const char *key)
{
  return sf_pef_fact (pef, key);
}

static SfPef *
finish (PefWriter *writer, const char *name, const SfProgram *program, const SfArch *arch,
        bool debug, GError **error)
{
  g_autofree char *arch_text = sf_arch_to_json (arch);
  put_text (writer, PEF_ARCH, arch_text);
  pef_encode_program (writer, program, debug);
  g_autoptr (GBytes) bytes = pef_writer_finish (writer, error);
  return bytes != NULL ? from_bytes (bytes, name, false, error) : NULL;
}

SfPef *
sf_pef_build (const SfModule *source, const SfProgram *program, const SfArch *arch, GError **error)
{
  if (!sf_program_verify (program, arch, SF_CHECK_MEMORY, error))
    return NULL;
  const char *name = source != NULL ? sf_module_name (source) : "program";
  const SfGraph *main_graph = source != NULL ? sf_module_graph (source, "train") : NULL;
  if (main_graph == NULL && source != NULL)
    main_graph = sf_module_graph (source, "eval");
  g_autofree char *digest = main_graph != NULL ? sf_graph_digest (main_graph) : g_strdup ("");
  g_autoptr (PefWriter) writer = pef_writer_new ();
  put_meta (writer, name, digest, source != NULL ? sf_module_fact_keys (source) : NULL, module_fact,
            source);
  for (size_t i = 0; source != NULL && i < sf_module_n_entries (source); i++)
    pef_encode_graph (writer, sf_module_graph (source, sf_module_entry (source, i)),
                      sf_module_entry (source, i));
  return finish (writer, name, program, arch, true, error);
}

SfPef *
sf_pef_strip (const SfPef *pef, GError **error)
{
  g_autoptr (PefWriter) writer = pef_writer_new ();
  put_meta (writer, pef->module, pef->graph_digest, sf_pef_fact_keys (pef), pef_fact, pef);
  return finish (writer, pef->name, pef->program, pef->arch, false, error);
}

bool
sf_pef_save (const SfPef *pef, const char *path, GError **error)
{
  size_t n_bytes;
  const uint8_t *data = sf_pef_data (pef, &n_bytes);
  return sf_file_replace (path, data, n_bytes, error);
}

/* ---- asking ---- */

const uint8_t *
sf_pef_data (const SfPef *pef, size_t *n_bytes)
{
  gsize n;
  const uint8_t *data = g_bytes_get_data (pef->bytes, &n);
  *n_bytes = n;
  return data;
}

const SfModule *
sf_pef_source (const SfPef *pef)
{
  return pef->source;
}

const SfProgram *
sf_pef_program (const SfPef *pef)
{
  return pef->program;
}

const SfArch *
sf_pef_arch (const SfPef *pef)
{
  return pef->arch;
}

const char *
sf_pef_fact (const SfPef *pef, const char *key)
{
  return g_hash_table_lookup (pef->facts, key);
}

const char *const *
sf_pef_fact_keys (const SfPef *pef)
{
  return (const char *const *) pef->keys->pdata;
}

const char *
sf_pef_digest (const SfPef *pef)
{
  return pef->digest;
}

const char *
sf_pef_graph_digest (const SfPef *pef)
{
  return pef->graph_digest;
}

const char *
sf_pef_name (const SfPef *pef)
{
  return pef->name;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* PefWriter: tables grow as byte arrays, equal strings and equal data are stored once, and the
 * whole is laid out in the order of PEF_SECTIONS. */
#include "pef/writer.h"

#include <string.h>

#include <xxhash.h>

#include <sf/checked.h>

#define SECTION_ROW(id, name_, record_bytes_, align_, critical_) \
  [PEF_##id] = { name_, record_bytes_, align_, critical_ },
const PefSectionRow pef_section_rows[PEF_N_SECTIONS] = { PEF_SECTIONS (SECTION_ROW) };

typedef struct
{
  const void *data;
  size_t n_bytes;
  uint64_t offset;
} Blob;

struct PefWriter
{
  GByteArray *tables[PEF_N_SECTIONS]; /* that of DATA stays empty */
  GHashTable *strings;                /* text -> offset + 1 */
  GArray *blobs;                      /* Blob */
  GHashTable *blob_index;             /* digest as text -> index + 1 */
  uint64_t data_bytes;
};

PefWriter *
pef_writer_new (void)
{
  PefWriter *writer = g_new0 (PefWriter, 1);
  for (int i = 0; i < PEF_N_SECTIONS; i++)
    writer->tables[i] = g_byte_array_new ();
  writer->strings = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  writer->blobs = g_array_new (FALSE, FALSE, sizeof (Blob));
  writer->blob_index = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  return writer;
}

void
pef_writer_free (PefWriter *writer)
{
  if (writer == NULL)
    return;
  for (int i = 0; i < PEF_N_SECTIONS; i++)
    g_byte_array_unref (writer->tables[i]);
  g_hash_table_unref (writer->strings);
  g_array_unref (writer->blobs);
  g_hash_table_unref (writer->blob_index);
  g_free (writer);
}

uint32_t
pef_writer_count (const PefWriter *writer, PefSectionId section)
{
  return writer->tables[section]->len / pef_section_rows[section].record_bytes;
}

void
pef_writer_add (PefWriter *writer, PefSectionId section, const void *records, size_t n)
{
  if (n > 0)
    g_byte_array_append (writer->tables[section], records,
                         (guint) (n * pef_section_rows[section].record_bytes));
}

uint32_t
pef_writer_string (PefWriter *writer, const char *text)
{
  if (text == NULL)
    return SF_NONE;
  guint found = GPOINTER_TO_UINT (g_hash_table_lookup (writer->strings, text));
  if (found == 0)
    {
      found = writer->tables[PEF_STRINGS]->len + 1;
      g_hash_table_insert (writer->strings, g_strdup (text), GUINT_TO_POINTER (found));
      pef_writer_add (writer, PEF_STRINGS, text, strlen (text) + 1);
    }
  return found - 1;
}

PefRange
pef_writer_words (PefWriter *writer, const uint32_t *words, size_t n)
{
  PefRange range = { pef_writer_count (writer, PEF_WORDS), (uint32_t) n };
  pef_writer_add (writer, PEF_WORDS, words, n);
  return range;
}

PefRange
pef_writer_shape (PefWriter *writer, const SfShape *shape)
{
  PefRange range = { pef_writer_count (writer, PEF_DIMS), (uint32_t) shape->rank };
  pef_writer_add (writer, PEF_DIMS, shape->dim, (size_t) shape->rank);
  return range;
}

uint64_t
pef_writer_data (PefWriter *writer, const void *data, size_t n_bytes)
{
  if (data == NULL)
    return PEF_NO_DATA;
  XXH128_hash_t hash = XXH3_128bits (data, n_bytes);
  char *key = g_strdup_printf ("%016" G_GINT64_MODIFIER "x%016" G_GINT64_MODIFIER "x%zx",
                               (guint64) hash.high64, (guint64) hash.low64, n_bytes);
  guint found = GPOINTER_TO_UINT (g_hash_table_lookup (writer->blob_index, key));
  if (found != 0)
    {
      const Blob *blob = &g_array_index (writer->blobs, Blob, found - 1);
      if (memcmp (blob->data, data, n_bytes) == 0)
        {
          g_free (key);
          return blob->offset;
        }
    }
  Blob blob = { data, n_bytes, writer->data_bytes };
  g_array_append_val (writer->blobs, blob);
  g_hash_table_replace (writer->blob_index, key, GUINT_TO_POINTER (writer->blobs->len));
  writer->data_bytes += (n_bytes + PEF_DATA_ALIGN - 1) / PEF_DATA_ALIGN * PEF_DATA_ALIGN;
  return blob.offset;
}

/* ---- layout ---- */

static uint64_t
section_bytes (const PefWriter *writer, int section)
{
  return section == PEF_DATA ? writer->data_bytes : writer->tables[section]->len;
}

/* Fills the section table and gives the size of the file. Empty sections are left out. */
static uint64_t
lay_out (const PefWriter *writer, PefSection *sections, uint32_t *n_sections)
{
  uint32_t n = 0;
  for (int i = 0; i < PEF_N_SECTIONS; i++)
    n += section_bytes (writer, i) > 0;
  uint64_t at = sizeof (PefHeader) + n * sizeof (PefSection);
  n = 0;
  for (int i = 0; i < PEF_N_SECTIONS; i++)
    {
      const PefSectionRow *row = &pef_section_rows[i];
      if (section_bytes (writer, i) == 0)
        continue;
      at = (at + row->align - 1) / row->align * row->align;
      PefSection *section = &sections[n++];
      memcpy (section->name, row->name, strlen (row->name));
      section->record_bytes = row->record_bytes;
      section->flags = row->critical ? PEF_CRITICAL : 0;
      section->offset = at;
      section->bytes = section_bytes (writer, i);
      section->align = row->align;
      at += section->bytes;
    }
  *n_sections = n;
  return at;
}

static void
fill_section (const PefWriter *writer, int section, uint8_t *to)
{
  if (section != PEF_DATA)
    {
      memcpy (to, writer->tables[section]->data, writer->tables[section]->len);
      return;
    }
  for (guint b = 0; b < writer->blobs->len; b++)
    {
      const Blob *blob = &g_array_index (writer->blobs, Blob, b);
      memcpy (to + blob->offset, blob->data, blob->n_bytes);
    }
}

void
pef_digest (const uint8_t *file, size_t n_bytes, uint8_t digest[16])
{
  PefHeader header;
  memcpy (&header, file, sizeof header);
  memset (header.digest, 0, sizeof header.digest);
  XXH3_state_t *state = XXH3_createState ();
  XXH3_128bits_reset (state);
  XXH3_128bits_update (state, &header, sizeof header);
  XXH3_128bits_update (state, file + sizeof header, n_bytes - sizeof header);
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash (&canonical, XXH3_128bits_digest (state));
  XXH3_freeState (state);
  memcpy (digest, canonical.digest, 16);
}

GBytes *
pef_writer_finish (PefWriter *writer, GError **error)
{
  PefSection sections[PEF_N_SECTIONS] = { { { 0 } } };
  PefHeader header = { .version = PEF_VERSION };
  memcpy (header.magic, PEF_MAGIC, sizeof header.magic);
  header.file_bytes = lay_out (writer, sections, &header.n_sections);
  uint8_t *file = sf_aligned_alloc (header.file_bytes, 1, "the PEF", error);
  if (file == NULL)
    return NULL;
  memcpy (file, &header, sizeof header);
  memcpy (file + sizeof header, sections, header.n_sections * sizeof (PefSection));
  uint32_t n = 0;
  for (int i = 0; i < PEF_N_SECTIONS; i++)
    if (section_bytes (writer, i) > 0)
      fill_section (writer, i, file + sections[n++].offset);
  uint8_t digest[16];
  pef_digest (file, header.file_bytes, digest);
  memcpy (file + G_STRUCT_OFFSET (PefHeader, digest), digest, sizeof digest);
  return g_bytes_new_with_free_func (file, header.file_bytes, sf_aligned_free, file);
}

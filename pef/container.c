/* SPDX-License-Identifier: Apache-2.0 */
/* The container: header, digest, section table and padding, then typed access to what the sections
 * hold. */
#include "pef/reader.h"

#include <string.h>

#include "pef/writer.h"

#define MAX_STRING 4096

bool
pef_refuse (PefReader *reader, GError **error, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree char *text = g_strdup_vprintf (format, args);
  va_end (args);
  return sf_fail (
      error, SF_ERROR_INVALID_DATA,
      "%s: %s; the file is damaged or was not written by the compiler: compile it again",
      reader->name, text);
}

/* ---- header ---- */

static bool
check_header (PefReader *reader, const PefHeader *header, size_t n_bytes, bool trusted,
              GError **error)
{
  if (memcmp (header->magic, PEF_MAGIC, sizeof header->magic) != 0)
    return pef_refuse (reader, error, "no PEF, its first bytes are not those of one");
  if (header->file_bytes != n_bytes)
    return pef_refuse (reader, error, "found %zu bytes, wanted %" PRIu64, n_bytes,
                       header->file_bytes);
  uint8_t digest[16];
  pef_digest ((const uint8_t *) header, n_bytes, digest);
  if (!trusted && memcmp (digest, header->digest, sizeof digest) != 0)
    return pef_refuse (reader, error, "its content does not agree with its digest");
  if (header->version > PEF_VERSION)
    return sf_fail (
        error, SF_ERROR_INCOMPATIBLE,
        "%s: PEF version %u, wanted %d; open it with the newer Spatialflow that wrote it, or compile it again",
        reader->name, header->version, PEF_VERSION);
  if (header->version != PEF_VERSION)
    return pef_refuse (reader, error, "PEF version %u, wanted %d", header->version, PEF_VERSION);
  for (size_t i = 0; i < sizeof header->reserved; i++)
    if (header->reserved[i] != 0)
      return pef_refuse (reader, error, "a reserved byte of the header is not zero");
  if (header->n_sections > PEF_MAX_SECTIONS
      || sizeof *header + header->n_sections * sizeof (PefSection) > n_bytes)
    return pef_refuse (reader, error, "%u sections do not fit", header->n_sections);
  return true;
}

/* ---- section table ---- */

static int
find_section (const PefSection *section)
{
  for (int i = 0; i < PEF_N_SECTIONS; i++)
    if (strcmp (section->name, pef_section_rows[i].name) == 0)
      return i;
  return -1;
}

static bool
check_section_place (PefReader *reader, const PefSection *section, uint64_t at, size_t n_bytes,
                     GError **error)
{
  if (section->name[0] == '\0' || section->name[sizeof section->name - 1] != '\0'
      || (section->flags & ~PEF_CRITICAL) != 0)
    return pef_refuse (reader, error, "a section has no proper name or unknown flags");
  if (section->align == 0 || section->align > 4096 || (section->align & (section->align - 1)) != 0
      || section->record_bytes == 0 || section->bytes == 0
      || section->bytes % section->record_bytes != 0)
    return pef_refuse (reader, error, "section %s: size and alignment make no sense",
                       section->name);
  uint64_t wanted = (at + section->align - 1) / section->align * section->align;
  if (section->offset != wanted || section->offset > n_bytes
      || section->bytes > n_bytes - section->offset)
    return pef_refuse (reader, error,
                       "section %s lies at %" PRIu64 " with %" PRIu64
                       " bytes, wanted it at %" PRIu64 " and inside the file",
                       section->name, section->offset, section->bytes, wanted);
  return true;
}

static bool
take_section (PefReader *reader, const PefSection *section, const uint8_t *file, GError **error)
{
  int id = find_section (section);
  if (id < 0 && (section->flags & PEF_CRITICAL) == 0)
    return true;
  if (id < 0)
    return sf_fail (
        error, SF_ERROR_INCOMPATIBLE,
        "%s: section %s is not known here and says that it must be; open the PEF with the newer Spatialflow "
        "that wrote it, or compile it again",
        reader->name, section->name);
  const PefSectionRow *row = &pef_section_rows[id];
  if (reader->table[id].data != NULL || section->record_bytes != row->record_bytes
      || section->align < row->align)
    return pef_refuse (reader, error,
                       "section %s comes twice or has records of %u bytes, wanted %u",
                       section->name, section->record_bytes, row->record_bytes);
  reader->table[id].data = file + section->offset;
  reader->table[id].n = section->bytes / section->record_bytes;
  return true;
}

static bool
check_sections (PefReader *reader, const uint8_t *file, size_t n_bytes, GError **error)
{
  const PefHeader *header = (const PefHeader *) (const void *) file;
  const PefSection *sections = (const PefSection *) (const void *) (file + sizeof *header);
  uint64_t at = sizeof *header + header->n_sections * sizeof (PefSection);
  for (uint32_t i = 0; i < header->n_sections; i++)
    {
      if (!check_section_place (reader, &sections[i], at, n_bytes, error))
        return false;
      for (uint64_t b = at; b < sections[i].offset; b++)
        if (file[b] != 0)
          return pef_refuse (reader, error, "a padding byte at %" PRIu64 " is not zero", b);
      if (!take_section (reader, &sections[i], file, error))
        return false;
      at = sections[i].offset + sections[i].bytes;
    }
  if (at != n_bytes)
    return pef_refuse (reader, error, "%" PRIu64 " bytes follow its last section", n_bytes - at);
  return true;
}

static bool
check_strings (PefReader *reader, GError **error)
{
  uint64_t n = reader->table[PEF_STRINGS].n;
  if (n > 0 && reader->table[PEF_STRINGS].data[n - 1] != 0)
    return pef_refuse (reader, error, "its last string does not end");
  return true;
}

bool
pef_reader_init (PefReader *reader, GBytes *bytes, const char *name, bool trusted, GError **error)
{
  *reader = (PefReader){ .bytes = bytes, .name = name };
  gsize n_bytes;
  const uint8_t *file = g_bytes_get_data (bytes, &n_bytes);
  if (n_bytes < sizeof (PefHeader))
    return pef_refuse (reader, error, "found %zu bytes, wanted a header of %zu", n_bytes,
                       sizeof (PefHeader));
  return check_header (reader, (const PefHeader *) (const void *) file, n_bytes, trusted, error)
         && check_sections (reader, file, n_bytes, error) && check_strings (reader, error);
}

/* ---- tables ---- */

const void *
pef_range (PefReader *reader, PefSectionId section, PefRange range, GError **error)
{
  static const int64_t nothing[2];
  uint64_t n = reader->table[section].n;
  if ((uint64_t) range.first + range.n > n)
    {
      pef_refuse (reader, error, "records %u to %" PRIu64 " of section %s, which has %" PRIu64,
                  range.first, (uint64_t) range.first + range.n, pef_section_rows[section].name, n);
      return NULL;
    }
  reader->table[section].used += range.n;
  if (reader->table[section].used > n)
    {
      pef_refuse (reader, error, "records of section %s belong to more than one owner",
                  pef_section_rows[section].name);
      return NULL;
    }
  if (range.n == 0)
    return nothing;
  return reader->table[section].data
         + (uint64_t) range.first * pef_section_rows[section].record_bytes;
}

bool
pef_text (PefReader *reader, uint32_t text, const char **out, GError **error)
{
  *out = NULL;
  if (text == SF_NONE)
    return true;
  if (text >= reader->table[PEF_STRINGS].n)
    return pef_refuse (reader, error, "string %u is outside the %" PRIu64 " bytes of strings", text,
                       reader->table[PEF_STRINGS].n);
  const char *found = (const char *) reader->table[PEF_STRINGS].data + text;
  size_t length = strnlen (found, MAX_STRING);
  if (length == MAX_STRING || !g_utf8_validate (found, (gssize) length, NULL))
    return pef_refuse (reader, error, "string %u is longer than %d bytes or no UTF-8", text,
                       MAX_STRING - 1);
  *out = found;
  return true;
}

bool
pef_dtype (PefReader *reader, uint32_t text, SfDtype *out, GError **error)
{
  const char *name;
  if (!pef_text (reader, text, &name, error))
    return false;
  if (name == NULL || !sf_dtype_parse (name, out, NULL))
    return pef_refuse (reader, error, "%s is no dtype", name != NULL ? name : "nothing");
  return true;
}

bool
pef_shape (PefReader *reader, PefRange dims, SfShape *out, GError **error)
{
  const int64_t *records = pef_range (reader, PEF_DIMS, dims, error);
  if (records == NULL)
    return false;
  if (dims.n > SF_MAX_RANK)
    return pef_refuse (reader, error, "a shape of %u dimensions", dims.n);
  *out = sf_shape ((int) dims.n, records);
  if (!sf_shape_check (out, "shape", NULL))
    return pef_refuse (reader, error, "a shape of more than 2^40 elements");
  return true;
}

bool
pef_data (PefReader *reader, uint64_t at, uint64_t n_bytes, const void **out, GError **error)
{
  *out = NULL;
  if (at == PEF_NO_DATA && n_bytes == 0)
    return true;
  uint64_t n = reader->table[PEF_DATA].n;
  static const uint8_t nothing[PEF_DATA_ALIGN] __attribute__ ((aligned (PEF_DATA_ALIGN)));
  if (at > n || n_bytes > n - at || at % PEF_DATA_ALIGN != 0)
    return pef_refuse (reader, error, "%" PRIu64 " bytes of data at %" PRIu64 " of %" PRIu64,
                       n_bytes, at, n);
  *out = n_bytes == 0 ? nothing : reader->table[PEF_DATA].data + at;
  return true;
}

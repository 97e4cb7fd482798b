/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of the tests that are known not to pass: a name and a reason on each line. */
#include "tools/sf/expectations.h"

#include <string.h>

#include <sf/file.h>

#define MAX_LIST_BYTES ((size_t) 1 << 20)

static bool
read_line (const char *path, unsigned number, char *line, GHashTable *reasons, GError **error)
{
  char *name = g_strstrip (line);
  if (*name == '\0' || *name == '#')
    return true;
  size_t length = strcspn (name, " \t");
  char *reason = name + length + strspn (name + length, " \t");
  if (*reason == '\0')
    return sf_fail (
        error, SF_ERROR_INVALID_DATA,
        "%s:%u: found %s without a reason, wanted NAME REASON; say why it does not pass", path,
        number, name);
  name[length] = '\0';
  if (g_hash_table_contains (reasons, name))
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s:%u: found %s a second time, wanted each test once; remove one", path,
                    number, name);
  g_hash_table_insert (reasons, g_strdup (name), g_strdup (reason));
  return true;
}

bool
sf_expectations_read (const char *path, GHashTable *reasons, GError **error)
{
  SfFileMap map;
  if (!sf_file_map (path, MAX_LIST_BYTES, &map, error))
    return false;
  g_autofree char *text = map.n_bytes > 0 ? g_strndup ((const char *) map.data, map.n_bytes)
                                          : g_strdup ("");
  sf_file_unmap (&map);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (unsigned i = 0; lines[i] != NULL; i++)
    if (!read_line (path, i + 1, lines[i], reasons, error))
      return false;
  return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Where the files that come with Spatialflow lie. */
#include <sf/paths.h>

#include <glib.h>

char *
sf_data_path (const char *relative)
{
  const char *folder = g_getenv ("SF_DATA_DIR");
  if (folder == NULL || folder[0] == '\0')
    folder = SF_INSTALLED_DATA_DIR;
  return g_build_filename (folder, relative, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Finding `sf`, the shepherd and the daemon. */
#include "queue/programs.h"

#include <unistd.h>

static char *
beside_this_program (const char *name)
{
  g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL);
  if (self == NULL)
    return NULL;
  g_autofree char *folder = g_path_get_dirname (self);
  g_autofree char *path = g_build_filename (folder, name, NULL);
  return access (path, X_OK) == 0 ? g_steal_pointer (&path) : NULL;
}

char *
sf_program_sf (GError **error)
{
  const char *given = g_getenv ("SF_PROGRAM");
  if (given != NULL && given[0] != '\0')
    return g_canonicalize_filename (given, NULL);
  char *path = beside_this_program ("sf");
  if (path == NULL)
    path = g_find_program_in_path ("sf");
  if (path == NULL)
    sf_fail (error, SF_ERROR_NOT_FOUND,
             "sf: not found beside sfbatch nor in PATH; set SF_PROGRAM to it");
  return path;
}

static char *
find_in_libexec (const char *name, GError **error)
{
  const char *given = g_getenv ("SF_LIBEXEC_DIR");
  const char *folder = given != NULL && given[0] != '\0' ? given : SF_INSTALLED_LIBEXEC_DIR;
  g_autofree char *path = g_build_filename (folder, name, NULL);
  if (access (path, X_OK) == 0)
    return g_canonicalize_filename (path, NULL);
  sf_fail (error, SF_ERROR_NOT_FOUND,
           "%s: not found or not executable; install Spatialflow, or set SF_LIBEXEC_DIR to the "
           "folder of %s",
           path, name);
  return NULL;
}

char *
sf_program_shepherd (GError **error)
{
  return find_in_libexec ("sf-shepherd", error);
}

char *
sf_program_sfd (GError **error)
{
  return find_in_libexec ("sfd", error);
}

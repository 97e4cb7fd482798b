/* SPDX-License-Identifier: Apache-2.0 */
/* The folder of a queue. */
#include "queue/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sf/file.h>

static char *
folder_path (void)
{
  const char *given = g_getenv ("SF_QUEUE_DIR");
  if (given != NULL && given[0] != '\0')
    return g_canonicalize_filename (given, NULL);
  const char *state = g_getenv ("XDG_STATE_HOME");
  if (state != NULL && g_path_is_absolute (state))
    return g_build_filename (state, "spatialflow", "queue", NULL);
  return g_build_filename (g_get_home_dir (), ".local", "state", "spatialflow", "queue", NULL);
}

/* A folder that was there before: ours, and either empty or a queue. */
static bool
check_folder (const char *path, GError **error)
{
  struct stat st;
  if (stat (path, &st) != 0)
    return sf_fail_errno (error, errno, "%s: cannot read the queue's folder", path);
  if (!S_ISDIR (st.st_mode))
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "%s: found a file, wanted a folder for the queue; set SF_QUEUE_DIR to a folder",
                    path);
  if (st.st_uid != geteuid ())
    return sf_fail (error, SF_ERROR_IO,
                    "%s: the queue belongs to user %u, wanted user %u; set SF_QUEUE_DIR to a "
                    "folder of your own",
                    path, (unsigned) st.st_uid, (unsigned) geteuid ());
  if ((st.st_mode & 0077) == 0)
    return true;
  g_autofree char *store = g_build_filename (path, "store.db", NULL);
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  if (dir != NULL && g_dir_read_name (dir) != NULL && access (store, F_OK) != 0)
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "%s: found a folder with other things that others may read, wanted a queue or "
                    "an empty folder; set SF_QUEUE_DIR to another one",
                    path);
  if (chmod (path, 0700) != 0)
    return sf_fail_errno (error, errno, "%s: cannot make the queue private (mode 0700)", path);
  return true;
}

bool
sf_folder_sync (const char *path, GError **error)
{
  int fd = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return errno == EACCES || sf_fail_errno (error, errno, "%s: cannot open folder", path);
  bool good = fsync (fd) == 0 || errno == EINVAL || errno == EROFS;
  int saved = errno;
  close (fd);
  return good || sf_fail_errno (error, saved, "%s: cannot sync folder", path);
}

/* Before anything is recorded in it, its name and those of all folders above are on the disk,
 * whoever has just created them. */
static bool
make_durable (const char *path, GError **error)
{
  g_autofree char *store = g_build_filename (path, "store.db", NULL);
  g_autofree char *at = g_strdup (path);
  bool good = true;
  if (access (store, F_OK) == 0)
    return true;
  while (good && strcmp (at, "/") != 0)
    {
      char *above = g_path_get_dirname (at);
      g_free (at);
      at = above;
      good = sf_folder_sync (at, error);
    }
  return good;
}

char *
sf_queue_folder (GError **error)
{
  g_autofree char *path = folder_path ();
  /* Paths in it are in records, which are JSON, and so in UTF-8. */
  if (!g_utf8_validate (path, -1, NULL))
    {
      g_autofree char *shown = g_utf8_make_valid (path, -1);
      sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
               "%s: found a path that is not UTF-8, wanted one that is for the queue's folder; set "
               "SF_QUEUE_DIR to another one",
               shown);
      return NULL;
    }
  g_autofree char *parent = g_path_get_dirname (path);
  int failed = mkdir (path, 0700) != 0 ? errno : 0;
  if (failed == ENOENT)
    {
      if (!sf_make_folder (parent, error))
        return NULL;
      failed = mkdir (path, 0700) != 0 ? errno : 0;
    }
  if (failed != 0 && failed != EEXIST)
    {
      sf_fail_errno (error, failed, "%s: cannot create the queue's folder", path);
      return NULL;
    }
  return check_folder (path, error) && make_durable (path, error) ? g_steal_pointer (&path) : NULL;
}

bool
sf_folder_has_room (const char *folder)
{
  static const char text[16384];
  g_autofree char *path = g_build_filename (folder, "room.tmp", NULL);
  int fd = open (path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0)
    return false;
  bool good = write (fd, text, sizeof text) == (ssize_t) sizeof text;
  good = close (fd) == 0 && good;
  unlink (path);
  return good;
}

static int
remove_one (const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
  remove (path);
  return 0;
}

void
sf_remove_tree (const char *path)
{
  nftw (path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

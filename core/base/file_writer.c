/* SPDX-License-Identifier: Apache-2.0 */
/* SfFileWriter: a file that appears whole under its name, or not at all. */
#include <sf/file.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct SfFileWriter
{
  char *path;     /* as asked for, or what the symbolic link there names */
  char *tmp_path; /* NULL once renamed */
  int fd;
};

/* A new file beside `path`. Not mkstemp: its mode 0600 ignores the umask, which cannot be read
 * without changing it. */
static bool
open_beside (SfFileWriter *writer, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (writer->path);
  g_autofree char *base = g_path_get_basename (writer->path);
  for (int i = 0; i < 100; i++)
    {
      g_autofree char *name = g_strdup_printf (".%.200s.%08x.tmp", base, g_random_int ());
      g_autofree char *path = g_build_filename (folder, name, NULL);
      writer->fd = open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
      if (writer->fd >= 0)
        {
          writer->tmp_path = g_steal_pointer (&path);
          return true;
        }
      if (errno != EEXIST)
        break;
    }
  return sf_fail_errno (error, errno, "%s: cannot create a file in %s", writer->path, folder);
}

SfFileWriter *
sf_file_create (const char *path, GError **error)
{
  struct stat st;
  bool exists = stat (path, &st) == 0;
  if (exists && !S_ISREG (st.st_mode))
    {
      /* A rename would put a plain file in the place of /dev/null. */
      sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
               "%s: found a %s, wanted a file to write; name another path", path,
               S_ISDIR (st.st_mode) ? "folder" : "device, pipe or socket");
      return NULL;
    }
  SfFileWriter *writer = g_new0 (SfFileWriter, 1);
  char *resolved = exists ? realpath (path, NULL) : NULL;
  writer->path = g_strdup (resolved != NULL ? resolved : path);
  free (resolved);
  writer->fd = -1;
  if (!open_beside (writer, error))
    {
      sf_file_writer_free (writer);
      return NULL;
    }
  return writer;
}

bool
sf_file_write (SfFileWriter *writer, const void *data, size_t n_bytes, GError **error)
{
  const char *at = data;
  while (n_bytes > 0)
    {
      ssize_t n = write (writer->fd, at, n_bytes);
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return sf_fail_errno (error, errno, "%s: cannot write", writer->path);
      at += n;
      n_bytes -= (size_t) n;
    }
  return true;
}

/* Makes the rename itself durable. Filesystems that cannot sync a folder say EINVAL. */
static bool
sync_folder (const char *path, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (path);
  int fd = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return sf_fail_errno (error, errno, "%s: cannot open folder", folder);
  bool good = fsync (fd) == 0 || errno == EINVAL;
  int saved_errno = errno;
  close (fd);
  return good || sf_fail_errno (error, saved_errno, "%s: cannot sync folder", folder);
}

bool
sf_file_commit (SfFileWriter *writer, GError **error)
{
  if (fsync (writer->fd) != 0)
    return sf_fail_errno (error, errno, "%s: cannot write to disk", writer->path);
  int fd = writer->fd;
  writer->fd = -1;
  if (close (fd) != 0)
    return sf_fail_errno (error, errno, "%s: cannot close", writer->path);
  if (rename (writer->tmp_path, writer->path) != 0)
    return sf_fail_errno (error, errno, "%s: cannot put the new file in place", writer->path);
  g_clear_pointer (&writer->tmp_path, g_free);
  return sync_folder (writer->path, error);
}

void
sf_file_writer_free (SfFileWriter *writer)
{
  if (writer == NULL)
    return;
  if (writer->fd >= 0)
    close (writer->fd);
  if (writer->tmp_path != NULL)
    unlink (writer->tmp_path);
  g_free (writer->tmp_path);
  g_free (writer->path);
  g_free (writer);
}

bool
sf_file_replace (const char *path, const void *data, size_t n_bytes, GError **error)
{
  g_autoptr (SfFileWriter) writer = sf_file_create (path, error);
  return writer != NULL && sf_file_write (writer, data, n_bytes, error)
         && sf_file_commit (writer, error);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Bounded reading of regular files: mapped, whole, or decompressed; folders. */
#include <sf/checked.h>
#include <sf/file.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "core/base/read.h"

/* Opens a regular file of at most `max_bytes`; -1 with an error otherwise. O_NONBLOCK: a FIFO must
 * not hold us. */
static int
open_regular (const char *path, size_t max_bytes, size_t *n_bytes, GError **error)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0)
    {
      sf_fail_errno (error, errno, "%s: cannot open", path);
      return -1;
    }
  struct stat st;
  if (fstat (fd, &st) != 0)
    sf_fail_errno (error, errno, "%s: cannot read its size", path);
  else if (!S_ISREG (st.st_mode))
    sf_fail (error, SF_ERROR_INVALID_DATA, "%s: found a %s, wanted a regular file", path,
             S_ISDIR (st.st_mode) ? "folder" : "device, pipe or socket");
  else if ((uint64_t) st.st_size > max_bytes)
    sf_fail (error, SF_ERROR_INVALID_DATA,
             "%s: found %" G_GUINT64_FORMAT " bytes, wanted at most %zu", path,
             (uint64_t) st.st_size, max_bytes);
  else
    {
      *n_bytes = (size_t) st.st_size;
      return fd;
    }
  close (fd);
  return -1;
}

static bool
map_file (const char *path, size_t max_bytes, bool is_watched, SfFileMap *out, GError **error)
{
  size_t n_bytes;
  int fd = open_regular (path, max_bytes, &n_bytes, error);
  if (fd < 0)
    return false;
  void *data = NULL;
  if (n_bytes > 0)
    {
      data = mmap (NULL, n_bytes, PROT_READ, MAP_PRIVATE, fd, 0);
      if (data == MAP_FAILED)
        {
          sf_fail_errno (error, errno, "%s: cannot map %zu bytes", path, n_bytes);
          close (fd);
          return false;
        }
    }
  *out = (SfFileMap){ .data = data, .n_bytes = n_bytes };
  struct stat st;
  if (is_watched && data != NULL && fstat (fd, &st) == 0)
    {
      out->is_watched = true;
      out->fd = fd;
      out->written_s = st.st_mtim.tv_sec;
      out->written_ns = st.st_mtim.tv_nsec;
    }
  else
    close (fd);
  return true;
}

bool
sf_file_map (const char *path, size_t max_bytes, SfFileMap *out, GError **error)
{
  return map_file (path, max_bytes, false, out, error);
}

bool
sf_file_map_watched (const char *path, size_t max_bytes, SfFileMap *out, GError **error)
{
  return map_file (path, max_bytes, true, out, error);
}

bool
sf_file_map_check (const SfFileMap *map, const char *name, GError **error)
{
  struct stat st;
  if (!map->is_watched
      || (fstat (map->fd, &st) == 0 && (uint64_t) st.st_size == map->n_bytes
          && st.st_mtim.tv_sec == map->written_s && st.st_mtim.tv_nsec == map->written_ns))
    return true;
  return sf_fail (
      error, SF_ERROR_INVALID_DATA,
      "%s: found it written to since it was opened, wanted it as it was; open it again, "
      "and replace a file in use by renaming another over it (mv, not cp)",
      name);
}

void
sf_file_unmap (SfFileMap *map)
{
  if (map->data != NULL)
    munmap ((void *) map->data, map->n_bytes);
  if (map->is_watched)
    close (map->fd);
  *map = (SfFileMap){ 0 };
}

void
sf_file_map_let_go (const SfFileMap *map, const void *data, size_t n_bytes)
{
#ifdef MADV_DONTNEED
  uintptr_t begin = (uintptr_t) data, start = (uintptr_t) map->data;
  if (map->data == NULL || n_bytes == 0 || begin < start || begin - start > map->n_bytes
      || n_bytes > map->n_bytes - (begin - start))
    return;
  size_t before = begin % (size_t) sysconf (_SC_PAGESIZE);
  madvise ((void *) (begin - before), n_bytes + before, MADV_DONTNEED);
#endif
}

char *
sf_file_read_all (const char *path, size_t max_bytes, size_t *n_bytes, GError **error)
{
  size_t size;
  int fd = open_regular (path, max_bytes, &size, error);
  if (fd < 0)
    return NULL;
  char *data = g_try_malloc (size + 1);
  if (data == NULL)
    sf_fail (error, SF_ERROR_NO_RESOURCE, "%s: no memory for %zu bytes", path, size);
  size_t done = 0;
  while (data != NULL && done < size)
    {
      ssize_t n = read (fd, data + done, size - done);
      if (n == 0)
        break; /* shortened while we read it: what is left is the file */
      if (n < 0 && errno != EINTR)
        {
          sf_fail_errno (error, errno, "%s: cannot read", path);
          g_clear_pointer (&data, g_free);
        }
      else if (n > 0)
        done += (size_t) n;
    }
  close (fd);
  if (data != NULL)
    {
      data[done] = '\0';
      *n_bytes = done;
    }
  return data;
}

typedef struct
{
  const char *path;
  size_t max_bytes;
  uint8_t *out;
  size_t n_out, n_room;
} Inflater;

/* Room for at least one more byte, never more than max_bytes + 1: the one too many tells that the
 * bound was passed. */
static bool
inflater_grow (Inflater *self, GError **error)
{
  if (self->n_out < self->n_room)
    return true;
  if (self->n_out > self->max_bytes)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: found more than %zu bytes after decompression, wanted at most that many",
                    self->path, self->max_bytes);
  size_t room = MAX ((size_t) 1 << 16, self->n_room * 2);
  room = MIN (room, self->max_bytes + 1);
  uint8_t *grown = g_try_realloc (self->out, room);
  if (grown == NULL)
    return sf_fail (error, SF_ERROR_NO_RESOURCE, "%s: no memory for %zu decompressed bytes",
                    self->path, room);
  self->out = grown;
  self->n_room = room;
  return true;
}

/* All members of the gzip file `in`, one after the other, as gzip(1) reads them. */
static bool
inflate_members (Inflater *self, z_stream *z, const uint8_t *in, size_t n_in, GError **error)
{
  const uint8_t *end = in + n_in;
  z->next_in = (Bytef *) in;
  for (;;)
    {
      if (!inflater_grow (self, error))
        return false;
      z->avail_in = (uInt) MIN ((size_t) (end - z->next_in), (size_t) 1 << 30);
      size_t room = MIN (self->n_room - self->n_out, (size_t) 1 << 30);
      z->next_out = self->out + self->n_out;
      z->avail_out = (uInt) room;
      int status = inflate (z, Z_NO_FLUSH);
      self->n_out += room - z->avail_out;
      if (status == Z_STREAM_END)
        {
          if (z->next_in == end)
            break;
          inflateReset (z);
        }
      else if (status == Z_BUF_ERROR && z->next_in == end)
        return sf_fail (error, SF_ERROR_INVALID_DATA,
                        "%s: gzip data ends too early; fetch or write the file again", self->path);
      else if (status != Z_OK && status != Z_BUF_ERROR)
        return sf_fail (error, SF_ERROR_INVALID_DATA,
                        "%s: damaged gzip data (%s); fetch or write the file again", self->path,
                        z->msg != NULL ? z->msg : "no reason given");
    }
  if (self->n_out > self->max_bytes)
    return inflater_grow (
        &(Inflater){ self->path, self->max_bytes, NULL, self->n_out, self->n_out }, error);
  return true;
}

uint8_t *
sf_file_read_maybe_gzip (const char *path, size_t max_bytes, size_t *n_bytes, GError **error)
{
  max_bytes = MIN (max_bytes, (size_t) PTRDIFF_MAX - 2);
  g_autofree char *raw = NULL;
  size_t n_raw;
  raw = sf_file_read_all (path, max_bytes, &n_raw, error);
  if (raw == NULL)
    return NULL;
  if (n_raw < 2 || (uint8_t) raw[0] != 0x1f || (uint8_t) raw[1] != 0x8b)
    {
      *n_bytes = n_raw;
      return (uint8_t *) g_steal_pointer (&raw);
    }

  z_stream z = { 0 };
  if (inflateInit2 (&z, 15 + 16) != Z_OK)
    {
      sf_fail (error, SF_ERROR_NO_RESOURCE, "%s: no memory to decompress", path);
      return NULL;
    }
  Inflater inflater = { .path = path, .max_bytes = max_bytes };
  bool good = inflate_members (&inflater, &z, (const uint8_t *) raw, n_raw, error);
  inflateEnd (&z);
  if (!good)
    {
      g_free (inflater.out);
      return NULL;
    }
  *n_bytes = inflater.n_out;
  return inflater.out;
}

bool
sf_make_folder (const char *path, GError **error)
{
  if (g_mkdir_with_parents (path, 0777) != 0)
    return sf_fail_errno (error, errno, "%s: cannot create folder", path);
  return true;
}

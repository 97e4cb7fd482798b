/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are written whole or not at all, and files that are read within bounds. */
#ifndef SF_FILE_H
#define SF_FILE_H

#include <sf/error.h>

SF_BEGIN_DECLS

/* A writer: a temporary file beside `path`, fsynced and renamed over it by sf_file_commit, its folder fsynced; freed without commit it
 * leaves nothing behind. ENOSPC and the like fail at write or commit; path keeps its old content. */
typedef struct SfFileWriter SfFileWriter;

SF_API SfFileWriter *sf_file_create (const char *path, GError **error);
SF_API bool sf_file_write (SfFileWriter *writer, const void *data, size_t n_bytes, GError **error);
SF_API bool sf_file_commit (SfFileWriter *writer, GError **error);
SF_API void sf_file_writer_free (SfFileWriter *writer); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfFileWriter, sf_file_writer_free)

/* The three calls above in one. */
SF_API bool sf_file_replace (const char *path, const void *data, size_t n_bytes, GError **error);

/* A read-only mapping of a regular file; data is NULL for an empty one. `max_bytes` bounds what is accepted. */
typedef struct
{
  const uint8_t *data;
  size_t n_bytes;
  /* Of sf_file_map_watched: the file, and when it was last written to. */
  bool is_watched;
  int fd;
  int64_t written_s, written_ns;
} SfFileMap;

SF_API bool sf_file_map (const char *path, size_t max_bytes, SfFileMap *out, GError **error);
/* The same, and keeps the file open for sf_file_map_check. */
SF_API bool sf_file_map_watched (const char *path, size_t max_bytes, SfFileMap *out, GError **error);
/* Whether a watched file is as it was when it was mapped (INVALID_DATA otherwise, `name` says of what): one that has been written to gives
 * other bytes, and reading what has been cut off ends the process by SIGBUS. True for what is not watched. */
SF_API bool sf_file_map_check (const SfFileMap *map, const char *name, GError **error);
SF_API void sf_file_unmap (SfFileMap *map);
/* Gives the pages on which `n_bytes` at `data` lie back to the system: they come from the file again when they are read. Nothing happens to
 * what is not within the mapping. */
SF_API void sf_file_map_let_go (const SfFileMap *map, const void *data, size_t n_bytes);

/* Whole content, decompressed when the file starts with the gzip magic; at most `max_bytes` after decompression. Owned: g_free. */
SF_API uint8_t *sf_file_read_maybe_gzip (const char *path, size_t max_bytes, size_t *n_bytes, GError **error);

/* Creates `path` and its parents (mode 0777 less umask). */
SF_API bool sf_make_folder (const char *path, GError **error);

SF_END_DECLS
#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Files written whole or not at all, bounded reading, gzip, aligned memory, log. */
#include <sf/checked.h>
#include <sf/file.h>
#include <sf/log.h>

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "tests/support/sftest.h"

static int
count_entries (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  int n = 0;
  while (dir != NULL && g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

SF_TEST (File, ReplaceWritesWhole)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *dir = sf_test_tmpdir ();
  g_autofree char *path = g_build_filename (dir, "a", NULL);
  SF_CHECK (sf_file_replace (path, "one", 3, &error));
  SF_CHECK (sf_file_replace (path, "three", 5, &error));
  SF_REQUIRE_NO_ERROR (error);
  g_autofree char *text = NULL;
  SF_CHECK (g_file_get_contents (path, &text, NULL, NULL));
  SF_CHECK_STR (text, "three");
  SF_CHECK_INT (count_entries (dir), 1);
  struct stat st;
  mode_t mask = umask (0);
  umask (mask);
  SF_REQUIRE (stat (path, &st) == 0);
  SF_CHECK_INT (st.st_mode & 0777, 0666 & ~mask);
}

SF_TEST (File, FreedWithoutCommitLeavesNothing)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *dir = sf_test_tmpdir ();
  g_autofree char *path = sf_test_write_file (dir, "a", "old", -1);
  SfFileWriter *writer = sf_file_create (path, &error);
  SF_REQUIRE (writer != NULL);
  SF_CHECK (sf_file_write (writer, "new", 3, &error));
  SF_CHECK_INT (count_entries (dir), 2);
  sf_file_writer_free (writer);
  SF_CHECK_INT (count_entries (dir), 1);
  g_autofree char *text = NULL;
  SF_CHECK (g_file_get_contents (path, &text, NULL, NULL));
  SF_CHECK_STR (text, "old");
}

/* A file-size limit stands in for a full disk: write fails half way. */
SF_TEST (File, FailedWriteKeepsOldContent)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *dir = sf_test_tmpdir ();
  g_autofree char *path = sf_test_write_file (dir, "a", "old", -1);
  g_autofree char *big = g_malloc0 (100000);
  struct rlimit old, small;
  getrlimit (RLIMIT_FSIZE, &old);
  small = old;
  small.rlim_cur = 4096;
  void (*handler) (int) = signal (SIGXFSZ, SIG_IGN);
  setrlimit (RLIMIT_FSIZE, &small);
  bool good = sf_file_replace (path, big, 100000, &error);
  setrlimit (RLIMIT_FSIZE, &old);
  signal (SIGXFSZ, handler);
  SF_CHECK (!good);
  g_autofree char *wanted = g_strdup_printf ("%s: cannot write: File too large", path);
  SF_CHECK_ERROR (error, SF_ERROR_IO, wanted);
  g_autofree char *text = NULL;
  SF_CHECK (g_file_get_contents (path, &text, NULL, NULL));
  SF_CHECK_STR (text, "old");
  SF_CHECK_INT (count_entries (dir), 1);
}

SF_TEST (File, RefusesDeviceAndFolder)
{
  g_autoptr (GError) error = NULL;
  SF_CHECK (!sf_file_replace ("/dev/null", "x", 1, &error));
  SF_CHECK_ERROR (
      error, SF_ERROR_INVALID_ARGUMENT,
      "/dev/null: found a device, pipe or socket, wanted a file to write; name another path");
  SF_CHECK (!sf_file_replace ("/tmp", "x", 1, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_ARGUMENT, "/tmp: found a folder, wanted a file to write");
  SF_CHECK (!sf_file_replace ("/nonexistent/x", "x", 1, &error));
  SF_CHECK_ERROR (
      error, SF_ERROR_NOT_FOUND,
      "/nonexistent/x: cannot create a file in /nonexistent: No such file or directory");
}

SF_TEST (File, WritesThroughSymbolicLink)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *dir = sf_test_tmpdir ();
  g_autofree char *path = sf_test_write_file (dir, "a", "old", -1);
  g_autofree char *link = g_build_filename (dir, "link", NULL);
  SF_REQUIRE (symlink ("a", link) == 0);
  SF_CHECK (sf_file_replace (link, "new", 3, &error));
  SF_CHECK (g_file_test (link, G_FILE_TEST_IS_SYMLINK));
  g_autofree char *text = NULL;
  SF_CHECK (g_file_get_contents (path, &text, NULL, NULL));
  SF_CHECK_STR (text, "new");
}

/* Whether the page at `data` takes memory of this process. */
static bool
is_resident (const void *data)
{
  uint64_t entry = 0;
  FILE *file = fopen ("/proc/self/pagemap", "rb");
  SF_CHECK (file != NULL);
  if (file == NULL)
    return false;
  long at = (long) ((uintptr_t) data / (uintptr_t) sysconf (_SC_PAGESIZE) * sizeof entry);
  SF_CHECK (fseek (file, at, SEEK_SET) == 0 && fread (&entry, sizeof entry, 1, file) == 1);
  fclose (file);
  return entry >> 63 != 0;
}

SF_TEST (File, PagesOfAMapAreLetGo)
{
  size_t page = (size_t) sysconf (_SC_PAGESIZE), n = 3 * page;
  g_autofree char *dir = sf_test_tmpdir ();
  g_autofree char *text = g_malloc (n);
  memset (text, 'a', n);
  g_autofree char *path = sf_test_write_file (dir, "a", text, (gssize) n);
  SfFileMap map;
  SF_REQUIRE (sf_file_map (path, n, &map, NULL));
  SF_CHECK (memcmp (map.data, text, n) == 0);
  SF_CHECK (is_resident (map.data) && is_resident (map.data + 2 * page));
  sf_file_map_let_go (&map, map.data + 2 * page + 5, page - 5);
  SF_CHECK (is_resident (map.data) && !is_resident (map.data + 2 * page));
  sf_file_map_let_go (&map, map.data, n);
  SF_CHECK (!is_resident (map.data) && !is_resident (map.data + page));
  SF_CHECK (memcmp (map.data, text, n) == 0);
  /* What lies elsewhere stays as it is. */
  sf_file_map_let_go (&map, text, n);
  sf_file_map_let_go (&map, map.data + page, n);
  SF_CHECK (text[page] == 'a' && is_resident (map.data + page));
  sf_file_unmap (&map);
}

SF_TEST (File, MapIsBounded)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *dir = sf_test_tmpdir ();
  g_autofree char *path = sf_test_write_file (dir, "a", "12345", -1);
  g_autofree char *empty = sf_test_write_file (dir, "empty", "", 0);
  SfFileMap map;
  SF_REQUIRE (sf_file_map (path, 5, &map, &error));
  SF_CHECK_INT (map.n_bytes, 5);
  SF_CHECK (memcmp (map.data, "12345", 5) == 0);
  sf_file_map_let_go (&map, map.data + 1, 4);
  SF_CHECK (memcmp (map.data, "12345", 5) == 0);
  sf_file_unmap (&map);
  SF_CHECK (sf_file_map (empty, 5, &map, &error));
  SF_CHECK (map.data == NULL && map.n_bytes == 0);
  sf_file_unmap (&map);
  SF_CHECK (!sf_file_map (path, 4, &map, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA, "a: found 5 bytes, wanted at most 4");
  SF_CHECK (!sf_file_map (dir, 4, &map, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA, ": found a folder, wanted a regular file");
  SF_CHECK (!sf_file_map ("/dev/zero", 4, &map, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA,
                  "/dev/zero: found a device, pipe or socket, wanted a regular file");
  SF_CHECK (!sf_file_map ("/nonexistent", 4, &map, &error));
  SF_CHECK_ERROR (error, SF_ERROR_NOT_FOUND,
                  "/nonexistent: cannot open: No such file or directory");
}

/* Writes `copies` gzip members of `n` bytes each. */
static char *
write_gzip (const char *dir, const char *name, const void *bytes, unsigned n, int copies)
{
  char *path = g_build_filename (dir, name, NULL);
  for (int i = 0; i < copies; i++)
    {
      gzFile gz = gzopen (path, i == 0 ? "wb" : "ab");
      if (gz == NULL || gzwrite (gz, bytes, n) != (int) n || gzclose (gz) != Z_OK)
        g_error ("cannot write %s", path);
    }
  return path;
}

SF_TEST (File, ReadsPlainAndGzip)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *dir = sf_test_tmpdir ();
  g_autofree char *plain = sf_test_write_file (dir, "plain", "hello", -1);
  g_autofree char *bytes = g_malloc0 (300000);
  memset (bytes + 150000, 'x', 150000);
  g_autofree char *zipped = write_gzip (dir, "zipped", bytes, 300000, 2);
  size_t n;
  g_autofree uint8_t *a = sf_file_read_maybe_gzip (plain, 5, &n, &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK_INT (n, 5);
  SF_CHECK (memcmp (a, "hello", 5) == 0);
  g_autofree uint8_t *b = sf_file_read_maybe_gzip (zipped, 600000, &n, &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK_INT (n, 600000);
  SF_CHECK (memcmp (b, bytes, 300000) == 0 && memcmp (b + 300000, bytes, 300000) == 0);
  SF_CHECK (sf_file_read_maybe_gzip (zipped, 599999, &n, &error) == NULL);
  SF_CHECK_ERROR (
      error, SF_ERROR_INVALID_DATA,
      "zipped: found more than 599999 bytes after decompression, wanted at most that many");
  SF_CHECK (sf_file_read_maybe_gzip (plain, 4, &n, &error) == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA, "plain: found 5 bytes, wanted at most 4");
}

SF_TEST (File, RefusesEveryTruncationAndDamagedGzip)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *dir = sf_test_tmpdir ();
  g_autofree char *zipped = write_gzip (dir, "zipped", "hello hello hello", 17, 1);
  g_autofree char *bytes = NULL;
  size_t n_bytes, n;
  SF_REQUIRE (g_file_get_contents (zipped, &bytes, &n_bytes, NULL));
  for (size_t cut = 2; cut < n_bytes; cut++)
    {
      g_autofree char *path = sf_test_write_file (dir, "cut", bytes, (gssize) cut);
      SF_CHECK_MSG (sf_file_read_maybe_gzip (path, 1000, &n, &error) == NULL,
                    "cut at %zu was taken", cut);
      SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA,
                      "cut: gzip data ends too early; fetch or write the file again");
    }
  bytes[n_bytes - 6] ^= 1; /* checksum */
  g_autofree char *path = sf_test_write_file (dir, "bad", bytes, (gssize) n_bytes);
  SF_CHECK (sf_file_read_maybe_gzip (path, 1000, &n, &error) == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA, "bad: damaged gzip data (incorrect data check)");
}

SF_TEST (File, MakeFolder)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *dir = sf_test_tmpdir ();
  g_autofree char *deep = g_build_filename (dir, "a/b/c", NULL);
  SF_CHECK (sf_make_folder (deep, &error));
  SF_CHECK (sf_make_folder (deep, &error));
  SF_CHECK (g_file_test (deep, G_FILE_TEST_IS_DIR));
  g_autofree char *file = sf_test_write_file (dir, "file", "x", -1);
  g_autofree char *below = g_build_filename (file, "d", NULL);
  SF_CHECK (!sf_make_folder (below, &error));
  SF_CHECK_ERROR (error, SF_ERROR_IO, "file/d: cannot create folder: Not a directory");
}

SF_TEST (Checked, RefusesOverflow)
{
  size_t out = 7;
  SF_CHECK (!sf_add_size (SIZE_MAX, 1, &out));
  SF_CHECK (!sf_mul_size (SIZE_MAX / 2, 3, &out));
  SF_CHECK_INT (out, 7);
  SF_CHECK (sf_add_size (SIZE_MAX - 1, 1, &out) && out == SIZE_MAX);
  SF_CHECK (sf_mul_size (6, 7, &out) && out == 42);
}

SF_TEST (Checked, AlignedAlloc)
{
  g_autoptr (GError) error = NULL;
  uint8_t *p = sf_aligned_alloc (3, 7, "x", &error);
  SF_REQUIRE (p != NULL);
  SF_CHECK_INT ((uintptr_t) p % 64, 0);
  for (int i = 0; i < 21; i++)
    SF_CHECK_INT (p[i], 0);
  sf_aligned_free (p);
  p = sf_aligned_alloc (0, 8, "x", &error);
  SF_CHECK (p != NULL);
  sf_aligned_free (p);
  SF_CHECK (sf_aligned_alloc (SIZE_MAX / 2, 3, "weights", &error) == NULL);
  SF_CHECK_ERROR (
      error, SF_ERROR_NO_RESOURCE,
      "weights: no memory for 9223372036854775807 elements of 3 bytes; free some or ask for less");
  SF_CHECK (sf_aligned_alloc (SIZE_MAX, 1, "weights", &error) == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_NO_RESOURCE, "weights: no memory for");
}

static void
collect (SfLogLevel level, const char *message, void *user_data)
{
  g_string_append_printf (user_data, "%d %s\n", level, message);
}

SF_TEST (Log, SinkAndLevel)
{
  g_autoptr (GString) text = g_string_new (NULL);
  SF_CHECK (!sf_log_enabled (SF_LOG_ERROR));
  sf_log (SF_LOG_ERROR, "lost %d", 1);
  sf_log_set_sink (collect, text, SF_LOG_WARNING);
  SF_CHECK (sf_log_enabled (SF_LOG_WARNING) && !sf_log_enabled (SF_LOG_INFO));
  sf_log (SF_LOG_WARNING, "kept %d", 2);
  sf_log (SF_LOG_INFO, "lost %d", 3);
  sf_log_set_sink (NULL, NULL, SF_LOG_DEBUG);
  SF_CHECK (!sf_log_enabled (SF_LOG_ERROR));
  SF_CHECK_STR (text->str, "1 kept 2\n");
}

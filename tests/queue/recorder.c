/* SPDX-License-Identifier: Apache-2.0 */
/* Preloaded into the processes of a queue: writes down, in their order, the changes that they make
 * to files below a folder, so that what a disk holds after a power cut can be made later (disk.py).
 *
 *   SF_RECORD_FOLDER   the folder, absolute
 *   SF_RECORD_LOG      the record, elsewhere
 *   SF_RECORD_BOOT_ID  a file whose text is the boot id of the machine
 *
 * An entry is a line "KIND INODE NUMBER BYTES" and so many bytes:
 *
 *   create INODE         path, of a file; folder: of a folder
 *   write INODE OFFSET   what was written
 *   size INODE SIZE
 *   rename, link         two paths, a NUL between them
 *   remove               path
 *   sync INODE           of a file or a folder
 *
 * One lock holds a change and its entry together. A sync only is an entry: what it is good for is
 * for disk.py to say. Memory that is mapped is not recorded: a disk need not have it. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define API     __attribute__ ((visibility ("default")))
#define BOOT_ID "/proc/sys/kernel/random/boot_id"

enum
{
  MAX_PATH = 4096
};

/* The next function of that name: the real one. */
#define REAL(name) ((__typeof__ (&name)) real (#name))

static void *
real (const char *name)
{
  void *found = dlsym (RTLD_NEXT, name);
  if (found == NULL)
    abort ();
  return found;
}

/* ---- what is recorded ---- */

static bool
is_below (const char *path)
{
  const char *folder = getenv ("SF_RECORD_FOLDER");
  size_t n = folder != NULL ? strlen (folder) : 0;
  return n > 0 && strncmp (path, folder, n) == 0 && path[n] == '/';
}

/* The path that `fd` was opened by; false for what is no file of a folder. */
static bool
path_of (int fd, char path[static MAX_PATH])
{
  char link[64];
  snprintf (link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink (link, path, MAX_PATH - 1);
  if (n <= 0)
    return false;
  path[n] = '\0';
  return path[0] == '/';
}

/* `name` as openat takes it; true when it lies below the folder. */
static bool
resolve (int at, const char *name, char path[static MAX_PATH])
{
  char folder[MAX_PATH];
  if (name[0] == '/')
    return snprintf (path, MAX_PATH, "%s", name) < MAX_PATH && is_below (path);
  if (at == AT_FDCWD ? getcwd (folder, sizeof folder) == NULL : !path_of (at, folder))
    return false;
  return snprintf (path, MAX_PATH, "%s/%s", folder, name) < MAX_PATH && is_below (path);
}

static bool
is_recorded_file (int fd, struct stat *st)
{
  char path[MAX_PATH];
  return fstat (fd, st) == 0 && S_ISREG (st->st_mode) && path_of (fd, path) && is_below (path);
}

/* ---- the record ---- */

/* Opened for each change: no descriptor is kept that a program may close. */
static int
begin (void)
{
  const char *log = getenv ("SF_RECORD_LOG");
  int fd = log != NULL ? REAL (open) (log, O_WRONLY | O_APPEND | O_CLOEXEC) : -1;
  while (fd >= 0 && flock (fd, LOCK_EX) != 0 && errno == EINTR)
    continue;
  return fd;
}

static void
note (int log, const char *kind, ino_t inode, int64_t number, const void *bytes, size_t n_bytes)
{
  char line[128];
  int n = snprintf (line, sizeof line, "%s %llu %lld %zu\n", kind, (unsigned long long) inode,
                    (long long) number, n_bytes);
  struct iovec parts[] = { { line, (size_t) n }, { (void *) bytes, n_bytes } };
  if (log >= 0 && writev (log, parts, 2) != (ssize_t) ((size_t) n + n_bytes))
    abort (); /* half a record would accuse the queue */
}

static void
end (int log)
{
  int saved = errno;
  if (log >= 0)
    close (log);
  errno = saved;
}

static void
note_path (int log, const char *kind, const char *path)
{
  struct stat st;
  if (lstat (path, &st) == 0)
    note (log, kind, st.st_ino, 0, path, strlen (path));
}

static void
note_paths (int log, const char *kind, const char *from, const char *to)
{
  char both[2 * MAX_PATH];
  int n = snprintf (both, sizeof both, "%s%c%s", from, '\0', to);
  note (log, kind, 0, 0, both, (size_t) n);
}

/* ---- opening ---- */

static int
open_recorded (int at, const char *name, int flags, mode_t mode)
{
  char path[MAX_PATH];
  const char *boot_id = strcmp (name, BOOT_ID) == 0 ? getenv ("SF_RECORD_BOOT_ID") : NULL;
  bool changes = (flags & (O_CREAT | O_TRUNC)) != 0 && (flags & O_TMPFILE) != O_TMPFILE;
  if (boot_id != NULL)
    return REAL (openat) (at, boot_id, flags, mode);
  if (!changes || !resolve (at, name, path))
    return REAL (openat) (at, name, flags, mode);
  int log = begin ();
  struct stat before, after;
  bool was = lstat (path, &before) == 0;
  int fd = REAL (openat) (at, name, flags, mode);
  if (fd >= 0 && !was)
    note_path (log, "create", path);
  else if (fd >= 0 && (flags & O_TRUNC) != 0 && fstat (fd, &after) == 0)
    note (log, "size", after.st_ino, 0, "", 0);
  end (log);
  return fd;
}

static mode_t
mode_of (int flags, va_list rest)
{
  return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE ? va_arg (rest, mode_t) : 0;
}

#define OPEN(name)                                      \
  API int name (const char *path, int flags, ...)       \
  {                                                     \
    va_list rest;                                       \
    va_start (rest, flags);                             \
    mode_t mode = mode_of (flags, rest);                \
    va_end (rest);                                      \
    return open_recorded (AT_FDCWD, path, flags, mode); \
  }

#define OPENAT(name)                                      \
  API int name (int at, const char *path, int flags, ...) \
  {                                                       \
    va_list rest;                                         \
    va_start (rest, flags);                               \
    mode_t mode = mode_of (flags, rest);                  \
    va_end (rest);                                        \
    return open_recorded (at, path, flags, mode);         \
  }

OPEN (open)
OPEN (open64)
OPENAT (openat)
OPENAT (openat64)

/* What checked builds call. */
int __open_2 (const char *path, int flags);
int __open64_2 (const char *path, int flags);

API int
__open_2 (const char *path, int flags)
{
  return open_recorded (AT_FDCWD, path, flags, 0);
}

API int
__open64_2 (const char *path, int flags)
{
  return open_recorded (AT_FDCWD, path, flags, 0);
}

API int
creat (const char *path, mode_t mode)
{
  return open_recorded (AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}

/* ---- what files hold ---- */

API ssize_t
write (int fd, const void *bytes, size_t n_bytes)
{
  struct stat st;
  if (!is_recorded_file (fd, &st))
    return REAL (write) (fd, bytes, n_bytes);
  int log = begin ();
  bool appends = (fcntl (fd, F_GETFL) & O_APPEND) != 0;
  off_t at = lseek (fd, 0, SEEK_CUR);
  if (appends && fstat (fd, &st) == 0)
    at = st.st_size;
  ssize_t n = REAL (write) (fd, bytes, n_bytes);
  if (n > 0)
    note (log, "write", st.st_ino, at, bytes, (size_t) n);
  end (log);
  return n;
}

API ssize_t
pwrite (int fd, const void *bytes, size_t n_bytes, off_t at)
{
  struct stat st;
  if (!is_recorded_file (fd, &st))
    return REAL (pwrite) (fd, bytes, n_bytes, at);
  int log = begin ();
  ssize_t n = REAL (pwrite) (fd, bytes, n_bytes, at);
  if (n > 0)
    note (log, "write", st.st_ino, at, bytes, (size_t) n);
  end (log);
  return n;
}

API ssize_t
pwrite64 (int fd, const void *bytes, size_t n_bytes, off64_t at)
{
  return pwrite (fd, bytes, n_bytes, at);
}

API int
ftruncate (int fd, off_t size)
{
  struct stat st;
  if (!is_recorded_file (fd, &st))
    return REAL (ftruncate) (fd, size);
  int log = begin ();
  int failed = REAL (ftruncate) (fd, size);
  if (failed == 0)
    note (log, "size", st.st_ino, size, "", 0);
  end (log);
  return failed;
}

API int
ftruncate64 (int fd, off64_t size)
{
  return ftruncate (fd, size);
}

static int
sync_recorded (int fd, const char *name)
{
  char path[MAX_PATH];
  struct stat st;
  const char *folder = getenv ("SF_RECORD_FOLDER");
  if (fstat (fd, &st) != 0 || !path_of (fd, path)
      || !(is_below (path) || (folder != NULL && strcmp (path, folder) == 0)))
    return ((__typeof__ (&fsync)) real (name)) (fd);
  int log = begin ();
  note (log, "sync", st.st_ino, 0, "", 0);
  end (log);
  return 0;
}

API int
fsync (int fd)
{
  return sync_recorded (fd, "fsync");
}

API int
fdatasync (int fd)
{
  return sync_recorded (fd, "fdatasync");
}

/* ---- names ---- */

API int
mkdirat (int at, const char *name, mode_t mode)
{
  char path[MAX_PATH];
  if (!resolve (at, name, path))
    return REAL (mkdirat) (at, name, mode);
  int log = begin ();
  int failed = REAL (mkdirat) (at, name, mode);
  if (failed == 0)
    note_path (log, "folder", path);
  end (log);
  return failed;
}

API int
mkdir (const char *name, mode_t mode)
{
  return mkdirat (AT_FDCWD, name, mode);
}

API int
renameat (int from_at, const char *from, int to_at, const char *to)
{
  char old[MAX_PATH], new[MAX_PATH];
  if (!resolve (from_at, from, old) || !resolve (to_at, to, new))
    return REAL (renameat) (from_at, from, to_at, to);
  int log = begin ();
  int failed = REAL (renameat) (from_at, from, to_at, to);
  if (failed == 0)
    note_paths (log, "rename", old, new);
  end (log);
  return failed;
}

API int
rename (const char *from, const char *to)
{
  return renameat (AT_FDCWD, from, AT_FDCWD, to);
}

API int
linkat (int from_at, const char *from, int to_at, const char *to, int flags)
{
  char old[MAX_PATH], new[MAX_PATH];
  if (!resolve (from_at, from, old) || !resolve (to_at, to, new))
    return REAL (linkat) (from_at, from, to_at, to, flags);
  int log = begin ();
  int failed = REAL (linkat) (from_at, from, to_at, to, flags);
  if (failed == 0)
    note_paths (log, "link", old, new);
  end (log);
  return failed;
}

API int
link (const char *from, const char *to)
{
  return linkat (AT_FDCWD, from, AT_FDCWD, to, 0);
}

API int
unlinkat (int at, const char *name, int flags)
{
  char path[MAX_PATH];
  if (!resolve (at, name, path))
    return REAL (unlinkat) (at, name, flags);
  int log = begin ();
  int failed = REAL (unlinkat) (at, name, flags);
  if (failed == 0)
    note (log, "remove", 0, 0, path, strlen (path));
  end (log);
  return failed;
}

API int
unlink (const char *name)
{
  return unlinkat (AT_FDCWD, name, 0);
}

API int
rmdir (const char *name)
{
  return unlinkat (AT_FDCWD, name, AT_REMOVEDIR);
}

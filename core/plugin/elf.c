/* SPDX-License-Identifier: Apache-2.0 */
/* A look at a shared object before the dynamic loader maps it: mapping a truncated one would end
 * the process by SIGBUS. */
#include "core/plugin/elf.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The header of the object that this code is linked into, placed by the link editor: the machine
 * that plugins must be made for. */
extern const ElfW (Ehdr) __ehdr_start __attribute__ ((visibility ("hidden")));

/* More program headers than any linker writes. */
#define MAX_PROGRAM_HEADERS 256

typedef struct
{
  const char *path;
  int fd;
  uint64_t n_bytes; /* of the file */
} ElfFile;

static bool
read_at (const ElfFile *file, uint64_t offset, void *out, size_t n, GError **error)
{
  size_t done = 0;
  while (done < n)
    {
      ssize_t r = pread (file->fd, (char *) out + done, n - done, (off_t) (offset + done));
      if (r < 0 && errno == EINTR)
        continue;
      if (r < 0)
        return sf_fail_errno (error, errno, "%s: cannot read", file->path);
      if (r == 0)
        return sf_fail (error, SF_ERROR_INVALID_DATA,
                        "%s: the file ends at byte %" G_GUINT64_FORMAT
                        " inside its ELF header, wanted a whole shared object; build it again",
                        file->path, offset + done);
      done += (size_t) r;
    }
  return true;
}

/* Whether [offset, offset + n) lies in the file. */
static bool
check_extent (const ElfFile *file, const char *what, uint64_t offset, uint64_t n, GError **error)
{
  uint64_t end;
  if (__builtin_add_overflow (offset, n, &end) || end > file->n_bytes)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: truncated: %s at byte %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT
                    " bytes, wanted within the file's %" G_GUINT64_FORMAT "; build it again",
                    file->path, what, offset, n, file->n_bytes);
  return true;
}

static bool
check_identity (const ElfFile *file, const ElfW (Ehdr) * header, GError **error)
{
  const ElfW (Ehdr) *host = &__ehdr_start;
  if (header->e_ident[EI_CLASS] != host->e_ident[EI_CLASS]
      || header->e_ident[EI_DATA] != host->e_ident[EI_DATA] || header->e_machine != host->e_machine)
    return sf_fail (error, SF_ERROR_INCOMPATIBLE,
                    "%s: ELF class %d, data %d, machine %d, wanted %d, %d, %d; build it for this "
                    "machine",
                    file->path, header->e_ident[EI_CLASS], header->e_ident[EI_DATA],
                    header->e_machine, host->e_ident[EI_CLASS], host->e_ident[EI_DATA],
                    host->e_machine);
  if (header->e_type != ET_DYN)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: ELF type %d, wanted a shared object (%d); link it with -shared",
                    file->path, header->e_type, ET_DYN);
  return true;
}

static bool
check_segments (const ElfFile *file, const ElfW (Ehdr) * header, GError **error)
{
  if (header->e_phentsize != sizeof (ElfW (Phdr)) || header->e_phnum == 0
      || header->e_phnum > MAX_PROGRAM_HEADERS)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: %d program headers of %d bytes, wanted 1 to %d of %zu; build it again",
                    file->path, header->e_phnum, header->e_phentsize, MAX_PROGRAM_HEADERS,
                    sizeof (ElfW (Phdr)));
  if (!check_extent (file, "program headers", header->e_phoff,
                     header->e_phnum * sizeof (ElfW (Phdr)), error))
    return false;
  bool dynamic = false;
  for (unsigned i = 0; i < header->e_phnum; i++)
    {
      ElfW (Phdr) segment;
      if (!read_at (file, header->e_phoff + i * sizeof segment, &segment, sizeof segment, error))
        return false;
      if (segment.p_type == PT_DYNAMIC)
        dynamic = true;
      if ((segment.p_type == PT_LOAD || segment.p_type == PT_DYNAMIC)
          && !check_extent (file, "a segment", segment.p_offset, segment.p_filesz, error))
        return false;
    }
  if (!dynamic)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: no dynamic segment, wanted a shared object; link it with -shared",
                    file->path);
  return check_extent (file, "section headers", header->e_shoff,
                       (uint64_t) header->e_shnum * header->e_shentsize, error);
}

static bool
check_content (const ElfFile *file, GError **error)
{
  ElfW (Ehdr) header = { 0 };
  size_t n_magic = MIN (file->n_bytes, SELFMAG);
  if (!read_at (file, 0, &header, n_magic, error))
    return false;
  if (file->n_bytes == 0)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: an empty file, wanted an ELF shared object; build it again", file->path);
  if (memcmp (header.e_ident, ELFMAG, n_magic) != 0)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: no ELF file, wanted a shared object; remove it or build it again",
                    file->path);
  return read_at (file, 0, &header, sizeof header, error) && check_identity (file, &header, error)
         && check_segments (file, &header, error);
}

bool
sf_elf_check (const char *path, GError **error)
{
  struct stat status;
  if (stat (path, &status) != 0)
    return sf_fail_errno (error, errno, "%s: cannot look at the plugin", path);
  if (!S_ISREG (status.st_mode))
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: %s, wanted a regular file; remove or rename it", path,
                    S_ISDIR (status.st_mode) ? "a folder" : "a device, socket or pipe");
  ElfFile file = { path, open (path, O_RDONLY | O_CLOEXEC), (uint64_t) status.st_size };
  if (file.fd < 0)
    return sf_fail_errno (error, errno, "%s: cannot open the plugin", path);
  bool ok = check_content (&file, error);
  close (file.fd);
  return ok;
}

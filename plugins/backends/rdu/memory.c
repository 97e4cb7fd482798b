/* SPDX-License-Identifier: Apache-2.0 */
/* Large pieces of memory, mapped. */
#include <sys/mman.h>

#include "plugins/backends/rdu/memory.h"

/* From here on what huge pages round up is little. Scratch of a worker is smaller, and touched in
 * part. */
#define HUGE_BYTES ((size_t) 8 << 20)

static size_t
n_bytes (int64_t elems)
{
  return (size_t) MAX (elems, 1) * 4;
}

void *
rdu_memory_new (int64_t elems, const char *what, GError **error)
{
  bool is_countable = elems >= 0 && elems <= (int64_t) (PTRDIFF_MAX / 4);
  void *memory = is_countable ? mmap (NULL, n_bytes (elems), PROT_READ | PROT_WRITE,
                                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
                              : MAP_FAILED;
  if (memory == MAP_FAILED)
    {
      sf_fail (error, SF_ERROR_NO_RESOURCE,
               "%s: no memory for %" G_GINT64_FORMAT
               " elements of 4 bytes; free some or ask for less",
               what, elems);
      return NULL;
    }
#ifdef MADV_HUGEPAGE
  if (n_bytes (elems) >= HUGE_BYTES)
    madvise (memory, n_bytes (elems), MADV_HUGEPAGE);
#endif
  return memory;
}

void
rdu_memory_free (void *memory, int64_t elems)
{
  if (memory != NULL)
    munmap (memory, n_bytes (elems));
}

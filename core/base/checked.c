/* SPDX-License-Identifier: Apache-2.0 */
/* Aligned memory for what a file counted. */
#include <stdlib.h>
#include <string.h>

#include <sf/checked.h>

#define ALIGNMENT 64

void *
sf_aligned_alloc (size_t n, size_t elem_bytes, const char *what, GError **error)
{
  size_t bytes, room;
  void *memory = NULL;
  if (sf_mul_size (n, elem_bytes, &bytes) && sf_add_size (bytes, ALIGNMENT - 1, &room)
      && room <= PTRDIFF_MAX)
    memory = aligned_alloc (ALIGNMENT, MAX (room & ~(size_t) (ALIGNMENT - 1), ALIGNMENT));
  if (memory == NULL)
    {
      sf_fail (error, SF_ERROR_NO_RESOURCE,
               "%s: no memory for %zu elements of %zu bytes; make it smaller or free memory", what,
               n, elem_bytes);
      return NULL;
    }
  return memset (memory, 0, MAX (bytes, 1));
}

void
sf_aligned_free (void *memory)
{
  free (memory);
}

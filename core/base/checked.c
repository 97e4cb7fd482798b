/* SPDX-License-Identifier: Apache-2.0 */
/* Aligned memory for what a file counted: never aborts. */
#include <sf/checked.h>

#include <stdlib.h>
#include <string.h>

enum
{
  ALIGN_BYTES = 64
};

void *
sf_aligned_alloc (size_t n, size_t elem_bytes, const char *what, GError **error)
{
  size_t n_bytes, padded;
  void *memory = NULL;
  if (sf_mul_size (n, elem_bytes, &n_bytes) && sf_add_size (n_bytes, ALIGN_BYTES - 1, &padded)
      && padded <= PTRDIFF_MAX)
    {
      padded &= ~(size_t) (ALIGN_BYTES - 1);
      memory = aligned_alloc (ALIGN_BYTES, MAX (padded, ALIGN_BYTES));
    }
  if (memory == NULL)
    {
      sf_fail (error, SF_ERROR_NO_RESOURCE,
               "%s: no memory for %zu elements of %zu bytes; free some or ask for less", what, n,
               elem_bytes);
      return NULL;
    }
  memset (memory, 0, MAX (padded, ALIGN_BYTES));
  return memory;
}

void
sf_aligned_free (void *memory)
{
  free (memory);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Size arithmetic that refuses to overflow, and allocation of what a file counted. */
#ifndef SF_CHECKED_H
#define SF_CHECKED_H

#include <sf/error.h>

SF_BEGIN_DECLS

/* *out = a + b (a * b); false, *out untouched, when the result does not fit. */
static inline bool
sf_add_size (size_t a, size_t b, size_t *out)
{
  size_t r;
  if (__builtin_add_overflow (a, b, &r))
    return false;
  *out = r;
  return true;
}

static inline bool
sf_mul_size (size_t a, size_t b, size_t *out)
{
  size_t r;
  if (__builtin_mul_overflow (a, b, &r))
    return false;
  *out = r;
  return true;
}

/* Zeroed memory for `n` elements of `elem_bytes`, 64-byte aligned, or NULL with SF_ERROR_NO_RESOURCE naming `what`.
 * Never aborts; n = 0 gives a valid pointer. Released with sf_aligned_free. */
SF_API void *sf_aligned_alloc (size_t n, size_t elem_bytes, const char *what, GError **error);
SF_API void sf_aligned_free (void *memory);

SF_END_DECLS
#endif

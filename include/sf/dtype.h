/* SPDX-License-Identifier: Apache-2.0 */
/* Element types, by name in every file and across every ABI. */
#ifndef SF_DTYPE_H
#define SF_DTYPE_H

#include <string.h>

#include <sf/error.h>

SF_BEGIN_DECLS

typedef enum
{
  SF_F32,
  SF_F64,
  SF_BF16,
  SF_F16,
  SF_I8,
  SF_I16,
  SF_I32,
  SF_I64,
  SF_U8,
  SF_U16,
  SF_U32,
  SF_U64,
  SF_BOOL, /* one byte, 0 or 1 */
  SF_N_DTYPES,
} SfDtype;

SF_API const char *sf_dtype_name (SfDtype dtype); /* "f32", "bf16", "bool" ... */
SF_API bool sf_dtype_parse (const char *name, SfDtype *out, GError **error);
SF_API size_t sf_dtype_bytes (SfDtype dtype);
SF_API bool sf_dtype_is_float (SfDtype dtype);
SF_API bool sf_dtype_is_int (SfDtype dtype); /* signed and unsigned, not bool */
SF_API bool sf_dtype_is_signed (SfDtype dtype);

/* Nearest value of a float dtype to `x`, ties to even, as double; f64 is the identity; overflow
 * gives infinity. */
SF_API double sf_dtype_round (SfDtype dtype, double x);

static inline uint16_t
sf_bf16_from_f32 (float x)
{
  uint32_t u;
  memcpy (&u, &x, 4);
  if ((u & 0x7fffffffu) > 0x7f800000u)
    return (uint16_t) ((u >> 16) | 0x40);
  return (uint16_t) ((u + 0x7fffu + ((u >> 16) & 1)) >> 16);
}

static inline float
sf_bf16_to_f32 (uint16_t h)
{
  uint32_t u = (uint32_t) h << 16;
  float x;
  memcpy (&x, &u, 4);
  return x;
}

SF_API uint16_t sf_f16_from_f32 (float x);
SF_API float sf_f16_to_f32 (uint16_t h);

/* Converts `n` contiguous elements; float to int truncates and saturates (NaN: 0), int to narrower
 * int wraps, to bool is != 0. */
SF_API void sf_dtype_convert (SfDtype from, const void *in, SfDtype to, void *out, size_t n);

SF_END_DECLS
#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Element types: their table, rounding to a float dtype, and conversion of arrays. */
#include <sf/dtype.h>

#include <math.h>

typedef struct
{
  const char *name;
  size_t bytes;
  bool is_float;
  bool is_int;
  bool is_signed;
} Row;

static const Row rows[SF_N_DTYPES] = {
  [SF_F32] = { "f32", 4, true, false, true },     [SF_F64] = { "f64", 8, true, false, true },
  [SF_BF16] = { "bf16", 2, true, false, true },   [SF_F16] = { "f16", 2, true, false, true },
  [SF_I8] = { "i8", 1, false, true, true },       [SF_I16] = { "i16", 2, false, true, true },
  [SF_I32] = { "i32", 4, false, true, true },     [SF_I64] = { "i64", 8, false, true, true },
  [SF_U8] = { "u8", 1, false, true, false },      [SF_U16] = { "u16", 2, false, true, false },
  [SF_U32] = { "u32", 4, false, true, false },    [SF_U64] = { "u64", 8, false, true, false },
  [SF_BOOL] = { "bool", 1, false, false, false },
};

static const Row *
row_of (SfDtype dtype)
{
  static const Row none = { "?", 0, false, false, false };
  return (unsigned) dtype < SF_N_DTYPES ? &rows[dtype] : &none;
}

const char *
sf_dtype_name (SfDtype dtype)
{
  return row_of (dtype)->name;
}

bool
sf_dtype_parse (const char *name, SfDtype *out, GError **error)
{
  for (int i = 0; i < SF_N_DTYPES; i++)
    if (strcmp (rows[i].name, name) == 0)
      {
        *out = (SfDtype) i;
        return true;
      }
  return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                  "dtype '%s': not known, wanted one of f32 f64 bf16 f16 i8 i16 i32 i64 u8 u16 u32 "
                  "u64 bool",
                  name);
}

size_t
sf_dtype_bytes (SfDtype dtype)
{
  return row_of (dtype)->bytes;
}

bool
sf_dtype_is_float (SfDtype dtype)
{
  return row_of (dtype)->is_float;
}

bool
sf_dtype_is_int (SfDtype dtype)
{
  return row_of (dtype)->is_int;
}

bool
sf_dtype_is_signed (SfDtype dtype)
{
  return row_of (dtype)->is_signed;
}

/* Rounds once, straight from f64, so that nothing is rounded twice on its way to a 16-bit format.
 */
static double
round_to (double x, int precision, int min_exponent, double largest)
{
  if (!isfinite (x) || x == 0)
    return x;
  int exponent;
  frexp (x, &exponent);
  if (exponent - 1 < min_exponent)
    exponent = min_exponent + 1;
  int quantum = exponent - precision;
  double r = ldexp (rint (ldexp (x, -quantum)), quantum);
  return fabs (r) > largest ? copysign (INFINITY, x) : r;
}

double
sf_dtype_round (SfDtype dtype, double x)
{
  switch (dtype)
    {
    case SF_F32:
      return (double) (float) x;
    case SF_BF16:
      return round_to (x, 8, -126, 0x1.fep127);
    case SF_F16:
      return round_to (x, 11, -14, 65504);
    default:
      return x;
    }
}

uint16_t
sf_f16_from_f32 (float x)
{
  uint32_t u;
  memcpy (&u, &x, 4);
  uint16_t sign = (uint16_t) ((u >> 16) & 0x8000u);
  if ((u & 0x7fffffffu) > 0x7f800000u)
    return (uint16_t) (sign | 0x7e00u | ((u >> 13) & 0x1ffu));
  double r = fabs (round_to ((double) x, 11, -14, 65504));
  if (isinf (r))
    return sign | 0x7c00u;
  if (r < 0x1p-14)
    return (uint16_t) (sign | (unsigned) (r * 0x1p24));
  float f = (float) r;
  memcpy (&u, &f, 4);
  return (uint16_t) (sign | ((u - 0x38000000u) >> 13));
}

float
sf_f16_to_f32 (uint16_t h)
{
  uint32_t sign = (uint32_t) (h & 0x8000u) << 16;
  uint32_t exponent = (h >> 10) & 0x1fu, mantissa = h & 0x3ffu;
  uint32_t u;
  if (exponent == 0)
    {
      float small = (float) mantissa * 0x1p-24f;
      return sign ? -small : small;
    }
  if (exponent == 31)
    u = sign | 0x7f800000u | (mantissa << 13);
  else
    u = sign | ((exponent + 112) << 23) | (mantissa << 13);
  float x;
  memcpy (&x, &u, 4);
  return x;
}

/* One element on its way between dtypes: a float, a signed or an unsigned integer. */
typedef struct
{
  enum
  {
    FLOAT,
    SIGNED,
    UNSIGNED
  } sort;
  double f;
  int64_t i; /* UNSIGNED: the same bits */
} Element;

#define LOAD(type_) \
  type_ v;          \
  memcpy (&v, p, sizeof v)
#define LOAD_FLOAT(type_, expr_)                    \
  {                                                 \
    LOAD (type_);                                   \
    return (Element){ FLOAT, (double) (expr_), 0 }; \
  }
#define LOAD_INT(type_, sort_)                 \
  {                                            \
    LOAD (type_);                              \
    return (Element){ sort_, 0, (int64_t) v }; \
  }

static Element
load (SfDtype dtype, const uint8_t *p)
{
  switch (dtype)
    {
    case SF_F32:
      LOAD_FLOAT (float, v)
    case SF_F64:
      LOAD_FLOAT (double, v)
    case SF_BF16:
      LOAD_FLOAT (uint16_t, sf_bf16_to_f32 (v))
    case SF_F16:
      LOAD_FLOAT (uint16_t, sf_f16_to_f32 (v))
    case SF_I8:
      LOAD_INT (int8_t, SIGNED)
    case SF_I16:
      LOAD_INT (int16_t, SIGNED)
    case SF_I32:
      LOAD_INT (int32_t, SIGNED)
    case SF_I64:
      LOAD_INT (int64_t, SIGNED)
    case SF_U16:
      LOAD_INT (uint16_t, UNSIGNED)
    case SF_U32:
      LOAD_INT (uint32_t, UNSIGNED)
    case SF_U64:
      LOAD_INT (uint64_t, UNSIGNED)
    default: /* SF_U8, SF_BOOL */
      LOAD_INT (uint8_t, UNSIGNED)
    }
}

/* The integer as a double that later rounds to any narrower float as the integer itself would: what
 * f64 cannot hold is folded into a sticky bit (round to odd); to f64 itself it rounds to nearest.
 */
static double
as_double (const Element *e, bool exact)
{
  bool negative = e->sort == SIGNED && e->i < 0;
  uint64_t u = negative ? 0 - (uint64_t) e->i : (uint64_t) e->i;
  if (!exact && u >> 53)
    u = (u & ~UINT64_C (0x7ff)) | ((u & 0x7ff) ? 0x800 : 0);
  return negative ? -(double) u : (double) u;
}

static int64_t
saturated (SfDtype dtype, double f)
{
  int bits = (int) sf_dtype_bytes (dtype) * 8;
  if (isnan (f))
    return 0;
  if (sf_dtype_is_signed (dtype))
    {
      double limit = ldexp (1, bits - 1);
      int64_t top = (int64_t) (((uint64_t) 1 << (bits - 1)) - 1);
      return f >= limit ? top : f <= -limit ? -top - 1 : (int64_t) f;
    }
  uint64_t top = UINT64_MAX >> (64 - bits);
  return f <= 0 ? 0 : f >= ldexp (1, bits) ? (int64_t) top : (int64_t) (uint64_t) f;
}

static void
store_float (SfDtype dtype, const Element *e, uint8_t *p)
{
  double x = e->sort == FLOAT ? e->f : as_double (e, dtype == SF_F64);
  float f = (float) sf_dtype_round (dtype, x);
  uint16_t h;
  switch (dtype)
    {
    case SF_F64:
      memcpy (p, &x, 8);
      return;
    case SF_F32:
      memcpy (p, &f, 4);
      return;
    default:
      h = dtype == SF_BF16 ? sf_bf16_from_f32 (f) : sf_f16_from_f32 (f);
      memcpy (p, &h, 2);
    }
}

static void
store (SfDtype dtype, const Element *e, uint8_t *p)
{
  if (sf_dtype_is_float (dtype))
    {
      store_float (dtype, e, p);
      return;
    }
  if (dtype == SF_BOOL)
    {
      *p = e->sort == FLOAT ? e->f != 0 : e->i != 0;
      return;
    }
  uint64_t u = (uint64_t) (e->sort == FLOAT ? saturated (dtype, e->f) : e->i);
  for (size_t k = 0; k < sf_dtype_bytes (dtype); k++)
    p[k] = (uint8_t) (u >> (8 * k));
}

static bool
convert_fast (SfDtype from, const void *in, SfDtype to, void *out, size_t n)
{
  if (from == to)
    {
      if (n > 0)
        memcpy (out, in, n * sf_dtype_bytes (from));
    }
  else if (from == SF_F32 && to == SF_BF16)
    for (size_t i = 0; i < n; i++)
      ((uint16_t *) out)[i] = sf_bf16_from_f32 (((const float *) in)[i]);
  else if (from == SF_BF16 && to == SF_F32)
    for (size_t i = 0; i < n; i++)
      ((float *) out)[i] = sf_bf16_to_f32 (((const uint16_t *) in)[i]);
  else if (from == SF_F32 && to == SF_F64)
    for (size_t i = 0; i < n; i++)
      ((double *) out)[i] = (double) ((const float *) in)[i];
  else if (from == SF_F64 && to == SF_F32)
    for (size_t i = 0; i < n; i++)
      ((float *) out)[i] = (float) ((const double *) in)[i];
  else if (from == SF_U8 && to == SF_F32)
    for (size_t i = 0; i < n; i++)
      ((float *) out)[i] = (float) ((const uint8_t *) in)[i];
  else
    return false;
  return true;
}

void
sf_dtype_convert (SfDtype from, const void *in, SfDtype to, void *out, size_t n)
{
  if (convert_fast (from, in, to, out, n))
    return;
  const uint8_t *p = in;
  uint8_t *q = out;
  size_t p_bytes = sf_dtype_bytes (from), q_bytes = sf_dtype_bytes (to);
  for (size_t i = 0; i < n; i++, p += p_bytes, q += q_bytes)
    {
      Element e = load (from, p);
      store (to, &e, q);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What whole numbers are made for: remainders, bits, shifts. */
#include "elementwise.h"

static double
f_mod (double a, double b)
{
  double r = fmod (a, b);
  if (r == 0)
    return copysign (0, b);
  return (r < 0) != (b < 0) ? r + b : r;
}

/* With the sign of a; 0 where there is nothing to divide by, and where the smallest / -1 would
 * trap. */
static int64_t
i_fmod (int64_t a, int64_t b, SfDtype dtype)
{
  if (b == 0)
    return 0;
  if (dtype == SF_U64)
    return (int64_t) ((uint64_t) a % (uint64_t) b);
  return b == -1 ? 0 : a % b;
}

static int64_t
i_mod (int64_t a, int64_t b, SfDtype dtype)
{
  int64_t r = i_fmod (a, b, dtype);
  return sf_dtype_is_signed (dtype) && r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

static int64_t
i_bit_not (int64_t x, SfDtype dtype)
{
  return ~x;
}

static int64_t
i_bit_and (int64_t a, int64_t b, SfDtype dtype)
{
  return a & b;
}

static int64_t
i_bit_or (int64_t a, int64_t b, SfDtype dtype)
{
  return a | b;
}

static int64_t
i_bit_xor (int64_t a, int64_t b, SfDtype dtype)
{
  return a ^ b;
}

/* Whether a shift by `b`, a negative one included, leaves nothing. */
static bool
shifts_out (int64_t b, SfDtype dtype)
{
  return (uint64_t) b >= 8 * sf_dtype_bytes (dtype);
}

static int64_t
i_shift_left (int64_t a, int64_t b, SfDtype dtype)
{
  return shifts_out (b, dtype) ? 0 : (int64_t) ((uint64_t) a << b);
}

static int64_t
i_shift_right (int64_t a, int64_t b, SfDtype dtype)
{
  if (shifts_out (b, dtype))
    return 0;
  return dtype == SF_U64 ? (int64_t) ((uint64_t) a >> b) : a >> b;
}

static const CpuBinary integer_mod = { f_mod, i_mod, NULL };
static const CpuBinary integer_fmod = { fmod, i_fmod, NULL };
static const CpuUnary integer_bit_not = { NULL, i_bit_not };
static const CpuBinary integer_bit_and = { NULL, i_bit_and, NULL };
static const CpuBinary integer_bit_or = { NULL, i_bit_or, NULL };
static const CpuBinary integer_bit_xor = { NULL, i_bit_xor, NULL };
static const CpuBinary integer_shift_left = { NULL, i_shift_left, NULL };
static const CpuBinary integer_shift_right = { NULL, i_shift_right, NULL };

const CpuKernel cpu_kernels_integer[] = {
  { "mod", 1, cpu_run_binary, &integer_mod },
  { "fmod", 1, cpu_run_binary, &integer_fmod },
  { "bit_not", 1, cpu_run_unary, &integer_bit_not },
  { "bit_and", 1, cpu_run_binary, &integer_bit_and },
  { "bit_or", 1, cpu_run_binary, &integer_bit_or },
  { "bit_xor", 1, cpu_run_binary, &integer_bit_xor },
  { "shift_left", 1, cpu_run_binary, &integer_shift_left },
  { "shift_right", 1, cpu_run_binary, &integer_shift_right },
  { NULL },
};

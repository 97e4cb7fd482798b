/* SPDX-License-Identifier: Apache-2.0 */
/* Elementwise tile kernels of two operands that broadcast. */
#include "plugins/backends/rdu/kernels_math.h"
#include "plugins/backends/rdu/kernels_rows.h"

static int32_t
divide (int32_t a, int32_t b)
{
  if (b == 0)
    return 0;
  return b == -1 ? (int32_t) (0u - (uint32_t) a) : a / b;
}

/* The remainder with the sign of b: a - b floor (a / b). */
static int32_t
floor_remainder (int32_t a, int32_t b)
{
  int32_t r = b == 0 || b == -1 ? 0 : a % b;
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

static double
floor_remainder_f (double a, double b)
{
  double r = fmod (a, b);
  if (r == 0)
    return copysign (0, b);
  return (r < 0) != (b < 0) ? r + b : r;
}

/* Kernel `func` with an f32 and an i32 form. */
#define BINARY(func, expr_f, expr_i)                  \
  RDU_BINARY_ROW (func##_f, float, float, expr_f)     \
  RDU_BINARY_ROW (func##_i, int32_t, int32_t, expr_i) \
  RDU_MAP (func, func##_f, func##_i)

#define COMPARE(func, op)                               \
  RDU_BINARY_ROW (func##_f, float, int32_t, va op vb)   \
  RDU_BINARY_ROW (func##_i, int32_t, int32_t, va op vb) \
  RDU_MAP (func, func##_f, func##_i)

#define LOGIC(func, expr)                           \
  RDU_BINARY_ROW (func##_i, int32_t, int32_t, expr) \
  RDU_MAP (func, func##_i, func##_i)

#define FLOAT(func, expr)                       \
  RDU_BINARY_ROW (func##_f, float, float, expr) \
  RDU_MAP (func, func##_f, func##_f)

BINARY (add, va + vb, (uint32_t) va + (uint32_t) vb)
BINARY (sub, va - vb, (uint32_t) va - (uint32_t) vb)
BINARY (mul, va *vb, (uint32_t) va *(uint32_t) vb)
BINARY (div_, va / vb, divide (va, vb))
BINARY (max_, va > vb || va != va ? va : vb, va > vb ? va : vb)
BINARY (min_, va < vb || va != va ? va : vb, va < vb ? va : vb)
BINARY (mod, floor_remainder_f (va, vb), floor_remainder (va, vb))
BINARY (fmod_, fmod ((double) va, (double) vb), vb == 0 || vb == -1 ? 0 : va % vb)
FLOAT (pow_, pow ((double) va, (double) vb))
COMPARE (eq, ==)
COMPARE (ne, !=)
COMPARE (lt, <)
COMPARE (le, <=)
COMPARE (gt, >)
COMPARE (ge, >=)
LOGIC (and_, va != 0 && vb != 0)
LOGIC (or_, va != 0 || vb != 0)
LOGIC (xor_, (va != 0) != (vb != 0))
LOGIC (bit_and, va &vb)
LOGIC (bit_or, va | vb)
LOGIC (bit_xor, va ^ vb)
FLOAT (relu_bwd, vb > 0 ? va : 0.0f)
FLOAT (gelu_bwd, va *rdu_gelu_slope (vb))
FLOAT (gelu_tanh_bwd, va *rdu_gelu_tanh_slope (vb))

/* Shifts by the width of the value (imm 0) and beyond leave nothing. */
RDU_BINARY_ROW (shift_left_8, int32_t, int32_t, (uint32_t) vb < 8 ? (uint32_t) va << vb : 0)
RDU_BINARY_ROW (shift_left_16, int32_t, int32_t, (uint32_t) vb < 16 ? (uint32_t) va << vb : 0)
RDU_BINARY_ROW (shift_left_32, int32_t, int32_t, (uint32_t) vb < 32 ? (uint32_t) va << vb : 0)
RDU_BINARY_ROW (shift_right_8, int32_t, int32_t, (uint32_t) vb < 8 ? va >> vb : 0)
RDU_BINARY_ROW (shift_right_16, int32_t, int32_t, (uint32_t) vb < 16 ? va >> vb : 0)
RDU_BINARY_ROW (shift_right_32, int32_t, int32_t, (uint32_t) vb < 32 ? va >> vb : 0)

static void
shift_left_row (const RduRow *row)
{
  (row->imm[0] == 8 ? shift_left_8 : row->imm[0] == 16 ? shift_left_16 : shift_left_32) (row);
}

static void
shift_right_row (const RduRow *row)
{
  (row->imm[0] == 8 ? shift_right_8 : row->imm[0] == 16 ? shift_right_16 : shift_right_32) (row);
}

RDU_MAP (shift_left, shift_left_row, shift_left_row)
RDU_MAP (shift_right, shift_right_row, shift_right_row)

const RduKernel RDU_SYMBOL (rdu_binary_kernels)[] = {
  RDU_MAP_KERNEL ("add", add),
  RDU_MAP_KERNEL ("sub", sub),
  RDU_MAP_KERNEL ("mul", mul),
  RDU_MAP_KERNEL ("div", div_),
  RDU_MAP_KERNEL ("max", max_),
  RDU_MAP_KERNEL ("min", min_),
  RDU_MAP_KERNEL ("pow", pow_),
  RDU_MAP_KERNEL ("mod", mod),
  RDU_MAP_KERNEL ("fmod", fmod_),
  RDU_MAP_KERNEL ("eq", eq),
  RDU_MAP_KERNEL ("ne", ne),
  RDU_MAP_KERNEL ("lt", lt),
  RDU_MAP_KERNEL ("le", le),
  RDU_MAP_KERNEL ("gt", gt),
  RDU_MAP_KERNEL ("ge", ge),
  RDU_MAP_KERNEL ("and", and_),
  RDU_MAP_KERNEL ("or", or_),
  RDU_MAP_KERNEL ("xor", xor_),
  RDU_MAP_KERNEL ("bit_and", bit_and),
  RDU_MAP_KERNEL ("bit_or", bit_or),
  RDU_MAP_KERNEL ("bit_xor", bit_xor),
  RDU_MAP_KERNEL ("shift_left", shift_left),
  RDU_MAP_KERNEL ("shift_right", shift_right),
  RDU_MAP_KERNEL ("relu_bwd", relu_bwd),
  RDU_MAP_KERNEL ("gelu_bwd", gelu_bwd),
  RDU_MAP_KERNEL ("gelu_tanh_bwd", gelu_tanh_bwd),
  { NULL, 0, NULL },
};

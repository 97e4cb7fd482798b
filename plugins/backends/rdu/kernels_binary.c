/* SPDX-License-Identifier: Apache-2.0 */
/* Elementwise tile kernels of two operands that broadcast. */
#include "plugins/backends/rdu/kernels_math.h"
#include "plugins/backends/rdu/kernels_view.h"

/* One row; expr sees `va` and `vb`. A repeated operand is read once, so that the compiler
 * vectorises the common forms. */
#define ROW(func, type_in, type_out, expr)                                                        \
  static void func (void *y_, int64_t sy, const void *a_, int64_t sa, const void *b_, int64_t sb, \
                    int64_t n)                                                                    \
  {                                                                                               \
    type_out *y = y_;                                                                             \
    const type_in *a = a_, *b = b_;                                                               \
    if (sy == 1 && sa == 1 && sb == 1)                                                            \
      for (int64_t i = 0; i < n; i++)                                                             \
        {                                                                                         \
          type_in va = a[i], vb = b[i];                                                           \
          y[i] = (type_out) (expr);                                                               \
        }                                                                                         \
    else if (sy == 1 && sa == 1 && sb == 0)                                                       \
      {                                                                                           \
        type_in vb = b[0];                                                                        \
        for (int64_t i = 0; i < n; i++)                                                           \
          {                                                                                       \
            type_in va = a[i];                                                                    \
            y[i] = (type_out) (expr);                                                             \
          }                                                                                       \
      }                                                                                           \
    else                                                                                          \
      for (int64_t i = 0; i < n; i++)                                                             \
        {                                                                                         \
          type_in va = a[i * sa], vb = b[i * sb];                                                 \
          y[i * sy] = (type_out) (expr);                                                          \
        }                                                                                         \
  }

typedef void (*RowFunc) (void *y, int64_t sy, const void *a, int64_t sa, const void *b, int64_t sb,
                         int64_t n);

static void
run_rows (const RduCall *call, RowFunc row)
{
  const RduView *views[] = { call->dst[0], call->src[0], call->src[1] };
  RduWalk walk;
  if (!rdu_walk_begin (&walk, views, 3))
    return;
  int64_t n = rdu_walk_row (&walk), sy = rdu_walk_stride (&walk, 0);
  int64_t sa = rdu_walk_stride (&walk, 1), sb = rdu_walk_stride (&walk, 2);
  do
    row (walk.at[0], sy, walk.at[1], sa, walk.at[2], sb, n);
  while (rdu_walk_next (&walk));
}

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
#define BINARY(func, expr_f, expr_i)                                     \
  ROW (func##_row_f, float, float, expr_f)                               \
  ROW (func##_row_i, int32_t, int32_t, expr_i)                           \
  static void func (const RduCall *call)                                 \
  {                                                                      \
    run_rows (call, call->src[0]->is_int ? func##_row_i : func##_row_f); \
  }

#define COMPARE(func, op)                                                \
  ROW (func##_row_f, float, int32_t, va op vb)                           \
  ROW (func##_row_i, int32_t, int32_t, va op vb)                         \
  static void func (const RduCall *call)                                 \
  {                                                                      \
    run_rows (call, call->src[0]->is_int ? func##_row_i : func##_row_f); \
  }

#define LOGIC(func, expr)                  \
  ROW (func##_row, int32_t, int32_t, expr) \
  static void func (const RduCall *call)   \
  {                                        \
    run_rows (call, func##_row);           \
  }

#define FLOAT(func, expr)                \
  ROW (func##_row, float, float, expr)   \
  static void func (const RduCall *call) \
  {                                      \
    run_rows (call, func##_row);         \
  }

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
FLOAT (gelu_bwd, (double) va *rdu_gelu_slope ((double) vb))
FLOAT (gelu_tanh_bwd, (double) va *rdu_gelu_tanh_slope ((double) vb))

/* Shifts by the width of the value (imm 0) and beyond leave nothing. */
ROW (shift_left_row8, int32_t, int32_t, (uint32_t) vb < 8 ? (uint32_t) va << vb : 0)
ROW (shift_left_row16, int32_t, int32_t, (uint32_t) vb < 16 ? (uint32_t) va << vb : 0)
ROW (shift_left_row32, int32_t, int32_t, (uint32_t) vb < 32 ? (uint32_t) va << vb : 0)
ROW (shift_right_row8, int32_t, int32_t, (uint32_t) vb < 8 ? va >> vb : 0)
ROW (shift_right_row16, int32_t, int32_t, (uint32_t) vb < 16 ? va >> vb : 0)
ROW (shift_right_row32, int32_t, int32_t, (uint32_t) vb < 32 ? va >> vb : 0)

static void
shift_left (const RduCall *call)
{
  run_rows (call, call->imm[0] == 8    ? shift_left_row8
                  : call->imm[0] == 16 ? shift_left_row16
                                       : shift_left_row32);
}

static void
shift_right (const RduCall *call)
{
  run_rows (call, call->imm[0] == 8    ? shift_right_row8
                  : call->imm[0] == 16 ? shift_right_row16
                                       : shift_right_row32);
}

const RduKernel RDU_SYMBOL (rdu_binary_kernels)[] = {
  { "add", 1, add },
  { "sub", 1, sub },
  { "mul", 1, mul },
  { "div", 1, div_ },
  { "max", 1, max_ },
  { "min", 1, min_ },
  { "pow", 1, pow_ },
  { "mod", 1, mod },
  { "fmod", 1, fmod_ },
  { "eq", 1, eq },
  { "ne", 1, ne },
  { "lt", 1, lt },
  { "le", 1, le },
  { "gt", 1, gt },
  { "ge", 1, ge },
  { "and", 1, and_ },
  { "or", 1, or_ },
  { "xor", 1, xor_ },
  { "bit_and", 1, bit_and },
  { "bit_or", 1, bit_or },
  { "bit_xor", 1, bit_xor },
  { "shift_left", 1, shift_left },
  { "shift_right", 1, shift_right },
  { "relu_bwd", 1, relu_bwd },
  { "gelu_bwd", 1, gelu_bwd },
  { "gelu_tanh_bwd", 1, gelu_tanh_bwd },
  { NULL, 0, NULL },
};

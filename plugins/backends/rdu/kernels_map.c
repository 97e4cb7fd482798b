/* SPDX-License-Identifier: Apache-2.0 */
/* Elementwise tile kernels of one operand, select, cast, and the rounding of rows. */
#include "plugins/backends/rdu/kernels_math.h"
#include "plugins/backends/rdu/kernels_view.h"

/* y[i] = expr (x[i]) over every row; expr sees `v`. */
#define UNARY(func, type_in, type_out, expr)                           \
  static void func (const RduCall *call)                               \
  {                                                                    \
    const RduView *views[] = { call->dst[0], call->src[0] };           \
    RduWalk walk;                                                      \
    if (!rdu_walk_begin (&walk, views, 2))                             \
      return;                                                          \
    int64_t n = rdu_walk_row (&walk), sy = rdu_walk_stride (&walk, 0); \
    int64_t sx = rdu_walk_stride (&walk, 1);                           \
    do                                                                 \
      {                                                                \
        type_out *y = (type_out *) walk.at[0];                         \
        const type_in *x = (const type_in *) walk.at[1];               \
        if (sx == 1 && sy == 1)                                        \
          for (int64_t i = 0; i < n; i++)                              \
            {                                                          \
              type_in v = x[i];                                        \
              y[i] = (type_out) (expr);                                \
            }                                                          \
        else                                                           \
          for (int64_t i = 0; i < n; i++)                              \
            {                                                          \
              type_in v = x[i * sx];                                   \
              y[i * sy] = (type_out) (expr);                           \
            }                                                          \
      }                                                                \
    while (rdu_walk_next (&walk));                                     \
  }

/* The f32 or the i32 form, as the operand is. */
#define BY_TYPE(func, float_func, int_func) \
  static void func (const RduCall *call)    \
  {                                         \
    if (call->src[0]->is_int)               \
      int_func (call);                      \
    else                                    \
      float_func (call);                    \
  }

UNARY (neg_f, float, float, -v)
UNARY (neg_i, int32_t, int32_t, 0u - (uint32_t) v)
BY_TYPE (neg, neg_f, neg_i)
UNARY (abs_f, float, float, fabsf (v))
UNARY (abs_i, int32_t, int32_t, v < 0 ? 0u - (uint32_t) v : (uint32_t) v)
BY_TYPE (abs_, abs_f, abs_i)
UNARY (sign_f, float, float, v != v ? v : (float) ((v > 0) - (v < 0)))
UNARY (sign_i, int32_t, int32_t, (v > 0) - (v < 0))
BY_TYPE (sign, sign_f, sign_i)
UNARY (exp_, float, float, rdu_exp ((double) v))
UNARY (log_, float, float, rdu_log ((double) v))
UNARY (sqrt_, float, float, sqrtf (v))
UNARY (rsqrt, float, float, 1.0 / sqrt ((double) v))
UNARY (reciprocal, float, float, 1.0f / v)
UNARY (sin_, float, float, sin ((double) v))
UNARY (cos_, float, float, cos ((double) v))
UNARY (tan_, float, float, tan ((double) v))
UNARY (asin_, float, float, asin ((double) v))
UNARY (acos_, float, float, acos ((double) v))
UNARY (atan_, float, float, atan ((double) v))
UNARY (sinh_, float, float, sinh ((double) v))
UNARY (cosh_, float, float, cosh ((double) v))
UNARY (tanh_, float, float, rdu_tanh ((double) v))
UNARY (asinh_, float, float, asinh ((double) v))
UNARY (acosh_, float, float, acosh ((double) v))
UNARY (atanh_, float, float, atanh ((double) v))
UNARY (sigmoid, float, float, rdu_sigmoid ((double) v))
UNARY (erf_, float, float, rdu_erf ((double) v))
UNARY (floor_, float, float, floorf (v))
UNARY (ceil_, float, float, ceilf (v))
UNARY (round_, float, float, rintf (v))
UNARY (relu, float, float, v < 0 ? 0.0f : v)
UNARY (not_, int32_t, int32_t, v == 0)
UNARY (bit_not, int32_t, int32_t, ~v)
UNARY (gelu, float, float, rdu_gelu ((double) v))
UNARY (gelu_tanh, float, float, (double) v *rdu_gelu_tanh_gate ((double) v))

UNARY (copy_bits, int32_t, int32_t, v)
UNARY (bool_of_f, float, int32_t, v != 0)
UNARY (bool_of_i, int32_t, int32_t, v != 0)
UNARY (float_of_int, int32_t, float, v)
UNARY (int_of_float, float, int32_t,
       v != v          ? 0
       : v >= 0x1p31f  ? INT32_MAX
       : v <= -0x1p31f ? INT32_MIN
                       : (int32_t) v)

static inline int32_t
narrow_int (int32_t v, int32_t low, int32_t high, bool saturate)
{
  if (saturate)
    return v < low ? low : v > high ? high : v;
  uint32_t mask = (uint32_t) high - (uint32_t) low; /* all ones: 2^bits - 1 */
  uint32_t kept = (uint32_t) v & mask;
  return (int32_t) (kept > (uint32_t) high ? kept - mask - 1 : kept);
}

/* What a cast leaves of a wider value: floats round, floats saturate to integers, integers wrap
 * unless imm 1 says that they saturate too. */
static void
narrow (const RduCall *call, SfDtype dtype)
{
  static const int32_t low[SF_N_DTYPES] = { [SF_I8] = -128, [SF_I16] = -32768 };
  static const int32_t high[SF_N_DTYPES]
      = { [SF_I8] = 127, [SF_I16] = 32767, [SF_U8] = 255, [SF_U16] = 65535 };
  const RduView *views[] = { call->dst[0] };
  bool saturate = !call->src[0]->is_int || call->imm[1] != 0;
  RduWalk walk;
  if (!rdu_walk_begin (&walk, views, 1))
    return;
  int64_t n = rdu_walk_row (&walk), stride = rdu_walk_stride (&walk, 0);
  do
    for (int64_t i = 0; i < n; i++)
      {
        if (sf_dtype_is_float (dtype))
          RDU_SYMBOL (rdu_round) (dtype, (float *) walk.at[0] + i * stride, 1);
        else
          {
            int32_t *y = (int32_t *) walk.at[0] + i * stride;
            *y = narrow_int (*y, low[dtype], high[dtype], saturate);
          }
      }
  while (rdu_walk_next (&walk));
}

/* imm: the dtype cast to, where it is narrower than the operand's: 1 bf16, 2 f16, 3 i8, 4 i16, 5
 * u8, 6 u16. */
static void
cast (const RduCall *call)
{
  static const SfDtype narrower[] = { SF_N_DTYPES, SF_BF16, SF_F16, SF_I8, SF_I16, SF_U8, SF_U16 };
  bool from_int = call->src[0]->is_int, to_int = call->dst[0]->is_int;
  if (call->dst[0]->dtype == SF_BOOL)
    (from_int ? bool_of_i : bool_of_f) (call);
  else if (from_int == to_int)
    copy_bits (call);
  else if (from_int)
    float_of_int (call);
  else
    int_of_float (call);
  if (call->imm[0] > 0)
    narrow (call, narrower[call->imm[0]]);
}

static void
select_ (const RduCall *call)
{
  const RduView *views[] = { call->dst[0], call->src[0], call->src[1], call->src[2] };
  RduWalk walk;
  if (!rdu_walk_begin (&walk, views, 4))
    return;
  int64_t n = rdu_walk_row (&walk), sy = rdu_walk_stride (&walk, 0);
  int64_t sc = rdu_walk_stride (&walk, 1), sa = rdu_walk_stride (&walk, 2);
  int64_t sb = rdu_walk_stride (&walk, 3);
  do
    {
      const int32_t *c = walk.at[1], *a = walk.at[2], *b = walk.at[3];
      int32_t *y = walk.at[0];
      for (int64_t i = 0; i < n; i++)
        y[i * sy] = c[i * sc] != 0 ? a[i * sa] : b[i * sb];
    }
  while (rdu_walk_next (&walk));
}

void
RDU_SYMBOL (rdu_round) (SfDtype dtype, float *x, int64_t n)
{
  if (dtype == SF_BF16)
    for (int64_t i = 0; i < n; i++)
      {
        uint32_t u;
        memcpy (&u, x + i, 4);
        uint32_t rounded = (u + 0x7fffu + ((u >> 16) & 1)) & 0xffff0000u;
        uint32_t quiet = (u & 0xffff0000u) | 0x400000u;
        u = (u & 0x7fffffffu) > 0x7f800000u ? quiet : rounded;
        memcpy (x + i, &u, 4);
      }
  else if (dtype == SF_F16)
    for (int64_t i = 0; i < n; i++)
      x[i] = sf_f16_to_f32 (sf_f16_from_f32 (x[i]));
}

const RduKernel RDU_SYMBOL (rdu_map_kernels)[] = {
  { "neg", 1, neg },      { "abs", 1, abs_ },
  { "sign", 1, sign },    { "exp", 1, exp_ },
  { "log", 1, log_ },     { "sqrt", 1, sqrt_ },
  { "rsqrt", 1, rsqrt },  { "reciprocal", 1, reciprocal },
  { "sin", 1, sin_ },     { "cos", 1, cos_ },
  { "tan", 1, tan_ },     { "asin", 1, asin_ },
  { "acos", 1, acos_ },   { "atan", 1, atan_ },
  { "sinh", 1, sinh_ },   { "cosh", 1, cosh_ },
  { "asinh", 1, asinh_ }, { "acosh", 1, acosh_ },
  { "atanh", 1, atanh_ }, { "bit_not", 1, bit_not },
  { "tanh", 1, tanh_ },   { "sigmoid", 1, sigmoid },
  { "erf", 1, erf_ },     { "floor", 1, floor_ },
  { "ceil", 1, ceil_ },   { "round", 1, round_ },
  { "relu", 1, relu },    { "not", 1, not_ },
  { "gelu", 1, gelu },    { "gelu_tanh", 1, gelu_tanh },
  { "cast", 1, cast },    { "select", 1, select_ },
  { NULL, 0, NULL },
};

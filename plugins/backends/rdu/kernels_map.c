/* SPDX-License-Identifier: Apache-2.0 */
/* Elementwise tile kernels of one operand, select, cast, the rounding of rows; what calls them. */
#include "plugins/backends/rdu/kernels_math.h"
#include "plugins/backends/rdu/kernels_rows.h"

void
RDU_SYMBOL (rdu_map) (const RduCall *call, const RduRowFunc *rows)
{
  RduView views[RDU_ROW_SRC + 1] = { *call->dst[0] };
  RduFused fused = { .n_slots = call->n_src + 1, .n_ops = 1 };
  bool is_int = (call->n_src > 0 ? call->src[0] : call->dst[0])->is_int;
  fused.slots[0] = (RduSlot){ .kind = RDU_SLOT_WRITTEN, .rounded_to = SF_F32 };
  fused.ops[0] = (RduFusedOp){
    .func = rows[is_int], .dtype = call->dst[0]->dtype, .imm = call->imm, .n_src = call->n_src
  };
  for (int k = 0; k < call->n_src; k++)
    {
      views[k + 1] = *call->src[k];
      fused.slots[k + 1] = (RduSlot){ .kind = RDU_SLOT_READ, .view = (uint32_t) k + 1 };
      fused.ops[0].src[k] = (uint8_t) (k + 1);
    }
  RDU_SYMBOL (rdu_fused_run) (&fused, views);
}

#define FLOAT(func, expr)                      \
  RDU_UNARY_ROW (func##_f, float, float, expr) \
  RDU_MAP (func, func##_f, func##_f)

#define INT(func, expr)                            \
  RDU_UNARY_ROW (func##_i, int32_t, int32_t, expr) \
  RDU_MAP (func, func##_i, func##_i)

RDU_UNARY_ROW (neg_f, float, float, -v)
RDU_UNARY_ROW (neg_i, int32_t, int32_t, 0u - (uint32_t) v)
RDU_MAP (neg, neg_f, neg_i)
RDU_UNARY_ROW (abs_f, float, float, fabsf (v))
RDU_UNARY_ROW (abs_i, int32_t, int32_t, v < 0 ? 0u - (uint32_t) v : (uint32_t) v)
RDU_MAP (abs_, abs_f, abs_i)
RDU_UNARY_ROW (sign_f, float, float, v != v ? v : (float) ((v > 0) - (v < 0)))
RDU_UNARY_ROW (sign_i, int32_t, int32_t, (v > 0) - (v < 0))
RDU_MAP (sign, sign_f, sign_i)
FLOAT (exp_, rdu_exp (v))
FLOAT (log_, rdu_log (v))
FLOAT (sqrt_, sqrtf (v))
FLOAT (rsqrt, 1.0f / sqrtf (v))
FLOAT (reciprocal, 1.0f / v)
FLOAT (sin_, sin ((double) v))
FLOAT (cos_, cos ((double) v))
FLOAT (tan_, tan ((double) v))
FLOAT (asin_, asin ((double) v))
FLOAT (acos_, acos ((double) v))
FLOAT (atan_, atan ((double) v))
FLOAT (sinh_, sinh ((double) v))
FLOAT (cosh_, cosh ((double) v))
FLOAT (tanh_, rdu_tanh (v))
FLOAT (asinh_, asinh ((double) v))
FLOAT (acosh_, acosh ((double) v))
FLOAT (atanh_, atanh ((double) v))
FLOAT (sigmoid, rdu_sigmoid (v))
FLOAT (erf_, rdu_erf (v))
FLOAT (floor_, floorf (v))
FLOAT (ceil_, ceilf (v))
FLOAT (round_, rintf (v))
FLOAT (relu, v < 0 ? 0.0f : v)
INT (not_, v == 0)
INT (bit_not, ~v)
FLOAT (gelu, rdu_gelu (v))
FLOAT (gelu_tanh, rdu_gelu_tanh (v))

RDU_UNARY_ROW (copy_bits, int32_t, int32_t, v)
RDU_UNARY_ROW (bool_of_f, float, int32_t, v != 0)
RDU_UNARY_ROW (bool_of_i, int32_t, int32_t, v != 0)
RDU_UNARY_ROW (float_of_int, int32_t, float, v)
RDU_UNARY_ROW (int_of_float, float, int32_t,
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
 * unless they saturate too. */
static void
narrow (const RduRow *row, SfDtype dtype, bool saturate)
{
  static const int32_t lowest[SF_N_DTYPES] = { [SF_I8] = -128, [SF_I16] = -32768 };
  static const int32_t highest[SF_N_DTYPES]
      = { [SF_I8] = 127, [SF_I16] = 32767, [SF_U8] = 255, [SF_U16] = 65535 };
  int32_t *y = row->y, low = lowest[dtype], high = highest[dtype];
  if (sf_dtype_is_float (dtype))
    RDU_SYMBOL (rdu_round) (dtype, row->y, row->n);
  else
    RDU_LOOP (row->n) y[i] = narrow_int (y[i], low, high, saturate);
}

/* imm: the dtype cast to, where it is narrower than the operand's: 1 bf16, 2 f16, 3 i8, 4 i16, 5
 * u8, 6 u16; whether integers saturate. */
static const SfDtype narrower[] = { SF_N_DTYPES, SF_BF16, SF_F16, SF_I8, SF_I16, SF_U8, SF_U16 };

static void
cast_f (const RduRow *row)
{
  if (row->dtype == SF_BOOL)
    bool_of_f (row);
  else if (sf_dtype_is_float (row->dtype))
    copy_bits (row);
  else
    int_of_float (row);
  if (row->imm[0] > 0)
    narrow (row, narrower[row->imm[0]], true);
}

static void
cast_i (const RduRow *row)
{
  if (row->dtype == SF_BOOL)
    bool_of_i (row);
  else if (sf_dtype_is_float (row->dtype))
    float_of_int (row);
  else
    copy_bits (row);
  if (row->imm[0] > 0)
    narrow (row, narrower[row->imm[0]], row->imm[1] != 0);
}

/* Bits of a where c, else of b. */
#define SELECT_ROW(func, index_a, index_b)                              \
  static void func (const RduRow *row)                                  \
  {                                                                     \
    const int32_t *c = row->src[0], *a = row->src[1], *b = row->src[2]; \
    int32_t *y = row->y, first_a = a[0], first_b = b[0];                \
    RDU_LOOP (row->n) y[i] = c[i] != 0 ? index_a : index_b;             \
    (void) first_a;                                                     \
    (void) first_b;                                                     \
  }

SELECT_ROW (select_both, a[i], b[i])
SELECT_ROW (select_or_one, a[i], first_b)
SELECT_ROW (select_one_or, first_a, b[i])
SELECT_ROW (select_ones, first_a, first_b)

static void
select_row (const RduRow *row)
{
  static const RduRowFunc by_repeats[4] = { select_both, select_one_or, select_or_one,
                                            select_ones };
  const int32_t *c = row->src[0];
  if ((row->repeats & 1) == 0)
    by_repeats[row->repeats >> 1](row);
  else
    {
      int from = c[0] != 0 ? 1 : 2;
      RduRow chosen = *row;
      chosen.src[0] = row->src[from];
      chosen.repeats = row->repeats >> from & 1;
      copy_bits (&chosen);
    }
}

RDU_MAP (cast, cast_f, cast_i)
RDU_MAP (select_, select_row, select_row)

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
  RDU_MAP_KERNEL ("neg", neg),
  RDU_MAP_KERNEL ("abs", abs_),
  RDU_MAP_KERNEL ("sign", sign),
  RDU_MAP_KERNEL ("exp", exp_),
  RDU_MAP_KERNEL ("log", log_),
  RDU_MAP_KERNEL ("sqrt", sqrt_),
  RDU_MAP_KERNEL ("rsqrt", rsqrt),
  RDU_MAP_KERNEL ("reciprocal", reciprocal),
  RDU_MAP_KERNEL ("sin", sin_),
  RDU_MAP_KERNEL ("cos", cos_),
  RDU_MAP_KERNEL ("tan", tan_),
  RDU_MAP_KERNEL ("asin", asin_),
  RDU_MAP_KERNEL ("acos", acos_),
  RDU_MAP_KERNEL ("atan", atan_),
  RDU_MAP_KERNEL ("sinh", sinh_),
  RDU_MAP_KERNEL ("cosh", cosh_),
  RDU_MAP_KERNEL ("asinh", asinh_),
  RDU_MAP_KERNEL ("acosh", acosh_),
  RDU_MAP_KERNEL ("atanh", atanh_),
  RDU_MAP_KERNEL ("bit_not", bit_not),
  RDU_MAP_KERNEL ("tanh", tanh_),
  RDU_MAP_KERNEL ("sigmoid", sigmoid),
  RDU_MAP_KERNEL ("erf", erf_),
  RDU_MAP_KERNEL ("floor", floor_),
  RDU_MAP_KERNEL ("ceil", ceil_),
  RDU_MAP_KERNEL ("round", round_),
  RDU_MAP_KERNEL ("relu", relu),
  RDU_MAP_KERNEL ("not", not_),
  RDU_MAP_KERNEL ("gelu", gelu),
  RDU_MAP_KERNEL ("gelu_tanh", gelu_tanh),
  RDU_MAP_KERNEL ("cast", cast),
  RDU_MAP_KERNEL ("select", select_),
  { NULL, 0, NULL },
};

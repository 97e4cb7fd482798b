/* SPDX-License-Identifier: Apache-2.0 */
/* Steps of the elementwise operations that cost less than a pass through memory. */
#include <string.h>

#include "plugins/backends/rdu/kernels_inline.h"
#include "plugins/backends/rdu/kernels_steps.h"

/* Functions on vectors wider than the processor's are inlined: how they are passed is no matter. */
#pragma GCC diagnostic ignored "-Wpsabi"

typedef int32_t Bits __attribute__ ((vector_size (RDU_VECTOR * 4)));
typedef uint32_t Words __attribute__ ((vector_size (RDU_VECTOR * 4)));

RDU_INLINE RduVec
all_of (float x)
{
  return rdu_vec_all (&x);
}

/* x where the mask is set, else zero. */
RDU_INLINE RduVec
masked (Bits mask, RduVec x)
{
  return (RduVec) ((Bits) x & mask);
}

RDU_INLINE RduVec
choose (Bits mask, RduVec a, RduVec b)
{
  return (RduVec) (((Bits) a & mask) | ((Bits) b & ~mask));
}

RDU_INLINE RduVec
root (RduVec x)
{
#if defined(__AVX512F__)
  return _mm512_sqrt_ps (x);
#elif defined(__AVX2__)
  return _mm256_sqrt_ps (x);
#else
  for (int i = 0; i < RDU_VECTOR; i++)
    x[i] = __builtin_sqrtf (x[i]);
  return x;
#endif
}

/* To the nearest bf16, ties to even; of a NaN the upper half, quiet. */
RDU_INLINE RduVec
narrow (RduVec x)
{
  Words u = (Words) x, rounded = (u + 0x7fff + (u >> 16 & 1)) & 0xffff0000;
  return choose ((Bits) (x != x), (RduVec) ((u & 0xffff0000) | 0x400000), (RduVec) rounded);
}

/* Every vector v becomes expr; k counts them. */
#define STEP(name, setup, expr)                                                                  \
  static void name (RDU_STEP_ARGS)                                                               \
  {                                                                                              \
    RduVec all[RDU_STEP_VECTORS] = { v0, v1, v2, v3, v4, v5, v6, v7 };                           \
    setup;                                                                                       \
    _Pragma ("GCC unroll 8") for (int k = 0; k < RDU_STEP_VECTORS; k++)                          \
    {                                                                                            \
      RduVec v = all[k];                                                                         \
      all[k] = (RduVec) (expr);                                                                  \
    }                                                                                            \
    step[1].func (step + 1, at, all[0], all[1], all[2], all[3], all[4], all[5], all[6], all[7]); \
  }

#define OPERAND  const float *p = (const float *) rdu_place_at (&step->place, at)
#define ELEMENT  RduVec x = rdu_vec_all ((const float *) *step->place.base)
#define VECTOR_K rdu_vec_load (p + k * RDU_VECTOR)

#define UNARY(name, expr)                \
  RDU_INLINE RduVec name##_of (RduVec a) \
  {                                      \
    return (RduVec) (expr);              \
  }                                      \
  STEP (name, , name##_of (v))

#define BINARY(name, expr)                                 \
  RDU_INLINE RduVec name##_of (RduVec a, RduVec b)         \
  {                                                        \
    return (RduVec) (expr);                                \
  }                                                        \
  STEP (name##_second, OPERAND, name##_of (v, VECTOR_K))   \
  STEP (name##_second_repeated, ELEMENT, name##_of (v, x)) \
  STEP (name##_first, OPERAND, name##_of (VECTOR_K, v))    \
  STEP (name##_first_repeated, ELEMENT, name##_of (x, v))

#define COMPARE(name, op)               \
  BINARY (name##_f, (Bits) (a op b) &1) \
  BINARY (name##_i, (Bits) ((Bits) a op (Bits) b) & 1)

UNARY (neg, -a)
UNARY (abs_, (Bits) a & 0x7fffffff)
UNARY (sqrt_, root (a))
UNARY (rsqrt, all_of (1.0f) / root (a))
UNARY (reciprocal, all_of (1.0f) / a)
UNARY (relu, masked (~(Bits) (a < all_of (0.0f)), a))
UNARY (round_bf16, narrow (a))
UNARY (not_, (Bits) ((Bits) a == 0) & 1)
BINARY (add, a + b)
BINARY (sub, a - b)
BINARY (mul, a *b)
BINARY (div_, a / b)
BINARY (max_, choose ((Bits) (a > b) | (Bits) (a != a), a, b))
BINARY (min_, choose ((Bits) (a < b) | (Bits) (a != a), a, b))
BINARY (relu_bwd, masked ((Bits) (b > all_of (0.0f)), a))
BINARY (and_, (Bits) ((Bits) a != 0) & (Bits) ((Bits) b != 0) & 1)
BINARY (or_, ((Bits) ((Bits) a != 0) | (Bits) ((Bits) b != 0)) & 1)
COMPARE (eq, ==)
COMPARE (ne, !=)
COMPARE (lt, <)
COMPARE (le, <=)
COMPARE (gt, >)
COMPARE (ge, >=)

STEP (load, OPERAND, ((void) v, VECTOR_K))
STEP (repeat, ELEMENT, ((void) v, x))

#define STORE(name, expr)                                               \
  static void name (RDU_STEP_ARGS)                                      \
  {                                                                     \
    float *p = (float *) rdu_place_at (&step->place, at);               \
    RduVec all[RDU_STEP_VECTORS] = { v0, v1, v2, v3, v4, v5, v6, v7 };  \
    _Pragma ("GCC unroll 8") for (int k = 0; k < RDU_STEP_VECTORS; k++) \
    {                                                                   \
      RduVec v = all[k];                                                \
      rdu_vec_store (p + k * RDU_VECTOR, expr);                         \
    }                                                                   \
    step[1].func (step + 1, at, v0, v1, v2, v3, v4, v5, v6, v7);        \
  }
STORE (store, v)
STORE (store_bf16, narrow (v))

/* Nothing is in hand afterwards. */
static void
call (RDU_STEP_ARGS)
{
  RduRowCall *c = step->call;
  RduVec none = rdu_vec_zero ();
  c->row.y = rdu_place_at (&c->dst, at);
  for (int k = 0; k < c->n_src; k++)
    c->row.src[k] = rdu_place_at (&c->src[k], at);
  c->func (&c->row);
  step[1].func (step + 1, at, none, none, none, none, none, none, none, none);
}

static void
end (RDU_STEP_ARGS)
{
}

const RduMoveSteps RDU_SYMBOL (rdu_move_steps) = { load, repeat, store, store_bf16, call, end };

#define UNARY_FORMS(op, name, is_int) \
  {                                   \
    op, is_int,                       \
    {                                 \
      name                            \
    }                                 \
  }
#define BINARY_FORMS(op, name, is_int)                                           \
  {                                                                              \
    op, is_int,                                                                  \
    {                                                                            \
      name##_second, name##_second_repeated, name##_first, name##_first_repeated \
    }                                                                            \
  }
#define COMPARE_FORMS(op, name) \
  BINARY_FORMS (op, name##_f, false), BINARY_FORMS (op, name##_i, true)

/* A copy is what is loaded. */
static const RduStepForms forms[] = {
  UNARY_FORMS ("copy", NULL, false),
  UNARY_FORMS ("copy", NULL, true),
  UNARY_FORMS ("round_bf16", round_bf16, false),
  UNARY_FORMS ("neg", neg, false),
  UNARY_FORMS ("abs", abs_, false),
  UNARY_FORMS ("sqrt", sqrt_, false),
  UNARY_FORMS ("rsqrt", rsqrt, false),
  UNARY_FORMS ("reciprocal", reciprocal, false),
  UNARY_FORMS ("relu", relu, false),
  UNARY_FORMS ("not", not_, true),
  BINARY_FORMS ("add", add, false),
  BINARY_FORMS ("sub", sub, false),
  BINARY_FORMS ("mul", mul, false),
  BINARY_FORMS ("div", div_, false),
  BINARY_FORMS ("max", max_, false),
  BINARY_FORMS ("min", min_, false),
  BINARY_FORMS ("relu_bwd", relu_bwd, false),
  BINARY_FORMS ("and", and_, true),
  BINARY_FORMS ("or", or_, true),
  COMPARE_FORMS ("eq", eq),
  COMPARE_FORMS ("ne", ne),
  COMPARE_FORMS ("lt", lt),
  COMPARE_FORMS ("le", le),
  COMPARE_FORMS ("gt", gt),
  COMPARE_FORMS ("ge", ge),
};

const RduStepForms *
RDU_SYMBOL (rdu_step_forms) (const char *op, bool is_int)
{
  for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
    if (forms[i].is_int == is_int && strcmp (forms[i].op, op) == 0)
      return &forms[i];
  return NULL;
}

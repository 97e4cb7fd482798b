/* SPDX-License-Identifier: Apache-2.0 */
/* Elementwise ops of one, two and three inputs, with NumPy broadcasting. */
#include "elementwise.h"

#define SQRT_HALF      0.70710678118654752440 /* 1 / sqrt 2 */
#define SQRT_2_OVER_PI 0.79788456080286535588 /* of gelu's tanh form */
#define GELU_CUBIC     0.044715

/* ---- one input ---- */

typedef struct
{
  const CpuCall *call;
  const CpuUnary *op;
} UnaryJob;

static void
unary_range (void *data, int worker, int64_t begin, int64_t end)
{
  const UnaryJob *job = data;
  const CpuTensor *x = &job->call->in[0];
  CpuTensor *y = &job->call->out[0];
  if (sf_dtype_is_float (y->dtype))
    for (int64_t e = begin; e < end; e++)
      y->f[e] = job->op->f (x->f[e]);
  else
    for (int64_t e = begin; e < end; e++)
      y->i[e] = job->op->i (x->i[e], x->dtype);
}

static bool
run_unary_op (CpuCall *call, const CpuUnary *op)
{
  UnaryJob job = { call, op };
  cpu_parallel (call->workers, call->out[0].n, 8, unary_range, &job);
  return true;
}

bool
cpu_run_unary (CpuCall *call, GError **error)
{
  return run_unary_op (call, call->kernel->detail);
}

static double
f_neg (double x)
{
  return -x;
}

static double
f_sign (double x)
{
  return x > 0 ? 1 : x < 0 ? -1 : x; /* keeps zero and NaN */
}

static double
f_rsqrt (double x)
{
  return 1 / sqrt (x);
}

static double
f_reciprocal (double x)
{
  return 1 / x;
}

static double
f_sigmoid (double x)
{
  double e = exp (-fabs (x)); /* never overflows */
  return x >= 0 ? 1 / (1 + e) : e / (1 + e);
}

static double
f_relu (double x)
{
  return x < 0 ? 0 : x; /* NaN stays */
}

static double
f_gelu (double x)
{
  return 0.5 * x * (1 + erf (x * SQRT_HALF));
}

static double
f_gelu_tanh (double x)
{
  return 0.5 * x * (1 + tanh (SQRT_2_OVER_PI * (x + GELU_CUBIC * x * x * x)));
}

static int64_t
i_neg (int64_t x, SfDtype dtype)
{
  return (int64_t) (0 - (uint64_t) x);
}

static int64_t
i_abs (int64_t x, SfDtype dtype)
{
  return sf_dtype_is_signed (dtype) && x < 0 ? i_neg (x, dtype) : x;
}

static int64_t
i_sign (int64_t x, SfDtype dtype)
{
  return x == 0 ? 0 : sf_dtype_is_signed (dtype) && x < 0 ? -1 : 1;
}

static int64_t
i_not (int64_t x, SfDtype dtype)
{
  return !x;
}

static const CpuUnary unary_neg = { f_neg, i_neg };
static const CpuUnary unary_abs = { fabs, i_abs };
static const CpuUnary unary_sign = { f_sign, i_sign };
static const CpuUnary unary_exp = { exp, NULL };
static const CpuUnary unary_log = { log, NULL };
static const CpuUnary unary_sqrt = { sqrt, NULL };
static const CpuUnary unary_rsqrt = { f_rsqrt, NULL };
static const CpuUnary unary_reciprocal = { f_reciprocal, NULL };
static const CpuUnary unary_sin = { sin, NULL };
static const CpuUnary unary_cos = { cos, NULL };
static const CpuUnary unary_tan = { tan, NULL };
static const CpuUnary unary_asin = { asin, NULL };
static const CpuUnary unary_acos = { acos, NULL };
static const CpuUnary unary_atan = { atan, NULL };
static const CpuUnary unary_sinh = { sinh, NULL };
static const CpuUnary unary_cosh = { cosh, NULL };
static const CpuUnary unary_tanh = { tanh, NULL };
static const CpuUnary unary_asinh = { asinh, NULL };
static const CpuUnary unary_acosh = { acosh, NULL };
static const CpuUnary unary_atanh = { atanh, NULL };
static const CpuUnary unary_sigmoid = { f_sigmoid, NULL };
static const CpuUnary unary_erf = { erf, NULL };
static const CpuUnary unary_floor = { floor, NULL };
static const CpuUnary unary_ceil = { ceil, NULL };
static const CpuUnary unary_round = { nearbyint, NULL }; /* half to even, the default mode */
static const CpuUnary unary_not = { NULL, i_not };
static const CpuUnary unary_relu = { f_relu, NULL };

static bool
gelu_is_tanh (const CpuCall *call)
{
  return strcmp (sf_node_attr_string (call->graph, call->node, "approximate"), "tanh") == 0;
}

static bool
run_gelu (CpuCall *call, GError **error)
{
  static const CpuUnary exact = { f_gelu, NULL }, by_tanh = { f_gelu_tanh, NULL };
  return run_unary_op (call, gelu_is_tanh (call) ? &by_tanh : &exact);
}

/* ---- cast ---- */

/* The dtype in which a tensor's elements lie in memory, for sf_dtype_convert. */
static SfDtype
held_as (const CpuTensor *tensor)
{
  if (sf_dtype_is_float (tensor->dtype))
    return SF_F64;
  return tensor->dtype == SF_U64 ? SF_U64 : SF_I64;
}

/* Integer `x` of dtype `from` as the nearest that `to` can hold. */
static int64_t
clamped (int64_t x, SfDtype from, SfDtype to)
{
  int spare = 64 - 8 * (int) sf_dtype_bytes (to);
  bool negative = sf_dtype_is_signed (from) && x < 0;
  if (!sf_dtype_is_signed (to))
    return negative ? 0 : (int64_t) MIN ((uint64_t) x, UINT64_MAX >> spare);
  if (negative)
    return MAX (x, INT64_MIN >> spare);
  return (int64_t) MIN ((uint64_t) x, (uint64_t) INT64_MAX >> spare);
}

static void
saturate_range (void *data, int worker, int64_t begin, int64_t end)
{
  const CpuCall *call = data;
  for (int64_t e = begin; e < end; e++)
    call->out[0].i[e] = clamped (call->in[0].i[e], call->in[0].dtype, call->out[0].dtype);
}

/* Through the target dtype itself, so that saturation, wrapping and rounding happen once and there.
 */
static void
cast_range (void *data, int worker, int64_t begin, int64_t end)
{
  const CpuCall *call = data;
  const CpuTensor *x = &call->in[0];
  CpuTensor *y = &call->out[0];
  bool exact = sf_dtype_is_float (y->dtype) && !call->rounded[0];
  SfDtype via = exact ? SF_F64 : y->dtype;
  uint64_t block[256];
  for (int64_t e = begin; e < end; e += (int64_t) G_N_ELEMENTS (block))
    {
      size_t n = (size_t) MIN ((int64_t) G_N_ELEMENTS (block), end - e);
      sf_dtype_convert (held_as (x), (const char *) x->data + 8 * e, via, block, n);
      sf_dtype_convert (via, block, held_as (y), (char *) y->data + 8 * e, n);
    }
}

static bool
run_cast (CpuCall *call, GError **error)
{
  bool saturates = cpu_attr_int (call, "saturate") != 0 && sf_dtype_is_int (call->in[0].dtype)
                   && sf_dtype_is_int (call->out[0].dtype);
  cpu_parallel (call->workers, call->out[0].n, 8, saturates ? saturate_range : cast_range, call);
  return true;
}

/* ---- two inputs ---- */

typedef struct
{
  const CpuCall *call;
  const CpuBinary *op;
  CpuCursor cursor;
} BinaryJob;

static void
binary_run (const BinaryJob *job, const CpuCursor *at, int64_t e, int64_t n)
{
  const CpuTensor *a = &job->call->in[0], *b = &job->call->in[1];
  CpuTensor *y = &job->call->out[0];
  int64_t pa = at->offset[0], pb = at->offset[1], sa = at->inner[0], sb = at->inner[1];
  if (sf_dtype_is_float (y->dtype))
    for (int64_t k = 0; k < n; k++)
      y->f[e + k] = job->op->f (a->f[pa + k * sa], b->f[pb + k * sb]);
  else if (sf_dtype_is_float (a->dtype))
    for (int64_t k = 0; k < n; k++)
      y->i[e + k] = job->op->compare (a->f[pa + k * sa], b->f[pb + k * sb]);
  else
    for (int64_t k = 0; k < n; k++)
      y->i[e + k] = job->op->i (a->i[pa + k * sa], b->i[pb + k * sb], a->dtype);
}

static void
binary_range (void *data, int worker, int64_t begin, int64_t end)
{
  const BinaryJob *job = data;
  CpuCursor cursor = job->cursor;
  cpu_cursor_seek (&cursor, begin);
  while (begin < end)
    {
      int64_t n = MIN (cpu_cursor_run (&cursor), end - begin);
      binary_run (job, &cursor, begin, n);
      begin += n;
      cpu_cursor_advance (&cursor, n);
    }
}

/* A cursor over the result of `call` with every input broadcast to it. */
static CpuCursor
broadcast_cursor (const CpuCall *call)
{
  const SfShape *shape = &call->out[0].shape;
  CpuCursor cursor;
  cpu_cursor_init (&cursor, shape);
  for (size_t k = 0; k < call->n_in; k++)
    {
      int64_t strides[SF_MAX_RANK];
      cpu_broadcast_strides (&call->in[k].shape, shape, strides);
      cpu_cursor_add (&cursor, strides);
    }
  cpu_cursor_collapse (&cursor);
  return cursor;
}

static bool
run_binary_op (CpuCall *call, const CpuBinary *op)
{
  BinaryJob job = { call, op, broadcast_cursor (call) };
  cpu_parallel (call->workers, call->out[0].n, 8, binary_range, &job);
  return true;
}

bool
cpu_run_binary (CpuCall *call, GError **error)
{
  return run_binary_op (call, call->kernel->detail);
}

static double
f_add (double a, double b)
{
  return a + b;
}

static double
f_sub (double a, double b)
{
  return a - b;
}

static double
f_mul (double a, double b)
{
  return a * b;
}

static double
f_div (double a, double b)
{
  return a / b;
}

static double
f_max (double a, double b)
{
  return isnan (a) || a > b ? a : b; /* b when it is NaN */
}

static double
f_min (double a, double b)
{
  return isnan (a) || a < b ? a : b;
}

static double
f_relu_bwd (double dy, double x)
{
  return x <= 0 ? 0 : dy; /* NaN lets it pass */
}

static double
f_gelu_bwd (double dy, double x)
{
  double density = exp (-0.5 * x * x) * (0.5 * M_2_SQRTPI * SQRT_HALF); /* of the normal law */
  return dy * (0.5 * (1 + erf (x * SQRT_HALF)) + x * density);
}

static double
f_gelu_tanh_bwd (double dy, double x)
{
  double t = tanh (SQRT_2_OVER_PI * (x + GELU_CUBIC * x * x * x));
  double slope = SQRT_2_OVER_PI * (1 + 3 * GELU_CUBIC * x * x);
  return dy * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * slope);
}

static int64_t
i_add (int64_t a, int64_t b, SfDtype dtype)
{
  return (int64_t) ((uint64_t) a + (uint64_t) b);
}

static int64_t
i_sub (int64_t a, int64_t b, SfDtype dtype)
{
  return (int64_t) ((uint64_t) a - (uint64_t) b);
}

static int64_t
i_mul (int64_t a, int64_t b, SfDtype dtype)
{
  return (int64_t) ((uint64_t) a * (uint64_t) b);
}

static int64_t
i_div (int64_t a, int64_t b, SfDtype dtype)
{
  if (b == 0)
    return 0;
  if (dtype == SF_U64)
    return (int64_t) ((uint64_t) a / (uint64_t) b);
  return b == -1 ? i_neg (a, dtype) : a / b; /* the smallest / -1 wraps */
}

static bool
i_less (int64_t a, int64_t b, SfDtype dtype)
{
  return dtype == SF_U64 ? (uint64_t) a < (uint64_t) b : a < b;
}

static int64_t
i_max (int64_t a, int64_t b, SfDtype dtype)
{
  return i_less (a, b, dtype) ? b : a;
}

static int64_t
i_min (int64_t a, int64_t b, SfDtype dtype)
{
  return i_less (b, a, dtype) ? b : a;
}

/* The comparisons, once for floats and once for integers. */
#define COMPARISON(name, operator, on_int)                      \
  static int64_t c_##name (double a, double b)                  \
  {                                                             \
    return a operator b;                                        \
  }                                                             \
  static int64_t i_##name (int64_t a, int64_t b, SfDtype dtype) \
  {                                                             \
    return on_int;                                              \
  }                                                             \
  static const CpuBinary binary_##name = { NULL, i_##name, c_##name };

COMPARISON (eq, ==, a == b)
COMPARISON (ne, !=, a != b)
COMPARISON (lt, <, i_less (a, b, dtype))
COMPARISON (le, <=, !i_less (b, a, dtype))
COMPARISON (gt, >, i_less (b, a, dtype))
COMPARISON (ge, >=, !i_less (a, b, dtype))

static int64_t
i_and (int64_t a, int64_t b, SfDtype dtype)
{
  return a & b;
}

static int64_t
i_or (int64_t a, int64_t b, SfDtype dtype)
{
  return a | b;
}

static int64_t
i_xor (int64_t a, int64_t b, SfDtype dtype)
{
  return a ^ b;
}

static const CpuBinary binary_add = { f_add, i_add, NULL };
static const CpuBinary binary_sub = { f_sub, i_sub, NULL };
static const CpuBinary binary_mul = { f_mul, i_mul, NULL };
static const CpuBinary binary_div = { f_div, i_div, NULL };
static const CpuBinary binary_pow = { pow, NULL, NULL };
static const CpuBinary binary_max = { f_max, i_max, NULL };
static const CpuBinary binary_min = { f_min, i_min, NULL };
static const CpuBinary binary_and = { NULL, i_and, NULL };
static const CpuBinary binary_or = { NULL, i_or, NULL };
static const CpuBinary binary_xor = { NULL, i_xor, NULL };
static const CpuBinary binary_relu_bwd = { f_relu_bwd, NULL, NULL };

static bool
run_gelu_bwd (CpuCall *call, GError **error)
{
  static const CpuBinary exact = { f_gelu_bwd, NULL, NULL },
                         by_tanh = { f_gelu_tanh_bwd, NULL, NULL };
  return run_binary_op (call, gelu_is_tanh (call) ? &by_tanh : &exact);
}

/* ---- select ---- */

static void
select_range (void *data, int worker, int64_t begin, int64_t end)
{
  const BinaryJob *job = data;
  const CpuTensor *in = job->call->in;
  char *y = job->call->out[0].data;
  CpuCursor cursor = job->cursor;
  cpu_cursor_seek (&cursor, begin);
  for (int64_t e = begin; e < end; e++)
    {
      int from = in[0].i[cursor.offset[0]] ? 1 : 2;
      memcpy (y + 8 * e, (const char *) in[from].data + 8 * cursor.offset[from], 8);
      cpu_cursor_advance (&cursor, 1);
    }
}

static bool
run_select (CpuCall *call, GError **error)
{
  BinaryJob job = { call, NULL, broadcast_cursor (call) };
  cpu_parallel (call->workers, call->out[0].n, 8, select_range, &job);
  return true;
}

const CpuKernel cpu_kernels_elementwise[] = {
  { "neg", 1, cpu_run_unary, &unary_neg },
  { "abs", 1, cpu_run_unary, &unary_abs },
  { "sign", 1, cpu_run_unary, &unary_sign },
  { "exp", 1, cpu_run_unary, &unary_exp },
  { "log", 1, cpu_run_unary, &unary_log },
  { "sqrt", 1, cpu_run_unary, &unary_sqrt },
  { "rsqrt", 1, cpu_run_unary, &unary_rsqrt },
  { "reciprocal", 1, cpu_run_unary, &unary_reciprocal },
  { "sin", 1, cpu_run_unary, &unary_sin },
  { "cos", 1, cpu_run_unary, &unary_cos },
  { "tan", 1, cpu_run_unary, &unary_tan },
  { "asin", 1, cpu_run_unary, &unary_asin },
  { "acos", 1, cpu_run_unary, &unary_acos },
  { "atan", 1, cpu_run_unary, &unary_atan },
  { "sinh", 1, cpu_run_unary, &unary_sinh },
  { "cosh", 1, cpu_run_unary, &unary_cosh },
  { "tanh", 1, cpu_run_unary, &unary_tanh },
  { "asinh", 1, cpu_run_unary, &unary_asinh },
  { "acosh", 1, cpu_run_unary, &unary_acosh },
  { "atanh", 1, cpu_run_unary, &unary_atanh },
  { "sigmoid", 1, cpu_run_unary, &unary_sigmoid },
  { "erf", 1, cpu_run_unary, &unary_erf },
  { "floor", 1, cpu_run_unary, &unary_floor },
  { "ceil", 1, cpu_run_unary, &unary_ceil },
  { "round", 1, cpu_run_unary, &unary_round },
  { "not", 1, cpu_run_unary, &unary_not },
  { "relu", 1, cpu_run_unary, &unary_relu },
  { "gelu", 1, run_gelu, NULL },
  { "cast", 1, run_cast, NULL },
  { "add", 1, cpu_run_binary, &binary_add },
  { "sub", 1, cpu_run_binary, &binary_sub },
  { "mul", 1, cpu_run_binary, &binary_mul },
  { "div", 1, cpu_run_binary, &binary_div },
  { "pow", 1, cpu_run_binary, &binary_pow },
  { "max", 1, cpu_run_binary, &binary_max },
  { "min", 1, cpu_run_binary, &binary_min },
  { "eq", 1, cpu_run_binary, &binary_eq },
  { "ne", 1, cpu_run_binary, &binary_ne },
  { "lt", 1, cpu_run_binary, &binary_lt },
  { "le", 1, cpu_run_binary, &binary_le },
  { "gt", 1, cpu_run_binary, &binary_gt },
  { "ge", 1, cpu_run_binary, &binary_ge },
  { "and", 1, cpu_run_binary, &binary_and },
  { "or", 1, cpu_run_binary, &binary_or },
  { "xor", 1, cpu_run_binary, &binary_xor },
  { "relu_bwd", 1, cpu_run_binary, &binary_relu_bwd },
  { "gelu_bwd", 1, run_gelu_bwd, NULL },
  { "select", 1, run_select, NULL },
  { NULL },
};

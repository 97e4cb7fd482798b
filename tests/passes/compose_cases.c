/* SPDX-License-Identifier: Apache-2.0 */
/* The graphs of compose's tests: norms, gelus and attentions as exporters write them, and some that
 * only look like it. */
#include "tests/passes/compose_cases.h"

#include <math.h>

#include <sf/rng.h>

/* ---- small graphs ---- */

static SfValue
input (SfGraph *g, const char *name, SfShape shape)
{
  return sf_graph_input (g, name, SF_F32, shape, NULL);
}

/* A parameter of numbers between -1 and 1. */
static SfValue
weight (SfGraph *g, const char *name, SfShape shape)
{
  size_t n = (size_t) sf_shape_n_elems (&shape);
  g_autofree float *data = g_new (float, n);
  SfRng rng = { .seed = 3, .stream = sf_rng_stream_of (name) };
  for (size_t i = 0; i < n; i++)
    data[i] = 2 * (float) sf_rng_uniform (&rng, i) - 1;
  return sf_graph_state (g, name, SF_STATE_PARAM, SF_F32, shape, data, NULL);
}

static SfValue
number (SfGraph *g, double value)
{
  return sf_graph_constant_f (g, SF_F32, value, NULL);
}

static SfValue
un (SfGraph *g, const char *op, SfValue a)
{
  return sf_graph_op1 (g, op, a, NULL);
}

static SfValue
bin (SfGraph *g, const char *op, SfValue a, SfValue b)
{
  return sf_graph_op2 (g, op, a, b, NULL);
}

static SfValue
num (SfGraph *g, const char *op, SfValue a, double value)
{
  return bin (g, op, a, number (g, value));
}

static SfValue
mean (SfGraph *g, SfValue a, int64_t axis)
{
  const SfAttr attrs[] = { SF_ATTR_IS ("axes", &axis, 1), SF_ATTR_B ("keepdims", true) };
  return sf_graph_op (g, "reduce_mean", &a, 1, attrs, 2, NULL);
}

static SfValue
softmax (SfGraph *g, SfValue a, int64_t axis)
{
  const SfAttr attr = SF_ATTR_I ("axis", axis);
  return sf_graph_op (g, "softmax", &a, 1, &attr, 1, NULL);
}

static SfValue
transpose (SfGraph *g, SfValue a, int n, const int64_t *perm)
{
  const SfAttr attr = SF_ATTR_IS ("perm", perm, (size_t) n);
  return sf_graph_op (g, "transpose", &a, 1, &attr, 1, NULL);
}

/* The mask that lets a query see the keys up to its own place: 0 and -inf, or true and false. */
static SfValue
causal_mask (SfGraph *g, int64_t n, bool condition, double hidden)
{
  g_autofree double *sum = g_new (double, n *n);
  g_autofree uint8_t *data = g_new (uint8_t, n * n * 4);
  SfDtype dtype = condition ? SF_BOOL : SF_F32;
  for (int64_t i = 0; i < n * n; i++)
    sum[i] = condition ? i % n <= i / n : (i % n <= i / n ? 0 : hidden);
  sf_dtype_convert (SF_F64, sum, dtype, data, (size_t) (n * n));
  return sf_graph_constant (g, dtype, SF_SHAPE (n, n), data, NULL);
}

/* ---- layer_norm ---- */

static SfValue
centred (SfGraph *g, SfValue x, int64_t axis)
{
  return bin (g, "sub", x, mean (g, x, axis));
}

/* As PyTorch 1.13 writes nn.LayerNorm. */
static SfValue
norm_torch (SfGraph *g)
{
  SfValue x = input (g, "x", SF_SHAPE (2, 3, 4));
  SfValue gamma = weight (g, "gamma", SF_SHAPE (4)), beta = weight (g, "beta", SF_SHAPE (4));
  SfValue c = centred (g, x, 2);
  SfValue var = mean (g, num (g, "pow", c, 2), 2);
  SfValue y = bin (g, "div", c, un (g, "sqrt", num (g, "add", var, 1e-3)));
  return bin (g, "add", bin (g, "mul", y, gamma), beta);
}

/* beta + gamma * (rsqrt * centred), with the square as a product of another difference. */
static SfValue
norm_turned (SfGraph *g)
{
  SfValue x = input (g, "x", SF_SHAPE (2, 3, 4));
  SfValue gamma = weight (g, "gamma", SF_SHAPE (1, 1, 4)), beta = weight (g, "beta", SF_SHAPE (4));
  SfValue c = centred (g, x, 2), again = centred (g, x, 2);
  SfValue var = mean (g, bin (g, "mul", again, again), 2);
  SfValue y = bin (g, "mul", un (g, "rsqrt", bin (g, "add", number (g, 1e-5), var)), c);
  return bin (g, "add", beta, bin (g, "mul", gamma, y));
}

static SfValue
norm_alone (SfGraph *g)
{
  SfValue x = input (g, "x", SF_SHAPE (2, 3, 4)), c = centred (g, x, 2);
  SfValue var = mean (g, bin (g, "mul", c, c), 2);
  SfValue root = un (g, "sqrt", num (g, "add", var, 1e-5));
  return un (g, "relu", bin (g, "mul", c, un (g, "reciprocal", root)));
}

/* A scale for another dimension is no gamma. */
static SfValue
norm_scaled_across (SfGraph *g)
{
  SfValue x = input (g, "x", SF_SHAPE (2, 3, 4)), c = centred (g, x, 2);
  SfValue var = mean (g, bin (g, "mul", c, c), 2);
  SfValue y = bin (g, "div", c, un (g, "sqrt", num (g, "add", var, 1e-5)));
  return bin (g, "mul", y, weight (g, "scale", SF_SHAPE (3, 1)));
}

/* Over dimension 1 of three: no layer_norm. */
static SfValue
norm_inside (SfGraph *g)
{
  SfValue x = input (g, "x", SF_SHAPE (2, 3, 4)), c = centred (g, x, 1);
  SfValue var = mean (g, bin (g, "mul", c, c), 1);
  return bin (g, "div", c, un (g, "sqrt", num (g, "add", var, 1e-5)));
}

/* Somebody else reads the variance. */
static SfValue
norm_read (SfGraph *g)
{
  SfValue x = input (g, "x", SF_SHAPE (2, 3, 4)), c = centred (g, x, 2);
  SfValue var = mean (g, bin (g, "mul", c, c), 2);
  SfValue y = bin (g, "div", c, un (g, "sqrt", num (g, "add", var, 1e-5)));
  return bin (g, "add", y, var);
}

/* The mean square is not that of what is divided. */
static SfValue
norm_of_two (SfGraph *g)
{
  SfValue x = input (g, "x", SF_SHAPE (2, 3, 4)), z = input (g, "z", SF_SHAPE (2, 3, 4));
  SfValue c = centred (g, x, 2), other = centred (g, z, 2);
  SfValue var = mean (g, bin (g, "mul", other, other), 2);
  return bin (g, "div", c, un (g, "sqrt", num (g, "add", var, 1e-5)));
}

/* ---- gelu ---- */

SfValue
compose_gelu_torch (SfGraph *g)
{
  SfValue x = input (g, "x", SF_SHAPE (2, 3));
  SfValue gate = num (g, "add", un (g, "erf", num (g, "div", x, sqrt (2))), 1);
  return num (g, "mul", bin (g, "mul", x, gate), 0.5);
}

static SfValue
gelu_half_first (SfGraph *g)
{
  SfValue x = un (g, "neg", input (g, "x", SF_SHAPE (2, 3)));
  SfValue gate = bin (g, "add", number (g, 1), un (g, "erf", num (g, "mul", x, sqrt (0.5))));
  return bin (g, "mul", num (g, "mul", x, 0.5), gate);
}

static SfValue
gelu_half_gate (SfGraph *g)
{
  SfValue x = input (g, "x", SF_SHAPE (2, 3));
  SfValue gate = num (g, "add", un (g, "erf", num (g, "div", x, sqrt (2))), 1);
  return bin (g, "mul", num (g, "div", gate, 2), x);
}

static SfValue
gelu_tanh (SfGraph *g)
{
  SfValue x = input (g, "x", SF_SHAPE (2, 3));
  SfValue inner = bin (g, "add", x, num (g, "mul", num (g, "pow", x, 3), 0.044715));
  SfValue gate = num (g, "add", un (g, "tanh", num (g, "mul", inner, sqrt (2 / G_PI))), 1);
  return bin (g, "mul", num (g, "mul", x, 0.5), gate);
}

static SfValue
gelu_tanh_products (SfGraph *g)
{
  SfValue x = input (g, "x", SF_SHAPE (2, 3));
  SfValue square = num (g, "mul", bin (g, "mul", x, x), 0.044715);
  SfValue inner = bin (g, "mul", num (g, "mul", x, sqrt (2 / G_PI)), num (g, "add", square, 1));
  SfValue gate = num (g, "add", un (g, "tanh", inner), 1);
  return num (g, "mul", bin (g, "mul", x, gate), 0.5);
}

static SfValue
gelu_other_factor (SfGraph *g)
{
  SfValue x = input (g, "x", SF_SHAPE (2, 3));
  SfValue gate = num (g, "add", un (g, "erf", num (g, "div", x, sqrt (2))), 1);
  return num (g, "mul", bin (g, "mul", x, gate), 0.6);
}

static SfValue
gelu_other_scale (SfGraph *g)
{
  SfValue x = input (g, "x", SF_SHAPE (2, 3));
  SfValue gate = num (g, "add", un (g, "erf", num (g, "div", x, 1.7)), 1);
  return num (g, "mul", bin (g, "mul", x, gate), 0.5);
}

static SfValue
gelu_of_two (SfGraph *g)
{
  SfValue x = input (g, "x", SF_SHAPE (2, 3)), z = input (g, "z", SF_SHAPE (2, 3));
  SfValue gate = num (g, "add", un (g, "erf", num (g, "div", x, sqrt (2))), 1);
  return num (g, "mul", bin (g, "mul", z, gate), 0.5);
}

static SfValue
gelu_read (SfGraph *g)
{
  SfValue x = input (g, "x", SF_SHAPE (2, 3));
  SfValue gate = num (g, "add", un (g, "erf", num (g, "div", x, sqrt (2))), 1);
  return bin (g, "add", num (g, "mul", bin (g, "mul", x, gate), 0.5), gate);
}

/* ---- attention ---- */

static const int64_t swap4[] = { 0, 1, 3, 2 }, swap3[] = { 0, 2, 1 }, heads_k[] = { 0, 2, 3, 1 };

/* q k^T of heads, as [B,H,S,T]. */
static SfValue
head_scores (SfGraph *g)
{
  SfValue q = input (g, "q", SF_SHAPE (2, 2, 3, 4)), k = input (g, "k", SF_SHAPE (2, 2, 3, 4));
  return bin (g, "matmul", q, transpose (g, k, 4, swap4));
}

static SfValue
attend (SfGraph *g, SfValue scores)
{
  SfValue v = input (g, "v", SF_SHAPE (2, 2, 3, 5));
  return bin (g, "matmul", softmax (g, scores, 3), v);
}

static SfValue
attention_plain (SfGraph *g)
{
  return attend (g, num (g, "div", head_scores (g), 2));
}

/* BERT: k comes out of [B,T,H,D], the mask from the feed. */
static SfValue
attention_bert (SfGraph *g)
{
  SfValue q = input (g, "q", SF_SHAPE (2, 2, 3, 4)), k = input (g, "k", SF_SHAPE (2, 3, 2, 4));
  SfValue mask = num (g, "mul", input (g, "mask", SF_SHAPE (2, 1, 1, 3)), -10000);
  SfValue s = bin (g, "matmul", q, transpose (g, k, 4, heads_k));
  return attend (g, bin (g, "add", num (g, "div", s, 2), mask));
}

/* nn.MultiheadAttention: rank 3, q scaled before the product. */
static SfValue
attention_three (SfGraph *g)
{
  SfValue q = input (g, "q", SF_SHAPE (6, 3, 4)), k = input (g, "k", SF_SHAPE (6, 5, 4));
  SfValue mask = input (g, "mask", SF_SHAPE (6, 3, 5)), v = input (g, "v", SF_SHAPE (6, 5, 2));
  SfValue s = bin (g, "matmul", num (g, "div", q, 2), transpose (g, k, 3, swap3));
  return bin (g, "matmul", softmax (g, bin (g, "add", mask, s), 2), v);
}

/* PyTorch 2: q and k are scaled by the root each, k after it is turned. */
static SfValue
attention_both_scaled (SfGraph *g)
{
  SfValue q = input (g, "q", SF_SHAPE (2, 2, 3, 4)), k = input (g, "k", SF_SHAPE (2, 2, 3, 4));
  k = num (g, "mul", transpose (g, k, 4, swap4), sqrt (0.3));
  return attend (g, bin (g, "matmul", num (g, "mul", q, sqrt (0.3)), k));
}

static SfValue
attention_causal (SfGraph *g)
{
  SfValue mask = causal_mask (g, 3, false, -INFINITY);
  return attend (g, bin (g, "add", num (g, "div", head_scores (g), 2), mask));
}

/* GPT-2: a condition chooses between the score and the least number. */
static SfValue
attention_gpt2 (SfGraph *g)
{
  SfValue s = num (g, "div", head_scores (g), 2);
  return attend (g, sf_graph_op3 (g, "select", causal_mask (g, 3, true, 0), s,
                                  number (g, -3.4028234663852886e38), NULL));
}

static SfValue
attention_condition (SfGraph *g)
{
  SfValue open = sf_graph_input (g, "open", SF_BOOL, SF_SHAPE (2, 1, 1, 3), NULL);
  SfValue s = num (g, "div", head_scores (g), 2);
  return attend (g, sf_graph_op3 (g, "select", open, s, number (g, -1e30), NULL));
}

/* masked_fill: the condition says what is hidden. */
static SfValue
attention_masked_fill (SfGraph *g)
{
  SfValue s = num (g, "div", head_scores (g), 2), open = causal_mask (g, 3, true, 0);
  g_autofree uint8_t *hidden = g_memdup2 (sf_value_data (g, open), 9);
  for (size_t i = 0; i < 9; i++)
    hidden[i] = !hidden[i];
  SfValue c = sf_graph_constant (g, SF_BOOL, SF_SHAPE (3, 3), hidden, NULL);
  return attend (g, sf_graph_op3 (g, "select", c, number (g, -INFINITY), s, NULL));
}

static SfValue
attention_padding (SfGraph *g)
{
  SfValue hidden = sf_graph_input (g, "hidden", SF_BOOL, SF_SHAPE (2, 1, 1, 3), NULL);
  SfValue s = num (g, "div", head_scores (g), 2);
  return attend (g, sf_graph_op3 (g, "select", hidden, number (g, -1e30), s, NULL));
}

/* A lower triangle that is hidden is no causal mask. */
static SfValue
attention_past_hidden (SfGraph *g)
{
  SfValue s = num (g, "div", head_scores (g), 2), seen = causal_mask (g, 3, true, 0);
  return attend (g, sf_graph_op3 (g, "select", seen, number (g, -1e30), s, NULL));
}

static SfValue
reshape (SfGraph *g, SfValue a, SfShape shape)
{
  const SfAttr attr = SF_ATTR_IS ("shape", shape.dim, (size_t) shape.rank);
  return sf_graph_op (g, "reshape", &a, 1, &attr, 1, NULL);
}

/* Swin: a bias of all windows, and masks of two windows each through a view of the scores. */
static SfValue
attention_windows (SfGraph *g)
{
  SfValue q = input (g, "q", SF_SHAPE (4, 2, 3, 4)), k = input (g, "k", SF_SHAPE (4, 2, 3, 4));
  SfValue v = input (g, "v", SF_SHAPE (4, 2, 3, 5)),
          bias = input (g, "bias", SF_SHAPE (1, 2, 3, 3));
  SfValue mask = input (g, "mask", SF_SHAPE (1, 2, 1, 3, 3));
  SfValue s = bin (g, "matmul", num (g, "mul", q, 0.5), transpose (g, k, 4, swap4));
  s = reshape (g, bin (g, "add", s, bias), SF_SHAPE (2, 2, 2, 3, 3));
  s = reshape (g, bin (g, "add", s, mask), SF_SHAPE (4, 2, 3, 3));
  return bin (g, "matmul", softmax (g, s, 3), v);
}

/* Five dimensions: all but the last two become one. */
static SfValue
attention_five (SfGraph *g)
{
  static const int64_t swap5[] = { 0, 1, 2, 4, 3 };
  SfValue q = input (g, "q", SF_SHAPE (2, 2, 1, 3, 4)),
          k = input (g, "k", SF_SHAPE (2, 2, 1, 5, 4));
  SfValue v = input (g, "v", SF_SHAPE (2, 2, 1, 5, 2)),
          mask = input (g, "mask", SF_SHAPE (2, 1, 3, 5));
  SfValue s = bin (g, "matmul", q, transpose (g, k, 5, swap5));
  return bin (g, "matmul", softmax (g, bin (g, "add", s, mask), 4), v);
}

/* PyTorch 2 by dynamo: k is turned with all leading dimensions as one. */
static SfValue
attention_dynamo (SfGraph *g)
{
  SfValue q = input (g, "q", SF_SHAPE (2, 2, 3, 4)), k = input (g, "k", SF_SHAPE (2, 2, 3, 4));
  k = transpose (g, reshape (g, k, SF_SHAPE (4, 3, 4)), 3, swap3);
  k = num (g, "mul", reshape (g, k, SF_SHAPE (2, 2, 4, 3)), sqrt (0.5));
  return attend (g, bin (g, "matmul", num (g, "mul", q, sqrt (0.5)), k));
}

/* Other rows than those of k: the view mixes keys and features. */
static SfValue
attention_mixed_view (SfGraph *g)
{
  SfValue q = input (g, "q", SF_SHAPE (2, 2, 3, 4)), k = input (g, "k", SF_SHAPE (2, 2, 3, 4));
  k = transpose (g, reshape (g, k, SF_SHAPE (4, 6, 2)), 3, swap3);
  return attend (g, bin (g, "matmul", q, reshape (g, k, SF_SHAPE (2, 2, 4, 3))));
}

/* A mask that lets one more key through is no causal one, but it is a mask. */
static SfValue
attention_nearly_causal (SfGraph *g)
{
  static const float mask[9] = { 0, 0, -1e30f, 0, 0, -1e30f, 0, 0, 0 };
  SfValue m = sf_graph_constant (g, SF_F32, SF_SHAPE (3, 3), mask, NULL);
  return attend (g, bin (g, "add", num (g, "div", head_scores (g), 2), m));
}

static SfValue
attention_read (SfGraph *g)
{
  SfValue v = input (g, "v", SF_SHAPE (2, 2, 3, 5)), p = softmax (g, head_scores (g), 3);
  SfValue y = bin (g, "matmul", p, v);
  return bin (g, "add", y, mean (g, p, 3));
}

static SfValue
attention_other_axis (SfGraph *g)
{
  SfValue v = input (g, "v", SF_SHAPE (2, 2, 3, 5));
  return bin (g, "matmul", softmax (g, head_scores (g), 2), v);
}

/* Scaled after the mask: the op adds its mask last. */
static SfValue
attention_mask_scaled (SfGraph *g)
{
  SfValue mask = input (g, "mask", SF_SHAPE (3, 3));
  return attend (g, num (g, "mul", bin (g, "add", head_scores (g), mask), 0.5));
}

SfValue
compose_trained_mask (SfGraph *g)
{
  return attend (g, bin (g, "add", head_scores (g), weight (g, "bias", SF_SHAPE (1, 2, 3, 3))));
}

SfValue
compose_dropped_attention (SfGraph *g)
{
  SfValue v = input (g, "v", SF_SHAPE (2, 2, 3, 5));
  SfValue in[] = { softmax (g, head_scores (g), 3),
                   sf_graph_scalar (g, "rng", SF_I32, SF_SHAPE (3), NULL) };
  const SfAttr attrs[] = { SF_ATTR_F ("p", 0.1), SF_ATTR_I ("stream", 1) };
  return bin (g, "matmul", sf_graph_op (g, "dropout", in, 2, attrs, 2, NULL), v);
}

/* One k for both heads. */
static SfValue
attention_shared_k (SfGraph *g)
{
  SfValue q = input (g, "q", SF_SHAPE (2, 2, 3, 4)), k = input (g, "k", SF_SHAPE (2, 1, 3, 4));
  return attend (g, bin (g, "matmul", q, transpose (g, k, 4, swap4)));
}

/* ---- the cases ---- */

const ComposeCase compose_cases[] = {
  { "norm_torch", norm_torch,
    "layer_norm (%0, %1, %2) {axis=2, eps=0.0010000000474974513} f32 [2,3,4], f32 [2,3], f32 [2,3]  # n.9 fwd\n" },
  { "norm_turned", norm_turned,
    "reshape (%1) {shape=[4]} f32 [4]  # n.11.inner fwd\n"
    "layer_norm (%0, %4, %2) {axis=2, eps=9.999999747378752e-06} f32 [2,3,4], f32 [2,3], f32 [2,3]  # n.11 fwd\n" },
  { "norm_alone", norm_alone,
    "layer_norm (%0, %2, %3) {axis=2, eps=9.999999747378752e-06} f32 [2,3,4], f32 [2,3], f32 [2,3]  # n.8 fwd\n"
    "relu (%4) f32 [2,3,4]  # n.9 fwd\n" },
  { "norm_scaled_across", norm_scaled_across,
    "layer_norm (%0, %3, %4) {axis=2, eps=9.999999747378752e-06} f32 [2,3,4], f32 [2,3], f32 [2,3]  # n.7 fwd\n"
    "mul (%5, %2) f32 [2,3,4]  # n.8 fwd\n" },
  { "norm_inside", norm_inside, NULL },
  { "norm_read", norm_read, NULL },
  { "norm_of_two", norm_of_two, NULL },
  { "gelu_torch", compose_gelu_torch, "gelu (%0) f32 [2,3]  # n.5 fwd\n" },
  { "gelu_half_first", gelu_half_first,
    "neg (%0) f32 [2,3]  # n fwd\n"
    "gelu (%4) f32 [2,3]  # n.6 fwd\n" },
  { "gelu_half_gate", gelu_half_gate, "gelu (%0) f32 [2,3]  # n.5 fwd\n" },
  { "gelu_tanh", gelu_tanh, "gelu (%0) {approximate=\"tanh\"} f32 [2,3]  # n.8 fwd\n" },
  { "gelu_tanh_products", gelu_tanh_products,
    "gelu (%0) {approximate=\"tanh\"} f32 [2,3]  # n.9 fwd\n" },
  { "gelu_other_factor", gelu_other_factor, NULL },
  { "gelu_other_scale", gelu_other_scale, NULL },
  { "gelu_of_two", gelu_of_two, NULL },
  { "gelu_read", gelu_read, NULL },
  { "attention_plain", attention_plain, "attention (%0, %1, %3) f32 [2,2,3,5]  # n.5 fwd\n" },
  { "attention_bert", attention_bert,
    "mul (%2, %3) f32 [2,1,1,3]  # n fwd\n"
    "transpose (%1) {perm=[0,2,1,3]} f32 [2,2,3,4]  # n.7.inner fwd\n"
    "attention (%0, %7, %5, %6) f32 [2,2,3,5]  # n.7 fwd\n" },
  { "attention_three", attention_three,
    "reshape (%0) {shape=[6,1,3,4]} f32 [6,1,3,4]  # n.6.inner fwd\n"
    "reshape (%1) {shape=[6,1,5,4]} f32 [6,1,5,4]  # n.6.inner.2 fwd\n"
    "reshape (%3) {shape=[6,1,5,2]} f32 [6,1,5,2]  # n.6.inner.3 fwd\n"
    "reshape (%2) {shape=[6,1,3,5]} f32 [6,1,3,5]  # n.6.inner.4 fwd\n"
    "attention (%5, %6, %7, %8) f32 [6,1,3,2]  # n.6.inner.5 fwd\n"
    "reshape (%9) {shape=[6,3,2]} f32 [6,3,2]  # n.6 fwd\n" },
  { "attention_both_scaled", attention_both_scaled,
    "attention (%0, %1, %4) {scale=0.3000000225043209} f32 [2,2,3,5]  # n.6 fwd\n" },
  { "attention_causal", attention_causal,
    "attention (%1, %2, %4) {causal=true} f32 [2,2,3,5]  # n.6 fwd\n" },
  { "attention_gpt2", attention_gpt2,
    "attention (%0, %1, %5) {causal=true} f32 [2,2,3,5]  # n.6 fwd\n" },
  { "attention_condition", attention_condition,
    "select (%0, %6, %4) f32 [2,1,1,3]  # n.6.inner fwd\n"
    "attention (%1, %2, %5, %7) f32 [2,2,3,5]  # n.6 fwd\n" },
  { "attention_masked_fill", attention_masked_fill,
    "attention (%0, %1, %6) {causal=true} f32 [2,2,3,5]  # n.6 fwd\n" },
  { "attention_dynamo", attention_dynamo, "attention (%0, %1, %4) f32 [2,2,3,5]  # n.8 fwd\n" },
  { "attention_mixed_view", attention_mixed_view,
    "reshape (%1) {shape=[4,6,2]} f32 [4,6,2]  # n fwd\n"
    "transpose (%3) {perm=[0,2,1]} f32 [4,2,6]  # n.2 fwd\n"
    "reshape (%4) {shape=[2,2,4,3]} f32 [2,2,4,3]  # n.3 fwd\n"
    "transpose (%5) {perm=[0,1,3,2]} f32 [2,2,3,4]  # n.6.inner fwd\n"
    "attention (%0, %6, %2) {scale=1} f32 [2,2,3,5]  # n.6 fwd\n" },
  { "attention_padding", attention_padding,
    "select (%0, %4, %6) f32 [2,1,1,3]  # n.6.inner fwd\n"
    "attention (%1, %2, %5, %7) f32 [2,2,3,5]  # n.6 fwd\n" },
  { "attention_past_hidden", attention_past_hidden,
    "select (%3, %4, %6) f32 [3,3]  # n.6.inner fwd\n"
    "attention (%0, %1, %5, %7) f32 [2,2,3,5]  # n.6 fwd\n" },
  { "attention_windows", attention_windows,
    "broadcast (%4) {shape=[2,2,1,3,3]} f32 [2,2,1,3,3]  # n.9.inner fwd\n"
    "reshape (%6) {shape=[4,1,3,3]} f32 [4,1,3,3]  # n.9.inner.2 fwd\n"
    "add (%3, %7) f32 [4,2,3,3]  # n.9.inner.3 fwd\n"
    "attention (%0, %1, %2, %8) f32 [4,2,3,5]  # n.9 fwd\n" },
  { "attention_five", attention_five,
    "reshape (%0) {shape=[4,1,3,4]} f32 [4,1,3,4]  # n.5.inner fwd\n"
    "reshape (%1) {shape=[4,1,5,4]} f32 [4,1,5,4]  # n.5.inner.2 fwd\n"
    "reshape (%2) {shape=[4,1,5,2]} f32 [4,1,5,2]  # n.5.inner.3 fwd\n"
    "broadcast (%3) {shape=[2,2,1,3,5]} f32 [2,2,1,3,5]  # n.5.inner.4 fwd\n"
    "reshape (%7) {shape=[4,1,3,5]} f32 [4,1,3,5]  # n.5.inner.5 fwd\n"
    "attention (%4, %5, %6, %8) {scale=1} f32 [4,1,3,2]  # n.5.inner.6 fwd\n"
    "reshape (%9) {shape=[2,2,1,3,2]} f32 [2,2,1,3,2]  # n.5 fwd\n" },
  { "attention_nearly_causal", attention_nearly_causal,
    "attention (%1, %2, %4, %0) f32 [2,2,3,5]  # n.6 fwd\n" },
  { "attention_read", attention_read, NULL },
  { "attention_other_axis", attention_other_axis, NULL },
  { "attention_mask_scaled", attention_mask_scaled, NULL },
  { "attention_shared_k", attention_shared_k, NULL },
};

const size_t n_compose_cases = G_N_ELEMENTS (compose_cases);

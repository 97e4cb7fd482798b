/* SPDX-License-Identifier: Apache-2.0 */
/* The number of threads never changes a bit. */
#include <sf/rng.h>

#include "tests/unit/cpu/onenode.h"

#define N_MAX 65536

typedef struct
{
  const char *name;
  OneNode node; /* values NULL in `in`: made here */
  int n_inputs;
} ThreadCase;

#define R(...)                          \
  {                                     \
    SF_F32, { __VA_ARGS__ }, VALUES (0) \
  }

static const ThreadCase cases[] = {
  { "add", { "add", "add", { R (2, { 200, 300 }), R (1, { 300 }) } }, 2 },
  { "exp", { "exp", "exp", { R (2, { 200, 300 }) } }, 1 },
  { "reduce_sum",
    { "reduce_sum", "reduce_sum", { R (2, { 300, 200 }) }, { INTS ("axes", 0) } },
    1 },
  { "transpose",
    { "transpose", "transpose", { R (2, { 200, 300 }) }, { INTS ("perm", 1, 0) } },
    1 },
  { "matmul", { "matmul", "matmul", { R (2, { 70, 90 }), R (2, { 90, 50 }) } }, 2 },
  { "linear", { "linear", "linear", { R (2, { 70, 90 }), R (2, { 50, 90 }), R (1, { 50 }) } }, 3 },
  { "conv2d",
    { "conv2d",
      "conv2d",
      { R (4, { 3, 4, 15, 15 }), R (4, { 6, 4, 3, 3 }), R (1, { 6 }) },
      { INTS ("pads", 1, 1, 1, 1) } },
    3 },
  { "matmul_one_row", { "matmul", "matmul", { R (2, { 1, 90 }), R (2, { 90, 700 }) } }, 2 },
  { "linear_one_row", { "linear", "linear", { R (2, { 1, 90 }), R (2, { 700, 90 }) } }, 2 },
  { "cumsum", { "cumsum", "cumsum", { R (2, { 300, 200 }) }, { INT ("axis", 0) } }, 1 },
  { "sort", { "sort", "sort", { R (2, { 300, 200 }) }, { INT ("axis", 0) } }, 1 },
  { "det", { "det", "det", { R (3, { 100, 12, 12 }) } }, 1 },
  { "conv2d_dx",
    { "conv2d_dx",
      "conv2d_dx",
      { R (4, { 3, 6, 15, 15 }), R (4, { 6, 4, 3, 3 }) },
      { INTS ("pads", 1, 1, 1, 1), INTS ("size", 15, 15) } },
    2 },
  { "conv2d_dw",
    { "conv2d_dw",
      "conv2d_dw",
      { R (4, { 3, 6, 15, 15 }), R (4, { 3, 4, 15, 15 }) },
      { INTS ("pads", 1, 1, 1, 1), INTS ("kernel", 3, 3) } },
    2 },
  { "max_pool2d",
    { "max_pool2d", "max_pool2d", { R (4, { 8, 8, 30, 30 }) }, { INTS ("kernel", 2, 2) } },
    1 },
  { "softmax", { "softmax", "softmax", { R (2, { 300, 200 }) } }, 1 },
  { "batch_norm",
    { "batch_norm",
      "batch_norm",
      { R (4, { 4, 16, 20, 20 }), R (1, { 16 }), R (1, { 16 }), R (1, { 16 }), R (1, { 16 }) } },
    5 },
  { "layer_norm",
    { "layer_norm", "layer_norm", { R (2, { 300, 200 }), R (1, { 200 }), R (1, { 200 }) } },
    3 },
  { "attention",
    { "attention",
      "attention",
      { R (4, { 2, 3, 20, 16 }), R (4, { 2, 3, 20, 16 }), R (4, { 2, 3, 20, 16 }) } },
    3 },
};

static bool
evaluate (const OneGraph *one, int n_threads, SfTensor *out)
{
  g_autoptr (GError) error = NULL;
  SfEvaluateOptions options = { .n_threads = n_threads };
  SfFetch fetch = { .value = one->outputs[0] };
  bool ok = sf_evaluate (one->graph, &options, one->feeds, one->n_feeds, &fetch, 1, &error);
  SF_CHECK_NO_ERROR (error);
  *out = fetch.tensor;
  return ok;
}

SF_TEST_CASES (CpuThreads, SameBits, cases, G_N_ELEMENTS (cases), sf_test_row_name)
{
  const ThreadCase *c = data;
  const SfRng rng = { .seed = 1, .stream = 2 };
  g_autofree double *values = g_new (double, N_MAX);
  for (uint64_t e = 0; e < N_MAX; e++)
    values[e] = (double) sf_rng_uniform (&rng, e) - 0.5;
  OneNode node = c->node;
  for (int k = 0; k < c->n_inputs; k++)
    node.in[k].values = values;
  g_autoptr (GError) error = NULL;
  OneGraph one;
  SfTensor first = { 0 }, other = { 0 };
  SF_CHECK (one_graph_build (&node, &one, &error));
  SF_CHECK_NO_ERROR (error);
  if (error == NULL && evaluate (&one, 1, &first))
    for (int n = 2; n <= 3; n++)
      if (evaluate (&one, n, &other))
        {
          SF_CHECK_INT (memcmp (first.data, other.data, sf_tensor_n_bytes (&first)), 0);
          sf_tensor_clear (&other);
        }
  sf_tensor_clear (&first);
  one_graph_clear (&one);
}

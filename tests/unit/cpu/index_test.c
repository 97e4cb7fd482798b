/* SPDX-License-Identifier: Apache-2.0 */
/* Indexed and random ops: values by hand, indices out of range, the generator's own numbers. */
#include <sf/rng.h>

#include "tests/unit/cpu/onenode.h"

#define TABLE                                          \
  {                                                    \
    SF_F64, { 2, { 3, 2 } }, VALUES (1, 2, 3, 4, 5, 6) \
  }
#define IDS(n_, ...)                              \
  {                                               \
    SF_I32, { 1, { (n_) } }, VALUES (__VA_ARGS__) \
  }

static const OneNode cases[] = {
  { "gather rows",
    "gather",
    { TABLE, IDS (2, 2, 0) },
    .shape = { 2, { 2, 2 } },
    .want = { 5, 6, 1, 2 } },
  { "gather columns",
    "gather",
    { TABLE, { SF_I32, { 2, { 1, 3 } }, VALUES (1, 1, 0) } },
    { INT ("axis", 1) },
    .shape = { 3, { 3, 1, 3 } },
    .want = { 2, 2, 1, 4, 4, 3, 6, 6, 5 } },
  { "gather by a scalar",
    "gather",
    { TABLE, { SF_I32, { 0 }, VALUES (1) } },
    .shape = { 1, { 2 } },
    .want = { 3, 4 } },
  { "gather of nothing",
    "gather",
    { { SF_F64, { 2, { 0, 2 } }, VALUES (0) }, { SF_I32, { 1, { 0 } }, VALUES (0) } },
    .shape = { 2, { 0, 2 } } },
  { "scatter_add",
    "scatter_add",
    { IDS (3, 2, 0, 2), TABLE },
    { INT ("size", 4) },
    .shape = { 2, { 4, 2 } },
    .want = { 3, 4, 0, 0, 6, 8, 0, 0 } },
  { "scatter_add along columns",
    "scatter_add",
    { IDS (2, 1, 1), TABLE },
    { INT ("axis", 1), INT ("size", 2) },
    .shape = { 2, { 3, 2 } },
    .want = { 0, 3, 0, 7, 0, 11 } },
  { "scatter_add of integers",
    "scatter_add",
    { IDS (2, 0, 0), { SF_U8, { 1, { 2 } }, VALUES (200, 100) } },
    { INT ("size", 1) },
    .shape = { 1, { 1 } },
    .want = { 44 } },
  { "embedding",
    "embedding",
    { TABLE, { SF_I32, { 2, { 1, 2 } }, VALUES (2, 2) } },
    .shape = { 3, { 1, 2, 2 } },
    .want = { 5, 6, 5, 6 } },
  { "embedding_bwd",
    "embedding_bwd",
    { TABLE, IDS (3, 1, 1, 0) },
    { INT ("rows", 3) },
    .shape = { 2, { 3, 2 } },
    .want = { 5, 6, 4, 6, 0, 0 } },
  { "iota",
    "iota",
    { { 0 } },
    { INTS ("shape", 2, 3), INT ("axis", 0), DTYPE ("dtype", SF_I32) },
    .shape = { 2, { 2, 3 } },
    .want = { 0, 0, 0, 1, 1, 1 } },
  { "iota of floats",
    "iota",
    { { 0 } },
    { INTS ("shape", 3), INT ("axis", 0), DTYPE ("dtype", SF_F32) },
    .shape = { 1, { 3 } },
    .want = { 0, 1, 2 } },
};

SF_TEST_CASES (CpuIndex, Value, cases, G_N_ELEMENTS (cases), sf_test_row_name)
{
  one_node_check (data);
}

typedef struct
{
  const char *name;
  OneNode node;
  const char *message;
} RefusedCase;

static const RefusedCase refused[] = {
  { "gather",
    { "gather", "gather", { TABLE, { SF_I32, { 2, { 2, 2 } }, VALUES (0, 1, 3, 2) } } },
    "node: index [1,0] is 3, wanted 0 to 2; " },
  { "negative",
    { "negative", "embedding", { TABLE, IDS (2, 0, -1) } },
    "node: index [1] is -1, wanted 0 to 2; " },
  { "scatter_add",
    { "scatter_add", "scatter_add", { IDS (3, 0, 1, 5), TABLE }, { INT ("size", 5) } },
    "node: index [2] is 5, wanted 0 to 4; " },
  { "embedding_bwd",
    { "embedding_bwd", "embedding_bwd", { TABLE, IDS (3, 0, 9, 1) }, { INT ("rows", 3) } },
    "node: index [1] is 9, wanted 0 to 2; " },
};

SF_TEST_CASES (CpuIndex, Refused, refused, G_N_ELEMENTS (refused), sf_test_row_name)
{
  const RefusedCase *c = data;
  g_autoptr (GError) error = NULL;
  OneGraph one;
  SF_CHECK (one_graph_build (&c->node, &one, &error));
  SF_CHECK_NO_ERROR (error);
  SfFetch fetch = { .value = one.outputs[0] };
  SF_CHECK (!sf_evaluate (one.graph, NULL, one.feeds, one.n_feeds, &fetch, 1, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA, c->message);
  one_graph_clear (&one);
}

#define N_RANDOM 37

/* Seed 0x5fffffffe (low word negative as i32), step 3. */
#define RNG                                 \
  {                                         \
    SF_I32, { 1, { 3 } }, VALUES (-2, 5, 3) \
  }
static const SfRng generator = { .seed = 0x5fffffffeull, .stream = 11, .step = 3 };

static bool
draw (const OneNode *node, double *values)
{
  g_autoptr (GError) error = NULL;
  OneGraph one;
  bool ok = one_graph_build (node, &one, &error);
  SfFetch fetch = { one.outputs[0], sf_tensor (SF_F64, SF_SHAPE (N_RANDOM), values) };
  ok = ok && sf_evaluate (one.graph, NULL, one.feeds, one.n_feeds, &fetch, 1, &error);
  SF_CHECK_NO_ERROR (error);
  one_graph_clear (&one);
  return ok;
}

SF_TEST (CpuRandom, UniformIsTheGenerator)
{
  const OneNode node = { .op = "rng_uniform",
                         .in = { RNG },
                         .attrs = { INTS ("shape", N_RANDOM), INT ("stream", 11) } };
  double found[N_RANDOM];
  SF_REQUIRE (draw (&node, found));
  for (uint64_t e = 0; e < N_RANDOM; e++)
    SF_CHECK_NEAR (found[e], (double) sf_rng_uniform (&generator, e), 0);
}

static void
check_dropout (const char *op)
{
  double ones[N_RANDOM], found[N_RANDOM];
  for (int e = 0; e < N_RANDOM; e++)
    ones[e] = e + 1;
  const OneNode node = { .op = op,
                         .in = { { SF_F64, { 1, { N_RANDOM } }, ones }, RNG },
                         .attrs = { FLOAT ("p", 0.75), INT ("stream", 11) } };
  SF_REQUIRE (draw (&node, found));
  int kept = 0;
  for (uint64_t e = 0; e < N_RANDOM; e++)
    {
      bool keep = sf_rng_uniform (&generator, e) >= 0.75f;
      SF_CHECK_NEAR (found[e], keep ? 4 * ones[e] : 0, 0);
      kept += keep;
    }
  SF_CHECK (kept > 0 && kept < N_RANDOM);
}

SF_TEST (CpuRandom, DropoutKeepsAboveP)
{
  check_dropout ("dropout");
  check_dropout ("dropout_bwd");
}

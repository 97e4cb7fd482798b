/* SPDX-License-Identifier: Apache-2.0 */
/* sf_evaluate: what is run, fed, fetched, rounded and shown. */
#include "tests/unit/cpu/onenode.h"

#define THIRD_F32 ((double) (1.0f / 3.0f))

/* third = x / y, sum = third + third, all f32 []; state s = 5. */
typedef struct
{
  SfGraph *graph;
  SfValue x, y, s, third, sum;
} Sample;

static Sample
sample_new (void)
{
  g_autoptr (GError) error = NULL;
  const float five = 5;
  Sample t = { .graph = sf_graph_new ("sample") };
  t.x = sf_graph_input (t.graph, "x", SF_F32, sf_shape_scalar (), &error);
  t.y = sf_graph_input (t.graph, "y", SF_F32, sf_shape_scalar (), &error);
  t.s = sf_graph_state (t.graph, "s", SF_STATE_PARAM, SF_F32, sf_shape_scalar (), &five, &error);
  sf_graph_set_scope (t.graph, "third");
  t.third = sf_graph_op2 (t.graph, "div", t.x, t.y, &error);
  sf_graph_set_scope (t.graph, "sum");
  t.sum = sf_graph_op2 (t.graph, "add", t.third, t.third, &error);
  SF_CHECK_NO_ERROR (error);
  return t;
}

static SfFeed
feed_scalar (SfValue value, const double *x)
{
  return (SfFeed){ value, sf_tensor (SF_F64, sf_shape_scalar (), (void *) x) };
}

/* Evaluates one scalar with x = 1, y = 3. */
static double
evaluate_third (const Sample *t, const SfEvaluateOptions *options, SfValue value)
{
  g_autoptr (GError) error = NULL;
  const double one = 1, three = 3;
  double found = NAN;
  SfFeed feeds[] = { feed_scalar (t->x, &one), feed_scalar (t->y, &three) };
  SfFetch fetch = { value, sf_tensor (SF_F64, sf_shape_scalar (), &found) };
  sf_evaluate (t->graph, options, feeds, 2, &fetch, 1, &error);
  SF_CHECK_NO_ERROR (error);
  return found;
}

SF_TEST (CpuEvaluate, RoundsWhatIsStored)
{
  Sample t = sample_new ();
  uint8_t stored[8] = { 1, 1, 1, 1, 1, 1, 1, 1 };
  SfEvaluateOptions f64 = { .f64 = true }, kept = { .stored = stored };
  SF_CHECK_NEAR (evaluate_third (&t, NULL, t.third), THIRD_F32, 0);
  SF_CHECK_NEAR (evaluate_third (&t, NULL, t.sum), 2 * THIRD_F32, 0);
  SF_CHECK_NEAR (evaluate_third (&t, &f64, t.third), 1 / 3.0, 0);
  stored[t.third] = 0;
  SF_CHECK_NEAR (evaluate_third (&t, &kept, t.third), 1 / 3.0, 0);
  SF_CHECK_NEAR (evaluate_third (&t, &kept, t.sum), (double) (float) (2 / 3.0), 0);
  sf_graph_unref (t.graph);
}

SF_TEST (CpuEvaluate, AllocatesFetches)
{
  g_autoptr (GError) error = NULL;
  Sample t = sample_new ();
  const double one = 1, three = 3;
  SfFeed feeds[] = { feed_scalar (t.x, &one), feed_scalar (t.y, &three) };
  SfEvaluateOptions f64 = { .f64 = true };
  SfFetch fetches[] = { { .value = t.third }, { .value = t.s }, { .value = t.x } };
  SF_REQUIRE (sf_evaluate (t.graph, NULL, feeds, 2, fetches, 3, &error));
  SF_CHECK_INT (fetches[0].tensor.dtype, SF_F32);
  SF_CHECK_NEAR (*(float *) fetches[0].tensor.data, THIRD_F32, 0);
  SF_CHECK_NEAR (*(float *) fetches[1].tensor.data, 5, 0);
  SF_CHECK_NEAR (*(float *) fetches[2].tensor.data, 1, 0);
  for (int k = 0; k < 3; k++)
    sf_tensor_clear (&fetches[k].tensor);
  SF_REQUIRE (sf_evaluate (t.graph, &f64, feeds, 2, fetches, 1, &error));
  SF_CHECK_INT (fetches[0].tensor.dtype, SF_F64);
  sf_tensor_clear (&fetches[0].tensor);
  sf_graph_unref (t.graph);
}

SF_TEST (CpuEvaluate, FedResultReplacesItsNode)
{
  g_autoptr (GError) error = NULL;
  Sample t = sample_new ();
  const double four = 4;
  double found = 0;
  SfFeed feed = feed_scalar (t.third, &four);
  SfFetch fetch = { t.sum, sf_tensor (SF_F64, sf_shape_scalar (), &found) };
  SF_CHECK (sf_evaluate (t.graph, NULL, &feed, 1, &fetch, 1, &error));
  SF_CHECK_NO_ERROR (error);
  SF_CHECK_NEAR (found, 8, 0);
  sf_graph_unref (t.graph);
}

SF_TEST (CpuEvaluate, MissingFeed)
{
  g_autoptr (GError) error = NULL;
  Sample t = sample_new ();
  const double one = 1;
  SfFeed feed = feed_scalar (t.x, &one);
  SfFetch fetches[] = { { .value = t.s }, { .value = t.sum } };
  SF_CHECK (!sf_evaluate (t.graph, NULL, &feed, 1, fetches, 2, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_ARGUMENT, "sample: input y is needed and was not given");
  SF_CHECK (fetches[0].tensor.data == NULL && fetches[1].tensor.data == NULL);
  sf_graph_unref (t.graph);
}

SF_TEST (CpuEvaluate, WrongValuesAndShapes)
{
  g_autoptr (GError) error = NULL;
  Sample t = sample_new ();
  double two[2] = { 1, 2 };
  SfFeed unknown = feed_scalar (99, two);
  SfFeed wide = { t.third, sf_tensor (SF_F64, SF_SHAPE (2), two) };
  const double one = 1;
  SfFeed good = feed_scalar (t.third, &one);
  SfFetch fetch = { .value = t.sum };
  SF_CHECK (!sf_evaluate (t.graph, NULL, &unknown, 1, &fetch, 1, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_ARGUMENT, "sample: feed of value 99, wanted less than 5");
  SF_CHECK (!sf_evaluate (t.graph, NULL, &wide, 1, &fetch, 1, &error));
  SF_CHECK (error != NULL && strstr (error->message, "third: ") != NULL);
  g_clear_error (&error);
  fetch.tensor = wide.tensor;
  SfFetch first_good[] = { { .value = t.sum }, fetch };
  SF_CHECK (!sf_evaluate (t.graph, NULL, &good, 1, first_good, 2, &error));
  SF_CHECK (error != NULL && strstr (error->message, "sum: ") != NULL);
  SF_CHECK (first_good[0].tensor.data == NULL); /* given back */
  SF_CHECK (first_good[1].tensor.data == two);
  sf_graph_unref (t.graph);
}

/* Replaces every value by 3 * itself and notes the order. */
typedef struct
{
  SfValue seen[4];
  int n;
} Seen;

static void
triple (void *user_data, SfValue value, SfTensor *tensor)
{
  Seen *seen = user_data;
  seen->seen[seen->n++] = value;
  SF_CHECK_INT (tensor->dtype, SF_F64);
  *(double *) tensor->data *= 3;
}

SF_TEST (CpuEvaluate, ObserverMayChange)
{
  Sample t = sample_new ();
  Seen seen = { .n = 0 };
  SfEvaluateOptions options = { .observe = triple, .user_data = &seen };
  SF_CHECK_NEAR (evaluate_third (&t, &options, t.sum), 6, 0);
  SF_REQUIRE (seen.n == 2);
  SF_CHECK_INT (seen.seen[0], t.third);
  SF_CHECK_INT (seen.seen[1], t.sum);
  /* What the observer leaves is stored in f32 again: 3 THIRD_F32 is not 1 as a double. */
  SF_CHECK_NEAR (evaluate_third (&t, &options, t.third), 1, 0);
  sf_graph_unref (t.graph);
}

/* y, mean, rstd = layer_norm (x, 1, 0): a fed mean is fetched as it was fed, though the node that
 * makes it runs for y. */
SF_TEST (CpuEvaluate, FedOutputOfANodeThatRuns)
{
  g_autoptr (GError) error = NULL;
  double x[2] = { 1, 3 }, gamma[2] = { 1, 1 }, beta[2] = { 0, 0 }, mean = 9;
  SfGraph *graph = sf_graph_new ("norm");
  SfValue in[3], out[3];
  double *arrays[3] = { x, gamma, beta };
  SfFeed feeds[4];
  for (int k = 0; k < 3; k++)
    {
      const char *names[] = { "x", "gamma", "beta" };
      SfShape shape = k == 0 ? SF_SHAPE (1, 2) : SF_SHAPE (2);
      in[k] = sf_graph_input (graph, names[k], SF_F64, shape, &error);
      feeds[k] = (SfFeed){ in[k], sf_tensor (SF_F64, shape, arrays[k]) };
    }
  sf_graph_add (graph, "layer_norm", in, 3, NULL, 0, out, &error);
  SF_REQUIRE_NO_ERROR (error);
  feeds[3] = (SfFeed){ out[1], sf_tensor (SF_F64, SF_SHAPE (1), &mean) };
  double y[2], found;
  SfFetch fetches[] = { { out[0], sf_tensor (SF_F64, SF_SHAPE (1, 2), y) },
                        { out[1], sf_tensor (SF_F64, SF_SHAPE (1), &found) } };
  SF_CHECK (sf_evaluate (graph, NULL, feeds, 4, fetches, 2, &error));
  SF_CHECK_NO_ERROR (error);
  SF_CHECK_NEAR (y[1], 1, 1e-4);
  SF_CHECK_NEAR (found, 9, 0);
  sf_graph_unref (graph);
}

/* Products that accumulate find their memory cleared, also when it was another product's. */
SF_TEST (CpuEvaluate, RecycledMemoryIsCleared)
{
  g_autoptr (GError) error = NULL;
  const double ones[4] = { 1, 1, 1, 1 };
  SfGraph *graph = sf_graph_new ("power");
  SfValue one = sf_graph_constant (graph, SF_F64, SF_SHAPE (2, 2), ones, &error), power = one;
  for (int k = 0; k < 4; k++)
    power = sf_graph_op2 (graph, "matmul", power, one, &error);
  SF_REQUIRE_NO_ERROR (error);
  double found[4];
  SfFetch fetch = { power, sf_tensor (SF_F64, SF_SHAPE (2, 2), found) };
  SF_CHECK (sf_evaluate (graph, NULL, NULL, 0, &fetch, 1, &error));
  SF_CHECK_NO_ERROR (error);
  SF_CHECK_NEAR (found[0], 16, 0);
  sf_graph_unref (graph);
}

SF_TEST (CpuEvaluate, RunsOnlyWhatIsNeeded)
{
  g_autoptr (GError) error = NULL;
  const float table[2] = { 1, 2 };
  const int32_t beyond = 7;
  SfGraph *graph = sf_graph_new ("needed");
  SfValue t = sf_graph_constant (graph, SF_F32, SF_SHAPE (2), table, &error);
  SfValue i = sf_graph_constant (graph, SF_I32, sf_shape_scalar (), &beyond, &error);
  SfValue bad = sf_graph_op2 (graph, "gather", t, i, &error);
  SfValue good = sf_graph_op1 (graph, "neg", t, &error);
  SF_CHECK_NO_ERROR (error);
  double found[2];
  SfFetch fetch = { good, sf_tensor (SF_F64, SF_SHAPE (2), found) };
  SF_CHECK (sf_evaluate (graph, NULL, NULL, 0, &fetch, 1, &error));
  SF_CHECK_NO_ERROR (error);
  SF_CHECK_NEAR (found[1], -2, 0);
  SfFetch refused = { .value = bad };
  SF_CHECK (!sf_evaluate (graph, NULL, NULL, 0, &refused, 1, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA, "is 7, wanted 0 to 1");
  sf_graph_unref (graph);
}

SF_TEST (CpuEvaluate, CollectivesAreRefused)
{
  g_autoptr (GError) error = NULL;
  SfGraph *graph = sf_graph_new ("collective");
  SfValue x = sf_graph_state (graph, "x", SF_STATE_PARAM, SF_F32, SF_SHAPE (2), NULL, &error);
  SfValue y = sf_graph_op (graph, "all_reduce", &x, 1, NULL, 0, &error);
  SF_REQUIRE_NO_ERROR (error);
  SfFetch fetch = { .value = y };
  SF_CHECK (!sf_evaluate (graph, NULL, NULL, 0, &fetch, 1, &error));
  SF_CHECK_ERROR (error, SF_ERROR_UNIMPLEMENTED, "op all_reduce: a collective between RDUs");
  sf_graph_unref (graph);
}

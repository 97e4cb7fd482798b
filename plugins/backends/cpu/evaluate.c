/* SPDX-License-Identifier: Apache-2.0 */
/* Evaluating some values of a graph: only the nodes that they need, each value freed after its last
 * use. */
#include "evaluate.h"

#include "frame.h"

typedef struct
{
  const SfEvaluateOptions *options;
  CpuMemory memory;
  CpuWorkers workers;
  CpuFrame frame;
  uint8_t *known; /* per value: how it will be, from KNOWN_* */
  GArray *nodes;  /* SfNode: to be run, in graph order */
  GArray *open;   /* SfValue: wanted, not yet looked at */
} Evaluation;

enum
{
  KNOWN_BY_FEED = 1,
  KNOWN_BY_NODE = 2,
};

static bool
check_value (const SfGraph *graph, SfValue value, const char *what, GError **error)
{
  size_t n = sf_graph_n_values (graph);
  if (value < n)
    return true;
  return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                  "%s: %s of value %u, wanted less than %zu; pass a value of this graph",
                  sf_graph_name (graph), what, value, n);
}

/* Makes a value wanted, and with it what its node reads, unless it is fed. */
static void
want (Evaluation *e, SfValue value)
{
  const SfGraph *graph = e->frame.graph;
  g_array_append_val (e->open, value);
  while (e->open->len > 0)
    {
      value = g_array_index (e->open, SfValue, e->open->len - 1);
      g_array_set_size (e->open, e->open->len - 1);
      SfNode node = sf_value_producer (graph, value);
      if (e->known[value] || node == SF_NONE)
        continue;
      g_array_append_val (e->nodes, node);
      cpu_frame_use_node (&e->frame, node);
      for (size_t k = 0; k < sf_node_n_outputs (graph, node); k++)
        e->known[sf_node_output (graph, node, k)] |= KNOWN_BY_NODE;
      for (size_t k = 0; k < sf_node_n_inputs (graph, node); k++)
        {
          SfValue input = sf_node_input (graph, node, k);
          if (input != SF_NONE && !e->known[input])
            g_array_append_val (e->open, input);
        }
    }
}

static int
compare_nodes (gconstpointer a, gconstpointer b)
{
  SfNode one = *(const SfNode *) a, other = *(const SfNode *) b;
  return (one > other) - (one < other);
}

/* Finds the nodes that the fetches need, and announces all uses. */
static void
plan (Evaluation *e, const SfFetch *fetches, size_t n_fetches)
{
  for (size_t k = 0; k < n_fetches; k++)
    {
      cpu_frame_use (&e->frame, fetches[k].value);
      want (e, fetches[k].value);
    }
  g_array_sort (e->nodes, compare_nodes);
}

static void
observe (void *user_data, SfNode node, SfValue value, SfTensor *tensor)
{
  const Evaluation *e = user_data;
  if (!(e->known[value] & KNOWN_BY_FEED))
    e->options->observe (e->options->user_data, value, tensor);
}

static bool
begin (Evaluation *e, const SfGraph *graph, const SfEvaluateOptions *options, GError **error)
{
  size_t n_values = sf_graph_n_values (graph);
  *e = (Evaluation){ .options = options,
                     .nodes = g_array_new (FALSE, FALSE, sizeof (SfNode)),
                     .open = g_array_new (FALSE, FALSE, sizeof (SfValue)) };
  cpu_memory_init (&e->memory);
  cpu_workers_init (&e->workers, options != NULL ? options->n_threads : 0);
  if (!cpu_frame_init (&e->frame, graph, &e->memory, &e->workers, error))
    return false;
  if (options != NULL)
    {
      e->frame.f64 = options->f64;
      e->frame.stored = options->stored;
      e->frame.observe = options->observe != NULL ? observe : NULL;
      e->frame.user_data = e;
    }
  e->known = sf_aligned_alloc (n_values, 1, sf_graph_name (graph), error);
  return e->known != NULL;
}

static void
end (Evaluation *e)
{
  cpu_frame_clear (&e->frame);
  cpu_workers_clear (&e->workers);
  cpu_memory_clear (&e->memory);
  sf_aligned_free (e->known);
  g_array_unref (e->nodes);
  g_array_unref (e->open);
}

static bool
run (Evaluation *e, const SfFeed *feeds, size_t n_feeds, const SfFetch *fetches, size_t n_fetches,
     GError **error)
{
  const SfGraph *graph = e->frame.graph;
  for (size_t k = 0; k < n_feeds; k++)
    {
      if (!check_value (graph, feeds[k].value, "feed", error))
        return false;
      e->known[feeds[k].value] = KNOWN_BY_FEED;
    }
  for (size_t k = 0; k < n_fetches; k++)
    if (!check_value (graph, fetches[k].value, "fetch", error))
      return false;
  plan (e, fetches, n_fetches);
  for (size_t k = 0; k < n_feeds; k++)
    if (!cpu_frame_feed (&e->frame, feeds[k].value, &feeds[k].tensor, error))
      return false;
  for (guint k = 0; k < e->nodes->len; k++)
    if (!cpu_frame_run (&e->frame, g_array_index (e->nodes, SfNode, k), error))
      return false;
  return true;
}

static bool
fetch (Evaluation *e, SfFetch *into, bool *allocated, GError **error)
{
  CpuTensor tensor;
  if (!cpu_frame_get (&e->frame, into->value, &tensor, error))
    return false;
  *allocated = into->tensor.data == NULL;
  SfDtype dtype = e->frame.f64 && sf_dtype_is_float (tensor.dtype) ? SF_F64 : tensor.dtype;
  if (*allocated && !sf_tensor_alloc (dtype, &tensor.shape, &into->tensor, error))
    {
      *allocated = false;
      return false;
    }
  if (cpu_value_write (&tensor, &into->tensor, error))
    return true;
  g_prefix_error (error, "%s: ", sf_value_name (e->frame.graph, into->value));
  return false;
}

static bool
fetch_all (Evaluation *e, SfFetch *fetches, size_t n_fetches, GError **error)
{
  bool *allocated = sf_aligned_alloc (n_fetches, sizeof (bool), "fetches", error);
  if (allocated == NULL)
    return false;
  bool ok = true;
  for (size_t k = 0; k < n_fetches && ok; k++)
    ok = fetch (e, &fetches[k], &allocated[k], error);
  for (size_t k = 0; k < n_fetches && !ok; k++)
    if (allocated[k])
      sf_tensor_clear (&fetches[k].tensor);
  sf_aligned_free (allocated);
  return ok;
}

bool
cpu_evaluate (const SfGraph *graph, const SfEvaluateOptions *options, const SfFeed *feeds,
              size_t n_feeds, SfFetch *fetches, size_t n_fetches, GError **error)
{
  Evaluation e;
  bool ok = begin (&e, graph, options, error) && run (&e, feeds, n_feeds, fetches, n_fetches, error)
            && fetch_all (&e, fetches, n_fetches, error);
  end (&e);
  return ok;
}

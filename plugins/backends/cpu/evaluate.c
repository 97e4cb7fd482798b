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
  uint8_t *wanted; /* per value: must be known */
  uint8_t *fed;    /* per value */
} Evaluation;

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

static bool
is_needed (const Evaluation *e, SfNode node)
{
  for (size_t k = 0; k < sf_node_n_outputs (e->frame.graph, node); k++)
    {
      SfValue value = sf_node_output (e->frame.graph, node, k);
      if (e->wanted[value] && !e->fed[value])
        return true;
    }
  return false;
}

/* Walks back from the fetches: a wanted result that is not fed makes its node's inputs wanted. */
static void
announce_uses (Evaluation *e, const SfFetch *fetches, size_t n_fetches)
{
  const SfGraph *graph = e->frame.graph;
  for (size_t k = 0; k < n_fetches; k++)
    {
      e->wanted[fetches[k].value] = 1;
      cpu_frame_use (&e->frame, fetches[k].value);
    }
  for (SfNode node = (SfNode) sf_graph_n_nodes (graph); node-- > 0;)
    {
      if (!is_needed (e, node))
        continue;
      cpu_frame_use_node (&e->frame, node);
      for (size_t k = 0; k < sf_node_n_inputs (graph, node); k++)
        if (sf_node_input (graph, node, k) != SF_NONE)
          e->wanted[sf_node_input (graph, node, k)] = 1;
    }
}

static void
observe (void *user_data, SfNode node, SfValue value, SfTensor *tensor)
{
  const Evaluation *e = user_data;
  if (!e->fed[value])
    e->options->observe (e->options->user_data, value, tensor);
}

static bool
begin (Evaluation *e, const SfGraph *graph, const SfEvaluateOptions *options, GError **error)
{
  size_t n_values = sf_graph_n_values (graph);
  *e = (Evaluation){ .options = options };
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
  e->wanted = sf_aligned_alloc (n_values, 1, sf_graph_name (graph), error);
  e->fed = e->wanted == NULL ? NULL : sf_aligned_alloc (n_values, 1, sf_graph_name (graph), error);
  return e->fed != NULL;
}

static void
end (Evaluation *e)
{
  cpu_frame_clear (&e->frame);
  cpu_workers_clear (&e->workers);
  cpu_memory_clear (&e->memory);
  sf_aligned_free (e->wanted);
  sf_aligned_free (e->fed);
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
      e->fed[feeds[k].value] = 1;
    }
  for (size_t k = 0; k < n_fetches; k++)
    if (!check_value (graph, fetches[k].value, "fetch", error))
      return false;
  announce_uses (e, fetches, n_fetches);
  for (size_t k = 0; k < n_feeds; k++)
    if (!cpu_frame_feed (&e->frame, feeds[k].value, &feeds[k].tensor, error))
      return false;
  for (SfNode node = 0; node < sf_graph_n_nodes (graph); node++)
    if (is_needed (e, node) && !cpu_frame_run (&e->frame, node, error))
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

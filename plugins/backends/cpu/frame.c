/* SPDX-License-Identifier: Apache-2.0 */
/* Running nodes over the values of a frame. */
#include "frame.h"

bool
cpu_frame_init (CpuFrame *frame, const SfGraph *graph, CpuMemory *memory, CpuWorkers *workers,
                GError **error)
{
  size_t n_values = sf_graph_n_values (graph);
  const char *name = sf_graph_name (graph);
  *frame = (CpuFrame){ .graph = graph, .memory = memory, .workers = workers };
  frame->values = sf_aligned_alloc (n_values, sizeof *frame->values, name, error);
  frame->uses = frame->values == NULL
                    ? NULL
                    : sf_aligned_alloc (n_values, sizeof *frame->uses, name, error);
  return frame->uses != NULL;
}

static void
free_operands (CpuFrame *frame)
{
  sf_aligned_free (frame->in);
  sf_aligned_free (frame->out);
  sf_aligned_free (frame->rounded);
  frame->in = frame->out = NULL;
  frame->rounded = NULL;
  frame->width = 0;
}

/* Room for the inputs and outputs of a node. */
static bool
make_room (CpuFrame *frame, SfNode node, GError **error)
{
  size_t width = MAX (sf_node_n_inputs (frame->graph, node),
                      sf_node_n_outputs (frame->graph, node));
  if (width <= frame->width)
    return true;
  const char *name = sf_node_name (frame->graph, node);
  free_operands (frame);
  width = MAX (width, 8);
  frame->in = sf_aligned_alloc (width, sizeof *frame->in, name, error);
  frame->out = frame->in == NULL ? NULL : sf_aligned_alloc (width, sizeof *frame->out, name, error);
  frame->rounded = frame->out == NULL ? NULL : sf_aligned_alloc (width, sizeof (bool), name, error);
  if (frame->rounded == NULL)
    return false;
  frame->width = width;
  return true;
}

void
cpu_frame_reset (CpuFrame *frame)
{
  size_t n = sf_graph_n_values (frame->graph);
  for (size_t v = 0; v < n; v++)
    if (frame->values[v] != NULL)
      cpu_frame_bind (frame, (SfValue) v, NULL);
  memset (frame->uses, 0, n * sizeof *frame->uses);
}

void
cpu_frame_clear (CpuFrame *frame)
{
  if (frame->values != NULL && frame->uses != NULL)
    cpu_frame_reset (frame);
  sf_aligned_free (frame->values);
  sf_aligned_free (frame->uses);
  free_operands (frame);
  *frame = (CpuFrame){ 0 };
}

bool
cpu_frame_is_rounded (const CpuFrame *frame, SfValue value)
{
  return !frame->f64 && (frame->stored == NULL || frame->stored[value]);
}

void
cpu_frame_use (CpuFrame *frame, SfValue value)
{
  frame->uses[value]++;
}

void
cpu_frame_use_node (CpuFrame *frame, SfNode node)
{
  for (size_t k = 0; k < sf_node_n_inputs (frame->graph, node); k++)
    if (sf_node_input (frame->graph, node, k) != SF_NONE)
      cpu_frame_use (frame, sf_node_input (frame->graph, node, k));
}

void
cpu_frame_release (CpuFrame *frame, SfValue value)
{
  if (frame->uses[value] > 0)
    frame->uses[value]--;
  if (frame->uses[value] == 0)
    cpu_frame_bind (frame, value, NULL);
}

void
cpu_frame_bind (CpuFrame *frame, SfValue value, CpuBuffer *buffer)
{
  cpu_buffer_drop (frame->memory, frame->values[value]);
  frame->values[value] = buffer;
}

CpuTensor
cpu_frame_tensor (const CpuFrame *frame, SfValue value, const CpuBuffer *buffer)
{
  const SfShape *shape = sf_value_shape (frame->graph, value);
  return (CpuTensor){ .dtype = sf_value_dtype (frame->graph, value),
                      .shape = *shape,
                      .n = sf_shape_n_elems (shape),
                      .data = buffer->data };
}

static CpuBuffer *
take (CpuFrame *frame, SfValue value, bool zeroed, GError **error)
{
  return cpu_memory_take (frame->memory, sf_shape_n_elems (sf_value_shape (frame->graph, value)),
                          zeroed, sf_value_name (frame->graph, value), error);
}

bool
cpu_frame_feed (CpuFrame *frame, SfValue value, const SfTensor *tensor, GError **error)
{
  CpuBuffer *buffer = take (frame, value, false, error);
  if (buffer == NULL)
    return false;
  CpuTensor to = cpu_frame_tensor (frame, value, buffer);
  if (!cpu_value_read (frame->workers, tensor, cpu_frame_is_rounded (frame, value), &to, error))
    {
      g_prefix_error (error, "%s: ", sf_value_name (frame->graph, value));
      cpu_buffer_drop (frame->memory, buffer);
      return false;
    }
  cpu_frame_bind (frame, value, buffer);
  return true;
}

/* Fills a value that no node makes: from the graph's data, or zeros for a state that has none. */
static bool
make_source (CpuFrame *frame, SfValue value, GError **error)
{
  const SfGraph *graph = frame->graph;
  SfValueKind kind = sf_value_kind (graph, value);
  if (kind == SF_VALUE_RESULT)
    return sf_fail (error, SF_ERROR_INTERNAL,
                    "%s: value %s is read before node %s has made it; nodes must be in order",
                    sf_graph_name (graph), sf_value_name (graph, value),
                    sf_node_name (graph, sf_value_producer (graph, value)));
  if (kind == SF_VALUE_INPUT || kind == SF_VALUE_SCALAR)
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "%s: %s %s is needed and was not given; feed it", sf_graph_name (graph),
                    kind == SF_VALUE_INPUT ? "input" : "scalar", sf_value_name (graph, value));
  void *data = (void *) sf_value_data (graph, value);
  if (data != NULL)
    {
      SfTensor tensor = sf_tensor (sf_value_dtype (graph, value), *sf_value_shape (graph, value),
                                   data);
      return cpu_frame_feed (frame, value, &tensor, error);
    }
  CpuBuffer *zeros = take (frame, value, true, error);
  cpu_frame_bind (frame, value, zeros);
  return zeros != NULL;
}

bool
cpu_frame_get (CpuFrame *frame, SfValue value, CpuTensor *out, GError **error)
{
  if (frame->values[value] == NULL && !make_source (frame, value, error))
    return false;
  *out = cpu_frame_tensor (frame, value, frame->values[value]);
  return true;
}

static bool
get_inputs (CpuFrame *frame, SfNode node, GError **error)
{
  for (size_t k = 0; k < sf_node_n_inputs (frame->graph, node); k++)
    {
      SfValue value = sf_node_input (frame->graph, node, k);
      frame->in[k] = (CpuTensor){ 0 };
      if (value != SF_NONE && !cpu_frame_get (frame, value, &frame->in[k], error))
        return false;
    }
  return true;
}

/* Rounds and shows a result. */
static void
store (CpuFrame *frame, SfNode node, SfValue value, CpuTensor *tensor)
{
  bool rounded = cpu_frame_is_rounded (frame, value);
  cpu_value_store (frame->workers, tensor, rounded);
  if (frame->observe == NULL)
    return;
  SfTensor view = cpu_value_view (tensor);
  frame->observe (frame->user_data, node, value, &view);
  cpu_value_store (frame->workers, tensor, rounded);
}

/* Keeps what was computed for the reads to come; a value that the caller gave stays as given. */
static void
keep (CpuFrame *frame, SfValue value, CpuBuffer *buffer)
{
  if (frame->values[value] != NULL || frame->uses[value] == 0)
    cpu_buffer_drop (frame->memory, buffer);
  else
    frame->values[value] = buffer;
}

static bool
compute (CpuFrame *frame, SfNode node, CpuBuffer **buffers, GError **error)
{
  const SfGraph *graph = frame->graph;
  size_t n_out = sf_node_n_outputs (graph, node);
  CpuCall call = { .graph = graph,
                   .node = node,
                   .kernel = cpu_kernel_of (graph, node, error),
                   .workers = frame->workers,
                   .n_in = sf_node_n_inputs (graph, node),
                   .n_out = n_out };
  if (call.kernel == NULL || !make_room (frame, node, error) || !get_inputs (frame, node, error))
    return false;
  call.in = frame->in;
  call.out = frame->out;
  call.rounded = frame->rounded;
  for (size_t k = 0; k < n_out; k++)
    {
      SfValue value = sf_node_output (graph, node, k);
      buffers[k] = take (frame, value, true, error);
      if (buffers[k] == NULL)
        return false;
      frame->out[k] = cpu_frame_tensor (frame, value, buffers[k]);
      frame->rounded[k] = cpu_frame_is_rounded (frame, value);
    }
  return call.kernel->run (&call, error);
}

#define MAX_OUTPUTS 8

bool
cpu_frame_run (CpuFrame *frame, SfNode node, GError **error)
{
  CpuBuffer *buffers[MAX_OUTPUTS] = { NULL };
  size_t n_out = sf_node_n_outputs (frame->graph, node);
  if (n_out > MAX_OUTPUTS)
    return sf_fail (error, SF_ERROR_INTERNAL, "%s: op %s has %zu outputs, wanted at most %d",
                    sf_node_name (frame->graph, node), sf_node_op_name (frame->graph, node), n_out,
                    MAX_OUTPUTS);
  bool ok = compute (frame, node, buffers, error);
  for (size_t k = 0; k < n_out; k++)
    if (ok)
      {
        SfValue value = sf_node_output (frame->graph, node, k);
        store (frame, node, value, &frame->out[k]);
        keep (frame, value, buffers[k]);
      }
    else
      cpu_buffer_drop (frame->memory, buffers[k]);
  for (size_t k = 0; ok && k < sf_node_n_inputs (frame->graph, node); k++)
    if (sf_node_input (frame->graph, node, k) != SF_NONE)
      cpu_frame_release (frame, sf_node_input (frame->graph, node, k));
  return ok;
}

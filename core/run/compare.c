/* SPDX-License-Identifier: Apache-2.0 */
/* Comparing a backend with the reference. LOCAL: each stage computes from the reference's values,
 * which replace its own after they were judged; this names the stage and the source node that
 * differ. CHAIN: the same step end to end, reported. */
#include <math.h>
#include <sf/run.h>

#include "core/run/limits.h"
#include "core/run/session.h"

#define N_STEPS 2 /* of "train": the second has moments that are not zero */

typedef struct
{
  SfPef *pef;
  const SfCompareOptions *options;
  SfCompareResult *result;
  SfLimits *limits;
  SfSession *reference, *local, *chain;
  /* Of the entry under comparison: */
  const char *entry;
  const SfGraph *graph;
  double **values; /* by value of the source graph, of the step under way */
  uint8_t *stored;
  GError *error; /* of an observer */
} Compare;

static void
free_row (void *data)
{
  SfCompareRow *row = data;
  g_free (row->entry);
  g_free (row->stage);
  g_free (row->node);
  g_free (row->op_class);
  g_free (row->dtype);
  g_free (row);
}

static double *
to_double (const SfTensor *tensor, GError **error)
{
  double *data = g_new0 (double, sf_shape_n_elems (&tensor->shape) + 1);
  SfTensor copy = sf_tensor (SF_F64, tensor->shape, data);
  if (sf_tensor_copy (tensor, &copy, error))
    return data;
  g_free (data);
  return NULL;
}

static void
record (void *user_data, const SfObserved *observed)
{
  Compare *compare = user_data;
  if (compare->error != NULL)
    return;
  g_free (compare->values[observed->value]);
  compare->values[observed->value] = to_double (observed->tensor, &compare->error);
}

/* How far `found` is from the reference's value. Magnitudes cost as much as the op: they are asked
 * for where the limit is not kept without. */
static bool
measure (Compare *compare, SfValue value, const double *found, SfCompareRow *row, GError **error)
{
  const SfGraph *graph = compare->graph;
  const double *reference = compare->values[value];
  int64_t n = sf_shape_n_elems (sf_value_shape (graph, value));
  row->nmse = sf_limits_measure (compare->limits, reference, found, NULL, false, n, &row->max_abs);
  if (row->nmse <= row->limit)
    return true;
  g_autofree double *magnitude = sf_limits_magnitude (graph, value, compare->values, error);
  if (magnitude != NULL)
    row->nmse = sf_limits_measure (compare->limits, reference, found, magnitude,
                                   sf_limits_cancels (graph, value), n, &row->max_abs);
  return magnitude != NULL;
}

/* Judges `found` against the reference's value. */
static bool
judge (Compare *compare, GPtrArray *rows, const char *stage, SfValue value, const double *found,
       GError **error)
{
  const SfGraph *graph = compare->graph;
  SfNode node = sf_value_producer (graph, value);
  const char *op_class = sf_limits_class (graph, value);
  SfCompareRow *row = g_new0 (SfCompareRow, 1);
  row->entry = g_strdup (compare->entry);
  row->stage = g_strdup (stage);
  row->node = g_strdup (sf_value_name (graph, value));
  row->phase = node == SF_NONE ? SF_PHASE_FWD : sf_node_phase (graph, node);
  row->op_class = g_strdup (op_class);
  row->dtype = g_strdup (sf_dtype_name (sf_value_dtype (graph, value)));
  row->limit = sf_limits_nmse (compare->limits, sf_value_dtype (graph, value), op_class);
  if (!measure (compare, value, found, row, error))
    {
      free_row (row);
      return false;
    }
  row->ok = row->nmse <= row->limit;
  g_ptr_array_add (rows, row);
  return true;
}

static void
check_stage (void *user_data, const SfObserved *observed)
{
  Compare *compare = user_data;
  if (compare->error != NULL || observed->value == SF_NONE
      || compare->values[observed->value] == NULL)
    return;
  g_autofree double *found = to_double (observed->tensor, &compare->error);
  if (found == NULL
      || !judge (compare, compare->result->rows, observed->stage, observed->value, found,
                 &compare->error))
    return;
  SfTensor reference = sf_tensor (SF_F64, observed->tensor->shape,
                                  compare->values[observed->value]);
  sf_tensor_copy (&reference, observed->tensor, &compare->error);
}

/* A cast rounds wherever it is, and so does what the compiler computed from constants. */
static bool
rounds_anyway (const SfGraph *graph, SfNode node, const bool *constant)
{
  bool known = true;
  for (size_t i = 0; i < sf_node_n_inputs (graph, node); i++)
    {
      SfValue input = sf_node_input (graph, node, i);
      known = known && (input == SF_NONE || constant[input]);
    }
  return known || strcmp (sf_node_op_name (graph, node), "cast") == 0;
}

static void
find_rounded (Compare *compare)
{
  const SfGraph *graph = compare->graph;
  g_autofree bool *constant = g_new0 (bool, sf_graph_n_values (graph) + 1);
  for (SfValue v = 0; v < sf_graph_n_values (graph); v++)
    constant[v] = sf_value_kind (graph, v) == SF_VALUE_CONSTANT;
  for (SfNode node = 0; node < sf_graph_n_nodes (graph); node++)
    {
      if (!rounds_anyway (graph, node, constant))
        continue;
      bool is_cast = strcmp (sf_node_op_name (graph, node), "cast") == 0;
      for (size_t i = 0; i < sf_node_n_outputs (graph, node); i++)
        {
          SfValue output = sf_node_output (graph, node, i);
          compare->stored[output] = 1;
          constant[output] = !is_cast || constant[sf_node_input (graph, node, 0)];
        }
    }
}

/* Values that the program stores: the reference rounds there, at casts, and nowhere else. */
static void
find_stored (Compare *compare, uint32_t entry)
{
  const SfProgram *program = sf_pef_program (compare->pef);
  size_t n = sf_graph_n_values (compare->graph);
  for (SfValue v = 0; v < n; v++)
    compare->stored[v] = sf_value_kind (compare->graph, v) != SF_VALUE_RESULT;
  find_rounded (compare);
  for (uint32_t l = 0; l < sf_entry_n_launches (program, entry); l++)
    {
      SfLaunch launch = sf_entry_launch (program, entry, l);
      size_t n_buffers = launch.target == SF_TARGET_RDU
                             ? sf_config_n_buffers (program, launch.config)
                             : launch.n_bindings;
      for (uint32_t b = 0; b < n_buffers; b++)
        {
          SfValue origin = sf_launch_origin (program, entry, l, b);
          if (origin != SF_NONE && origin < n)
            compare->stored[origin] = 1;
        }
    }
}

static bool
observed_step (Compare *compare, SfSession *session, SfObserver observer, const uint8_t *stored,
               const SfTensor *inputs, const SfHyper *hyper, unsigned phases, GError **error)
{
  sf_session_observe (session, observer, compare, stored);
  sf_session_set_cancel (session, compare->options->cancel);
  bool ok = sf_session_step (session, compare->entry, phases, inputs, NULL, hyper, error);
  if (ok && compare->error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&compare->error));
      ok = false;
    }
  return ok;
}

static bool
chain_state (Compare *compare, const char *prefix, const char *name, SfValue value, GError **error)
{
  g_autofree char *full = g_strconcat (prefix, name, NULL);
  SfTensor tensor = { .dtype = SF_F64, .shape = *sf_value_shape (compare->graph, value) };
  g_autofree double *data = g_new0 (double, sf_shape_n_elems (&tensor.shape) + 1);
  tensor = sf_tensor (SF_F64, tensor.shape, data);
  if (compare->values[value] == NULL)
    return true;
  return sf_session_read (compare->chain, full, &tensor, error)
         && judge (compare, compare->result->chain, full, value, data, error);
}

static bool
chain_grads (Compare *compare, GError **error)
{
  for (size_t i = 0; i < sf_graph_n_states (compare->graph); i++)
    {
      SfValue state = sf_graph_state_at (compare->graph, i);
      const char *name = sf_value_name (compare->graph, state);
      g_autofree char *key = g_strdup_printf ("grad.%s.%s", compare->entry, name);
      const char *grad = sf_pef_fact (compare->pef, key);
      SfValue value = grad == NULL ? SF_NONE : (SfValue) g_ascii_strtoull (grad, NULL, 10);
      if (value < sf_graph_n_values (compare->graph)
          && !chain_state (compare, "grad:", name, value, error))
        return false;
    }
  return true;
}

/* The same step on a session of its own: outputs after FWD and BWD, gradients, then the updated
 * states. */
static bool
chain_step (Compare *compare, const SfTensor *inputs, const SfHyper *hyper, GError **error)
{
  size_t n = sf_graph_n_outputs (compare->graph);
  bool train = strcmp (compare->entry, "train") == 0, ok = true;
  unsigned first = train ? (1u << SF_PHASE_FWD) | (1u << SF_PHASE_BWD) : 1u << SF_PHASE_FWD;
  g_autofree SfTensor *outputs = g_new0 (SfTensor, n + 1);
  for (size_t i = 0; ok && i < n; i++)
    ok = sf_tensor_alloc (
        SF_F64, sf_value_shape (compare->graph, sf_graph_output_at (compare->graph, i, NULL, NULL)),
        &outputs[i], error);
  ok = ok && sf_session_step (compare->chain, compare->entry, first, inputs, outputs, hyper, error);
  for (size_t i = 0; ok && i < n; i++)
    {
      const char *name;
      SfValue value = sf_graph_output_at (compare->graph, i, &name, NULL);
      ok = compare->values[value] == NULL
           || judge (compare, compare->result->chain, name, value, outputs[i].data, error);
    }
  for (size_t i = 0; i < n; i++)
    sf_tensor_clear (&outputs[i]);
  if (!ok || !train)
    return ok;
  if (!chain_grads (compare, error)
      || !sf_session_step (compare->chain, compare->entry, 1u << SF_PHASE_OPT, inputs, NULL, hyper,
                           error))
    return false;
  for (size_t i = 0; i < sf_graph_n_states (compare->graph); i++)
    {
      SfValue state = sf_graph_state_at (compare->graph, i),
              next = sf_value_update (compare->graph, state);
      if (next != SF_NONE
          && !chain_state (compare, "", sf_value_name (compare->graph, state), next, error))
        return false;
    }
  return true;
}

/* Each entry begins with the reference's states, wherever the entry before left them. */
static bool
copy_states (Compare *compare, GError **error)
{
  SfPort port;
  for (size_t i = 0; sf_session_state (compare->reference, i, &port); i++)
    {
      SfTensor tensor = { 0 };
      bool ok = sf_session_read (compare->reference, port.name, &tensor, error)
                && sf_session_write (compare->local, port.name, &tensor, error)
                && sf_session_write (compare->chain, port.name, &tensor, error);
      sf_tensor_clear (&tensor);
      if (!ok)
        return false;
    }
  return true;
}

static bool
take (Compare *compare, SfValue value, const SfTensor *tensor, GError **error)
{
  g_free (compare->values[value]);
  compare->values[value] = to_double (tensor, error);
  return compare->values[value] != NULL;
}

/* What no node makes, and the magnitude of what nodes make of it hangs on: inputs, states as they
 * are before the step, constants. */
static bool
take_declared (Compare *compare, const SfTensor *inputs, GError **error)
{
  const SfGraph *graph = compare->graph;
  bool ok = true;
  for (size_t i = 0; ok && i < sf_graph_n_inputs (graph); i++)
    ok = take (compare, sf_graph_input_at (graph, i), &inputs[i], error);
  for (size_t i = 0; ok && i < sf_graph_n_states (graph); i++)
    {
      SfTensor tensor = { 0 };
      SfValue state = sf_graph_state_at (graph, i);
      ok = sf_session_read (compare->reference, sf_value_name (graph, state), &tensor, error)
           && take (compare, state, &tensor, error);
      sf_tensor_clear (&tensor);
    }
  for (SfValue v = 0; ok && v < sf_graph_n_values (graph); v++)
    if (sf_value_kind (graph, v) == SF_VALUE_CONSTANT)
      {
        SfTensor tensor = sf_tensor (sf_value_dtype (graph, v), *sf_value_shape (graph, v),
                                     (void *) sf_value_data (graph, v));
        ok = take (compare, v, &tensor, error);
      }
  return ok;
}

static bool
compare_entry (Compare *compare, uint32_t id, GError **error)
{
  SfTensor *inputs = NULL;
  size_t n_values = sf_graph_n_values (compare->graph);
  bool train = strcmp (compare->entry, "train") == 0, ok;
  compare->values = g_new0 (double *, n_values + 1);
  compare->stored = g_new0 (uint8_t, n_values + 1);
  find_stored (compare, id);
  ok = sf_random_inputs (compare->reference, compare->entry, compare->options->seed, &inputs,
                         error);
  for (int step = 1; ok && step <= (train ? N_STEPS : 1); step++)
    {
      const SfHyper hyper = { .step = step, .seed = compare->options->seed, .lr = NAN };
      unsigned phases = train ? SF_PHASES_ALL : 1u << SF_PHASE_FWD;
      ok = take_declared (compare, inputs, error)
           && observed_step (compare, compare->reference, record, compare->stored, inputs, &hyper,
                             phases, error)
           && observed_step (compare, compare->local, check_stage, NULL, inputs, &hyper, phases,
                             error);
      if (ok && step == 1)
        ok = chain_step (compare, inputs, &hyper, error);
    }
  for (size_t v = 0; v < n_values; v++)
    g_free (compare->values[v]);
  sf_random_inputs_free (inputs);
  g_clear_pointer (&compare->values, g_free);
  g_clear_pointer (&compare->stored, g_free);
  return ok;
}

static bool
open_sessions (Compare *compare, GError **error)
{
  const SfCompareOptions *options = compare->options;
  const SfSessionOptions reference = { .backend = "cpu", .n_threads = options->n_threads };
  const SfSessionOptions tested = { .backend = options->backend, .n_threads = options->n_threads };
  if (sf_pef_source (compare->pef) == NULL)
    return sf_fail (
        error, SF_ERROR_INCOMPATIBLE,
        "%s: was stripped of its source graph, which the reference needs; compile the model again",
        sf_pef_name (compare->pef));
  compare->limits = sf_limits_read (options->limits, error);
  if (compare->limits == NULL
      || (compare->reference = sf_session_open (compare->pef, &reference, error)) == NULL
      || (compare->local = sf_session_open (compare->pef, &tested, error)) == NULL)
    return false;
  return (compare->chain = sf_session_open (compare->pef, &tested, error)) != NULL;
}

/* Names the first stage that fails: later ones computed from the reference's values, so that each
 * failure is its own. */
static bool
verdict (const SfCompareResult *result, GError **error)
{
  const SfCompareRow *first = NULL;
  for (guint i = 0; i < result->rows->len && first == NULL; i++)
    if (!((const SfCompareRow *) result->rows->pdata[i])->ok)
      first = result->rows->pdata[i];
  if (first == NULL)
    return true;
  return sf_fail (
      error, SF_ERROR_CHECK_FAILED,
      "%s: %zu of %u values differ from the reference; first stage %s, node %s: NMSE %.3g, wanted at most %.3g",
      first->entry, result->n_failed, result->rows->len, first->stage, first->node, first->nmse,
      first->limit);
}

bool
sf_compare (SfPef *pef, const SfCompareOptions *options, SfCompareResult *result, GError **error)
{
  Compare compare = { .pef = pef, .options = options, .result = result };
  const SfProgram *program = sf_pef_program (pef);
  result->rows = g_ptr_array_new_with_free_func (free_row);
  result->chain = g_ptr_array_new_with_free_func (free_row);
  bool ok = open_sessions (&compare, error);
  for (uint32_t entry = 0; ok && entry < sf_program_n_entries (program); entry++)
    {
      compare.entry = sf_entry_name (program, entry);
      compare.graph = sf_module_graph (sf_pef_source (pef), compare.entry);
      ok = copy_states (&compare, error) && compare_entry (&compare, entry, error);
    }
  for (guint i = 0; i < result->rows->len; i++)
    result->n_failed += !((const SfCompareRow *) result->rows->pdata[i])->ok;
  if (ok && result->rows->len == 0)
    ok = sf_fail (
        error, SF_ERROR_CHECK_FAILED,
        "%s: the backend showed no value to compare; its debug map is empty, compile the model again",
        sf_pef_name (pef));
  ok = ok && verdict (result, error);
  g_clear_pointer (&compare.limits, sf_limits_free);
  sf_session_free (compare.reference);
  sf_session_free (compare.local);
  sf_session_free (compare.chain);
  g_clear_error (&compare.error);
  return ok;
}

void
sf_compare_result_clear (SfCompareResult *result)
{
  g_clear_pointer (&result->rows, g_ptr_array_unref);
  g_clear_pointer (&result->chain, g_ptr_array_unref);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* SfLimits: the limits file, and the measure it bounds. */
#include "core/run/limits.h"

#include <math.h>
#include <sf/config.h>
#include <sf/evaluate.h>
#include <sf/paths.h>

#define EPS_F32 0x1p-24

static const char *const class_names[] = { "contraction", "other", "gradient", "update" };
static const SfDtype dtypes[] = { SF_F32, SF_BF16, SF_F16 };

struct SfLimits
{
  double scale;
  double nmse[G_N_ELEMENTS (dtypes)][G_N_ELEMENTS (class_names)];
};

static bool
read_dtype (SfConfigNode *root, SfDtype dtype, double *nmse, GError **error)
{
  SfConfigNode *group = sf_config_node_member (root, sf_dtype_name (dtype));
  if (group == NULL)
    return sf_fail (error, SF_ERROR_INVALID_DATA, "%s: has no limits for %s",
                    sf_config_node_where (root), sf_dtype_name (dtype));
  for (size_t i = 0; i < G_N_ELEMENTS (class_names); i++)
    {
      if (!sf_config_get_float (group, class_names[i], true, &nmse[i], error))
        return false;
      if (!(nmse[i] >= 0 && nmse[i] < 1))
        return sf_fail (error, SF_ERROR_INVALID_DATA, "%s: %s = %g, wanted 0 <= limit < 1",
                        sf_config_node_where (group), class_names[i], nmse[i]);
    }
  return true;
}

SfLimits *
sf_limits_read (const char *path, GError **error)
{
  g_autofree char *standard = path == NULL ? sf_data_path ("etc/limits.cfg") : NULL;
  g_autoptr (SfConfig) config = sf_config_read (path == NULL ? standard : path, error);
  g_autoptr (SfLimits) limits = g_new0 (SfLimits, 1);
  if (config == NULL
      || !sf_config_get_float (sf_config_root (config), "scale", true, &limits->scale, error))
    return NULL;
  for (size_t i = 0; i < G_N_ELEMENTS (dtypes); i++)
    if (!read_dtype (sf_config_root (config), dtypes[i], limits->nmse[i], error))
      return NULL;
  return sf_config_check_keys (sf_config_root (config), true, error) ? g_steal_pointer (&limits)
                                                                     : NULL;
}

void
sf_limits_free (SfLimits *limits)
{
  g_free (limits);
}

/* Ops whose result is a sum of products or of many terms. */
static bool
sums_up (const char *op)
{
  static const char *const ops[] = { "matmul",          "linear",        "conv2d",
                                     "conv2d_dx",       "conv2d_dw",     "reduce_sum",
                                     "reduce_mean",     "fold",          "scatter_add",
                                     "embedding_bwd",   "avg_pool2d",    "avg_pool2d_bwd",
                                     "global_avg_pool", "max_pool2d_bwd" };
  for (size_t i = 0; i < G_N_ELEMENTS (ops); i++)
    if (strcmp (ops[i], op) == 0)
      return true;
  return false;
}

/* Whether the value is such a sum; norms have sums among their outputs: means, and the gradients of
 * scale and shift. */
static bool
is_sum (const SfGraph *graph, SfValue value)
{
  static const struct
  {
    const char *op;
    size_t outputs[2];
  } norms[] = { { "batch_norm", { 1, 3 } },
                { "batch_norm_bwd", { 1, 2 } },
                { "layer_norm", { 1, 1 } },
                { "layer_norm_bwd", { 1, 2 } } };
  SfNode node = sf_value_producer (graph, value);
  if (node == SF_NONE)
    return false;
  const char *op = sf_node_op_name (graph, node);
  for (size_t i = 0; i < G_N_ELEMENTS (norms); i++)
    if (strcmp (op, norms[i].op) == 0)
      return value == sf_node_output (graph, node, norms[i].outputs[0])
             || value == sf_node_output (graph, node, norms[i].outputs[1]);
  return sums_up (op);
}

/* The gradient of softmax_ce: at a row's label it is probability less 1, next to nothing once the
 * model is sure of it. */
static bool
is_label_gradient (const SfGraph *graph, SfValue value)
{
  SfNode node = sf_value_producer (graph, value);
  return node != SF_NONE && strcmp (sf_node_op_name (graph, node), "softmax_ce_bwd") == 0;
}

bool
sf_limits_cancels (const SfGraph *graph, SfValue value)
{
  SfNode node = sf_value_producer (graph, value);
  const char *op = node == SF_NONE ? "" : sf_node_op_name (graph, node);
  return is_sum (graph, value) || is_label_gradient (graph, value) || strcmp (op, "softmax_ce") == 0
         || strcmp (op, "mse") == 0;
}

const char *
sf_limits_class (const SfGraph *graph, SfValue value)
{
  SfNode node = sf_value_producer (graph, value);
  if (!sf_dtype_is_float (sf_value_dtype (graph, value)))
    return "exact";
  if (node == SF_NONE)
    return "other";
  switch (sf_node_phase (graph, node))
    {
    case SF_PHASE_BWD:
      return "gradient";
    case SF_PHASE_OPT:
      return "update";
    default:
      return sums_up (sf_node_op_name (graph, node))
                     || strcmp (sf_node_op_name (graph, node), "attention") == 0
                 ? "contraction"
                 : "other";
    }
}

double
sf_limits_nmse (const SfLimits *limits, SfDtype dtype, const char *op_class)
{
  for (size_t i = 0; i < G_N_ELEMENTS (dtypes); i++)
    for (size_t j = 0; dtypes[i] == dtype && j < G_N_ELEMENTS (class_names); j++)
      if (strcmp (class_names[j], op_class) == 0)
        return limits->nmse[i][j];
  return 0;
}

/* The mean that the gradient of a norm takes off x: its magnitude adds to that of x. */
static bool
is_taken_off (const char *op, size_t input)
{
  return input == 3 && (strcmp (op, "batch_norm_bwd") == 0 || strcmp (op, "layer_norm_bwd") == 0);
}

/* Inputs of softmax_ce_bwd. */
enum
{
  CE_DLOSS,
  CE_LOGITS,
  CE_LABELS,
};

/* The terms of the gradient of softmax_ce: at a row's label the 1 / rows that is taken off, the
 * probabilities elsewhere. */
static void
label_magnitude (const SfGraph *graph, SfNode node, double *const *reference, double *magnitude)
{
  SfValue logits = sf_node_input (graph, node, CE_LOGITS);
  const double *labels = reference[sf_node_input (graph, node, CE_LABELS)],
               *gradient = reference[sf_node_output (graph, node, 0)];
  const SfShape *shape = sf_value_shape (graph, logits);
  int64_t n_classes = shape->dim[shape->rank - 1], n = sf_shape_n_elems (shape), n_labelled = 0;
  int64_t ignored = sf_node_attr_int (graph, node, "ignore_index");
  for (int64_t i = 0; i < n; i++)
    magnitude[i] = fabs (gradient[i]);
  for (int64_t row = 0; n_classes > 0 && row < n / n_classes; row++)
    n_labelled += labels[row] != (double) ignored;
  double term = fabs (reference[sf_node_input (graph, node, CE_DLOSS)][0])
                / (double) MAX (n_labelled, 1);
  for (int64_t row = 0; n_classes > 0 && row < n / n_classes; row++)
    if (labels[row] >= 0 && labels[row] < (double) n_classes && labels[row] != (double) ignored)
      magnitude[row * n_classes + (int64_t) labels[row]] = term;
}

static bool
inputs_known (const SfGraph *graph, SfNode node, double *const *reference)
{
  for (size_t i = 0; i < sf_node_n_inputs (graph, node); i++)
    {
      SfValue input = sf_node_input (graph, node, i);
      if (input != SF_NONE && reference[input] == NULL)
        return false;
    }
  return true;
}

/* Magnitudes of what a node reads: absolute values, but of a gradient of softmax_ce its terms,
 * since it may not have been judged and replaced before it is summed up. */
static double *
input_magnitude (const SfGraph *graph, SfValue value, double *const *reference)
{
  int64_t n = sf_shape_n_elems (sf_value_shape (graph, value));
  double *magnitude = g_new (double, n + 1);
  for (int64_t i = 0; i < n; i++)
    magnitude[i] = fabs (reference[value][i]);
  SfNode node = sf_value_producer (graph, value);
  if (is_label_gradient (graph, value) && inputs_known (graph, node, reference))
    label_magnitude (graph, node, reference, magnitude);
  return magnitude;
}

/* The node alone in a graph of f64 inputs, fed with magnitudes. */
static double *
on_absolute_values (const SfGraph *graph, SfNode node, size_t output, double *const *reference,
                    GError **error)
{
  g_autoptr (SfGraph) alone = sf_graph_new ("magnitude");
  size_t n = sf_node_n_inputs (graph, node), n_attrs = sf_node_n_attrs (graph, node), n_feeds = 0;
  g_autofree SfFeed *feeds = g_new0 (SfFeed, n + 1);
  g_autofree SfValue *inputs = g_new (SfValue, n + 1),
                     *outputs = g_new (SfValue, sf_node_n_outputs (graph, node) + 1);
  g_autofree SfAttr *attrs = g_new0 (SfAttr, n_attrs + 1);
  g_autoptr (GPtrArray) copies = g_ptr_array_new_with_free_func (g_free);
  for (size_t i = 0; i < n_attrs; i++)
    attrs[i] = sf_node_attr (graph, node, i);
  for (size_t i = 0; i < n; i++)
    {
      SfValue value = sf_node_input (graph, node, i);
      inputs[i] = SF_NONE;
      if (value == SF_NONE)
        continue;
      bool is_float = sf_dtype_is_float (sf_value_dtype (graph, value));
      double sign = is_taken_off (sf_node_op_name (graph, node), i) ? -1 : 1;
      const SfShape *shape = sf_value_shape (graph, value);
      int64_t count = sf_shape_n_elems (shape);
      double *copy = input_magnitude (graph, value, reference);
      g_ptr_array_add (copies, copy);
      for (int64_t k = 0; k < count; k++)
        copy[k] = is_float ? sign * copy[k] : reference[value][k];
      g_autofree char *name = g_strdup_printf ("x%zu", i);
      inputs[i] = sf_graph_input (alone, name, is_float ? SF_F64 : sf_value_dtype (graph, value),
                                  *shape, error);
      if (inputs[i] == SF_NONE)
        return NULL;
      feeds[n_feeds++] = (SfFeed){ inputs[i], sf_tensor (SF_F64, *shape, copy) };
    }
  if (sf_graph_add (alone, sf_node_op_name (graph, node), inputs, n, attrs, n_attrs, outputs, error)
      == SF_NONE)
    return NULL;
  const SfShape *shape = sf_value_shape (alone, outputs[output]);
  double *result = g_new0 (double, sf_shape_n_elems (shape) + 1);
  SfFetch fetch = { outputs[output], sf_tensor (SF_F64, *shape, result) };
  const SfEvaluateOptions options = { .f64 = true };
  if (sf_evaluate (alone, &options, feeds, n_feeds, &fetch, 1, error))
    return result;
  g_free (result);
  return NULL;
}

static double
largest (const double *data, int64_t n)
{
  double top = 0;
  for (int64_t i = 0; i < n; i++)
    if (isfinite (data[i]) && fabs (data[i]) > top)
      top = fabs (data[i]);
  return top;
}

double *
sf_limits_magnitude (const SfGraph *graph, SfValue value, double *const *reference, GError **error)
{
  SfNode node = sf_value_producer (graph, value);
  int64_t n = sf_shape_n_elems (sf_value_shape (graph, value));
  bool known = node != SF_NONE && inputs_known (graph, node, reference);
  size_t output = 0;
  while (known && sf_node_output (graph, node, output) != value)
    output++;
  if (known && is_sum (graph, value))
    return on_absolute_values (graph, node, output, reference, error);
  if (known && is_label_gradient (graph, value))
    return input_magnitude (graph, value, reference);
  double top = largest (reference[value], n);
  for (size_t i = 0; known && i < sf_node_n_inputs (graph, node); i++)
    {
      SfValue input = sf_node_input (graph, node, i);
      if (input != SF_NONE && sf_dtype_is_float (sf_value_dtype (graph, input)))
        top = MAX (top,
                   largest (reference[input], sf_shape_n_elems (sf_value_shape (graph, input))));
    }
  double *result = g_new (double, n + 1);
  for (int64_t i = 0; i < n; i++)
    result[i] = top;
  return result;
}

double
sf_limits_measure (const SfLimits *limits, const double *reference, const double *found,
                   const double *magnitude, bool cancels, int64_t n, double *max_abs)
{
  double errors = 0, signal = 0, floor_sum = 0;
  *max_abs = 0;
  for (int64_t i = 0; i < n; i++)
    {
      if (!isfinite (reference[i]) || !isfinite (found[i]))
        {
          bool same = reference[i] == found[i] || (isnan (reference[i]) && isnan (found[i]));
          if (!same)
            return *max_abs = INFINITY;
          continue;
        }
      double difference = fabs (found[i] - reference[i]),
             noise = magnitude != NULL && isfinite (magnitude[i])
                         ? limits->scale * EPS_F32 * magnitude[i]
                         : 0,
             beyond = cancels ? MAX (difference - noise, 0) : difference;
      errors += beyond * beyond;
      signal += reference[i] * reference[i];
      floor_sum += noise * noise;
      *max_abs = MAX (*max_abs, difference);
    }
  return errors == 0 ? 0 : errors / MAX (signal, floor_sum);
}

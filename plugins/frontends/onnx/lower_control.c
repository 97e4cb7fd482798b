/* SPDX-License-Identifier: Apache-2.0 */
/* If, Loop and Scan: a known condition picks its branch, a known number of trips is unrolled. */
#include <string.h>

#include "plugins/frontends/onnx/scope.h"

enum
{
  MAX_TRIPS = 1 << 16,
};

/* ---- values of the model in the graph ---- */

/* The tensor's place in the graph; refused for what is no tensor. */
static SfValue
place (OnnxNode *node, OnnxValue *value)
{
  GError *error = NULL;
  if (onnx_failed (node))
    return SF_NONE;
  if (value->kind != ONNX_TENSOR)
    {
      onnx_refuse (node, SF_ERROR_UNSUPPORTED, "%s where the graph needs a tensor",
                   onnx_kind_name (value->kind));
      return SF_NONE;
    }
  SfValue at = onnx_value_place (node->import, value, &error);
  if (at == SF_NONE)
    onnx_adopt (node, error);
  return at;
}

static OnnxValue *
value_of (OnnxNode *node, SfValue at)
{
  return onnx_failed (node) ? NULL : onnx_value_of_graph (node->import, at);
}

static OnnxValue *
value_of_scalar (OnnxNode *node, SfDtype dtype, int64_t number)
{
  GError *error = NULL;
  SfTensor content;
  SfShape shape = sf_shape_scalar ();
  if (!sf_tensor_alloc (dtype, &shape, &content, &error))
    {
      onnx_adopt (node, error);
      return NULL;
    }
  sf_dtype_convert (SF_I64, &number, dtype, content.data, 1);
  return onnx_value_of_content (node->import, &content);
}

/* Content of a condition that is known; `*known` false: it is not. */
static bool
known_condition (OnnxNode *node, OnnxValue *value, bool *known)
{
  GError *error = NULL;
  *known = !onnx_failed (node) && onnx_value_is_known (node->import, value);
  const SfTensor *content = *known ? onnx_value_content (node->import, value, &error) : NULL;
  if (error != NULL)
    onnx_adopt (node, error);
  if (content == NULL)
    return false;
  if (content->dtype != SF_BOOL || sf_shape_n_elems (&content->shape) != 1)
    onnx_refuse (node, SF_ERROR_INVALID_DATA, "a condition of %s, wanted one BOOL",
                 sf_dtype_name (content->dtype));
  return !onnx_failed (node) && *(const uint8_t *) content->data != 0;
}

/* c ? a : b of two values of the model. */
static OnnxValue *
choose (OnnxNode *node, SfValue condition, OnnxValue *a, OnnxValue *b)
{
  if (a == b)
    return a;
  SfValue x = place (node, a), y = place (node, b);
  SfShape x_shape = onnx_shape (node, x), y_shape = onnx_shape (node, y);
  if (!onnx_failed (node)
      && (!sf_shape_equal (&x_shape, &y_shape) || onnx_dtype (node, x) != onnx_dtype (node, y)))
    {
      g_autofree char *found = sf_shape_text (&x_shape);
      g_autofree char *other = sf_shape_text (&y_shape);
      onnx_refuse (node, SF_ERROR_UNSUPPORTED,
                   "the condition is computed at run time, but picks between %s %s and %s %s, "
                   "wanted one shape; make the condition known with --bind NAME=VALUES",
                   sf_dtype_name (onnx_dtype (node, x)), found,
                   sf_dtype_name (onnx_dtype (node, y)), other);
    }
  return value_of (node, onnx_select (node, condition, x, y));
}

/* As a scalar, which broadcasts to any rank. */
static SfValue
scalar_condition (OnnxNode *node, OnnxValue *value)
{
  SfValue at = place (node, value);
  SfShape shape = onnx_shape (node, at);
  if (!onnx_failed (node) && sf_shape_n_elems (&shape) != 1)
    onnx_refuse (node, SF_ERROR_INVALID_DATA,
                 "a condition of %" G_GINT64_FORMAT " elements, wanted 1",
                 sf_shape_n_elems (&shape));
  return onnx_failed (node) ? SF_NONE : onnx_reshape (node, at, sf_shape_scalar ());
}

/* ---- If ---- */

static void
branch (OnnxNode *node)
{
  const Onnx__GraphProto *graphs[2] = { onnx_graph_attr (node, "else_branch"),
                                        onnx_graph_attr (node, "then_branch") };
  static const char *const labels[2] = { "else", "then" };
  OnnxValue *condition = onnx_input_value (node, 0);
  OnnxValue **results[2] = { NULL, NULL };
  bool known = false, taken = false;
  if (!onnx_failed (node) && condition == NULL)
    onnx_refuse (node, SF_ERROR_INVALID_DATA, "no condition, wanted one BOOL");
  if (!onnx_failed (node))
    taken = known_condition (node, condition, &known);
  for (int i = 0; i < 2 && !onnx_failed (node); i++)
    {
      if (graphs[i]->n_output != node->n_outputs)
        onnx_refuse (node, SF_ERROR_INVALID_DATA, "%s_branch has %zu outputs, wanted %zu",
                     labels[i], graphs[i]->n_output, node->n_outputs);
      results[i] = g_new0 (OnnxValue *, node->n_outputs + 1);
      if (!known || taken == (i == 1))
        onnx_run_graph (node, graphs[i], labels[i], NULL, 0, results[i]);
    }
  SfValue pick = known || onnx_failed (node) ? SF_NONE : scalar_condition (node, condition);
  for (size_t i = 0; i < node->n_outputs && !onnx_failed (node); i++)
    onnx_set_value (node, i,
                    known ? results[taken][i] : choose (node, pick, results[1][i], results[0][i]));
  g_free (results[0]);
  g_free (results[1]);
}

/* ---- stacking ---- */

/* Nothing stacked: the shape is what the body declares for its output. */
static OnnxValue *
empty_stack (OnnxNode *node, const Onnx__ValueInfoProto *declared, int64_t axis)
{
  GError *error = NULL;
  SfShape item, shape = sf_shape_scalar ();
  SfTensor content;
  if (!onnx_type_shape (node->import, declared->type, &item) || item.rank == SF_MAX_RANK)
    {
      onnx_refuse (node, SF_ERROR_UNSUPPORTED,
                   "no trip at all, and its graph declares no shape for output %s; export with "
                   "shapes",
                   declared->name);
      return NULL;
    }
  SfDtype dtype = onnx_data_type (declared->type->tensor_type->elem_type, &error);
  axis = onnx_axis (node, axis, item.rank + 1);
  for (int d = 0; d < item.rank + 1 && !onnx_failed (node); d++)
    shape.dim[shape.rank++] = d == axis ? 0 : MAX (item.dim[d < axis ? d : d - 1], 0);
  if (error == NULL && !onnx_failed (node) && sf_tensor_alloc (dtype, &shape, &content, &error))
    return onnx_value_of_content (node->import, &content);
  if (error != NULL)
    onnx_adopt (node, error);
  return NULL;
}

/* Joins values along a new axis. */
static OnnxValue *
stack (OnnxNode *node, OnnxValue *const *items, size_t n, int64_t axis,
       const Onnx__ValueInfoProto *declared)
{
  if (n == 0)
    return empty_stack (node, declared, axis);
  g_autofree SfValue *parts = g_new (SfValue, n);
  for (size_t i = 0; i < n && !onnx_failed (node); i++)
    {
      SfValue at = place (node, items[i]);
      SfShape shape = onnx_shape (node, at), wider = { .rank = shape.rank + 1 };
      int64_t where = onnx_axis (node, axis, shape.rank + 1);
      if (!onnx_failed (node) && shape.rank == SF_MAX_RANK)
        onnx_refuse (node, SF_ERROR_UNSUPPORTED, "a result of more than %d dimensions",
                     SF_MAX_RANK);
      for (int d = 0; d < wider.rank && !onnx_failed (node); d++)
        wider.dim[d] = d == where ? 1 : shape.dim[d < where ? d : d - 1];
      parts[i] = onnx_reshape (node, at, wider);
    }
  return onnx_failed (node) ? NULL : value_of (node, onnx_concat (node, parts, n, axis));
}

/* ---- Loop ---- */

typedef struct
{
  const Onnx__GraphProto *body;
  size_t n_carried, n_scans;
  int64_t max_trips;  /* INT64_MAX: no limit */
  SfValue active;     /* SF_NONE while every condition so far was known */
  OnnxValue **values; /* of a trip: number, condition, carried */
  OnnxValue **results;
  GPtrArray **scans;
} Loop;

/* The carried values of the next trip; kept as they are once the condition was false. */
static void
carry (OnnxNode *node, Loop *loop)
{
  for (size_t i = 0; i < loop->n_carried && !onnx_failed (node); i++)
    {
      OnnxValue *next = loop->results[1 + i];
      loop->values[2 + i] = loop->active == SF_NONE
                                ? next
                                : choose (node, loop->active, next, loop->values[2 + i]);
    }
  for (size_t i = 0; i < loop->n_scans; i++)
    g_ptr_array_add (loop->scans[i], loop->results[1 + loop->n_carried + i]);
}

/* Takes the condition of another trip. False: there is none. */
static bool
goes_on (OnnxNode *node, Loop *loop, OnnxValue *condition)
{
  bool known, yes = known_condition (node, condition, &known);
  if (known || onnx_failed (node))
    return yes && !onnx_failed (node);
  if (loop->max_trips == INT64_MAX || loop->n_scans > 0)
    {
      onnx_refuse (node, SF_ERROR_UNSUPPORTED,
                   "the condition to go on is computed at run time, wanted a known number of "
                   "trips; give a trip count and no scan outputs, or make the condition known "
                   "with --bind NAME=VALUES");
      return false;
    }
  SfValue now = scalar_condition (node, condition);
  loop->active = loop->active == SF_NONE ? now : onnx_2 (node, "and", loop->active, now);
  return !onnx_failed (node);
}

static void
run_trips (OnnxNode *node, Loop *loop)
{
  for (int64_t trip = 0; trip < loop->max_trips && !onnx_failed (node); trip++)
    {
      g_autofree char *label = g_strdup_printf ("%" G_GINT64_FORMAT, trip);
      if (!goes_on (node, loop, loop->values[1]))
        return;
      if (trip == MAX_TRIPS)
        onnx_refuse (node, SF_ERROR_NO_RESOURCE, "more than %d trips, each of which is unrolled",
                     MAX_TRIPS);
      loop->values[0] = value_of_scalar (node, SF_I64, trip);
      if (loop->active != SF_NONE)
        loop->values[1] = value_of_scalar (node, SF_BOOL, 1);
      if (onnx_failed (node)
          || !onnx_run_graph (node, loop->body, label, loop->values, loop->n_carried + 2,
                              loop->results))
        return;
      carry (node, loop);
      loop->values[1] = loop->results[0];
    }
}

static void
set_loop_outputs (OnnxNode *node, const Loop *loop)
{
  for (size_t i = 0; i < loop->n_carried && !onnx_failed (node); i++)
    onnx_set_value (node, i, loop->values[2 + i]);
  for (size_t i = 0; i < loop->n_scans && !onnx_failed (node); i++)
    if (onnx_wants_output (node, loop->n_carried + i))
      onnx_set_value (node, loop->n_carried + i,
                      stack (node, (OnnxValue *const *) loop->scans[i]->pdata, loop->scans[i]->len,
                             0, loop->body->output[1 + loop->n_carried + i]));
}

static void
loop (OnnxNode *node)
{
  Loop l = { .body = onnx_graph_attr (node, "body"), .active = SF_NONE };
  l.max_trips = onnx_has_input (node, 0) ? onnx_known_int (node, 0, 0) : INT64_MAX;
  if (onnx_failed (node))
    return;
  l.n_carried = MAX (node->proto->n_input, 2) - 2;
  if (l.body->n_output < 1 + l.n_carried)
    {
      onnx_refuse (node, SF_ERROR_INVALID_DATA,
                   "its body has %zu outputs, wanted the condition and %zu values at least",
                   l.body->n_output, l.n_carried);
      return;
    }
  l.n_scans = l.body->n_output - 1 - l.n_carried;
  l.values = g_new0 (OnnxValue *, l.n_carried + 2);
  l.results = g_new0 (OnnxValue *, l.body->n_output);
  l.scans = g_new0 (GPtrArray *, l.n_scans + 1);
  for (size_t i = 0; i < l.n_scans; i++)
    l.scans[i] = g_ptr_array_new ();
  for (size_t i = 0; i < l.n_carried; i++)
    {
      l.values[2 + i] = onnx_input_value (node, 2 + i);
      if (l.values[2 + i] == NULL)
        onnx_refuse (node, SF_ERROR_INVALID_DATA, "input %zu is absent, wanted a value", 2 + i);
    }
  l.values[1] = onnx_has_input (node, 1) ? onnx_input_value (node, 1)
                                         : value_of_scalar (node, SF_BOOL, 1);
  run_trips (node, &l);
  set_loop_outputs (node, &l);
  for (size_t i = 0; i < l.n_scans; i++)
    g_ptr_array_unref (l.scans[i]);
  g_free (l.scans);
  g_free (l.results);
  g_free (l.values);
}

/* ---- Scan ---- */

typedef struct
{
  const Onnx__GraphProto *body;
  size_t first; /* input of the node that is the first state */
  size_t n_states, n_inputs, n_outputs;
  OnnxInts in_axes, out_axes, in_reverse, out_reverse;
} Scan;

static int64_t
entry (OnnxInts list, size_t index)
{
  return index < list.n ? list.at[index] : 0;
}

static void
check_list (OnnxNode *node, OnnxInts list, size_t wanted, const char *name)
{
  if (list.n != 0 && list.n != wanted)
    onnx_refuse (node, SF_ERROR_INVALID_DATA, "attribute %s has %zu entries, wanted %zu", name,
                 list.n, wanted);
}

static Scan
read_scan (OnnxNode *node, size_t first)
{
  Scan scan = { .body = onnx_graph_attr (node, "body"), .first = first };
  int64_t n = onnx_int (node, "num_scan_inputs", 0);
  onnx_want_attr (node, "num_scan_inputs");
  size_t n_all = node->n_inputs >= first ? node->n_inputs - first : 0;
  if (!onnx_failed (node)
      && (n < 1 || (size_t) n > n_all || scan.body->n_input != n_all
          || scan.body->n_output + (size_t) n < n_all))
    onnx_refuse (node, SF_ERROR_INVALID_DATA,
                 "num_scan_inputs is %" G_GINT64_FORMAT
                 ", its body has %zu inputs and %zu outputs, wanted ones that fit its %zu inputs",
                 n, scan.body->n_input, scan.body->n_output, n_all);
  if (onnx_failed (node))
    return scan;
  scan.n_inputs = (size_t) n;
  scan.n_states = n_all - (size_t) n;
  scan.n_outputs = scan.body->n_output - scan.n_states;
  return scan;
}

/* Slice `t` of a scan input along `axis`, without that axis. */
static OnnxValue *
slice_at (OnnxNode *node, SfValue v, int64_t axis, int64_t t)
{
  SfShape shape = onnx_shape (node, v), thinner = { .rank = shape.rank - 1 };
  axis = onnx_axis (node, axis, shape.rank);
  v = onnx_slice (node, v, axis, t, t + 1, 1);
  for (int d = 0; d < thinner.rank && !onnx_failed (node); d++)
    thinner.dim[d] = shape.dim[d < axis ? d : d + 1];
  return onnx_failed (node) ? NULL : value_of (node, onnx_reshape (node, v, thinner));
}

/* Size of the axes that are scanned; one for all inputs. */
static int64_t
n_steps (OnnxNode *node, const Scan *scan, OnnxValue *const *inputs)
{
  int64_t n = 0;
  for (size_t i = 0; i < scan->n_inputs && !onnx_failed (node); i++)
    {
      const SfShape *shape = &inputs[i]->shape;
      int64_t axis = onnx_axis (node, entry (scan->in_axes, i), shape->rank);
      int64_t now = onnx_failed (node) ? 0 : shape->dim[axis];
      if (i > 0 && now != n)
        onnx_refuse (node, SF_ERROR_INVALID_DATA,
                     "scan input %zu has %" G_GINT64_FORMAT " steps, wanted %" G_GINT64_FORMAT
                     " as the first",
                     i, now, n);
      n = now;
    }
  if (n > MAX_TRIPS)
    onnx_refuse (node, SF_ERROR_NO_RESOURCE,
                 "%" G_GINT64_FORMAT " steps, wanted at most %d, for each is unrolled", n,
                 MAX_TRIPS);
  return onnx_failed (node) ? 0 : n;
}

/* One sequence: `states` are updated, `outputs` filled with the stacked results. */
static void
run_scan (OnnxNode *node, const Scan *scan, const char *label, OnnxValue **states,
          OnnxValue *const *inputs, OnnxValue **outputs)
{
  size_t n_in = scan->n_states + scan->n_inputs;
  int64_t n = n_steps (node, scan, inputs);
  g_autofree OnnxValue **in = g_new0 (OnnxValue *, n_in + 1);
  g_autofree OnnxValue **out = g_new0 (OnnxValue *, scan->body->n_output + 1);
  g_autofree OnnxValue **all = g_new0 (OnnxValue *, (size_t) n * scan->n_outputs + 1);
  for (int64_t t = 0; t < n && !onnx_failed (node); t++)
    {
      g_autofree char *name = g_strdup_printf ("%s%" G_GINT64_FORMAT, label, t);
      for (size_t i = 0; i < scan->n_states; i++)
        in[i] = states[i];
      for (size_t i = 0; i < scan->n_inputs && !onnx_failed (node); i++)
        in[scan->n_states + i] = slice_at (node, place (node, inputs[i]), entry (scan->in_axes, i),
                                           entry (scan->in_reverse, i) != 0 ? n - 1 - t : t);
      if (onnx_failed (node) || !onnx_run_graph (node, scan->body, name, in, n_in, out))
        return;
      for (size_t i = 0; i < scan->n_states; i++)
        states[i] = out[i];
      for (size_t i = 0; i < scan->n_outputs; i++)
        {
          int64_t at = entry (scan->out_reverse, i) != 0 ? n - 1 - t : t;
          all[i * (size_t) n + (size_t) at] = out[scan->n_states + i];
        }
    }
  for (size_t i = 0; i < scan->n_outputs && !onnx_failed (node); i++)
    outputs[i] = stack (node, all + i * (size_t) n, (size_t) n, entry (scan->out_axes, i),
                        scan->body->output[scan->n_states + i]);
}

/* The node's states and scan inputs; tensors all. */
static OnnxValue **
scan_values (OnnxNode *node, const Scan *scan)
{
  size_t n = scan->n_states + scan->n_inputs;
  OnnxValue **values = g_new0 (OnnxValue *, n + 1);
  for (size_t i = 0; i < n && !onnx_failed (node); i++)
    {
      onnx_input_shape (node, scan->first + i);
      values[i] = onnx_input_value (node, scan->first + i);
    }
  return values;
}

static void
scan (OnnxNode *node)
{
  Scan s = read_scan (node, 0);
  s.in_axes = onnx_ints (node, "scan_input_axes");
  s.out_axes = onnx_ints (node, "scan_output_axes");
  s.in_reverse = onnx_ints (node, "scan_input_directions");
  s.out_reverse = onnx_ints (node, "scan_output_directions");
  check_list (node, s.in_axes, s.n_inputs, "scan_input_axes");
  check_list (node, s.out_axes, s.n_outputs, "scan_output_axes");
  check_list (node, s.in_reverse, s.n_inputs, "scan_input_directions");
  check_list (node, s.out_reverse, s.n_outputs, "scan_output_directions");
  g_autofree OnnxValue **values = scan_values (node, &s);
  g_autofree OnnxValue **outputs = g_new0 (OnnxValue *, s.n_outputs + 1);
  if (onnx_failed (node))
    return;
  run_scan (node, &s, "", values, values + s.n_states, outputs);
  for (size_t i = 0; i < s.n_states + s.n_outputs && !onnx_failed (node); i++)
    onnx_set_value (node, i, i < s.n_states ? values[i] : outputs[i - s.n_states]);
}

/* Before opset 9 every value has a batch in front, and each row of it is a sequence of its own. */
static void
scan_batched (OnnxNode *node)
{
  Scan s = read_scan (node, 1);
  s.in_reverse = onnx_ints (node, "directions");
  check_list (node, s.in_reverse, s.n_inputs, "directions");
  if (onnx_has_input (node, 0))
    onnx_refuse (node, SF_ERROR_UNSUPPORTED,
                 "sequence_lens, wanted sequences of one length; export with opset 9 or later");
  g_autofree OnnxValue **values = scan_values (node, &s);
  int64_t n_rows = onnx_failed (node) ? 0 : values[s.n_states]->shape.dim[0];
  size_t n_in = s.n_states + s.n_inputs, n_out = s.n_states + s.n_outputs;
  if (n_rows > MAX_TRIPS)
    {
      onnx_refuse (node, SF_ERROR_NO_RESOURCE,
                   "%" G_GINT64_FORMAT " rows, wanted at most %d, for each is unrolled", n_rows,
                   MAX_TRIPS);
      return;
    }
  g_autofree OnnxValue **row = g_new0 (OnnxValue *, n_in + 1);
  g_autofree OnnxValue **outputs = g_new0 (OnnxValue *, s.n_outputs + 1);
  g_autofree OnnxValue **all = g_new0 (OnnxValue *, (size_t) n_rows * n_out + 1);
  for (int64_t b = 0; b < n_rows && !onnx_failed (node); b++)
    {
      g_autofree char *label = g_strdup_printf ("%" G_GINT64_FORMAT "/", b);
      for (size_t i = 0; i < n_in && !onnx_failed (node); i++)
        {
          if (values[i]->shape.rank == 0 || values[i]->shape.dim[0] != n_rows)
            onnx_refuse (node, SF_ERROR_INVALID_DATA,
                         "input %zu has another batch than the first scan input", 1 + i);
          row[i] = slice_at (node, place (node, values[i]), 0, b);
        }
      if (!onnx_failed (node))
        run_scan (node, &s, label, row, row + s.n_states, outputs);
      for (size_t i = 0; i < n_out; i++)
        all[i * (size_t) n_rows + (size_t) b] = i < s.n_states ? row[i] : outputs[i - s.n_states];
    }
  for (size_t i = 0; i < n_out && !onnx_failed (node); i++)
    onnx_set_value (node, i,
                    stack (node, all + i * (size_t) n_rows, (size_t) n_rows, 0, s.body->output[i]));
}

const OnnxRow onnx_rows_control[] = {
  { "If", 1, branch, 0, "a condition computed at run time picks between equal shapes" },
  { "Loop", 1, loop, 0, "a known number of trips at most, unrolled" },
  { "Scan", 8, scan_batched, 0, "without sequence_lens; unrolled" },
  { "Scan", 9, scan, 0, "unrolled" },
  { NULL },
};

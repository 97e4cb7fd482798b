/* SPDX-License-Identifier: Apache-2.0 */
/* The text form of a graph: one line per value, for people and golden tests. */
#include "core/ir/graph.h"

#include <math.h>
#include <string.h>

#define MAX_SHOWN_ELEMS 8

/* Shortest decimal that reads back as `x`. */
static void
append_float (GString *text, double x, bool as_f32)
{
  char digits[G_ASCII_DTOSTR_BUF_SIZE], format[8];
  for (int precision = 1; precision <= 17; precision++)
    {
      g_snprintf (format, sizeof format, "%%.%dg", precision);
      g_ascii_formatd (digits, sizeof digits, format, x);
      double back = g_ascii_strtod (digits, NULL);
      if (isnan (x) || back == x || (as_f32 && (float) back == (float) x))
        break;
    }
  g_string_append (text, digits);
}

static void
append_type (GString *text, const SfValueRecord *record)
{
  g_autofree char *shape = sf_shape_text (&record->shape);
  g_string_append_printf (text, "%s %s", sf_dtype_name (record->dtype), shape);
}

static void
append_elem (GString *text, const SfValueRecord *record, int64_t index)
{
  const uint8_t *at = (const uint8_t *) g_bytes_get_data (record->data, NULL)
                      + (size_t) index * sf_dtype_bytes (record->dtype);
  double f;
  int64_t i;
  if (sf_dtype_is_float (record->dtype))
    {
      sf_dtype_convert (record->dtype, at, SF_F64, &f, 1);
      append_float (text, f, record->dtype != SF_F64);
      return;
    }
  sf_dtype_convert (record->dtype, at, SF_I64, &i, 1);
  if (record->dtype == SF_U64)
    g_string_append_printf (text, "%" G_GUINT64_FORMAT, (guint64) i);
  else
    g_string_append_printf (text, "%" G_GINT64_FORMAT, i);
}

/* Small constants show their elements. */
static void
append_constant (GString *text, const SfValueRecord *record)
{
  int64_t n = sf_shape_n_elems (&record->shape);
  g_string_append (text, "constant ");
  append_type (text, record);
  for (int64_t i = 0; i < n && n <= MAX_SHOWN_ELEMS; i++)
    {
      g_string_append_c (text, ' ');
      append_elem (text, record, i);
    }
}

static void
append_declared (GString *text, const SfValueRecord *record)
{
  static const char *const state_kinds[] = { "param", "optimizer", "statistic", "frozen" };
  switch (record->kind)
    {
    case SF_VALUE_INPUT:
      g_string_append_printf (text, "input %s ", record->name);
      break;
    case SF_VALUE_STATE:
      g_string_append_printf (text, "state %s %s ", record->name, state_kinds[record->state_kind]);
      break;
    case SF_VALUE_SCALAR:
      g_string_append_printf (text, "scalar %s ", record->name);
      break;
    default:
      append_constant (text, record);
      return;
    }
  append_type (text, record);
}

static void
append_attr (GString *text, const SfAttr *attr)
{
  g_string_append_printf (text, "%s=", attr->name);
  switch (attr->type)
    {
    case SF_ATTR_INT:
      g_string_append_printf (text, "%" G_GINT64_FORMAT, attr->i);
      break;
    case SF_ATTR_BOOL:
      g_string_append (text, attr->i ? "true" : "false");
      break;
    case SF_ATTR_DTYPE:
      g_string_append (text, sf_dtype_name ((SfDtype) attr->i));
      break;
    case SF_ATTR_FLOAT:
      append_float (text, attr->f, false);
      break;
    case SF_ATTR_STRING:
      g_string_append_printf (text, "\"%s\"", attr->s);
      break;
    case SF_ATTR_INTS:
      for (size_t i = 0; i < attr->n_ints; i++)
        g_string_append_printf (text, "%c%" G_GINT64_FORMAT, i > 0 ? ',' : '[', attr->ints[i]);
      g_string_append (text, attr->n_ints > 0 ? "]" : "[]");
      break;
    }
}

static void
append_attrs (GString *text, const SfNodeRecord *node)
{
  bool any = false;
  for (uint32_t i = 0; i < node->n_attrs; i++)
    {
      if (sf_op_attr_is_default (node->op, i, &node->attrs[i]))
        continue;
      g_string_append (text, any ? ", " : " {");
      append_attr (text, &node->attrs[i]);
      any = true;
    }
  if (any)
    g_string_append_c (text, '}');
}

static void
append_node (GString *text, const SfGraph *graph, const SfNodeRecord *node)
{
  static const char *const phases[] = { "fwd", "bwd", "opt" };
  g_string_append (text, "  ");
  for (int k = 0; k < node->op->n_outputs; k++)
    g_string_append_printf (text, "%s%%%u", k > 0 ? ", " : "", node->first_output + (SfValue) k);
  g_string_append_printf (text, "%s%s (", node->op->n_outputs > 0 ? " = " : "", node->op->name);
  for (uint32_t i = 0; i < node->n_inputs; i++)
    {
      g_string_append (text, i > 0 ? ", " : "");
      if (node->inputs[i] == SF_NONE)
        g_string_append_c (text, '_');
      else
        g_string_append_printf (text, "%%%u", node->inputs[i]);
    }
  g_string_append_c (text, ')');
  append_attrs (text, node);
  for (int k = 0; k < node->op->n_outputs; k++)
    {
      g_string_append (text, k > 0 ? ", " : " ");
      append_type (text, sf_value_record (graph, node->first_output + (SfValue) k));
    }
  g_string_append_printf (text, "  # %s %s\n", node->name, phases[node->phase]);
}

static void
append_results (GString *text, const SfGraph *graph)
{
  static const char *const roles[] = { "prediction", "loss", "other" };
  for (guint i = 0; i < graph->states->len; i++)
    {
      const SfValueRecord *state = sf_value_record (graph,
                                                    g_array_index (graph->states, SfValue, i));
      if (state->update != SF_NONE)
        g_string_append_printf (text, "  update %s = %%%u\n", state->name, state->update);
    }
  for (guint i = 0; i < graph->outputs->len; i++)
    {
      const SfOutputRecord *output = &g_array_index (graph->outputs, SfOutputRecord, i);
      g_string_append_printf (text, "  output %s %s = %%%u\n", output->name, roles[output->role],
                              output->value);
    }
}

char *
sf_graph_text (const SfGraph *graph)
{
  GString *text = g_string_new (NULL);
  SfNode node = 0;
  g_string_append_printf (text, "graph %s\n", graph->name);
  for (SfValue v = 0; v <= graph->values->len; v++)
    {
      /* Nodes stand where their outputs do; those without outputs follow what was there before
       * them. */
      while (node < graph->nodes->len && sf_node_record (graph, node)->first_output <= v)
        append_node (text, graph, sf_node_record (graph, node++));
      if (v == graph->values->len || sf_value_record (graph, v)->kind == SF_VALUE_RESULT)
        continue;
      g_string_append_printf (text, "  %%%u = ", v);
      append_declared (text, sf_value_record (graph, v));
      g_string_append_c (text, '\n');
    }
  append_results (text, graph);
  return g_string_free (text, FALSE);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Runs of groups in canonical form: what decides the section that they lower to, without laying it
 * out. */
#include <string.h>

#include <sf/plugin/timing.h>

#include "core/program/lower.h"

/* A run while its form is written. */
typedef struct
{
  SfLowering *low;
  int32_t first, n;
  bool exact;
  GByteArray *bytes;
  GHashTable *place;  /* node -> its place in the run + 1 */
  GHashTable *tensor; /* root from outside -> its number + 1 */
} Form;

static void
put (Form *f, int64_t value)
{
  g_byte_array_append (f->bytes, (const guint8 *) &value, sizeof value);
}

static void
put_text (Form *f, const char *text)
{
  g_byte_array_append (f->bytes, (const guint8 *) text, (guint) strlen (text) + 1);
}

static void
put_attrs (Form *f, SfNode node)
{
  const SfGraph *graph = f->low->graph;
  put_text (f, sf_node_op_name (graph, node));
  for (size_t i = 0; i < sf_node_n_attrs (graph, node); i++)
    {
      SfAttr attr = sf_node_attr (graph, node, i);
      /* Which random numbers are drawn changes no cost. */
      if (!f->exact && g_str_equal (attr.name, "stream"))
        continue;
      put_text (f, attr.name);
      put (f, attr.i);
      g_byte_array_append (f->bytes, (const guint8 *) &attr.f, sizeof attr.f);
      put_text (f, attr.s != NULL ? attr.s : "");
      put (f, (int64_t) attr.n_ints);
      for (size_t k = 0; k < attr.n_ints; k++)
        put (f, attr.ints[k]);
    }
}

static void
put_type (Form *f, SfValue value)
{
  const SfShape *shape = sf_value_shape (f->low->graph, value);
  put (f, sf_value_dtype (f->low->graph, value));
  put (f, shape->rank);
  for (int d = 0; d < shape->rank; d++)
    put (f, shape->dim[d]);
  put (f, f->low->batch[value]);
}

/* A constant of one element is part of the stage. */
static bool
put_constant (Form *f, SfValue root)
{
  const SfGraph *graph = f->low->graph;
  if (sf_value_kind (graph, root) != SF_VALUE_CONSTANT || sf_value_data (graph, root) == NULL
      || sf_shape_n_elems (sf_value_shape (graph, root)) != 1)
    return false;
  put (f, -2);
  if (f->exact)
    g_byte_array_append (f->bytes, sf_value_data (graph, root),
                         (guint) sf_dtype_bytes (sf_value_dtype (graph, root)));
  return true;
}

static void
put_input (Form *f, SfValue value)
{
  if (value == SF_NONE)
    {
      put (f, -1);
      return;
    }
  const SfGraph *graph = f->low->graph;
  SfValue root = f->low->root[value];
  SfNode maker = sf_value_producer (graph, root);
  put_type (f, value);
  if (put_constant (f, root))
    return;
  gpointer place = maker == SF_NONE ? NULL
                                    : g_hash_table_lookup (f->place, GUINT_TO_POINTER (maker));
  if (place != NULL)
    {
      put (f, GPOINTER_TO_INT (place));
      put (f, root - sf_node_output (graph, maker, 0));
      return;
    }
  gpointer number = g_hash_table_lookup (f->tensor, GUINT_TO_POINTER (root));
  if (number == NULL)
    {
      number = GINT_TO_POINTER ((int) g_hash_table_size (f->tensor) + 1);
      g_hash_table_insert (f->tensor, GUINT_TO_POINTER (root), number);
      put_type (f, root);
    }
  put (f, -2 - GPOINTER_TO_INT (number));
}

static void
put_output (Form *f, SfValue value)
{
  const SfLowering *low = f->low;
  bool outside = low->kept[value];
  for (uint32_t i = low->user_first[value]; !outside && i < low->user_first[value + 1]; i++)
    {
      int32_t group = sf_node_group (low->graph, low->user[i]);
      outside = group < f->first || group >= f->first + f->n;
    }
  put_type (f, value);
  put (f, outside);
}

GBytes *
sf_lowering_form (SfLowering *low, int32_t first, int32_t n, bool exact)
{
  g_autoptr (GHashTable) place = g_hash_table_new (NULL, NULL);
  g_autoptr (GHashTable) tensor = g_hash_table_new (NULL, NULL);
  Form f = { low, first, n, exact, g_byte_array_new (), place, tensor };
  put (&f, low->batch_size);
  for (int32_t g = first; g < first + n; g++)
    {
      size_t n_nodes;
      const SfNode *nodes = sf_lowering_group_nodes (low, g, &n_nodes);
      put (&f, (int64_t) n_nodes);
      for (size_t i = 0; i < n_nodes; i++)
        g_hash_table_insert (place, GUINT_TO_POINTER (nodes[i]),
                             GINT_TO_POINTER ((int) g_hash_table_size (place) + 1));
      for (size_t i = 0; i < n_nodes; i++)
        {
          put_attrs (&f, nodes[i]);
          for (size_t k = 0; k < sf_node_n_inputs (low->graph, nodes[i]); k++)
            put_input (&f, sf_node_input (low->graph, nodes[i], k));
          for (size_t k = 0; k < sf_node_n_outputs (low->graph, nodes[i]); k++)
            put_output (&f, sf_node_output (low->graph, nodes[i], k));
        }
    }
  return g_byte_array_free_to_bytes (f.bytes);
}

/* Alone in a section, the stage shows what it is worth. */
bool
sf_lowering_group (SfLowering *low, const SfArch *arch, const SfLowerLimits *limits, int32_t group,
                   SfLowerWork *work, GError **error)
{
  SfLowSection section;
  SfLowerNeed need;
  g_autoptr (SfProgram) scratch = sf_program_new ();
  bool ok = sf_low_section_build (&section, low, arch, limits, group, 1, scratch, &need, error);
  if (ok)
    {
      SfStage stage = sf_config_stage (scratch, section.config, 0);
      SfStageEstimate e = sf_estimate_stage (scratch, section.config, 0, arch);
      *work = (SfLowerWork){ .cycles = need.cycles,
                             .pcu_cycles = e.compute_cycles * e.iterations * stage.n_pcus,
                             .iterations = e.iterations,
                             .token_cycles = e.interval_cycles };
    }
  sf_low_section_clear (&section);
  return ok;
}

bool
sf_lowering_tensors (SfLowering *low, int32_t index, GArray *tensors, GArray *whole)
{
  size_t n;
  const SfNode *nodes = sf_lowering_group_nodes (low, index, &n);
  SfLowGroup group;
  if (n == 0)
    return false;
  bool ok = sf_low_group_init (&group, low, nodes, n);
  for (guint i = 0; ok && i < group.operands->len; i++)
    {
      const SfLowOperand *o = &g_array_index (group.operands, SfLowOperand, i);
      bool resident = !o->stream;
      guint k = 0;
      if (o->kind == SF_OPERAND_TEMP)
        continue;
      while (k < tensors->len && g_array_index (tensors, SfValue, k) != low->root[o->value])
        k++;
      if (k < tensors->len)
        g_array_index (whole, bool, k) |= resident;
      else
        {
          g_array_append_val (tensors, low->root[o->value]);
          g_array_append_val (whole, resident);
        }
    }
  sf_low_group_clear (&group);
  return ok;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Groups of nodes laid out as one stage: axes from the anchor, maps by propagation, then operands
 * and instructions. */
#include "core/program/lower.h"

void
sf_low_refuse (SfLowGroup *group, const char *format, ...)
{
  if (group->reason != NULL)
    return;
  va_list args;
  va_start (args, format);
  group->reason = g_strdup_vprintf (format, args);
  va_end (args);
}

/* ---- membership and maps ---- */

bool
sf_low_member (const SfLowGroup *group, SfNode node)
{
  return node != SF_NONE && group->low->member[node] == group->low->stamp;
}

static bool
made_inside (const SfLowGroup *group, SfValue value)
{
  return value != SF_NONE && sf_low_member (group, sf_value_producer (group->graph, value));
}

static bool
used (const SfLowGroup *group, SfValue value, bool inside)
{
  const SfLowering *low = group->low;
  if (!inside && low->kept[value])
    return true;
  for (uint32_t i = low->user_first[value]; i < low->user_first[value + 1]; i++)
    if (sf_low_member (group, low->user[i]) == inside)
      return true;
  return false;
}

SfMap *
sf_low_domain (SfLowGroup *group, SfNode node)
{
  for (size_t i = 0; i < group->n_nodes; i++)
    if (group->nodes[i] == node)
      return &group->domain[i];
  g_return_val_if_reached (group->domain);
}

const SfMap *
sf_low_known (const SfLowGroup *group, SfValue value)
{
  for (guint i = 0; i < group->known->len; i++)
    {
      const SfKnownMap *known = &g_array_index (group->known, SfKnownMap, i);
      if (known->value == value)
        return &known->map;
    }
  return NULL;
}

void
sf_low_set_known (SfLowGroup *group, SfValue value, const SfMap *map)
{
  const SfMap *before = sf_low_known (group, value);
  if (before != NULL)
    {
      if (!sf_map_equal (before, map))
        sf_low_refuse (group, "%s is seen in two ways", sf_value_name (group->graph, value));
      return;
    }
  SfKnownMap known = { .value = value, .map = *map };
  g_array_append_val (group->known, known);
}

/* ---- operands ---- */

static uint32_t
add_operand (SfLowGroup *group, SfOperandKind kind, SfValue value, const SfShape *shape,
             const SfMap *map)
{
  for (guint i = 0; i < group->operands->len; i++)
    {
      const SfLowOperand *o = &g_array_index (group->operands, SfLowOperand, i);
      if (o->kind == kind && o->value == value && sf_shape_equal (&o->shape, shape)
          && sf_map_equal (&o->map, map))
        return i;
    }
  SfLowOperand operand
      = { .kind = kind, .value = value, .shape = *shape, .map = *map, .buffer = SF_NONE };
  g_array_append_val (group->operands, operand);
  return group->operands->len - 1;
}

static double
constant_value (const SfGraph *graph, SfValue value)
{
  double out;
  sf_dtype_convert (sf_value_dtype (graph, value), sf_value_data (graph, value), SF_F64, &out, 1);
  return out;
}

static uint32_t
fill_operand (SfLowGroup *group, SfNode node, SfValue value, const SfShape *shape, const SfMap *map)
{
  guint before = group->operands->len;
  uint32_t operand = add_operand (group, SF_OPERAND_TEMP, value, shape, map);
  if (operand == before)
    sf_low_instr (group, node, "fill", NULL, 0, &operand, 1)->fimm[0] = constant_value (
        group->graph, sf_lowering_root (group->low, value));
  return operand;
}

uint32_t
sf_low_input_as (SfLowGroup *group, SfNode node, size_t index, const SfShape *shape,
                 const SfMap *map)
{
  SfValue value = sf_node_input (group->graph, node, index);
  SfValue root = sf_lowering_root (group->low, value);
  if (sf_value_kind (group->graph, root) == SF_VALUE_CONSTANT && sf_shape_n_elems (shape) == 1
      && sf_value_data (group->graph, root) != NULL)
    return fill_operand (group, node, value, shape, map);
  if (made_inside (group, root))
    {
      if (!sf_shape_equal (shape, sf_value_shape (group->graph, root)))
        sf_low_refuse (group, "%s is seen in another shape", sf_value_name (group->graph, root));
      return add_operand (group, SF_OPERAND_TEMP, root, shape, map);
    }
  return add_operand (group, SF_OPERAND_IN, value, shape, map);
}

uint32_t
sf_low_input (SfLowGroup *group, SfNode node, size_t index, const SfMap *map)
{
  SfValue value = sf_node_input (group->graph, node, index);
  return sf_low_input_as (group, node, index, sf_value_shape (group->graph, value), map);
}

uint32_t
sf_low_output (SfLowGroup *group, SfNode node, size_t index, const SfMap *map)
{
  SfValue value = sf_node_output (group->graph, node, index);
  bool scratch = used (group, value, true) || !used (group, value, false);
  return add_operand (group, scratch ? SF_OPERAND_TEMP : SF_OPERAND_OUT, value,
                      sf_value_shape (group->graph, value), map);
}

uint32_t
sf_low_temp (SfLowGroup *group, SfDtype lane, const SfShape *shape, const SfMap *map)
{
  SfLowOperand operand = { .kind = SF_OPERAND_TEMP,
                           .value = SF_NONE,
                           .lane = lane,
                           .shape = *shape,
                           .map = *map,
                           .buffer = SF_NONE };
  g_array_append_val (group->operands, operand);
  return group->operands->len - 1;
}

uint32_t
sf_low_scratch (SfLowGroup *group, SfNode node, const SfMap *map)
{
  SfValue value = sf_node_output (group->graph, node, 0);
  return sf_low_temp (group, SF_F32, sf_value_shape (group->graph, value), map);
}

/* ---- instructions ---- */

bool
sf_low_is_after (const SfLowGroup *group, uint32_t operand)
{
  for (guint i = 0; i < group->after->len; i++)
    if (g_array_index (group->after, uint32_t, i) == operand)
      return true;
  return false;
}

static bool
has_reduction (const SfLowGroup *group)
{
  for (int i = 0; i < group->n_axes; i++)
    if (group->axis[i].reduction)
      return true;
  return false;
}

SfInstr *
sf_low_instr (SfLowGroup *group, SfNode node, const char *tile, const uint32_t *src, size_t n_src,
              const uint32_t *dst, size_t n_dst)
{
  const SfTileOp *op = sf_tile_op_find (tile, 1);
  SfInstr instr = { .op = op != NULL ? op->name : tile,
                    .version = 1,
                    .n_src = (uint32_t) n_src,
                    .n_dst = (uint32_t) n_dst };
  if (op == NULL)
    sf_low_refuse (group, "%s: there is no tile-op %s", sf_node_name (group->graph, node), tile);
  bool after = false;
  for (size_t i = 0; i < n_src; i++)
    after |= sf_low_is_after (group, instr.src[i] = src[i]);
  for (size_t i = 0; i < n_dst; i++)
    instr.dst[i] = dst[i];
  instr.when = after ? SF_WHEN_LAST : SF_WHEN_EACH;
  bool sums = op != NULL && op->accumulates && node == group->anchor && has_reduction (group);
  for (size_t i = 0; (after || sums) && i < n_dst; i++)
    g_array_append_val (group->after, instr.dst[i]);
  g_array_append_val (group->instrs, instr);
  return &g_array_index (group->instrs, SfInstr, group->instrs->len - 1);
}

SfDtype
sf_low_lane (SfDtype dtype)
{
  return sf_dtype_is_float (dtype) ? SF_F32 : dtype == SF_BOOL ? SF_BOOL : SF_I32;
}

int64_t
sf_low_narrower (SfDtype dtype)
{
  static const int64_t narrower[SF_N_DTYPES]
      = { [SF_BF16] = 1, [SF_F16] = 2, [SF_I8] = 3, [SF_I16] = 4, [SF_U8] = 5, [SF_U16] = 6 };
  return narrower[dtype];
}

void
sf_low_copy_imm (SfInstr *instr, int rank, const int64_t *perm, double pad)
{
  for (int i = 0; i < rank; i++)
    instr->imm[i] = perm != NULL ? perm[i] : i;
  instr->imm[SF_MAX_RANK] = rank;
  instr->fimm[0] = pad;
}

/* Integers narrower than their lane that the stage goes on with wrap as soon as they are made;
 * buffers wrap the others. */
static void
emit_wraps (SfLowGroup *group, SfNode node)
{
  const SfGraph *graph = group->graph;
  for (size_t i = 0; i < sf_node_n_outputs (graph, node); i++)
    {
      SfValue value = sf_node_output (graph, node, i);
      SfDtype dtype = sf_value_dtype (graph, value);
      const SfMap *map = sf_low_known (group, value);
      if (map == NULL || !sf_dtype_is_int (dtype) || sf_low_narrower (dtype) == 0
          || !used (group, value, true))
        continue;
      uint32_t made = add_operand (group, SF_OPERAND_TEMP, value, sf_value_shape (graph, value),
                                   map);
      sf_low_instr (group, node, "cast", &made, 1, &made, 1)->imm[0] = sf_low_narrower (dtype);
    }
}

/* What is needed inside and outside is computed into scratch and copied out. */
static void
emit_copies (SfLowGroup *group, SfNode node)
{
  for (size_t i = 0; i < sf_node_n_outputs (group->graph, node); i++)
    {
      SfValue value = sf_node_output (group->graph, node, i);
      const SfMap *map = sf_low_known (group, value);
      if (map == NULL || !used (group, value, true) || !used (group, value, false))
        continue;
      const SfShape *shape = sf_value_shape (group->graph, value);
      uint32_t src = add_operand (group, SF_OPERAND_TEMP, value, shape, map);
      uint32_t dst = add_operand (group, SF_OPERAND_OUT, value, shape, map);
      sf_low_copy_imm (sf_low_instr (group, node, "copy", &src, 1, &dst, 1), map->rank, NULL, 0);
    }
}

/* ---- layout ---- */

/* A domain for `node` from a neighbour's map, when one is known. */
static bool
find_domain (SfLowGroup *group, SfNode node, SfMap *domain)
{
  const SfGraph *graph = group->graph;
  SfShape shape = sf_follow_domain (graph, node);
  SfValue y = sf_node_output (graph, node, 0);
  const SfMap *map = sf_low_known (group, y);
  if (map != NULL && sf_shape_equal (sf_value_shape (graph, y), &shape))
    {
      *domain = *map;
      return true;
    }
  for (size_t i = 0; i < sf_node_n_inputs (graph, node); i++)
    {
      SfValue x = sf_node_input (graph, node, i);
      map = made_inside (group, x) ? sf_low_known (group, x) : NULL;
      if (map != NULL && sf_shape_equal (sf_value_shape (graph, x), &shape))
        {
          *domain = *map;
          return true;
        }
    }
  return false;
}

static void
spread (SfLowGroup *group, SfNode node, const SfMap *domain)
{
  const SfGraph *graph = group->graph;
  for (size_t i = 0; i < sf_node_n_outputs (graph, node); i++)
    {
      SfMap map = sf_follow_map (graph, node, domain, true, i);
      sf_low_set_known (group, sf_node_output (graph, node, i), &map);
    }
  for (size_t i = 0; i < sf_node_n_inputs (graph, node); i++)
    {
      SfValue x = sf_node_input (graph, node, i);
      if (!made_inside (group, x))
        continue;
      SfMap map = sf_follow_map (graph, node, domain, false, i);
      sf_low_set_known (group, x, &map);
    }
}

static bool
check_anchor_inputs (SfLowGroup *group)
{
  for (size_t i = 0; i < sf_node_n_inputs (group->graph, group->anchor); i++)
    {
      SfValue x = sf_node_input (group->graph, group->anchor, i);
      if (x != SF_NONE && made_inside (group, sf_lowering_root (group->low, x)))
        {
          sf_low_refuse (group, "%s takes its operands from buffers",
                         sf_node_name (group->graph, group->anchor));
          return false;
        }
    }
  return true;
}

/* Maps of all nodes, outwards from the anchor. */
static bool
propagate (SfLowGroup *group)
{
  const SfGraph *graph = group->graph;
  g_autofree bool *done = g_new0 (bool, group->n_nodes);
  size_t left = group->n_nodes;
  for (bool changed = true; changed && left > 0 && group->reason == NULL;)
    {
      changed = false;
      for (size_t i = 0; i < group->n_nodes; i++)
        {
          SfNode node = group->nodes[i];
          bool follows = sf_lower_op (graph, node)->follows;
          if (done[i]
              || (node != group->anchor
                  && (!follows || !find_domain (group, node, &group->domain[i]))))
            continue;
          if (node != group->anchor && !sf_follow_constrain (group, node, &group->domain[i]))
            sf_low_refuse (group, "%s needs whole rows", sf_node_name (graph, node));
          if (follows)
            spread (group, node, &group->domain[i]);
          done[i] = changed = true;
          left--;
        }
    }
  if (left > 0)
    sf_low_refuse (group, "the nodes do not share an iteration space");
  return group->reason == NULL;
}

/* ---- the group ---- */

static void
reset (SfLowGroup *group)
{
  g_array_set_size (group->known, 0);
  g_array_set_size (group->operands, 0);
  g_array_set_size (group->instrs, 0);
  g_array_set_size (group->after, 0);
  g_clear_pointer (&group->reason, g_free);
  group->n_axes = 0;
  group->flops = 0;
  group->matrix = false;
}

/* What leaves the stage beside a sum, and is the same in all of its blocks, leaves it in the last.
 */
static void
delay_outputs (SfLowGroup *group)
{
  for (guint i = 0; i < group->instrs->len; i++)
    {
      SfInstr *instr = &g_array_index (group->instrs, SfInstr, i);
      uint32_t dst = instr->dst[0];
      const SfLowOperand *o = &g_array_index (group->operands, SfLowOperand, dst);
      for (int a = 0; a < group->n_axes && o->kind == SF_OPERAND_OUT; a++)
        if (group->axis[a].reduction && !sf_low_is_after (group, dst)
            && !sf_map_depends_on (&o->map, a))
          instr->when = SF_WHEN_LAST;
    }
}

static bool
try_anchor (SfLowGroup *group, SfNode anchor)
{
  reset (group);
  group->anchor = anchor;
  const SfLowerOp *op = sf_lower_op (group->graph, anchor);
  op->layout (group, anchor);
  if (!op->follows && !check_anchor_inputs (group))
    return false;
  if (group->reason != NULL || !propagate (group))
    return false;
  for (size_t i = 0; i < group->n_nodes; i++)
    {
      sf_lower_op (group->graph, group->nodes[i])->emit (group, group->nodes[i]);
      if (sf_lower_op (group->graph, group->nodes[i])->overflows)
        emit_wraps (group, group->nodes[i]);
      emit_copies (group, group->nodes[i]);
      if (group->nodes[i] != anchor)
        group->flops += sf_shape_n_elems (
            sf_value_shape (group->graph, sf_node_output (group->graph, group->nodes[i], 0)));
    }
  if (group->reason != NULL)
    return false;
  delay_outputs (group);
  return sf_low_choose_stream (group);
}

/* How well a node serves as anchor: what does not follow must be it; a lone reduction may sum over
 * tokens; else the widest. */
static int64_t
anchor_rank (const SfGraph *graph, SfNode node)
{
  const SfLowerOp *op = sf_lower_op (graph, node);
  if (!op->follows)
    return INT64_MAX;
  SfShape shape = sf_follow_domain (graph, node);
  return sf_shape_n_elems (&shape);
}

static bool
lay_out (SfLowGroup *group)
{
  size_t n_fixed = 0, n_reduce = 0, widest = 0, reduce = 0;
  for (size_t i = 0; i < group->n_nodes; i++)
    {
      const SfLowerOp *op = sf_lower_op (group->graph, group->nodes[i]);
      n_fixed += op->follows ? 0 : 1;
      if (op->lower_class == SF_LOWER_REDUCE)
        {
          n_reduce++;
          reduce = i;
        }
      bool reduces = sf_lower_class (group->graph, group->nodes[widest]) == SF_LOWER_REDUCE;
      int64_t rank = anchor_rank (group->graph, group->nodes[i]);
      int64_t best = anchor_rank (group->graph, group->nodes[widest]);
      if (rank > best || (rank == best && reduces && op->lower_class != SF_LOWER_REDUCE))
        widest = i;
    }
  if (n_fixed > 1)
    {
      sf_low_refuse (group, "two of the nodes lay out the stage");
      return false;
    }
  if (n_fixed == 0 && n_reduce == 1 && try_anchor (group, group->nodes[reduce]))
    return true;
  return try_anchor (group, group->nodes[widest]);
}

bool
sf_low_group_init (SfLowGroup *group, SfLowering *low, const SfNode *nodes, size_t n)
{
  *group = (SfLowGroup){ .low = low,
                         .graph = low->graph,
                         .nodes = g_memdup2 (nodes, n * sizeof *nodes),
                         .n_nodes = n,
                         .stream = -1 };
  group->domain = g_new0 (SfMap, n);
  group->known = g_array_new (FALSE, FALSE, sizeof (SfKnownMap));
  group->operands = g_array_new (FALSE, FALSE, sizeof (SfLowOperand));
  group->instrs = g_array_new (FALSE, FALSE, sizeof (SfInstr));
  group->after = g_array_new (FALSE, FALSE, sizeof (uint32_t));
  low->stamp++;
  for (size_t i = 0; i < n; i++)
    {
      low->member[nodes[i]] = low->stamp;
      if (sf_lower_op (low->graph, nodes[i]) == NULL)
        sf_low_refuse (group, "%s has no tile-op", sf_node_name (low->graph, nodes[i]));
      if (sf_node_phase (low->graph, nodes[i]) != sf_node_phase (low->graph, nodes[0]))
        sf_low_refuse (group, "the nodes belong to different phases");
    }
  for (size_t i = 0; i < n && group->reason == NULL; i++)
    for (size_t k = 0; k < sf_node_n_inputs (low->graph, nodes[i]); k++)
      {
        SfValue x = sf_node_input (low->graph, nodes[i], k);
        if (x != SF_NONE && sf_lowering_root (low, x) != x
            && made_inside (group, sf_lowering_root (low, x)))
          sf_low_refuse (group, "%s is seen in another shape", sf_value_name (low->graph, x));
      }
  return group->reason == NULL && lay_out (group);
}

void
sf_low_group_clear (SfLowGroup *group)
{
  g_free ((gpointer) group->nodes);
  g_free (group->domain);
  g_clear_pointer (&group->known, g_array_unref);
  g_clear_pointer (&group->operands, g_array_unref);
  g_clear_pointer (&group->instrs, g_array_unref);
  g_clear_pointer (&group->after, g_array_unref);
  g_free (group->reason);
}

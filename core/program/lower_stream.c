/* SPDX-License-Identifier: Apache-2.0 */
/* Which axis of a group its tokens follow, and what that forbids. */
#include "core/program/lower.h"

/* Positions 0, 1, 2 .. of the dimension are those of `axis`, one for one. */
static bool
is_axis (const SfLowGroup *group, const SfDimMap *dim, int64_t extent, int axis)
{
  return dim->n_terms == 1 && dim->axis[0] == axis && dim->base == 0 && dim->extra == 0
         && dim->coef[0] == 1 && dim->stride == 1 && group->axis[axis].extent == extent;
}

/* Whether the operand is a row of slices along `axis`: dimension 0, and no other, moves with it.
 * `inner`: a dimension behind nothing but ones will do as well. */
static bool
moves_with (const SfLowGroup *group, const SfLowOperand *operand, int axis, bool inner)
{
  const SfMap *map = &operand->map;
  int outer = 0;
  while (inner && outer + 1 < map->rank && operand->shape.dim[outer] == 1
         && !sf_dim_depends_on (&map->dim[outer], axis))
    outer++;
  if (map->rank == 0 || !is_axis (group, &map->dim[outer], operand->shape.dim[outer], axis))
    return false;
  for (int i = outer + 1; i < map->rank; i++)
    if (sf_dim_depends_on (&map->dim[i], axis))
      return false;
  return true;
}

static int64_t
stream_score (const SfLowGroup *group, int axis, bool batch, bool inner)
{
  int64_t score = 0;
  for (guint i = 0; i < group->operands->len; i++)
    {
      const SfLowOperand *o = &g_array_index (group->operands, SfLowOperand, i);
      if (o->kind == SF_OPERAND_TEMP || !moves_with (group, o, axis, inner))
        continue;
      if (!batch || (o->kind == SF_OPERAND_IN && group->low->batch[o->value]))
        score += sf_shape_n_elems (&o->shape);
    }
  return score;
}

static void
follow_stream (SfLowGroup *group, bool inner)
{
  for (guint i = 0; i < group->operands->len; i++)
    {
      SfLowOperand *o = &g_array_index (group->operands, SfLowOperand, i);
      o->stream = o->kind != SF_OPERAND_TEMP && group->stream >= 0
                  && moves_with (group, o, group->stream, inner);
    }
}

/* The axis that the batch runs along; without a batch, the one that most elements move with. */
static void
choose (SfLowGroup *group)
{
  group->stream = -1;
  int64_t best = 0;
  for (int pass = 0; pass < 2 && group->stream < 0; pass++)
    for (int a = 0; a < group->n_axes; a++)
      {
        int64_t score = group->axis[a].whole || group->axis[a].single
                            ? 0
                            : stream_score (group, a, pass == 0, false);
        if (score > best)
          {
            best = score;
            group->stream = a;
          }
      }
  follow_stream (group, false);
}

static bool
check_sums (SfLowGroup *group)
{
  if (group->stream < 0 || !group->axis[group->stream].reduction)
    return true;
  for (guint i = 0; i < group->instrs->len; i++)
    if (g_array_index (group->instrs, SfInstr, i).when == SF_WHEN_LAST)
      {
        sf_low_refuse (group, "what follows a sum over the batch waits for all of its tokens");
        return false;
      }
  for (guint i = 0; i < group->after->len; i++)
    {
      uint32_t operand = g_array_index (group->after, uint32_t, i);
      if (g_array_index (group->operands, SfLowOperand, operand).kind != SF_OPERAND_OUT)
        {
          sf_low_refuse (group, "a sum over the batch is kept in a buffer");
          return false;
        }
    }
  return true;
}

/* What leaves the stage differs in every firing, or is a sum over those in which it does not. */
static bool
check_outputs (SfLowGroup *group)
{
  bool sums = group->stream >= 0 && group->axis[group->stream].reduction;
  for (guint i = 0; i < group->operands->len; i++)
    {
      const SfLowOperand *o = &g_array_index (group->operands, SfLowOperand, i);
      if (o->kind != SF_OPERAND_OUT)
        continue;
      for (int a = 0; a < group->n_axes; a++)
        if (!group->axis[a].reduction && !group->axis[a].whole && group->axis[a].extent > 1
            && !sf_map_depends_on (&o->map, a))
          sf_low_refuse (group, "%s is smaller than what the stage runs over",
                         sf_value_name (group->graph, o->value));
      if (sums && !sf_low_is_after (group, i))
        sf_low_refuse (group, "%s is needed elsewhere before the sum is complete",
                       sf_value_name (group->graph, o->value));
    }
  return group->reason == NULL;
}

bool
sf_low_choose_stream (SfLowGroup *group)
{
  choose (group);
  return check_sums (group) && check_outputs (group);
}

/* Of the axes that tensors move with and that have not been tried, the best one; -1: none. */
static int
next_axis (const SfLowGroup *group, unsigned tried)
{
  int other = -1;
  int64_t best = 0;
  for (int a = 0; a < group->n_axes; a++)
    {
      bool able = (tried >> a & 1) == 0 && !group->axis[a].whole && !group->axis[a].single;
      int64_t score = able ? stream_score (group, a, false, true) : 0;
      if (score > best)
        {
          best = score;
          other = a;
        }
    }
  return other;
}

bool
sf_low_restream (SfLowGroup *group, unsigned *tried)
{
  if (group->stream >= 0)
    *tried |= 1u << group->stream;
  for (int axis; (axis = next_axis (group, *tried)) >= 0;)
    {
      *tried |= 1u << axis;
      group->stream = axis;
      follow_stream (group, true);
      g_clear_pointer (&group->reason, g_free);
      if (check_sums (group) && check_outputs (group))
        return true;
    }
  return false;
}

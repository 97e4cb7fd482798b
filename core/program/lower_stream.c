/* SPDX-License-Identifier: Apache-2.0 */
/* Which axis of a group its tokens follow, and what that forbids. */
#include "core/program/lower.h"

/* Whether dimension 0 of the operand, and no other, moves with `axis`. */
static bool
moves_with (const SfLowOperand *operand, int axis)
{
  const SfMap *map = &operand->map;
  if (map->rank == 0 || map->dim[0].n_terms != 1 || map->dim[0].axis[0] != axis
      || map->dim[0].base != 0 || map->dim[0].extra != 0 || map->dim[0].coef[0] != 1
      || map->dim[0].stride != 1)
    return false;
  for (int i = 1; i < map->rank; i++)
    for (int t = 0; t < map->dim[i].n_terms; t++)
      if (map->dim[i].axis[t] == axis)
        return false;
  return true;
}

static int64_t
stream_score (const SfLowGroup *group, int axis, bool batch)
{
  int64_t score = 0;
  for (guint i = 0; i < group->operands->len; i++)
    {
      const SfLowOperand *o = &g_array_index (group->operands, SfLowOperand, i);
      if (o->kind == SF_OPERAND_TEMP || !moves_with (o, axis))
        continue;
      if (!batch || (o->kind == SF_OPERAND_IN && group->low->batch[o->value]))
        score += sf_shape_n_elems (&o->shape);
    }
  return score;
}

static void
follow_stream (SfLowGroup *group)
{
  for (guint i = 0; i < group->operands->len; i++)
    {
      SfLowOperand *o = &g_array_index (group->operands, SfLowOperand, i);
      o->stream = o->kind != SF_OPERAND_TEMP && group->stream >= 0 && moves_with (o, group->stream);
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
                            : stream_score (group, a, pass == 0);
        if (score > best)
          {
            best = score;
            group->stream = a;
          }
      }
  follow_stream (group);
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

static bool
depends_on (const SfMap *map, int axis)
{
  for (int i = 0; i < map->rank; i++)
    for (int t = 0; t < map->dim[i].n_terms; t++)
      if (map->dim[i].axis[t] == axis)
        return true;
  return false;
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
            && !depends_on (&o->map, a))
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

/* Of the axes that tensors move with, the best one that is not the stream's. */
bool
sf_low_restream (SfLowGroup *group)
{
  int other = -1;
  int64_t best = 0;
  for (int a = 0; a < group->n_axes; a++)
    {
      bool able = a != group->stream && !group->axis[a].whole && !group->axis[a].single;
      int64_t score = able ? stream_score (group, a, false) : 0;
      if (score > best)
        {
          best = score;
          other = a;
        }
    }
  if (other < 0)
    return false;
  group->stream = other;
  follow_stream (group);
  return check_sums (group) && check_outputs (group);
}

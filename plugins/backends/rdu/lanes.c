/* SPDX-License-Identifier: Apache-2.0 */
/* A stage that fires once, by all workers: each takes a part of the box of one group after the
 * other. Only what makes every element, or every row, by itself is cut so: fused programs along any
 * dimension of their box, reductions along one that stays, operations on rows along another than
 * that of the row. */
#include <string.h>

#include "plugins/backends/rdu/machine.h"

enum
{
  LEAST_WORK = 16384, /* elements that are worth looking at the groups of a stage */
  LEAST_ELEMS = 8192, /* of a group's box, that are worth sharing */
  LEAST_PARTS = 1,    /* of the dimension that is cut, for each worker */
  MANY = 16           /* positions of a dimension: its length is no matter any more */
};

static void
add_lane (RduGroup *group, uint32_t operand, int dim)
{
  for (size_t i = 0; i < group->n_lanes; i++)
    if (group->lanes[i].operand == operand)
      return;
  group->lanes[group->n_lanes++] = (RduLane){ .operand = operand, .dim = dim };
}

static bool
is_reduction (const RduInstr *instr)
{
  return g_str_has_prefix (instr->op, "reduce_");
}

static bool
is_row_op (const RduInstr *instr)
{
  static const char *const ops[] = { "softmax", "log_softmax", "softmax_bwd", "log_softmax_bwd",
                                     NULL };
  return g_strv_contains (ops, instr->op);
}

/* Whether the box is worth sharing. */
static bool
is_large (const RduOperand *operand)
{
  int64_t n = 1;
  for (int d = 0; d < operand->rank; d++)
    n *= operand->access[d].size;
  return n >= LEAST_ELEMS;
}

/* Among the dimensions of the operand's box that `excluded` does not name, the outermost in memory
 * that has enough for all, or else the longest; -1: none. */
static int
lane_dim (const RduOperand *operand, uint64_t excluded)
{
  bool channels_last = operand->channels_last && operand->rank == 4;
  int best = -1;
  for (int i = 0; i < operand->rank; i++)
    {
      int d = channels_last ? (const int[]){ 0, 2, 3, 1 }[i] : i;
      if ((excluded >> d & 1) != 0)
        continue;
      if (operand->access[d].size >= MANY)
        return d;
      if (best < 0 || operand->access[d].size > operand->access[best].size)
        best = d;
    }
  return best;
}

static void
find_fused_lanes (const RduStage *stage, RduGroup *group)
{
  const RduOperand *box = &stage->operands[group->fused->box];
  int dim = is_large (box) ? lane_dim (box, 0) : -1;
  if (dim < 0)
    return;
  for (int s = 0; s < group->fused->n_slots; s++)
    {
      const RduSlot *slot = &group->fused->slots[s];
      if (slot->kind == RDU_SLOT_REGISTER || slot->kind == RDU_SLOT_CONSTANT)
        continue;
      const RduOperand *operand = &stage->operands[slot->view];
      int own = dim - (box->rank - operand->rank);
      if (own >= 0 && operand->access[own].size == box->access[dim].size)
        add_lane (group, slot->view, own);
    }
}

static void
find_reduction_lanes (const RduStage *stage, RduGroup *group)
{
  const RduInstr *instr = group->instr;
  uint64_t axes = (uint64_t) instr->imm[0];
  const RduOperand *source = &stage->operands[instr->src[0]];
  int dim = is_large (source) ? lane_dim (source, axes) : -1, own = 0;
  if (dim < 0)
    return;
  for (int d = 0; d < dim; d++)
    own += (axes >> d & 1) == 0 || instr->imm[1] != 0;
  add_lane (group, instr->src[0], dim);
  add_lane (group, instr->dst[0], own);
}

/* All operands have the box of the rows. */
static void
find_row_lanes (const RduStage *stage, RduGroup *group)
{
  const RduInstr *instr = group->instr;
  const RduOperand *box = &stage->operands[instr->dst[0]];
  int64_t axis = instr->imm[0] < 0 ? instr->imm[0] + box->rank : instr->imm[0];
  int dim = is_large (box) ? lane_dim (box, (uint64_t) 1 << axis) : -1;
  if (dim < 0)
    return;
  for (int k = 0; k < instr->n_src; k++)
    add_lane (group, instr->src[k], dim);
  add_lane (group, instr->dst[0], dim);
}

void
rdu_stage_find_lanes (RduStage *stage, int n_workers)
{
  int64_t firings = 1;
  for (int k = 0; k < stage->n_counters; k++)
    firings *= stage->n_blocks[k];
  if (n_workers == 1 || firings != 1 || stage->work < LEAST_WORK)
    return;
  for (size_t g = 0; g < stage->n_groups; g++)
    {
      RduGroup *group = &stage->groups[g];
      if (group->instr != NULL && !is_reduction (group->instr) && !is_row_op (group->instr))
        continue;
      group->lanes = g_new0 (RduLane, stage->n_operands);
      if (group->instr == NULL)
        find_fused_lanes (stage, group);
      else if (is_reduction (group->instr))
        find_reduction_lanes (stage, group);
      else
        find_row_lanes (stage, group);
      stage->has_lanes |= group->n_lanes > 0;
    }
}

static void
cut_view (RduView *view, int dim, int64_t begin, int64_t end)
{
  view->data = (int32_t *) view->data + begin * view->stride[dim];
  view->lo[dim] += begin * view->step[dim];
  view->n[dim] = end - begin;
  view->valid_lo[dim] = CLAMP (view->valid_lo[dim] - begin, 0, end - begin);
  view->valid_hi[dim] = CLAMP (view->valid_hi[dim] - begin, 0, end - begin);
}

/* Positions along the dimension that is cut; 0: none is. */
static int64_t
n_lanes (const RduStage *stage, const RduGroup *group)
{
  if (group->n_lanes == 0)
    return 0;
  const RduOperand *operand = &stage->operands[group->lanes[0].operand];
  int64_t n = operand->access[group->lanes[0].dim].size;
  for (int k = 0; k < stage->n_counters; k++)
    n -= operand->shrink[group->lanes[0].dim][k]
         * (stage->counter[k].step - MIN (stage->counter[k].step, stage->counter[k].extent));
  return n;
}

int64_t
rdu_group_lanes (const RduStage *stage, const RduGroup *group, int n_workers, int64_t *grain)
{
  int64_t n = n_lanes (stage, group), n_parts = LEAST_PARTS * n_workers;
  *grain = MAX ((n + n_parts - 1) / n_parts, 1);
  return n < n_parts ? 1 : n;
}

/* The boxes of the stage's one firing; scratch is where all workers see it. */
static void
cut_firing (const RduTask *task, const RduStage *stage, RduView *views)
{
  static const int64_t first[SF_MAX_COUNTERS];
  RduFrame frame = rdu_task_frame (task, task->position);
  float *temp = (float *) (void *) (task->machine->arena + task->launch->shared[task->position]);
  rdu_stage_cut (stage, first, &frame, temp, views);
}

void
rdu_group_work (void *user_data, int worker, int64_t begin, int64_t end)
{
  const RduTask *task = user_data;
  const RduStage *stage = &task->launch->config->stages[task->position];
  const RduGroup *group = &stage->groups[task->index];
  const RduProbe *probe = &task->machine->probe;
  if (rdu_task_is_void (task))
    return;
  int64_t started = rdu_probe_begin (probe);
  RduView views[RDU_MAX_OPERANDS];
  cut_firing (task, stage, views);
  for (size_t i = 0; i < group->n_lanes && task->n_items > 1; i++)
    cut_view (&views[group->lanes[i].operand], group->lanes[i].dim, begin, end);
  rdu_group_run (stage, group, views, true, NULL, &task->machine->workers[worker]);
  rdu_note_fault (task->machine, worker, task->position);
  rdu_probe_end (probe, worker, SF_RECORD_STAGE, stage->id, started);
}

void
rdu_settle_work (void *user_data, int worker, int64_t begin, int64_t end)
{
  const RduTask *task = user_data;
  const RduStage *stage = &task->launch->config->stages[task->position];
  (void) worker, (void) begin, (void) end;
  if (rdu_task_is_void (task))
    return;
  RduView views[RDU_MAX_OPERANDS];
  cut_firing (task, stage, views);
  rdu_stage_settle (stage, views, true);
}

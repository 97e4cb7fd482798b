/* SPDX-License-Identifier: Apache-2.0 */
/* From a laid out group to a stage: block lengths, counters, operands with their access maps. */
#include "core/program/lower.h"

/* A firing below this many operations costs more to start than to run. */
#define MIN_FIRING_FLOPS 65536
/* A sum longer than this is cut, so that its operands' boxes stay in a cache; the cut fixes the
 * order of the sum on every machine. */
#define MAX_REDUCTION   4096
#define REDUCTION_BLOCK 2048

static int64_t
ceil_div (int64_t a, int64_t b)
{
  return (a + b - 1) / b;
}

int64_t
sf_low_firings (const SfLowGroup *group, bool parallel)
{
  int64_t n = 1;
  for (int i = 0; i < group->n_axes; i++)
    if (!parallel || !group->axis[i].reduction)
      n *= ceil_div (group->axis[i].extent, group->axis[i].step);
  return n;
}

static int64_t
largest_made_box (const SfLowGroup *group)
{
  int64_t most = 0;
  for (guint i = 0; i < group->operands->len; i++)
    {
      const SfLowOperand *o = &g_array_index (group->operands, SfLowOperand, i);
      if (o->kind != SF_OPERAND_IN)
        most = MAX (most, sf_map_box_elems (group, &o->map));
    }
  return most;
}

static int64_t
half_step (const SfAxis *axis)
{
  int64_t half = ceil_div (axis->step, 2);
  return MIN (ceil_div (half, axis->grain) * axis->grain, axis->step);
}

/* The axis with most grains left to divide; -1: none. */
static int
axis_to_split (const SfLowGroup *group)
{
  int best = -1, counters = 0;
  for (int i = 0; i < group->n_axes; i++)
    counters += i == group->stream || group->axis[i].single
                || group->axis[i].step < group->axis[i].extent;
  for (int i = 0; i < group->n_axes; i++)
    {
      const SfAxis *axis = &group->axis[i];
      if (i == group->stream || axis->whole || axis->single || axis->reduction
          || half_step (axis) == axis->step)
        continue;
      if (axis->step == axis->extent && counters >= SF_MAX_COUNTERS)
        continue;
      if (best < 0 || axis->step / axis->grain > group->axis[best].step / group->axis[best].grain)
        best = i;
    }
  return best;
}

void
sf_low_block (SfLowGroup *group, const SfLowerLimits *limits)
{
  for (int i = 0; i < group->n_axes; i++)
    {
      SfAxis *axis = &group->axis[i];
      if (i == group->stream)
        continue;
      axis->step = axis->single ? 1 : axis->extent;
      if (group->matrix && axis->reduction && axis->extent > MAX_REDUCTION)
        axis->step = REDUCTION_BLOCK;
    }
  for (;;)
    {
      bool large = largest_made_box (group) > limits->box_elems;
      int64_t firings = sf_low_firings (group, true);
      bool few = firings < limits->firings
                 && group->flops / sf_low_firings (group, false) > MIN_FIRING_FLOPS;
      int axis = large || few ? axis_to_split (group) : -1;
      if (axis < 0)
        return;
      group->axis[axis].step = half_step (&group->axis[axis]);
    }
}

/* ---- the stage ---- */

static void
add_counter (SfLowGroup *group, SfStage *stage, int index)
{
  SfAxis *axis = &group->axis[index];
  axis->counter = (int) stage->n_counters;
  stage->counter[stage->n_counters++]
      = (SfCounter){ .extent = axis->extent,
                     .step = axis->step,
                     .kind = axis->reduction ? SF_COUNTER_REDUCTION : SF_COUNTER_PARALLEL };
}

/* The stream outermost, then what is independent, then sums; last what is independent and in one
 * block, which says where a stage may be cut and costs nothing. */
static void
make_counters (SfLowGroup *group, SfStage *stage)
{
  for (int i = 0; i < group->n_axes; i++)
    group->axis[i].counter = -1;
  if (group->stream >= 0)
    add_counter (group, stage, group->stream);
  for (int reduction = 0; reduction < 2; reduction++)
    for (int i = 0; i < group->n_axes; i++)
      if (i != group->stream && group->axis[i].reduction == (reduction == 1)
          && (group->axis[i].step < group->axis[i].extent))
        add_counter (group, stage, i);
  for (int i = 0; i < group->n_axes && stage->n_counters < SF_MAX_COUNTERS; i++)
    if (group->axis[i].counter < 0 && !group->axis[i].reduction && !group->axis[i].whole
        && group->axis[i].extent > 1)
      add_counter (group, stage, i);
  if (stage->n_counters == 0)
    stage->counter[stage->n_counters++]
        = (SfCounter){ .extent = 1, .step = 1, .kind = SF_COUNTER_PARALLEL };
}

static SfAccess
access_of (const SfLowGroup *group, const SfDimMap *dim)
{
  SfAccess access = { .base = dim->base, .size = 1 + dim->extra, .stride = dim->stride };
  for (int t = 0; t < dim->n_terms; t++)
    {
      const SfAxis *axis = &group->axis[dim->axis[t]];
      access.size += dim->coef[t] / dim->stride * (axis->step - 1);
      if (axis->counter >= 0)
        access.coef[axis->counter] += dim->coef[t];
    }
  return access;
}

static SfDtype
lane_dtype (const SfGraph *graph, const SfLowOperand *low)
{
  return low->value == SF_NONE ? low->lane : sf_low_lane (sf_value_dtype (graph, low->value));
}

static SfOperand
operand_of (const SfLowGroup *group, const SfLowOperand *low)
{
  SfOperand operand = { .kind = low->kind,
                        .buffer = low->buffer,
                        .dtype = lane_dtype (group->graph, low),
                        .shape = low->shape,
                        .counter = low->stream ? 0 : -1,
                        .rate = low->stream ? 1 : 0 };
  for (int i = 0; i < low->map.rank; i++)
    operand.dim[i] = access_of (group, &low->map.dim[i]);
  return operand;
}

uint32_t
sf_low_add_stage (SfLowGroup *group, SfProgram *program, uint32_t config)
{
  SfStage stage = { .name = sf_node_name (group->graph, group->anchor),
                    .n_instrs = group->instrs->len,
                    .instrs = (const SfInstr *) (gpointer) group->instrs->data,
                    .n_pcus = 1,
                    .flops = group->flops };
  make_counters (group, &stage);
  g_autoptr (GArray) operands = g_array_new (FALSE, FALSE, sizeof (SfOperand));
  for (guint i = 0; i < group->operands->len; i++)
    {
      SfOperand operand = operand_of (group, &g_array_index (group->operands, SfLowOperand, i));
      g_array_append_val (operands, operand);
    }
  stage.n_operands = operands->len;
  stage.operands = (const SfOperand *) (gpointer) operands->data;
  return sf_config_add_stage (program, config, &stage);
}

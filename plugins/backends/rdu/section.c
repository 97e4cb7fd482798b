/* SPDX-License-Identifier: Apache-2.0 */
/* A launch as tasks that workers go through in one fork-join: what there is to do, in order, and
 * what each has to wait for. That is told by memory alone: a task waits for each one before it that
 * writes what it touches, or touches what it writes. */
#include <stdatomic.h>

#include "plugins/backends/rdu/machine.h"

/* Elements that a task touches. */
typedef struct
{
  uint32_t tensor; /* SF_NONE: of the arena */
  int64_t begin, end;
  bool is_written;
} Range;

typedef struct
{
  RduMachine *machine;
  RduLaunch *launch;
  GArray *tasks, *work; /* RduTask, SfThreadTask */
  GArray *ranges;       /* Range: task after task */
  GArray *first_range;  /* guint, of each task */
} Builder;

/* ---- what is touched ---- */

static void
touch (Builder *builder, uint32_t tensor, int64_t begin, int64_t n, bool is_written)
{
  const Range range = { tensor, begin, begin + n, is_written };
  if (n > 0)
    g_array_append_val (builder->ranges, range);
}

static void
touch_buffer (Builder *builder, uint32_t buffer, bool is_written)
{
  const RduMachine *machine = builder->machine;
  const RduHome *home = &builder->launch->home[buffer];
  const RduBuffer *b = &builder->launch->config->buffers[buffer];
  int64_t n = b->is_left_out ? 0 : b->n_elems;
  if (b->room_elems > 0) /* each worker's own, but for an observer, who waits for each stage */
    return;
  const RduTensor *tensor = home->tensor != SF_NONE ? &machine->tensors[home->tensor] : NULL;
  if (tensor == NULL)
    touch (builder, SF_NONE, home->offset, n, is_written);
  else if (tensor->entry != SF_NONE)
    touch (builder, SF_NONE, tensor->offset + home->offset, n, is_written);
  else
    touch (builder, tensor->in_place ? tensor->state : home->tensor, home->offset, n, is_written);
}

/* All that firings of the stage touch. */
static void
touch_stage (Builder *builder, size_t position)
{
  const RduLaunch *launch = builder->launch;
  const RduStage *stage = &launch->config->stages[position];
  for (size_t o = 0; o < stage->n_operands; o++)
    {
      const RduOperand *operand = &stage->operands[o];
      if (operand->kind != SF_OPERAND_TEMP)
        touch_buffer (builder, operand->buffer, operand->kind == SF_OPERAND_OUT);
    }
  for (size_t p = 0; p < stage->n_packings; p++)
    {
      const RduPacked *packed = &launch->packed[stage->first_packing + p];
      if (packed->is_used && !packed->is_kept)
        touch (builder, SF_NONE, packed->offset, stage->packings[p].elems, false);
    }
  touch (builder, SF_NONE, launch->shared[position], stage->shared_elems, true);
}

/* ---- tasks, in order ---- */

/* What it touches follows. */
static void
add_task (Builder *builder, RduTask task, SfThreadFunc func, int64_t grain)
{
  const SfThreadTask work = { .func = func, .n = 0, .grain = grain };
  const guint first_range = builder->ranges->len;
  task.machine = builder->machine;
  task.launch = builder->launch;
  g_array_append_val (builder->tasks, task);
  g_array_append_val (builder->work, work);
  g_array_append_val (builder->first_range, first_range);
}

static void
add_packings (Builder *builder, size_t position)
{
  const RduLaunch *launch = builder->launch;
  const RduStage *stage = &launch->config->stages[position];
  for (size_t p = 0; p < stage->n_packings; p++)
    {
      const RduPacking *packing = &stage->packings[p];
      const RduPacked *packed = &launch->packed[stage->first_packing + p];
      if (!packed->is_used || packed->is_kept)
        continue;
      const RduOperand *operand = &stage->operands[packing->operand];
      const RduTask task = { .position = position,
                             .n_stages = 1,
                             .index = p,
                             .serves = operand->serves,
                             .n_items = rdu_packing_parts (builder->machine, packing) };
      add_task (builder, task, rdu_packing_work, 1);
      touch_buffer (builder, operand->buffer, false);
      touch (builder, SF_NONE, packed->offset, packing->elems, true);
    }
}

/* A stage that fires once, group after group. */
static void
add_groups (Builder *builder, size_t position)
{
  const RduStage *stage = &builder->launch->config->stages[position];
  RduTask task = { .position = position, .n_stages = 1 };
  for (task.index = 0; task.index < stage->n_groups; task.index++)
    {
      const RduGroup *group = &stage->groups[task.index];
      int64_t grain;
      task.serves = group->serves;
      task.n_items = rdu_group_lanes (stage, group, builder->machine->n_threads, &grain);
      add_task (builder, task, rdu_group_work, grain);
      touch_stage (builder, position);
    }
  if (stage->n_results == 0)
    return;
  task.serves = UINT64_MAX;
  task.n_items = 1;
  add_task (builder, task, rdu_settle_work, 1);
  touch_stage (builder, position);
}

static void
add_folds (Builder *builder, size_t position)
{
  const RduLaunch *launch = builder->launch;
  const RduStage *stage = &launch->config->stages[position];
  for (size_t o = 0; o < stage->n_operands && stage->n_partials > 0; o++)
    if (stage->operands[o].is_partial)
      {
        int64_t grain, n = rdu_partials_elems (&stage->operands[o], &grain);
        const RduTask task = { .position = position,
                               .n_stages = 1,
                               .index = o,
                               .serves = stage->operands[o].serves,
                               .n_items = n };
        add_task (builder, task, rdu_partials_work, grain);
        touch_buffer (builder, stage->operands[o].buffer, true);
        touch (builder, SF_NONE, launch->shared[position], stage->shared_elems, false);
      }
}

static void
add_stage (Builder *builder, size_t position)
{
  const RduStage *stage = &builder->launch->config->stages[position];
  const RduTask task
      = { .position = position, .n_stages = 1, .serves = UINT64_MAX, .n_items = stage->n_jobs };
  add_packings (builder, position);
  if (stage->has_lanes)
    add_groups (builder, position);
  else
    {
      add_task (builder, task, rdu_jobs_work, rdu_jobs_grain (stage, builder->machine->n_threads));
      touch_stage (builder, position);
    }
  add_folds (builder, position);
}

static void
add_chain (Builder *builder, const RduChain *chain)
{
  const RduTask task = { .position = chain->first,
                         .n_stages = chain->n_stages,
                         .serves = UINT64_MAX,
                         .n_items = builder->machine->n_threads };
  for (size_t s = 0; s < chain->n_stages; s++)
    add_packings (builder, chain->first + s);
  add_task (builder, task, rdu_chain_work, 1);
  for (size_t s = 0; s < chain->n_stages; s++)
    touch_stage (builder, chain->first + s);
}

/* ---- what waits for what ---- */

static bool
meet (const Range *a, const Range *b)
{
  return a->tensor == b->tensor && a->begin < b->end && b->begin < a->end
         && (a->is_written || b->is_written);
}

/* Whether the task has to wait for the other, which is before it. */
static bool
waits_for (const Builder *builder, guint task, guint other)
{
  const Range *ranges = &g_array_index (builder->ranges, Range, 0);
  const guint *first = &g_array_index (builder->first_range, guint, 0);
  guint end = task + 1 < builder->first_range->len ? first[task + 1] : builder->ranges->len;
  for (guint a = first[task]; a < end; a++)
    for (guint b = first[other]; b < first[other + 1]; b++)
      if (meet (&ranges[a], &ranges[b]))
        return true;
  return false;
}

static void
find_order (const Builder *builder)
{
  for (guint t = 0; t < builder->work->len; t++)
    for (guint distance = 1; distance <= MIN (t, SF_THREAD_WINDOW); distance++)
      if (waits_for (builder, t, t - distance))
        g_array_index (builder->work, SfThreadTask, t).after |= UINT64_C (1) << (distance - 1);
}

void
rdu_section_init (RduSection *section, RduMachine *machine, RduLaunch *launch, size_t first,
                  size_t n_stages, bool has_chains)
{
  g_autoptr (GArray) ranges = g_array_new (FALSE, FALSE, sizeof (Range));
  g_autoptr (GArray) first_range = g_array_new (FALSE, FALSE, sizeof (guint));
  Builder builder = { .machine = machine,
                      .launch = launch,
                      .tasks = g_array_new (FALSE, FALSE, sizeof (RduTask)),
                      .work = g_array_new (FALSE, FALSE, sizeof (SfThreadTask)),
                      .ranges = ranges,
                      .first_range = first_range };
  for (size_t s = first; s < first + n_stages;)
    {
      uint32_t chain = launch->config->stages[s].chain;
      if (has_chains && chain != SF_NONE)
        {
          add_chain (&builder, &launch->config->chains[chain]);
          s += launch->config->chains[chain].n_stages;
        }
      else
        add_stage (&builder, s++);
    }
  find_order (&builder);
  section->n_tasks = builder.tasks->len;
  section->tasks = (RduTask *) (void *) g_array_free (builder.tasks, FALSE);
  section->work = (SfThreadTask *) (void *) g_array_free (builder.work, FALSE);
  for (size_t t = 0; t < section->n_tasks; t++)
    section->work[t].user_data = &section->tasks[t];
}

void
rdu_section_clear (RduSection *section)
{
  g_free (section->tasks);
  g_free (section->work);
  *section = (RduSection){ 0 };
}

/* ---- at work ---- */

void
rdu_section_want (RduSection *section)
{
  for (size_t t = 0; t < section->n_tasks; t++)
    {
      const RduTask *task = &section->tasks[t];
      uint64_t wanted = 0;
      for (size_t s = 0; s < task->n_stages; s++)
        wanted |= task->launch->wanted[task->position + s];
      section->work[t].n = (wanted & task->serves) != 0 ? task->n_items : 0;
    }
}

void
rdu_section_run (RduSection *section, RduMachine *machine)
{
  sf_thread_pool_run_tasks (machine->pool, section->work, section->n_tasks);
}

bool
rdu_task_is_void (const RduTask *task)
{
  return atomic_load_explicit (&task->machine->first_fault, memory_order_relaxed) < task->position;
}

RduFrame
rdu_task_frame (const RduTask *task, size_t position)
{
  const RduLaunch *launch = task->launch;
  const RduStage *stage = &launch->config->stages[position];
  RduFrame frame = { .wanted = launch->wanted[position] };
  for (size_t o = 0; o < stage->n_operands; o++)
    if (stage->operands[o].kind != SF_OPERAND_TEMP)
      frame.base[o] = launch->base[stage->operands[o].buffer];
  for (size_t p = 0; p < stage->n_packings; p++)
    frame.packed[stage->packings[p].operand] = launch->packed[stage->first_packing + p].data;
  return frame;
}

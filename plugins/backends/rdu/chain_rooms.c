/* SPDX-License-Identifier: Apache-2.0 */
/* The chains of a config: which stages they are, and the room that a worker has for what passes
 * from one to the next. */
#include "plugins/backends/rdu/arena.h"
#include "plugins/backends/rdu/machine.h"

/* Whether the stage's own blocks go into those of the chain. */
static bool
fits (const RduStage *stage)
{
  const SfCounter *counter = &stage->counter[stage->chain_counter];
  int64_t step = MIN (stage->chain_step, counter->extent);
  return step % counter->step == 0 || step == counter->extent;
}

static void
link_stage (RduStage *stage, uint32_t chain)
{
  const SfCounter *counter = &stage->counter[stage->chain_counter];
  stage->chain = chain;
  stage->chain_blocks = (MIN (stage->chain_step, counter->extent) + counter->step - 1)
                        / counter->step;
  stage->in_turn = counter->kind == SF_COUNTER_REDUCTION;
}

static bool
is_streamed (const RduConfig *config, uint32_t buffer)
{
  for (size_t s = 0; s < config->n_streams; s++)
    if (config->streams[s].buffer == buffer)
      return true;
  return false;
}

/* When the buffer is in use, as positions of stages, if only stages of one chain see it, block by
 * block; false: it is not so. */
static bool
lives_inside (const RduConfig *config, uint32_t b, RduLife *life, uint32_t *chain)
{
  *life = (RduLife){ .first = -1 };
  *chain = SF_NONE;
  if (is_streamed (config, b))
    return false;
  for (size_t s = 0; s < config->n_stages; s++)
    for (size_t o = 0; o < config->stages[s].n_operands; o++)
      {
        const RduStage *stage = &config->stages[s];
        const RduOperand *operand = &stage->operands[o];
        if (operand->kind == SF_OPERAND_TEMP || operand->buffer != b)
          continue;
        if (stage->chain == SF_NONE || (*chain != SF_NONE && stage->chain != *chain)
            || operand->rank == 0 || operand->access[0].coef[stage->chain_counter] == 0)
          return false;
        *chain = stage->chain;
        life->first = life->first < 0 ? (int64_t) s : life->first;
        life->last = (int64_t) s;
      }
  return *chain != SF_NONE;
}

static void
make_rooms (RduConfig *config)
{
  g_autofree RduLife *lives = g_new (RduLife, config->n_buffers + 1);
  g_autofree uint32_t *owner = g_new (uint32_t, config->n_buffers + 1);
  size_t n = 0;
  for (uint32_t b = 0; b < config->n_buffers; b++)
    {
      uint32_t chain;
      if (!lives_inside (config, b, &lives[n], &chain))
        continue;
      const RduStage *stage = &config->stages[config->chains[chain].first];
      const SfCounter *counter = &stage->counter[stage->chain_counter];
      config->buffers[b].room_elems = config->buffers[b].n_elems / counter->extent
                                      * (stage->chain_blocks * counter->step);
      config->buffers[b].whole_offset = config->whole_elems;
      config->whole_elems += (config->buffers[b].n_elems + 15) / 16 * 16;
      lives[n].elems = config->buffers[b].room_elems;
      owner[n++] = b;
    }
  config->room_elems = rdu_arena_plan (lives, n);
  for (size_t i = 0; i < n; i++)
    config->buffers[owner[i]].room_offset = lives[i].offset;
}

void
rdu_config_chain (RduConfig *config)
{
  config->chains = g_new0 (RduChain, config->n_stages + 1);
  for (size_t s = 0, n; s < config->n_stages; s += n)
    {
      uint32_t mark = config->stages[s].chain;
      bool is_chain = mark != SF_NONE;
      for (n = 0; s + n < config->n_stages && config->stages[s + n].chain == mark; n++)
        is_chain = is_chain && fits (&config->stages[s + n]);
      is_chain = is_chain && n > 1;
      for (size_t i = s; i < s + n; i++)
        if (is_chain)
          link_stage (&config->stages[i], (uint32_t) config->n_chains);
        else
          config->stages[i].chain = SF_NONE;
      if (!is_chain)
        continue;
      const RduStage *first = &config->stages[s];
      int64_t extent = first->counter[first->chain_counter].extent;
      config->chains[config->n_chains++] = (RduChain){
        .first = s, .n_stages = n, .n_blocks = (extent + first->chain_step - 1) / first->chain_step
      };
    }
  make_rooms (config);
}

void
rdu_stage_time (const RduConfig *config, size_t position, size_t *first, size_t *last)
{
  uint32_t chain = config->stages[position].chain;
  *first = *last = position;
  if (chain == SF_NONE)
    return;
  *first = config->chains[chain].first;
  *last = *first + config->chains[chain].n_stages - 1;
}

bool
rdu_stage_shares_blocks (const RduConfig *config, size_t position, uint32_t buffer)
{
  size_t first, last;
  rdu_stage_time (config, position, &first, &last);
  for (size_t s = first; s <= last; s++)
    if (s != position && rdu_stage_writes (&config->stages[s], buffer))
      return true;
  return false;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* All firings of a chain of stages over the workers: who takes a block runs all stages on it. Sums
 * over the blocks are taken in turn, block after block, by whoever has the block. */
#include <sched.h>
#include <stdatomic.h>

#include <sf/checked.h>

#include "plugins/backends/rdu/machine.h"

enum
{
  LOOKS = 2000 /* before a worker that waits for its turn lets others have the processor */
};

/* The block whose turn it is in a stage; in a cache line of its own. */
typedef struct
{
  _Alignas(64) _Atomic int64_t block;
} Turn;

/* How far a chain is. */
struct RduTurns
{
  _Alignas(64) _Atomic int64_t next_block;
  Turn turns[RDU_MAX_CHAIN];
};

/* A chain in work. */
typedef struct
{
  const RduTask *task;
  const RduConfig *config;
  const RduChain *chain;
  RduTurns *turns;
  RduFrame frames[RDU_MAX_CHAIN]; /* per stage */
} Run;

static void
wait_for_turn (Turn *turn, int64_t block)
{
  for (int n = 0; atomic_load_explicit (&turn->block, memory_order_acquire) != block; n++)
    if (n < LOOKS)
      {
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause ();
#endif
      }
    else
      sched_yield ();
}

/* The frame for one block: what lives inside the chain is in the worker's room. */
static void
enter_room (const Run *run, const RduStage *stage, int64_t block, float *room, RduFrame *frame)
{
  for (size_t o = 0; o < stage->n_operands; o++)
    {
      if (stage->operands[o].kind == SF_OPERAND_TEMP)
        continue;
      const RduBuffer *buffer = &run->config->buffers[stage->operands[o].buffer];
      if (buffer->room_elems > 0)
        frame->base[o] = (void *) ((uintptr_t) (room + buffer->room_offset)
                                   - (uintptr_t) (block * buffer->room_elems * 4));
    }
}

/* The stage's firings on a block of the chain, in their order. */
static void
fire_block (const RduStage *stage, int64_t chain_block, const RduFrame *frame, RduWorker *worker)
{
  int along = stage->chain_counter;
  int64_t first = chain_block * stage->chain_blocks;
  int64_t end = MIN (first + stage->chain_blocks, stage->n_blocks[along]);
  int64_t block[SF_MAX_COUNTERS] = { 0 };
  block[along] = first;
  for (int k = 0; k >= 0;)
    {
      rdu_stage_fire (stage, block, frame, worker);
      for (k = stage->n_counters - 1; k >= 0; k--)
        {
          if (++block[k] < (k == along ? end : stage->n_blocks[k]))
            break;
          block[k] = k == along ? first : 0;
        }
    }
}

static void
run_block (const Run *run, int64_t block, int worker)
{
  const RduProbe *probe = &run->task->machine->probe;
  RduWorker *self = &run->task->machine->workers[worker];
  for (size_t s = 0; s < run->chain->n_stages; s++)
    {
      const RduStage *stage = &run->config->stages[run->chain->first + s];
      Turn *turn = &run->turns->turns[s];
      RduFrame frame = run->frames[s];
      if (frame.wanted == 0)
        continue;
      enter_room (run, stage, block, self->room, &frame);
      if (stage->in_turn)
        wait_for_turn (turn, block);
      int64_t started = rdu_probe_begin (probe);
      fire_block (stage, block, &frame, self);
      rdu_probe_end (probe, worker, SF_RECORD_STAGE, stage->id, started);
      if (stage->in_turn)
        atomic_store_explicit (&turn->block, block + 1, memory_order_release);
    }
}

/* Blocks are taken in their order, so the one that a turn waits for is always in work. */
void
rdu_chain_work (void *user_data, int worker, int64_t begin, int64_t end)
{
  const RduTask *task = user_data;
  const RduConfig *config = task->launch->config;
  uint32_t chain = config->stages[task->position].chain;
  Run run = { .task = task,
              .config = config,
              .chain = &config->chains[chain],
              .turns = &task->launch->turns[chain] };
  (void) begin, (void) end;
  if (rdu_task_is_void (task))
    return;
  for (size_t s = 0; s < run.chain->n_stages; s++)
    run.frames[s] = rdu_task_frame (task, run.chain->first + s);
  for (;;)
    {
      int64_t block = atomic_fetch_add_explicit (&run.turns->next_block, 1, memory_order_relaxed);
      if (block >= run.chain->n_blocks)
        return;
      run_block (&run, block, worker);
    }
}

RduTurns *
rdu_turns_new (size_t n_chains, GError **error)
{
  return sf_aligned_alloc (n_chains, sizeof (RduTurns), "turns of a chain", error);
}

void
rdu_turns_free (RduTurns *turns)
{
  sf_aligned_free (turns);
}

void
rdu_turns_begin (RduTurns *turns, size_t n_chains)
{
  for (size_t c = 0; c < n_chains; c++)
    {
      atomic_store_explicit (&turns[c].next_block, 0, memory_order_relaxed);
      for (int s = 0; s < RDU_MAX_CHAIN; s++)
        atomic_store_explicit (&turns[c].turns[s].block, 0, memory_order_relaxed);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/* All firings of a chain of stages over the workers: who takes a block runs all stages on it. Sums
 * over the blocks are taken in turn, block after block, by whoever has the block. */
#include <sched.h>
#include <stdatomic.h>

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

typedef struct
{
  RduMachine *machine;
  const RduConfig *config;
  const RduChain *chain;
  const RduFrame *frames; /* per stage of the chain */
  _Alignas(64) _Atomic int64_t next_block;
  Turn turns[RDU_MAX_CHAIN];
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
run_block (Run *run, int64_t block, int worker)
{
  const RduProbe *probe = &run->machine->probe;
  RduWorker *self = &run->machine->workers[worker];
  for (size_t s = 0; s < run->chain->n_stages; s++)
    {
      const RduStage *stage = &run->config->stages[run->chain->first + s];
      RduFrame frame = run->frames[s];
      if (frame.wanted == 0)
        continue;
      enter_room (run, stage, block, self->room, &frame);
      if (stage->in_turn)
        wait_for_turn (&run->turns[s], block);
      int64_t started = rdu_probe_begin (probe);
      fire_block (stage, block, &frame, self);
      rdu_probe_end (probe, worker, SF_RECORD_STAGE, stage->id, started);
      if (stage->in_turn)
        atomic_store_explicit (&run->turns[s].block, block + 1, memory_order_release);
    }
}

/* Blocks are taken in their order, so the one that a turn waits for is always in work. */
static void
run_blocks (void *user_data, int worker, int64_t begin, int64_t end)
{
  Run *run = user_data;
  (void) begin, (void) end;
  for (;;)
    {
      int64_t block = atomic_fetch_add_explicit (&run->next_block, 1, memory_order_relaxed);
      if (block >= run->chain->n_blocks)
        return;
      run_block (run, block, worker);
    }
}

void
rdu_chain_run (RduMachine *machine, const RduLaunch *launch, const RduChain *chain)
{
  RduFrame frames[RDU_MAX_CHAIN];
  Run run = { .machine = machine, .config = launch->config, .chain = chain, .frames = frames };
  for (size_t s = 0; s < chain->n_stages; s++)
    frames[s] = rdu_stage_frame (launch, &launch->config->stages[chain->first + s],
                                 launch->wanted[chain->first + s]);
  if (machine->n_threads == 1)
    run_blocks (&run, 0, 0, 1);
  else
    sf_thread_pool_run (machine->pool, machine->n_threads, 1, run_blocks, &run);
}

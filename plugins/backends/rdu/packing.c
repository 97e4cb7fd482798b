/* SPDX-License-Identifier: Apache-2.0 */
/* Operands in their kernels' own layout: which of a stage's, where they lie, and when they are made
 * anew. */
#include "plugins/backends/rdu/machine.h"

enum
{
  LEAST_USE = 8,      /* multiply-adds per element that pay for packing it in every step, mostly */
  PART_ELEMS = 16384, /* a part that is worth a worker */
  MOST_GROWTH = 8,    /* padding that is worth the room */
  SLICE_ELEMS = 1 << 20,
  MOST_SLICES = 16
};

static RduView
whole_view (const RduOperand *operand, void *data)
{
  RduView view
      = { .data = data, .rank = operand->rank, .is_int = operand->is_int, .dtype = operand->dtype };
  for (int d = 0; d < operand->rank; d++)
    {
      view.n[d] = view.dim[d] = view.valid_hi[d] = operand->dim[d];
      view.stride[d] = operand->whole_stride[d];
      view.step[d] = 1;
    }
  return view;
}

/* Whether some other source of the stage's instructions is the same operand, for a kernel that
 * might take its packed form for its own. */
static bool
is_shared (const RduStage *stage, const RduInstr *instr, int src)
{
  for (size_t i = 0; i < stage->n_instrs; i++)
    for (int k = 0; k < stage->instrs[i].n_src; k++)
      if (stage->instrs[i].src[k] == instr->src[src] && stage->instrs[i].kernel->pack != NULL
          && (&stage->instrs[i] != instr || k != src))
        return true;
  return false;
}

static bool
moves (const RduOperand *operand, int counter)
{
  for (int d = 0; d < operand->rank; d++)
    if (operand->access[d].coef[counter] != 0)
      return true;
  return false;
}

/* Whether firings that may run at one time read the same elements. */
static bool
is_read_again (const RduStage *stage, const RduOperand *operand)
{
  for (int i = 0; i < stage->n_split; i++)
    if (stage->n_blocks[stage->split[i]] > 1 && !moves (operand, stage->split[i]))
      return true;
  return false;
}

static int64_t
n_elems (const RduOperand *operand)
{
  int64_t n = 1;
  for (int d = 0; d < operand->rank; d++)
    n *= operand->dim[d];
  return n;
}

static int64_t
packed_elems (const RduStage *stage, const RduInstr *instr, int src)
{
  const RduOperand *operand = &stage->operands[instr->src[src]];
  RduView whole = whole_view (operand, NULL);
  if (operand->kind != SF_OPERAND_IN || is_shared (stage, instr, src))
    return 0;
  int64_t elems = instr->kernel->pack->elems (&whole, src, instr->imm);
  return elems / MOST_GROWTH > n_elems (operand) + PART_ELEMS ? 0 : elems;
}

/* Whether the stage uses the operand often enough to pack it in every step. */
static bool
pays_at_once (const RduStage *stage, const RduInstr *instr, const RduOperand *operand)
{
  RduView whole = whole_view (operand, NULL);
  const RduPack *pack = instr->kernel->pack;
  int64_t least = pack->least_use != NULL ? pack->least_use (&whole) : LEAST_USE;
  return pack->always
         || (is_read_again (stage, operand) && stage->flops / 2 / least >= n_elems (operand));
}

void
rdu_stage_find_packings (RduStage *stage)
{
  for (size_t i = 0; i < stage->n_instrs; i++)
    for (int k = 0; k < stage->instrs[i].n_src && stage->instrs[i].kernel->pack != NULL; k++)
      {
        const RduInstr *instr = &stage->instrs[i];
        const RduOperand *operand = &stage->operands[instr->src[k]];
        int64_t elems = packed_elems (stage, instr, k);
        if (elems <= 0)
          continue;
        stage->packings = g_renew (RduPacking, stage->packings, stage->n_packings + 1);
        stage->packings[stage->n_packings++] = (RduPacking){ .operand = instr->src[k],
                                                             .instr = instr,
                                                             .src = k,
                                                             .elems = elems,
                                                             .pays_at_once = pays_at_once (
                                                                 stage, instr, operand) };
      }
}

/* ---- in every step ---- */

int64_t
rdu_packing_parts (const RduMachine *machine, const RduPacking *packing)
{
  return CLAMP (packing->elems / PART_ELEMS, 1, 4 * machine->n_threads);
}

void
rdu_packing_work (void *user_data, int worker, int64_t begin, int64_t end)
{
  const RduTask *task = user_data;
  const RduLaunch *launch = task->launch;
  const RduStage *stage = &launch->config->stages[task->position];
  const RduPacking *packing = &stage->packings[task->index];
  const RduOperand *operand = &stage->operands[packing->operand];
  const RduProbe *probe = &task->machine->probe;
  if (rdu_task_is_void (task))
    return;
  int64_t started = rdu_probe_begin (probe);
  RduView whole = whole_view (operand, launch->base[operand->buffer]);
  void *to = launch->packed[stage->first_packing + task->index].data;
  for (int64_t part = begin; part < end; part++)
    packing->instr->kernel->pack->pack (&whole, packing->src, packing->instr->imm, to, part,
                                        task->n_items);
  rdu_probe_end (probe, worker, SF_RECORD_PACK, stage->id, started);
}

/* ---- once, and when a tensor has changed ---- */

typedef struct
{
  const RduProbe *probe;
  uint32_t stage;
  const RduPacking *packing;
  RduView whole;
  void *to;
  int64_t first, n_parts; /* parts that are done; in all */
} Job;

static void
pack_parts (void *user_data, int worker, int64_t begin, int64_t end)
{
  const Job *job = user_data;
  const RduInstr *instr = job->packing->instr;
  int64_t started = rdu_probe_begin (job->probe);
  for (int64_t part = begin; part < end; part++)
    instr->kernel->pack->pack (&job->whole, job->packing->src, instr->imm, job->to,
                               job->first + part, job->n_parts);
  rdu_probe_end (job->probe, worker, SF_RECORD_PACK, job->stage, started);
}

/* All parts; what is lent goes slice by slice, so that little of it is in memory a second time. */
static bool
pack_all (RduMachine *machine, Job *job, uint32_t lent, GError **error)
{
  int64_t n_slices = lent != SF_NONE ? CLAMP (job->packing->elems / SLICE_ELEMS, 1, MOST_SLICES)
                                     : 1;
  int64_t n = CLAMP (job->packing->elems / n_slices / PART_ELEMS, 1, 4 * machine->n_threads);
  job->n_parts = n * n_slices;
  for (job->first = 0; job->first < job->n_parts; job->first += n)
    {
      if (lent != SF_NONE && !sf_program_check_file (machine->program, error))
        return false;
      sf_thread_pool_run (machine->pool, n, 1, pack_parts, job);
      if (lent != SF_NONE)
        sf_program_let_go (machine->program, lent);
    }
  return true;
}

static bool
pack_kept (RduMachine *machine, const RduLaunch *launch, const RduStage *stage, size_t index,
           GError **error)
{
  const RduPacking *packing = &stage->packings[index];
  RduPacked *packed = &launch->packed[stage->first_packing + index];
  const RduOperand *operand = &stage->operands[packing->operand];
  uint32_t tensor = launch->home[operand->buffer].tensor;
  if (packed->version == machine->tensors[tensor].version)
    return true;
  Job job = { .probe = &machine->probe,
              .stage = stage->id,
              .packing = packing,
              .whole = whole_view (operand, launch->base[operand->buffer]),
              .to = packed->data };
  if (!pack_all (machine, &job, machine->tensors[tensor].is_lent ? tensor : SF_NONE, error))
    return false;
  packed->version = machine->tensors[tensor].version;
  return true;
}

bool
rdu_launch_pack (RduMachine *machine, RduLaunch *launch, GError **error)
{
  for (size_t s = 0; s < launch->config->n_stages; s++)
    for (size_t p = 0; p < launch->config->stages[s].n_packings; p++)
      {
        const RduStage *stage = &launch->config->stages[s];
        uint64_t serves = stage->operands[stage->packings[p].operand].serves;
        if (launch->packed[stage->first_packing + p].is_kept && (serves & launch->wanted[s]) != 0
            && !pack_kept (machine, launch, stage, p, error))
          return false;
      }
  return true;
}

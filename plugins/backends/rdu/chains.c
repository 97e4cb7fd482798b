/* SPDX-License-Identifier: Apache-2.0 */
/* Which stages are fired block by block, one after the other on each.
 *
 * What passes through a chain moves with one counter of each stage, along the outermost dimension,
 * in blocks that touch end to end: so a block of one stage is what the next one's block reads, in
 * whatever shape it sees it. Sums over that counter are members, too: their blocks are taken in
 * turn, which leaves the order of every sum as it is. */
#include "plugins/backends/rdu/chains.h"

enum
{
  LEAST_ADDED = 4,   /* times the size of a sum, that a block should add to it */
  MOST_IN_TURN = 80, /* per cent of a worker's share of the time that a stage may be */
  LEAST_BLOCKS = 2
};

typedef struct
{
  const SfStage *stages; /* of the config */
  bool *const *channels_last;
  const RduIsa *isa;
  const RduHost *host;
  size_t first, n;
  size_t counter[RDU_MAX_CHAIN];
  int64_t extent;
} Chain;

/* What the blocks of a chain have to be, and what they take. */
typedef struct
{
  int64_t unit;  /* steps are multiples of it */
  int64_t least; /* that kernels run well on */
  __int128 resident_bytes;
  __int128 moving_bytes; /* of all blocks */
  __int128 shared_bytes; /* of these, what more than one stage touches */
} Needs;

/* Whether the blocks of counter k cut the operand along its outermost dimension, into whole
 * contiguous pieces, end to end. */
static bool
goes_along (const SfStage *stage, const SfOperand *operand, size_t k)
{
  const SfAccess *a = &operand->dim[0];
  if (operand->shape.rank == 0 || a->base != 0 || a->stride != 1 || a->coef[k] <= 0
      || a->size != a->coef[k] * stage->counter[k].step
      || operand->shape.dim[0] != a->coef[k] * stage->counter[k].extent)
    return false;
  for (size_t j = 0; j < stage->n_counters; j++)
    if (j != k && a->coef[j] != 0)
      return false;
  for (int d = 1; d < operand->shape.rank; d++)
    if (operand->dim[d].coef[k] != 0)
      return false;
  return true;
}

/* Whether the instruction may run block by block of counter k with other stages between. */
static bool
may_pause (const SfStage *stage, const SfInstr *instr, size_t k)
{
  const SfTileOp *op = sf_tile_op_find (instr->op, instr->version);
  if (op == NULL || op->tile_class == SF_TILE_INDEX)
    return false;
  if (stage->counter[k].kind != SF_COUNTER_REDUCTION || !op->accumulates
      || instr->when == SF_WHEN_LAST)
    return true;
  /* Scratch is not kept; a contraction with little depth spends its time on its sums. */
  const SfOperand *sum = &stage->operands[instr->dst[0]];
  return rdu_blocks_move (sum, k)
         || (sum->kind == SF_OPERAND_OUT && op->tile_class != SF_TILE_GEMM);
}

/* Whether counter k can go through the blocks of a chain. */
static bool
can_link (const SfStage *stage, const RduIsa *isa, size_t k)
{
  bool is_sum = stage->counter[k].kind == SF_COUNTER_REDUCTION;
  if (stage->counter[k].extent < LEAST_BLOCKS || (!is_sum && !rdu_blocks_are_free (stage, isa, k)))
    return false;
  for (size_t j = 0; j < stage->n_counters; j++)
    if (stage->counter[j].kind == SF_COUNTER_SEQUENTIAL || stage->counter[j].extent == 0
        || (is_sum && j < k && stage->counter[j].kind == SF_COUNTER_REDUCTION))
      return false;
  for (size_t o = 0; o < stage->n_operands; o++)
    {
      const SfOperand *operand = &stage->operands[o];
      bool is_moved = rdu_blocks_move (operand, k);
      if (operand->kind != SF_OPERAND_TEMP && is_moved && !goes_along (stage, operand, k))
        return false;
      if (operand->kind == SF_OPERAND_OUT && is_moved == is_sum)
        return false;
    }
  for (size_t i = 0; i < stage->n_instrs; i++)
    if (!may_pause (stage, &stage->instrs[i], k))
      return false;
  return true;
}

/* How a member sees the buffer: as a result, or at all; NULL: it does not. */
static const SfOperand *
seen_by (const Chain *chain, size_t member, uint32_t buffer, bool as_result)
{
  const SfStage *stage = &chain->stages[chain->first + member];
  for (size_t o = 0; o < stage->n_operands; o++)
    {
      const SfOperand *operand = &stage->operands[o];
      if (operand->kind != SF_OPERAND_TEMP && operand->buffer == buffer
          && (!as_result || operand->kind == SF_OPERAND_OUT))
        return operand;
    }
  return NULL;
}

/* Whether the stage needs of the chain's stages only what they make of the same block. */
static bool
may_follow (const Chain *chain, const SfStage *stage, size_t k)
{
  if (stage->counter[k].extent != chain->extent)
    return false;
  for (size_t o = 0; o < stage->n_operands; o++)
    for (size_t m = 0; stage->operands[o].kind == SF_OPERAND_IN && m < chain->n; m++)
      {
        const SfOperand *result = seen_by (chain, m, stage->operands[o].buffer, true);
        if (result != NULL
            && (!rdu_blocks_move (&stage->operands[o], k)
                || !rdu_blocks_move (result, chain->counter[m])))
          return false;
      }
  return true;
}

/* Least multiple of both, or `most`: a block of everything suits all. */
static int64_t
common_multiple (int64_t a, int64_t b, int64_t most)
{
  int64_t x = a, y = b;
  while (y != 0)
    {
      int64_t rest = x % y;
      x = y;
      y = rest;
    }
  __int128 multiple = (__int128) (a / x) * b;
  return multiple < most ? (int64_t) multiple : most;
}

/* Stages of the chain before `member` that see the buffer. */
static int
n_seen_before (const Chain *chain, size_t member, uint32_t buffer)
{
  int n = 0;
  for (size_t m = 0; m < member; m++)
    n += seen_by (chain, m, buffer, false) != NULL;
  return n;
}

/* What a member adds to the needs of those before it; returns the bytes of its largest scratch. */
static __int128
add_needs (const Chain *chain, size_t member, Needs *needs)
{
  const SfStage *stage = &chain->stages[chain->first + member];
  size_t k = chain->counter[member];
  __int128 scratch = 0;
  if (!rdu_blocks_are_free (stage, chain->isa, k))
    needs->unit = common_multiple (needs->unit, stage->counter[k].step, chain->extent);
  needs->least = MAX (needs->least,
                      rdu_blocks_least (stage, chain->channels_last[chain->first + member], k));
  for (size_t o = 0; o < stage->n_operands; o++)
    {
      const SfOperand *operand = &stage->operands[o];
      __int128 bytes = 4 * (__int128) sf_shape_n_elems (&operand->shape);
      bool is_moved = rdu_blocks_move (operand, k), is_temp = operand->kind == SF_OPERAND_TEMP;
      int n_before = is_temp ? 0 : n_seen_before (chain, member, operand->buffer);
      if (is_temp)
        scratch = is_moved ? MAX (scratch, bytes) : scratch;
      else if (n_before == 0 && is_moved)
        needs->moving_bytes += bytes;
      else if (n_before == 0)
        needs->resident_bytes += bytes;
      else if (n_before == 1 && is_moved)
        needs->shared_bytes += bytes;
    }
  return scratch;
}

static Needs
needs_of (const Chain *chain)
{
  Needs needs = { .unit = 1, .least = 1 };
  __int128 scratch = 0;
  for (size_t m = 0; m < chain->n; m++)
    {
      __int128 own = add_needs (chain, m, &needs);
      scratch = MAX (scratch, own);
    }
  needs.moving_bytes += scratch;
  return needs;
}

/* Of a worker's cache, what a chain may fill. */
static __int128
near_bytes (const RduHost *host)
{
  return host->cache_bytes / 2;
}

static int64_t
round_up (int64_t n, int64_t unit)
{
  return (n + unit - 1) / unit * unit;
}

/* Longest blocks that a worker's cache has room for, forced ones, or 0. */
static int64_t
longest_step (const Chain *chain, const Needs *needs)
{
  if (chain->host->forced_step > 0)
    return round_up (MIN (chain->host->forced_step, chain->extent), needs->unit);
  __int128 room = near_bytes (chain->host) - needs->resident_bytes;
  if (room <= 0 || needs->resident_bytes > near_bytes (chain->host) / 4)
    return 0;
  __int128 step = room * chain->extent / MAX (needs->moving_bytes, 1);
  step = MIN (step, (__int128) chain->extent) / needs->unit * needs->unit;
  return step >= needs->least ? (int64_t) step : 0;
}

/* As many blocks of one length as keep all workers busy to the end. */
static int64_t
even_step (const Chain *chain, const Needs *needs)
{
  int64_t longest = longest_step (chain, needs), n_workers = chain->host->n_workers;
  if (chain->host->forced_step > 0)
    return longest;
  int64_t n_blocks = round_up ((chain->extent + longest - 1) / longest, n_workers);
  int64_t step = round_up ((chain->extent + n_blocks - 1) / n_blocks, needs->unit);
  return MAX (step, round_up (needs->least, needs->unit));
}

/* Whether the stage would spend its time on the sums that it keeps, not on what a block adds. */
static bool
adds_little (const SfStage *stage, size_t k, int64_t step)
{
  __int128 kept = 0, added = 0;
  for (size_t o = 0; o < stage->n_operands; o++)
    {
      const SfOperand *operand = &stage->operands[o];
      __int128 n = sf_shape_n_elems (&operand->shape);
      if (operand->kind == SF_OPERAND_OUT)
        kept += n;
      else if (operand->kind == SF_OPERAND_IN && rdu_blocks_move (operand, k))
        added += n;
    }
  return stage->counter[k].kind == SF_COUNTER_REDUCTION
         && added * step < LEAST_ADDED * kept * stage->counter[k].extent;
}

/* Whether there are blocks that suit all stages. */
static bool
has_blocks (const Chain *chain)
{
  Needs needs = needs_of (chain);
  int64_t step = longest_step (chain, &needs);
  for (size_t m = 0; m < chain->n && chain->host->forced_step == 0; m++)
    if (adds_little (&chain->stages[chain->first + m], chain->counter[m], step))
      return false;
  return step > 0;
}

/* Adds the stage behind the chain if it fits; false: it does not. */
static bool
extend (Chain *chain)
{
  const SfStage *stage = &chain->stages[chain->first + chain->n];
  if (chain->n == RDU_MAX_CHAIN)
    return false;
  for (size_t k = 0; k < stage->n_counters; k++)
    {
      if (!can_link (stage, chain->isa, k) || !may_follow (chain, stage, k))
        continue;
      chain->counter[chain->n++] = k;
      if (has_blocks (chain))
        return true;
      chain->n--;
    }
  return false;
}

/* Where workers would wait for each other, as one of the sums takes too much of the time, the chain
 * ends before it. */
static void
shorten (Chain *chain)
{
  size_t n;
  do
    {
      double all = 0;
      n = chain->n;
      for (size_t m = 0; m < n; m++)
        all += rdu_blocks_estimate_ns (&chain->stages[chain->first + m]);
      for (size_t m = n; m-- > 0;)
        {
          const SfStage *stage = &chain->stages[chain->first + m];
          if (stage->counter[chain->counter[m]].kind == SF_COUNTER_REDUCTION
              && rdu_blocks_estimate_ns (stage) * chain->host->n_workers * 100 > all * MOST_IN_TURN)
            chain->n = m;
        }
    }
  while (chain->n < n);
}

/* Whether there are blocks for all workers, and more is handed on than the cache would keep. */
static bool
pays (const Chain *chain)
{
  if (chain->n < 2 || !has_blocks (chain))
    return false;
  Needs needs = needs_of (chain);
  if (chain->host->forced_step > 0)
    return needs.shared_bytes > 0;
  int64_t least = MAX (LEAST_BLOCKS, chain->host->n_workers);
  return needs.shared_bytes > near_bytes (chain->host)
         && (chain->extent - 1) / even_step (chain, &needs) + 1 >= least;
}

/* The longest chain from its first stage on, by the first counter that makes one; false: none. */
static bool
find (Chain *chain, size_t n_stages)
{
  const SfStage *stage = &chain->stages[chain->first];
  for (size_t k = 0; k < stage->n_counters; k++)
    {
      if (!can_link (stage, chain->isa, k))
        continue;
      chain->n = 1;
      chain->counter[0] = k;
      chain->extent = stage->counter[k].extent;
      while (chain->first + chain->n < n_stages && extend (chain))
        ;
      if (chain->host->n_workers > 1)
        shorten (chain);
      if (pays (chain))
        return true;
    }
  return false;
}

RduLink *
rdu_find_chains (const SfStage *stages, bool *const *channels_last, size_t n_stages,
                 const RduIsa *isa, const RduHost *host)
{
  RduLink *links = g_new0 (RduLink, n_stages + 1);
  Chain chain = { .stages = stages, .channels_last = channels_last, .isa = isa, .host = host };
  uint32_t n_chains = 0;
  for (size_t s = 0; s < n_stages; s++)
    links[s].chain = SF_NONE;
  while (host->has_chains && chain.first < n_stages)
    {
      if (!find (&chain, n_stages))
        {
          chain.first++;
          continue;
        }
      Needs needs = needs_of (&chain);
      int64_t step = even_step (&chain, &needs);
      for (size_t m = 0; m < chain.n; m++)
        links[chain.first + m]
            = (RduLink){ .chain = n_chains, .counter = chain.counter[m], .step = step };
      n_chains++;
      chain.first += chain.n;
    }
  return links;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* In which blocks this host runs a stage. */
#ifndef SF_RDU_BLOCKS_H
#define SF_RDU_BLOCKS_H

#include <sf/plugin/program.h>

#include "plugins/backends/rdu/kernels.h"

/* What blocks are chosen for; no bit depends on it. */
typedef struct
{
  int n_workers;
  int64_t cache_bytes; /* a worker's own: what the boxes of a firing should stay in */
  int64_t forced_step; /* 0: choose; else the step of every counter that can have it (tests) */
  bool has_chains;     /* stages may be fired block by block (chains.h) */
} RduHost;

/* This machine with so many workers; the environment variable SF_RDU_BLOCK forces steps, and
 * SF_RDU_CHAINS=no leaves every stage by itself. */
bool rdu_host_init (RduHost *host, int n_workers, GError **error);

/* Gives the counters of a verified stage the steps that suit the host, as far as that changes no
 * bit, and its operands the boxes that follow. Boxes are affine, so the step of a parallel counter
 * is free; blocks of a reduction may be joined where every sum over it goes on from one firing to
 * the next. The operands are then a copy, which is returned for the caller to free. channels_last:
 * per operand, whether its memory has channels innermost. */
SfOperand *rdu_choose_blocks (SfStage *stage, const bool *channels_last, const RduIsa *isa,
                              const RduHost *host);

/* The same with blocks of that step for counter k where it is free, and others joined. */
SfOperand *rdu_take_blocks (SfStage *stage, const RduIsa *isa, const RduHost *host, size_t k,
                            int64_t step);

/* Whether the operand's box moves with counter k. */
bool rdu_blocks_move (const SfOperand *operand, size_t k);
/* Whether the length of a counter's blocks is the host's business. */
bool rdu_blocks_are_free (const SfStage *stage, const RduIsa *isa, size_t k);
/* Shortest blocks of the counter that are worth while. */
int64_t rdu_blocks_least (const SfStage *stage, const bool *channels_last, size_t k);
/* Rough time of the whole stage on one worker. */
double rdu_blocks_estimate_ns (const SfStage *stage);

#endif

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
} RduHost;

/* This machine with so many workers; the environment variable SF_RDU_BLOCK forces steps. */
bool rdu_host_init (RduHost *host, int n_workers, GError **error);

/* Gives the counters of a verified stage the steps that suit the host, as far as that changes no
 * bit, and its operands the boxes that follow. Boxes are affine, so the step of a parallel counter
 * is free; blocks of a reduction may be joined where every sum over it goes on from one firing to
 * the next. The operands are then a copy, which is returned for the caller to free. channels_last:
 * per operand, whether its memory has channels innermost. */
SfOperand *rdu_choose_blocks (SfStage *stage, const bool *channels_last, const RduIsa *isa,
                              const RduHost *host);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Neighbouring stages that are fired depth-first: all of them on one block of what passes through
 * them, then on the next, while what they hand on is in a worker's cache. */
#ifndef SF_RDU_CHAINS_H
#define SF_RDU_CHAINS_H

#include "plugins/backends/rdu/blocks.h"

#define RDU_MAX_CHAIN 32 /* stages */

/* A stage's place in a chain. Blocks of a chain are blocks of one counter of each of its stages,
 * which all have the same extent. */
typedef struct
{
  uint32_t chain; /* numbered in order; SF_NONE: in none */
  size_t counter;
  int64_t step; /* of the chain's blocks: a multiple of what the stage's own may be */
} RduLink;

/* Per stage, owned. Stages are verified, in running order; channels_last: as for rdu_choose_blocks,
 * per stage. */
RduLink *rdu_find_chains (const SfStage *stages, bool *const *channels_last, size_t n_stages,
                          const RduIsa *isa, const RduHost *host);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Deliberate faults, in a build for tests only: they show that comparisons would notice a wrong
 * kernel. The release plugin holds none of it. */
#ifndef SF_RDU_MUTATION_H
#define SF_RDU_MUTATION_H

#include "plugins/backends/rdu/machine.h"

#ifdef SF_RDU_MUTATION
void rdu_mutate_after (const RduStage *stage, const RduInstr *instr, const RduCall *call);
#else
#define rdu_mutate_after(stage, instr, call) ((void) (stage), (void) (instr), (void) (call))
#endif

#endif

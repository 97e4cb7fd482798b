/* SPDX-License-Identifier: Apache-2.0 */
/* Instructions of a stage on their way into fused programs: fused.c groups them, fused_again.c
 * finds what is rather made again than kept, fused_build.c writes the programs. */
#ifndef SF_RDU_FUSED_H
#define SF_RDU_FUSED_H

#include <string.h>

#include "plugins/backends/rdu/machine.h"

#define RDU_NOBODY UINT32_MAX

/* Instructions that are to run as one. */
typedef struct
{
  bool is_fused, on_last;
  size_t n;
  uint32_t member[RDU_FUSED_OPS];
  int n_slots; /* at most so many are needed */
  int n_again; /* operations of other groups that are done again */
} RduDraft;

typedef struct
{
  RduStage *stage;
  const RduIsa *isa;
  size_t n_drafts;
  RduDraft *drafts;
  uint32_t *draft_of;            /* per instruction */
  uint32_t (*reach)[SF_MAX_SRC]; /* per source: which instruction made it; RDU_NOBODY: none of this
                                    firing */
  bool *is_stored;               /* per instruction: its result goes to memory */
  int *again;         /* per instruction: operations that make its result again; 0: it is not */
  uint32_t *is_again; /* per instruction: sources that its group makes again, as bits */
} RduGrouping;

static inline bool
rdu_is_op (const RduInstr *instr, const char *op)
{
  return strcmp (instr->op, op) == 0;
}

static inline bool
rdu_is_source (const RduInstr *instr)
{
  return rdu_is_op (instr, "iota") || rdu_is_op (instr, "uniform");
}

/* Two names of one place in memory. */
static inline bool
rdu_same_memory (const RduStage *stage, uint32_t a, uint32_t b)
{
  const RduOperand *x = &stage->operands[a], *y = &stage->operands[b];
  return a == b
         || (x->kind != SF_OPERAND_TEMP && y->kind != SF_OPERAND_TEMP && x->buffer == y->buffer);
}

static inline bool
rdu_touches (const RduStage *stage, const uint32_t *operands, int n, uint32_t operand)
{
  for (int i = 0; i < n; i++)
    if (rdu_same_memory (stage, operands[i], operand))
      return true;
  return false;
}

/* The constant that a source is; false: it is none. */
static inline bool
rdu_is_constant (const RduGrouping *g, uint32_t i, int k)
{
  uint32_t maker = g->reach[i][k];
  return g->drafts[g->draft_of[i]].is_fused && maker != RDU_NOBODY
         && rdu_is_op (&g->stage->instrs[maker], "fill")
         && (!g->stage->instrs[maker].on_last || g->stage->instrs[i].on_last);
}

/* fused_again.c: which results are made again where later groups read them. */
void rdu_find_again (RduGrouping *grouping);
/* What making source `k` of instruction `i` again reads from memory of other groups. */
void rdu_store_for_again (RduGrouping *grouping, uint32_t i, int k);

/* fused_build.c */
RduFused *rdu_build_fused (const RduGrouping *grouping, const RduDraft *draft);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Steps of fused programs. A step works on a block of a run whose values are in vector registers
 * and ends with the call of the next step, which a compiler makes a jump: what one operation hands
 * to the next never leaves the registers. */
#ifndef SF_RDU_KERNELS_STEPS_H
#define SF_RDU_KERNELS_STEPS_H

#include "plugins/backends/rdu/kernels.h"
#include "plugins/backends/rdu/kernels_vector.h"

#define RDU_STEP_VECTORS 8 /* as many as functions are given in registers */
#define RDU_STEP_BLOCK   (RDU_STEP_VECTORS * RDU_VECTOR)

/* The step, the first element of the block, and the vectors in hand. */
#define RDU_STEP_ARGS                                                                     \
  const RduStep *step, int64_t at, RduVec v0, RduVec v1, RduVec v2, RduVec v3, RduVec v4, \
      RduVec v5, RduVec v6, RduVec v7

typedef struct RduStep RduStep;
typedef void (*RduStepFunc) (RDU_STEP_ARGS);

/* Elements of a slot: those of the block that begins at `at` are at *base + (at & mask). */
typedef struct
{
  int32_t *const *base;
  int64_t mask;
} RduPlace;

/* An operation that has no steps, and is called with the block in memory. */
typedef struct
{
  RduRowFunc func;
  RduRow row;
  int n_src;
  RduPlace src[RDU_ROW_SRC], dst;
} RduRowCall;

struct RduStep
{
  RduStepFunc func;
  RduPlace place;   /* of its operand in memory */
  RduRowCall *call; /* of rdu_step_call */
};

typedef enum
{
  RDU_OPERAND_SECOND,
  RDU_OPERAND_SECOND_REPEATED,
  RDU_OPERAND_FIRST,
  RDU_OPERAND_FIRST_REPEATED,
  RDU_N_OPERANDS,
} RduStepOperand;

/* The steps of an operation whose other operand is in hand, by which one is in memory and whether
 * it is one element; of an operation of one operand, the first. */
struct RduStepForms
{
  const char *op;
  bool is_int; /* of i32 operands */
  RduStepFunc func[RDU_N_OPERANDS];
};

static inline int32_t *
rdu_place_at (const RduPlace *place, int64_t at)
{
  return *place->base + (at & place->mask);
}

/* Between registers and memory. */
typedef struct
{
  RduStepFunc load, repeat, store; /* repeat: one element */
  RduStepFunc store_bf16;          /* rounds what it stores, and nothing in hand */
  RduStepFunc call, end;
} RduMoveSteps;

extern const RduMoveSteps RDU_SYMBOL (rdu_move_steps);

#endif

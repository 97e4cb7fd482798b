/* SPDX-License-Identifier: Apache-2.0 */
/* What the checkers of a program share: how a defect is named, caps on figures, one function per
 * checker. */
#ifndef SF_CORE_PROGRAM_CHECK_H
#define SF_CORE_PROGRAM_CHECK_H

#include <inttypes.h>

#include "core/program/program.h"

/* Figures above these are refused before anything is computed from them, so that sums fit 128 bits
 * and loops end. */
#define SF_CAP_ELEMS    ((int64_t) 1 << 40)
#define SF_CAP_TOKENS   ((int64_t) 1 << 24)
#define SF_CAP_LAUNCHES 16384
#define SF_CAP_UNITS    ((int64_t) 1 << 20)

/* Where a defect is: a config and, within it, a stage, buffer, stream, place or route by index. */
typedef struct
{
  const SfProgram *program;
  uint32_t config;
  GError **error;
} SfCheck;

/* Sets *check->error to CHECK_FAILED "program: config C, KIND I (name): <message>" and returns
 * false. Index SF_NONE: the config itself. */
bool sf_check_fail (const SfCheck *check, const char *kind, uint32_t index, const char *format, ...)
    G_GNUC_PRINTF (4, 5);

/* Rank and element count within the caps. */
bool sf_shape_is_sound (const SfShape *shape);
/* Whether boxes of the operand hang over the edge of its tensor. */
bool sf_operand_is_padded (const SfStage *stage, const SfOperand *operand);

bool sf_check_body (const SfCheck *check);
bool sf_check_stage (const SfCheck *check, uint32_t stage);
bool sf_check_instrs (const SfCheck *check, uint32_t stage);
bool sf_check_launches (const SfProgram *program, GError **error);
bool sf_check_tensors (const SfProgram *program, GError **error);
bool sf_check_tokens (const SfCheck *check);
bool sf_check_depth (const SfCheck *check, const SfArch *arch);
bool sf_check_places (const SfCheck *check, const SfArch *arch);
bool sf_check_nets (const SfCheck *check); /* of sound ids */
bool sf_check_routes (const SfCheck *check, const SfArch *arch);
bool sf_check_memory (const SfProgram *program, const SfArch *arch, GError **error);

/* Iterations of a counter: blocks of `step` that cover `extent`. */
static inline int64_t
sf_counter_blocks (const SfCounter *counter)
{
  return counter->extent == 0 ? 0 : (counter->extent - 1) / counter->step + 1;
}

/* Iterations of counter 0; a stage without counters fires once. */
static inline int64_t
sf_stage_iterations (const SfStage *stage)
{
  return stage->n_counters == 0 ? 1 : sf_counter_blocks (&stage->counter[0]);
}

#endif

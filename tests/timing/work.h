/* SPDX-License-Identifier: Apache-2.0 */
/* What a stage has to do in each of its iterations, by counting firing after firing: cycles of its
 * PCUs and vectors of its operands. docs/timing.md, "Work of a stage" and "Traffic of a stage". */
#ifndef SF_TESTS_TIMING_WORK_H
#define SF_TESTS_TIMING_WORK_H

#include <sf/plugin/program.h>

typedef struct
{
  int64_t iterations;
  size_t n_operands;
  int64_t *compute; /* cycles, per iteration */
  int64_t *vectors; /* per iteration and operand (scratch: 0) */
} Work;

Work *work_new (const SfProgram *program, uint32_t config, uint32_t stage, const SfArch *arch);
void work_free (Work *work);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Work, work_free)

static inline int64_t
work_vectors (const Work *work, int64_t iteration, size_t operand)
{
  return work->vectors[(size_t) iteration * work->n_operands + operand];
}

#endif

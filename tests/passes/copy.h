/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of a program in which one record is changed. */
#ifndef TESTS_PASSES_COPY_H
#define TESTS_PASSES_COPY_H

#include <sf/plugin/program.h>

/* Called with each record before it is added; arrays are the copy's own. All may be NULL. */
typedef struct
{
  void (*buffer) (void *data, uint32_t config, uint32_t buffer, SfBuffer *record);
  void (*stream) (void *data, uint32_t config, uint32_t stream, SfStream *record);
  void (*stage) (void *data, uint32_t config, uint32_t stage, SfStage *record, SfOperand *operands,
                 SfInstr *instrs);
  /* There is room for one more; `*n` may change. */
  void (*places) (void *data, uint32_t config, SfPlace *places, size_t *n);
  /* As places; sinks and hops have room for one more each. */
  void (*routes) (void *data, uint32_t config, SfRoute *routes, size_t *n);
  void (*launch) (void *data, uint32_t entry, uint32_t launch, SfLaunch *record,
                  SfBinding *bindings, uint32_t *deps);
  void (*tensor) (void *data, uint32_t tensor, SfProgramTensor *record);
  void *data;
} CopyHooks;

/* Owned. Without the debug map. */
SfProgram *test_copy (const SfProgram *program, const CopyHooks *hooks);

#endif

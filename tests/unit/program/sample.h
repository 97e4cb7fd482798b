/* SPDX-License-Identifier: Apache-2.0 */
/* A small program written out by hand: a blocked GEMM, a two-phase section with a skip, a host
 * launch and an update. */
#ifndef SF_TESTS_UNIT_PROGRAM_SAMPLE_H
#define SF_TESTS_UNIT_PROGRAM_SAMPLE_H

#include <sf/plugin/program.h>

/* Tensors of the sample. */
enum
{
  SAMPLE_X,      /* input [8,4] */
  SAMPLE_W,      /* state [4,6] */
  SAMPLE_LR,     /* scalar */
  SAMPLE_Y,      /* output [8,6] */
  SAMPLE_H,      /* temporary [8,6] */
  SAMPLE_D,      /* temporary [8,6] */
  SAMPLE_W_NEXT, /* next content of W */
};

/* Before the builder's copy is taken, a test may change a stage, a buffer, a launch: called for
 * each with its name. All may be NULL. */
typedef struct
{
  void (*tensor) (uint32_t id, SfProgramTensor *tensor);
  void (*buffer) (const char *name, SfBuffer *buffer);
  void (*stage) (const char *name, SfStage *stage, SfOperand *operands, SfInstr *instrs);
  void (*stream) (uint32_t config, uint32_t slot, SfStream *stream);
  void (*launch) (uint32_t index, SfLaunch *launch, SfBinding *bindings, uint32_t *deps);
} SampleHooks;

/* Owned; hooks may be NULL. Places units in reading order of the grid of `arch`, routes nets row
 * first, packs memory. NULL arch: body only. */
SfProgram *sample_program (const SampleHooks *hooks, const SfArch *arch);
void sample_place (SfProgram *program, uint32_t config, const SfArch *arch);
void sample_route (SfProgram *program, uint32_t config);

#endif

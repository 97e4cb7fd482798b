/* SPDX-License-Identifier: Apache-2.0 */
/* Small programs by hand: one entry, tensors bound one to one to streams. */
#ifndef TESTS_UNIT_RDU_BUILD_H
#define TESTS_UNIT_RDU_BUILD_H

#include "plugins/backends/rdu/machine.h"
#include "tests/support/sftest.h"

/* Box along one dimension: all of it, fixed. */
#define ALL(n)               \
  {                          \
    .size = (n), .stride = 1 \
  }
/* Box along one dimension that moves with counter k in blocks of `step_`. */
#define BLOCK(k, step_)                        \
  {                                            \
    .coef[k] = 1, .size = (step_), .stride = 1 \
  }
/* Windows of counter k's block of `block` outputs: stride s, kernel reach r, padding p. */
#define HALO(k, block, s, r, p)                                                 \
  {                                                                             \
    .base = -(p), .coef[k] = (s), .size = ((block) -1) * (s) + (r), .stride = 1 \
  }

typedef struct
{
  SfProgram *program;
  uint32_t entry, config;
  SfBinding bindings[16]; /* of the config under construction, by slot */
  size_t n_slots;
} Build;

Build build_new (const char *entry);
/* A tensor of the program; named ones of role INPUT, SCALAR and OUTPUT join the entry's interface.
 */
uint32_t build_tensor (Build *build, const char *name, SfTensorRole role, SfDtype dtype,
                       SfShape shape, const void *data);
/* Starts the next config. */
void build_section (Build *build);
/* A buffer of `tokens` slices along dimension 0 (rows_per_token rows each). */
uint32_t build_buffer (Build *build, SfDtype dtype, SfShape shape, int64_t rows_per_token,
                       int64_t depth);
/* The same with a stream from or to a tensor. */
uint32_t build_load (Build *build, uint32_t tensor, int64_t rows_per_token, int64_t depth);
uint32_t build_store (Build *build, uint32_t tensor, int64_t rows_per_token, int64_t depth);
void build_stage (Build *build, const char *name, const SfCounter *counters, size_t n_counters,
                  const SfOperand *operands, size_t n_operands, const SfInstr *instrs,
                  size_t n_instrs);
/* Launches the config in a phase, with what has been bound. */
uint32_t build_launch (Build *build, SfPhase phase);

/* Opens without the verifier (programs by hand are not placed), takes one step with all phases and
 * closes. Inputs and outputs are f32 or i32 arrays in the order of the interface; an output that is
 * NULL is not wanted. */
bool build_run (const Build *build, int n_threads, bool exact_firing, void *const *inputs,
                void *const *outputs, GError **error);
RduMachine *build_open (const Build *build, int n_threads, bool exact_firing, GError **error);
bool build_step (const Build *build, RduMachine *machine, unsigned phases, void *const *inputs,
                 void *const *outputs, SfObserver observer, void *user_data, GError **error);

#endif

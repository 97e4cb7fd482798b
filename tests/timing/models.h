/* SPDX-License-Identifier: Apache-2.0 */
/* The models of emulated time side by side. */
#ifndef SF_TESTS_TIMING_MODELS_H
#define SF_TESTS_TIMING_MODELS_H

#include <sf/plugin/program.h>

/* Cycles of config 0; -1 and a failed check when the model refuses. */
int64_t model_t0 (const SfProgram *program, const SfArch *arch, const uint32_t *levels);
int64_t model_t1 (const SfProgram *program, const SfArch *arch, const uint32_t *levels);
int64_t model_t2 (const SfProgram *program, const SfArch *arch, const uint32_t *levels);

/* Under sanitizers: then some of the comparisons have to do. */
bool models_are_slow (void);

typedef enum
{
  MODELS_ALL,
  MODELS_THAT_SEE_PLACES, /* not T0 */
} Models;

/* The models come to `wanted` cycles: T2 within 2 %, T1 within 3 %, T0 within 10 %. */
void models_check (const SfProgram *program, const SfArch *arch, const uint32_t *levels,
                   int64_t wanted, Models models);

#endif

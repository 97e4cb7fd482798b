/* SPDX-License-Identifier: Apache-2.0 */
/* Inner types of T0: the work of a stage apart from the units that it is spread over. */
#ifndef SF_CORE_PROGRAM_ESTIMATE_H
#define SF_CORE_PROGRAM_ESTIMATE_H

#include <sf/plugin/timing.h>

#include "core/program/program.h"

/* Kinds of blocks that a counter can have: some at either edge of a padded tensor, those between,
 * the last. */
#define SF_BLOCK_KINDS 8

/* Blocks of one instruction in an iteration, alike in what one of them takes. */
typedef struct
{
  int64_t blocks;
  int64_t matrix;     /* cycles of a block of a contraction; 0: none */
  int64_t body, tail; /* slots times their cycles, passes of a block */
} SfWorkPiece;

/* What an operand moves in an iteration of each kind. */
typedef struct
{
  uint32_t buffer;
  bool out;
  int64_t vectors[SF_BLOCK_KINDS];
} SfWorkFlow;

/* A stage's iterations, by kind; the last iteration is the only one of the last kind. */
typedef struct
{
  int64_t iterations;
  int n_kinds;
  int64_t count[SF_BLOCK_KINDS];      /* iterations of the kind */
  uint32_t first[SF_BLOCK_KINDS + 1]; /* pieces of the kind: first[k] .. first[k + 1] */
  GArray *pieces;                     /* SfWorkPiece */
  GArray *flows;                      /* SfWorkFlow */
  int64_t widest;
} SfStageWork;

/* Owned: sf_stage_work_clear. */
void sf_stage_work_init (SfStageWork *work, const SfConfigStore *config, const SfStage *stage,
                         const SfArch *arch);
void sf_stage_work_clear (SfStageWork *work);
/* Of all stages of a config, in order. Owned: sf_stage_works_free with their number. */
SfStageWork *sf_stage_works_new (const SfProgram *program, uint32_t config, const SfArch *arch);
void sf_stage_works_free (SfStageWork *works, size_t n);

/* ceil (a / b) of what is not negative. */
static inline int64_t
sf_div_up (int64_t a, int64_t b)
{
  return (a + b - 1) / b;
}

/* How long the iterations of a stage take on given units. */
typedef struct
{
  int64_t cycles, last_cycles; /* of an iteration: mean of all but the last, the last */
  int64_t compute_cycles, read_cycles, write_cycles; /* mean of all */
  uint32_t read_buffer, write_buffer;                /* of the slowest operands; SF_NONE */
} SfStagePace;

/* The units that a stage has, and what it shares. */
typedef struct
{
  const SfArchInfo *info;
  const GArray *buffers; /* SfBuffer, of the config */
  const int64_t *crowd;  /* of sf_estimate_crowds; NULL: the stage is alone */
  int64_t n_pcus;        /* at least 1 */
  int64_t units;         /* of the section */
} SfStagePlan;

SfStagePace sf_stage_pace (const SfStageWork *work, const SfStagePlan *plan);
/* From the last read of an iteration to its result in the PMUs. */
int64_t sf_estimate_latency (const SfStageWork *work, const SfStagePlan *plan);
/* Cycles that a net between two groups of `units` units takes on its longest way, in a section of
 * so many. */
int64_t sf_estimate_way (const SfArchInfo *info, int64_t units, int64_t section);
/* PCUs and PMUs of the section. */
int64_t sf_estimate_units (const SfConfigStore *config);
/* Per buffer that several stages read in step: vectors that leave it for all of them; 0 for others.
 * `work`: one per stage. Owned. */
int64_t *sf_estimate_crowds (const SfConfigStore *config, const SfStageWork *work);
/* Section from its stages' work (one each). */
SfSectionEstimate sf_estimate_section_of (const SfConfigStore *config, const SfStageWork *work,
                                          const SfArch *arch, const uint32_t *levels);
/* Grows `depth` (per buffer) to what its tokens take while the first of them is on its way to the
 * last reader: then no stage waits for room that would not wait for another stage anyway. */
void sf_estimate_depths (const SfConfigStore *config, const SfStageWork *work, const SfArch *arch,
                         int64_t *depth);

#endif

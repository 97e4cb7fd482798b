/* SPDX-License-Identifier: Apache-2.0 */
/* What a stage of the program computes and moves, whoever runs it. */
#ifndef SF_CORE_RUN_WORK_H
#define SF_CORE_RUN_WORK_H

#include <sf/plugin/program.h>
#include <sf/plugin/record.h>

typedef struct
{
  double flops;
  bool is_bf16; /* its contractions multiply bf16 by bf16 */
  double bytes; /* of buffers that it reads or writes */
} SfStageWork;

/* Each element counts once that some firing reads, and once that some firing writes, with at least
 * `elem_bytes` bytes. */
SfStageWork sf_stage_work (const SfProgram *program, uint32_t config, uint32_t stage,
                           size_t elem_bytes);

/* Seconds that the bytes take at least: they fill the levels one after the other, the fastest
 * first. *limit: the level that takes most of it. */
double sf_peak_bytes_seconds (const SfPeak *peak, const SfStageWork *work, const char **limit);
/* The same for arithmetic. */
double sf_peak_flops_seconds (const SfPeak *peak, const SfStageWork *work, const char **limit);

#endif

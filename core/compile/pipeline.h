/* SPDX-License-Identifier: Apache-2.0 */
/* The ordered passes of a level, and how a range of them runs. */
#ifndef SF_CORE_COMPILE_PIPELINE_H
#define SF_CORE_COMPILE_PIPELINE_H

#include "core/compile/context.h"

/* A pass with its options. */
typedef struct
{
  const SfPlugin *plugin;
  SfOptionValues *values;
} SfPipelineStep;

typedef struct
{
  char *name;       /* of the level, or of the file */
  GPtrArray *steps; /* SfPipelineStep */
} SfPipeline;

/* The pipeline of `level` and, after it, those that its file and theirs name under `also`, each
 * once; with the options of `set`. Owned array of SfPipeline. */
GPtrArray *sf_pipelines_read (const char *level, const char *const *set, GError **error);
/* The first step that depends on how much of the machine a section may fill; the number of steps
 * when there is none. */
guint sf_pipeline_mapping (const SfPipeline *pipeline);
bool sf_step_equal (const SfPipelineStep *a, const SfPipelineStep *b);

/* Steps first .. end-1, each followed by the verifier. */
bool sf_pipeline_run_range (SfPassContext *context, const SfPipeline *pipeline, guint first,
                            guint end, GError **error);
/* Steps first and on, with smaller sections whenever the machine is too small for them. */
bool sf_pipeline_map (SfPassContext *context, const SfPipeline *pipeline, guint first,
                      GError **error);

#endif

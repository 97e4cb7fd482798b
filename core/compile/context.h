/* SPDX-License-Identifier: Apache-2.0 */
/* What a compile holds while its passes run. */
#ifndef SF_CORE_COMPILE_CONTEXT_H
#define SF_CORE_COMPILE_CONTEXT_H

#include <sf/compile.h>
#include <sf/plugin/optimizer.h>
#include <sf/plugin/pass.h>

struct SfPassContext
{
  SfModule *module;
  SfModule *source; /* NULL before autodiff */
  SfProgram *program;
  const SfArch *arch;
  const SfCompileOptions *options;
  GHashTable *facts; /* owned strings */
  const char *pass;  /* that runs */
  const char
      *candidate; /* pipeline that is tried; NULL: there is one only, or all share the step */
  bool blames;    /* the pass that failed named a stage */
  uint32_t blamed_config, blamed_stage;
  GArray *best_cycles; /* int64_t per entry: the least emulated times of the candidates so far;
                          NULL: there is none */
};

/* The core's part of sf_pass_apply_optimizer. */
bool sf_optimizer_apply (SfPassContext *context, SfGraph *graph, const SfValue *params,
                         const SfValue *grads, size_t n, GError **error);
/* Facts about the optimizer for the session: its name, options and groups. */
bool sf_optimizer_facts (const SfCompileOptions *options, SfModule *module, GError **error);

/* After a pass failed for lack of room: makes some at the stage that it blamed and returns the pass
 * to go on from; NULL: it blamed none, or that stage cannot become smaller. */
const char *sf_shrink_blamed (SfPassContext *context);

/* Whether the program, built but not placed, may still be faster than the candidates before it:
 * CANCELLED when it cannot. */
bool sf_candidate_may_win (SfPassContext *context, GError **error);
/* Runs the pipeline of `context->options`, and those that it names besides. */
bool sf_pipeline_run (SfPassContext *context, GError **error);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Passes: policy of the compiler. What they decide with - cost model, capacity tests, checkers - is
 * the core's. */
#ifndef SF_PLUGIN_PASS_H
#define SF_PLUGIN_PASS_H

#include <sf/evaluate.h>
#include <sf/plugin/arch.h>
#include <sf/plugin/plugin.h>
#include <sf/plugin/program.h>

SF_BEGIN_DECLS

/* What a pass sees and changes; valid during run only. */
typedef struct SfPassContext SfPassContext;

/* The module in work. A pass replaces graphs by sf_module_set_graph. */
SF_API SfModule *sf_pass_module (SfPassContext *context);
/* The module as traced and differentiated, which values' origins refer to; NULL before autodiff.
 * Set by autodiff through sf_pass_set_source. */
SF_API SfModule *sf_pass_source (SfPassContext *context);
SF_API void sf_pass_set_source (SfPassContext *context, SfModule *module);
SF_API const SfArch *sf_pass_arch (SfPassContext *context);
/* The program being built: empty before the pass `tile`. */
SF_API SfProgram *sf_pass_program (SfPassContext *context);
SF_API uint64_t sf_pass_seed (SfPassContext *context);
/* Facts of the compile that passes share: "precision" (f32, bf16), "training" (0, 1), "optimizer"
 * and its options as text; NULL when unset. */
SF_API const char *sf_pass_fact (SfPassContext *context, const char *key);
/* A line for the compile report, of the form "what: decision, why". */
SF_API void sf_pass_note (SfPassContext *context, const char *format, ...) G_GNUC_PRINTF (2, 3);
/* Whether somebody reads what sf_pass_explain says. */
SF_API bool sf_pass_explains (SfPassContext *context);
/* A line about what the pass did and why it did no more, for who asked (SfCompileOptions.explain);
 * dropped when nobody did. */
SF_API void sf_pass_explain (SfPassContext *context, const char *format, ...) G_GNUC_PRINTF (2, 3);
/* Before a pass fails with NO_RESOURCE: the stage of a config that takes most of what there is too
 * little of. The pipeline gives it fewer units, or a section of its own, and tries again. */
SF_API void sf_pass_blame (SfPassContext *context, uint32_t config, uint32_t stage);
/* Whether the target can run `node` on the device; `reason` (owned, may be NULL) says why not. */
SF_API bool sf_pass_target_supports (SfPassContext *context, const SfGraph *graph, SfNode node,
                                     char **reason);
/* Runs the optimizer plugin of the compile on the train graph: see <sf/plugin/optimizer.h>. For
 * autodiff. */
SF_API bool sf_pass_apply_optimizer (SfPassContext *context, SfGraph *graph, const SfValue *params,
                                     const SfValue *grads, size_t n, GError **error);

struct SfPassOps
{
  size_t size; /* sizeof (SfPassOps) */
  /* `options` of this plugin's table, from the pipeline file and --set pass.option=value. After it
   * returns the host verifies module and program. */
  bool (*run) (SfPassContext *context, const SfOptionValues *options, GError **error);
};

SF_END_DECLS
#endif

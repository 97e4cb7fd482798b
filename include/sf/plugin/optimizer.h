/* SPDX-License-Identifier: Apache-2.0 */
/* Optimizers: compose graph ops that turn gradients into parameter updates, once for all
 * parameters. */
#ifndef SF_PLUGIN_OPTIMIZER_H
#define SF_PLUGIN_OPTIMIZER_H

#include <sf/graph.h>
#include <sf/plugin/plugin.h>

SF_BEGIN_DECLS

/* Valid during build only. */
typedef struct SfOptimizerContext SfOptimizerContext;

SF_API SfGraph *sf_optimizer_graph (SfOptimizerContext *context); /* in phase OPT */
SF_API size_t sf_optimizer_n_params (const SfOptimizerContext *context);
SF_API SfValue sf_optimizer_param (const SfOptimizerContext *context, size_t index);
SF_API SfValue sf_optimizer_grad (const SfOptimizerContext *context,
                                  size_t index); /* f32 (or f64), after clipping */
SF_API const char *sf_optimizer_param_name (const SfOptimizerContext *context, size_t index);
/* State of one parameter, zeros at first, same shape, dtype of the master weight: named
 * "<param>.<name>". */
SF_API SfValue sf_optimizer_state (SfOptimizerContext *context, size_t index, const char *name,
                                   GError **error);
/* A run-time scalar f32 []: "lr" (the schedule's value for the step), any INT or FLOAT option of
 * the plugin's table, or a name of `derived`. Parameters of a group with its own value get that
 * group's scalar. */
SF_API SfValue sf_optimizer_hyper (SfOptimizerContext *context, size_t index, const char *name,
                                   GError **error);
/* Compile-time options (booleans, choices) of the group that parameter `index` is in. */
SF_API const SfOptionValues *sf_optimizer_options (const SfOptimizerContext *context, size_t index);
/* Sets the next value of the parameter / of a state. */
SF_API bool sf_optimizer_update (SfOptimizerContext *context, size_t index, SfValue next,
                                 GError **error);
SF_API bool sf_optimizer_update_state (SfOptimizerContext *context, SfValue state, SfValue next,
                                       GError **error);

/* Applies a per-parameter rule to all parameters. */
typedef bool (*SfOptimizerRule) (SfOptimizerContext *context, size_t index, GError **error);
SF_API bool sf_optimizer_map (SfOptimizerContext *context, SfOptimizerRule rule, GError **error);

struct SfOptimizerOps
{
  size_t size; /* sizeof (SfOptimizerOps) */
  /* Appends the update to the graph. */
  bool (*build) (SfOptimizerContext *context, GError **error);
  /* Names of scalars that derive from options and the step, NULL-terminated: "bias1" ... NULL:
   * none. */
  const char *const *derived;
  /* Value of derived scalar `name` at training step `step` (1 for the first), in f64. */
  double (*derive) (const SfOptionValues *options, const char *name, int64_t step);
};

SF_END_DECLS
#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The pass context: what a pass sees of the compile. */
#include "core/compile/context.h"

#include <sf/log.h>
#include <sf/plugin/lower.h>

SfModule *
sf_pass_module (SfPassContext *context)
{
  return context->module;
}

SfModule *
sf_pass_source (SfPassContext *context)
{
  return context->source;
}

/* The module in work goes on from the new source, with facts of both. */
void
sf_pass_set_source (SfPassContext *context, SfModule *module)
{
  SfModule *work = sf_module_new (sf_module_name (module));
  for (size_t i = 0; i < sf_module_n_entries (module); i++)
    sf_module_set_graph (work, sf_module_entry (module, i),
                         sf_module_graph (module, sf_module_entry (module, i)));
  for (const char *const *key = sf_module_fact_keys (context->module); *key != NULL; key++)
    if (sf_module_fact (module, *key) == NULL)
      sf_module_set_fact (module, *key, sf_module_fact (context->module, *key));
  for (const char *const *key = sf_module_fact_keys (module); *key != NULL; key++)
    sf_module_set_fact (work, *key, sf_module_fact (module, *key));
  sf_module_ref (module);
  g_clear_pointer (&context->source, sf_module_unref);
  sf_module_unref (context->module);
  context->source = module;
  context->module = work;
}

const SfArch *
sf_pass_arch (SfPassContext *context)
{
  return context->arch;
}

SfProgram *
sf_pass_program (SfPassContext *context)
{
  return context->program;
}

uint64_t
sf_pass_seed (SfPassContext *context)
{
  return context->options->seed;
}

const char *
sf_pass_fact (SfPassContext *context, const char *key)
{
  const char *fact = g_hash_table_lookup (context->facts, key);
  return fact != NULL ? fact : sf_module_fact (context->module, key);
}

void
sf_pass_note (SfPassContext *context, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree char *text = g_strdup_vprintf (format, args);
  va_end (args);
  sf_log (SF_LOG_INFO, "%s: %s", context->pass, text);
  const SfCompileOptions *options = context->options;
  if (options->note != NULL)
    options->note (options->user_data, context->candidate != NULL ? context->candidate : "",
                   context->pass, text);
}

bool
sf_pass_explains (SfPassContext *context)
{
  return context->options->explain != NULL;
}

void
sf_pass_explain (SfPassContext *context, const char *format, ...)
{
  if (!sf_pass_explains (context))
    return;
  va_list args;
  va_start (args, format);
  g_autofree char *text = g_strdup_vprintf (format, args);
  va_end (args);
  context->options->explain (context->options->user_data, context->pass, text);
}

void
sf_pass_blame (SfPassContext *context, uint32_t config, uint32_t stage)
{
  context->blames = true;
  context->blamed_config = config;
  context->blamed_stage = stage;
}

bool
sf_pass_target_supports (SfPassContext *context, const SfGraph *graph, SfNode node, char **reason)
{
  return sf_lower_supports (graph, node, context->arch, reason);
}

bool
sf_pass_apply_optimizer (SfPassContext *context, SfGraph *graph, const SfValue *params,
                         const SfValue *grads, size_t n, GError **error)
{
  return sf_optimizer_apply (context, graph, params, grads, n, error);
}

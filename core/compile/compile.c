/* SPDX-License-Identifier: Apache-2.0 */
/* Compile: a forward module through a pipeline to a program. */
#include "core/compile/context.h"

static const char *
or_default (const char *value, const char *def)
{
  return value != NULL ? value : def;
}

static bool
check_options (SfModule *module, const SfCompileOptions *options, GError **error)
{
  const char *precision = or_default (options->precision, "f32");
  if (!g_str_equal (precision, "f32") && !g_str_equal (precision, "bf16"))
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "precision: found %s, wanted f32 or bf16; use --precision f32", precision);
  if (options->num_rdu_tiles > 1)
    return sf_fail (error, SF_ERROR_UNIMPLEMENTED,
                    "--num-tiles: found %d, wanted 1: a section fills one RDU tile; leave it out",
                    options->num_rdu_tiles);
  if (sf_module_graph (module, "forward") == NULL)
    return sf_fail (
        error, SF_ERROR_INVALID_ARGUMENT,
        "module %s: found no graph named forward, wanted the forward graph; use sf_import or sf_module_set_graph",
        sf_module_name (module));
  return true;
}

/* A module in work with the facts of the model and of this compile. */
static SfModule *
work_module (SfModule *module, const SfCompileOptions *options, const SfArch *arch)
{
  SfModule *work = sf_module_new (sf_module_name (module));
  for (const char *const *key = sf_module_fact_keys (module); *key != NULL; key++)
    sf_module_set_fact (work, *key, sf_module_fact (module, *key));
  sf_module_set_graph (work, "forward", sf_module_graph (module, "forward"));
  sf_module_set_fact (work, "precision", or_default (options->precision, "f32"));
  g_autofree char *level = g_path_get_basename (or_default (options->level, "o3"));
  sf_module_set_fact (work, "level", level);
  sf_module_set_fact (work, "arch", sf_arch_info (arch).name);
  return work;
}

static bool
run (SfPassContext *context, GError **error)
{
  const SfCompileOptions *options = context->options;
  g_hash_table_insert (context->facts, g_strdup ("training"),
                       g_strdup (options->inference ? "0" : "1"));
  if (!options->inference && !sf_optimizer_facts (options, context->module, error))
    return false;
  return sf_pipeline_run (context, error);
}

bool
sf_compile_program (SfModule *module, const SfCompileOptions *options, const SfArch *arch,
                    SfModule **source, SfModule **lowered, SfProgram **program, GError **error)
{
  if (!check_options (module, options, error))
    return false;
  SfPassContext context = { .arch = arch, .options = options, .program = sf_program_new () };
  context.module = work_module (module, options, arch);
  context.facts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  bool ok = run (&context, error);
  if (ok && source != NULL)
    *source = g_steal_pointer (&context.source);
  if (ok && lowered != NULL)
    *lowered = sf_module_ref (context.module);
  if (ok && program != NULL)
    *program = sf_program_ref (context.program);
  g_hash_table_unref (context.facts);
  g_clear_pointer (&context.source, sf_module_unref);
  sf_module_unref (context.module);
  sf_program_unref (context.program);
  return ok;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Pipelines: the ordered passes of a level, from etc/pipelines, each followed by the verifier. */
#include "core/compile/pipeline.h"

#include <sf/paths.h>
#include <sf/plugins.h>

/* Shares of the machine, in percent, that sections may fill: when routing or memory does not come
 * out, the program is built anew with smaller sections. */
static const int fills[] = { 100, 60, 35, 20, 10, 5, 2, 1 };

/* Times that single stages are shrunk before all sections are. */
#define MAX_SHRINKS 64

static void
step_free (gpointer data)
{
  SfPipelineStep *step = data;
  sf_option_values_free (step->values);
  g_free (step);
}

static const char *
level_path (const char *level, char **owned)
{
  if (strchr (level, '/') != NULL || g_str_has_suffix (level, ".cfg"))
    return level;
  g_autofree char *relative = g_strdup_printf ("etc/pipelines/%s.cfg", level);
  return *owned = sf_data_path (relative);
}

static bool
read_step (SfConfigNode *group, GPtrArray *steps, GError **error)
{
  static const SfOption none[] = { { .name = NULL } };
  static const char *const known[] = { "pass", NULL };
  const char *name = NULL;
  if (!sf_config_get_string (group, "pass", true, &name, error))
    return false;
  const SfPlugin *plugin = sf_plugins_load (SF_PLUGIN_PASS, name, error);
  if (plugin == NULL)
    return false;
  SfPipelineStep *step = g_new0 (SfPipelineStep, 1);
  step->plugin = plugin;
  step->values = sf_option_values_new (plugin->options != NULL ? plugin->options : none);
  g_ptr_array_add (steps, step);
  return sf_option_parse_config (step->values, group, known, error);
}

static bool
read_steps (SfConfig *config, GPtrArray *steps, GError **error)
{
  SfConfigNode *list = sf_config_node_member (sf_config_root (config), "passes");
  if (list == NULL || sf_config_node_type (list) != SF_CONFIG_LIST
      || sf_config_node_count (list) == 0)
    return sf_fail (
        error, SF_ERROR_INVALID_DATA,
        "%s: found no list of passes, wanted passes = ( { pass = \"autodiff\"; }, ... ); see etc/pipelines",
        sf_config_path (config));
  for (size_t i = 0; i < sf_config_node_count (list); i++)
    if (!read_step (sf_config_node_at (list, i), steps, error))
      return false;
  return true;
}

static bool read_pipeline (const char *level, GPtrArray *pipelines, GError **error);

/* Pipelines whose programs are candidates besides. */
static bool
read_also (SfConfigNode *root, GPtrArray *pipelines, GError **error)
{
  SfConfigNode *list = sf_config_node_member (root, "also");
  if (list != NULL && sf_config_node_type (list) != SF_CONFIG_LIST)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: also: found no list, wanted one of levels: also = ( \"o1\" )",
                    sf_config_node_where (list));
  for (size_t i = 0; list != NULL && i < sf_config_node_count (list); i++)
    {
      const char *level;
      if (!sf_config_node_string (sf_config_node_at (list, i), &level, error)
          || !read_pipeline (level, pipelines, error))
        return false;
    }
  return true;
}

static void
pipeline_free (gpointer data)
{
  SfPipeline *pipeline = data;
  g_ptr_array_unref (pipeline->steps);
  g_free (pipeline->name);
  g_free (pipeline);
}

static bool
read_pipeline (const char *level, GPtrArray *pipelines, GError **error)
{
  for (guint i = 0; i < pipelines->len; i++)
    if (g_str_equal (((SfPipeline *) pipelines->pdata[i])->name, level))
      return true;
  g_autofree char *owned = NULL;
  g_autoptr (SfConfig) config = sf_config_read (level_path (level, &owned), error);
  if (config == NULL)
    return false;
  SfPipeline *pipeline = g_new0 (SfPipeline, 1);
  pipeline->name = g_strdup (level);
  pipeline->steps = g_ptr_array_new_with_free_func (step_free);
  g_ptr_array_add (pipelines, pipeline);
  return read_steps (config, pipeline->steps, error)
         && read_also (sf_config_root (config), pipelines, error)
         && sf_config_check_keys (sf_config_root (config), false, error);
}

/* --set pass.option=value, for every pass of that name. */
static bool
apply_set (const char *text, GPtrArray *pipelines, GError **error)
{
  const char *dot = strchr (text, '.'), *equals = strchr (text, '=');
  if (dot == NULL || equals == NULL || equals < dot)
    return sf_fail (
        error, SF_ERROR_INVALID_ARGUMENT,
        "--set %s: found no pass and option, wanted pass.option=value; give for example section.max_groups=4",
        text);
  g_autofree char *pass = g_strndup (text, (gsize) (dot - text));
  g_autofree char *option = g_strndup (dot + 1, (gsize) (equals - dot - 1));
  g_strdelimit (option, "_", '-');
  bool found = false;
  for (guint p = 0; p < pipelines->len; p++)
    for (guint i = 0; i < ((SfPipeline *) pipelines->pdata[p])->steps->len; i++)
      {
        SfPipelineStep *step = ((SfPipeline *) pipelines->pdata[p])->steps->pdata[i];
        if (!g_str_equal (step->plugin->name, pass))
          continue;
        found = true;
        if (!sf_option_set (step->values, option, equals + 1, "--set", error))
          return false;
      }
  return found
         || sf_fail (
             error, SF_ERROR_NOT_FOUND,
             "--set %s: found no pass %s in the pipeline, wanted one that runs; sf plugins lists passes",
             text, pass);
}

GPtrArray *
sf_pipelines_read (const char *level, const char *const *set, GError **error)
{
  g_autoptr (GPtrArray) pipelines = g_ptr_array_new_with_free_func (pipeline_free);
  if (!read_pipeline (level, pipelines, error))
    return NULL;
  for (; set != NULL && *set != NULL; set++)
    if (!apply_set (*set, pipelines, error))
      return NULL;
  return g_steal_pointer (&pipelines);
}

bool
sf_step_equal (const SfPipelineStep *a, const SfPipelineStep *b)
{
  g_auto (GStrv) of_a = sf_option_to_argv (a->values);
  g_auto (GStrv) of_b = sf_option_to_argv (b->values);
  return a->plugin == b->plugin
         && g_strv_equal ((const char *const *) of_a, (const char *const *) of_b);
}

/* ---- running ---- */

/* How far the program is built, by what its configs have. */
static bool
verify_program (SfPassContext *context, GError **error)
{
  SfProgram *program = context->program;
  if (sf_program_n_entries (program) == 0)
    return true;
  SfProgramCheck upto = SF_CHECK_MEMORY;
  for (uint32_t c = 0; c < sf_program_n_configs (program); c++)
    if (sf_config_n_places (program, c) == 0)
      upto = SF_CHECK_DEPTH;
    else if (upto == SF_CHECK_MEMORY && sf_config_n_routes (program, c) == 0
             && sf_config_n_streams (program, c) > 0)
      upto = SF_CHECK_PLACE;
  return sf_program_verify (program, context->arch, upto, error);
}

static bool
run_step (SfPassContext *context, const SfPipelineStep *step, size_t index, size_t n,
          GError **error)
{
  const SfCompileOptions *options = context->options;
  if (options->progress != NULL)
    options->progress (options->user_data, step->plugin->name, index, n);
  bool unbuilt = sf_program_n_entries (context->program) == 0;
  context->pass = step->plugin->name;
  if (!step->plugin->ops.pass->run (context, step->values, error))
    return false;
  if (!sf_module_verify (context->module, error) || !verify_program (context, error))
    {
      g_prefix_error (error, "after pass %s: ", step->plugin->name);
      return false;
    }
  return !unbuilt || sf_program_n_entries (context->program) == 0
         || sf_candidate_may_win (context, error);
}

bool
sf_pipeline_run_range (SfPassContext *context, const SfPipeline *pipeline, guint first, guint end,
                       GError **error)
{
  for (guint i = first; i < end; i++)
    if (!run_step (context, pipeline->steps->pdata[i], i, pipeline->steps->len, error))
      return false;
  return true;
}

guint
sf_pipeline_mapping (const SfPipeline *pipeline)
{
  for (guint i = 0; i < pipeline->steps->len; i++)
    if (g_str_equal (((SfPipelineStep *) pipeline->steps->pdata[i])->plugin->name, "section"))
      return i;
  return pipeline->steps->len;
}

static guint
find_step (const GPtrArray *steps, const char *pass)
{
  guint i = 0;
  while (i < steps->len && !g_str_equal (((SfPipelineStep *) steps->pdata[i])->plugin->name, pass))
    i++;
  return i;
}

/* The stage that takes most of what lacks gives way, a number of times. */
static bool
map_and_shrink (SfPassContext *context, const SfPipeline *pipeline, guint first, GError **error)
{
  for (int shrinks = 0;; shrinks++)
    {
      g_autoptr (GError) failure = NULL;
      context->blames = false;
      if (sf_pipeline_run_range (context, pipeline, first, pipeline->steps->len, &failure))
        return true;
      const char *pass = g_error_matches (failure, SF_ERROR, SF_ERROR_NO_RESOURCE)
                                 && shrinks < MAX_SHRINKS
                             ? sf_shrink_blamed (context)
                             : NULL;
      first = pass != NULL ? find_step (pipeline->steps, pass) : pipeline->steps->len;
      if (first == pipeline->steps->len)
        {
          g_propagate_error (error, g_steal_pointer (&failure));
          return false;
        }
    }
}

bool
sf_pipeline_map (SfPassContext *context, const SfPipeline *pipeline, guint first, GError **error)
{
  for (size_t attempt = 0; attempt < G_N_ELEMENTS (fills); attempt++)
    {
      g_autoptr (GError) failure = NULL;
      g_hash_table_insert (context->facts, g_strdup ("fill"),
                           g_strdup_printf ("%d", fills[attempt]));
      if (map_and_shrink (context, pipeline, first, &failure))
        return true;
      bool last = attempt + 1 == G_N_ELEMENTS (fills);
      if (last || !g_error_matches (failure, SF_ERROR, SF_ERROR_NO_RESOURCE))
        {
          g_propagate_error (error, g_steal_pointer (&failure));
          return false;
        }
      sf_pass_note (context, "sections of at most %d %%: %s", fills[attempt + 1], failure->message);
      sf_program_unref (context->program);
      context->program = sf_program_new ();
    }
  return true;
}

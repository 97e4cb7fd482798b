/* SPDX-License-Identifier: Apache-2.0 */
/* Candidates: the programs of a level's own pipeline and of those that it names besides. The one
 * with the least emulated time is kept, so that a level is never slower than those below it. */
#include <sf/plugin/timing.h>

#include "core/compile/pipeline.h"
#include "core/program/splice.h"

/* T0 is within 10 % of T1 on nearly all sections: a candidate whose T0 is slower than the best T1
 * by so many percent is not placed and routed. */
#define MARGIN 25

typedef struct
{
  const SfPipeline *pipeline;
  SfModule *module;
  SfProgram *program; /* NULL: it did not fit, or could not win */
  GArray *cycles;     /* int64_t, T1 of each entry */
  GError *failure;
} Candidate;

static void
candidate_clear (Candidate *c)
{
  g_clear_pointer (&c->module, sf_module_unref);
  g_clear_pointer (&c->program, sf_program_unref);
  g_clear_pointer (&c->cycles, g_array_unref);
  g_clear_error (&c->failure);
}

/* ---- a module of one's own ---- */

static SfGraph *
copy_graph (const SfGraph *from, GError **error)
{
  g_autoptr (SfGraph) to = sf_graph_new (sf_graph_name (from));
  g_autofree SfValue *map = g_new (SfValue, sf_graph_n_values (from) + 1);
  if (!sf_graph_copy_nodes (to, from, map, error))
    return NULL;
  return sf_graph_copy_results (to, from, map, error) ? g_steal_pointer (&to) : NULL;
}

static SfModule *
copy_module (const SfModule *from, GError **error)
{
  g_autoptr (SfModule) to = sf_module_new (sf_module_name (from));
  for (const char *const *key = sf_module_fact_keys (from); *key != NULL; key++)
    sf_module_set_fact (to, *key, sf_module_fact (from, *key));
  for (size_t i = 0; i < sf_module_n_entries (from); i++)
    {
      const char *entry = sf_module_entry (from, i);
      g_autoptr (SfGraph) graph = copy_graph (sf_module_graph (from, entry), error);
      if (graph == NULL)
        return NULL;
      sf_module_set_graph (to, entry, graph);
    }
  return g_steal_pointer (&to);
}

/* ---- one candidate ---- */

static bool
is_complete (const SfProgram *program)
{
  for (uint32_t c = 0; c < sf_program_n_configs (program); c++)
    if (sf_config_n_places (program, c) == 0
        || (sf_config_n_routes (program, c) == 0 && sf_config_n_streams (program, c) > 0))
      return false;
  return sf_program_n_entries (program) > 0;
}

static bool
time_entries (Candidate *c, const SfArch *arch, GError **error)
{
  c->cycles = g_array_new (FALSE, FALSE, sizeof (int64_t));
  for (uint32_t e = 0; is_complete (c->program) && e < sf_program_n_entries (c->program); e++)
    {
      g_autoptr (SfTiming) timing = sf_timing_new (c->program, e, arch, error);
      if (timing == NULL)
        return false;
      int64_t cycles = sf_timing_cycles (timing);
      g_array_append_val (c->cycles, cycles);
    }
  return true;
}

/* Runs the steps that the candidates do not share on a program and, unless it is `alone`, a module
 * of its own. */
static bool
run_candidate (SfPassContext *context, Candidate *c, guint shared, bool alone, GError **error)
{
  SfModule *module = context->module;
  SfProgram *program = context->program;
  context->module = alone ? sf_module_ref (module) : copy_module (module, error);
  context->program = sf_program_new ();
  context->candidate = alone ? NULL : c->pipeline->name;
  guint mapping = MAX (sf_pipeline_mapping (c->pipeline), shared);
  bool ok = context->module != NULL
            && sf_pipeline_run_range (context, c->pipeline, shared, mapping, error)
            && sf_pipeline_map (context, c->pipeline, mapping, error);
  c->module = context->module;
  c->program = context->program;
  context->candidate = NULL;
  context->module = module;
  context->program = program;
  if (!ok)
    g_clear_pointer (&c->program, sf_program_unref);
  return ok;
}

bool
sf_candidate_may_win (SfPassContext *context, GError **error)
{
  const GArray *best = context->best_cycles;
  if (best == NULL || best->len != sf_program_n_entries (context->program))
    return true;
  for (uint32_t e = 0; e < best->len; e++)
    {
      int64_t cycles = sf_estimate_entry (context->program, e, context->arch);
      if (cycles / (100 + MARGIN) < g_array_index (best, int64_t, e) / 100)
        return true;
    }
  return sf_fail (error, SF_ERROR_CANCELLED, "every entry is estimated more than %d %% slower",
                  MARGIN);
}

/* ---- the choice ---- */

/* The step counts first: training, where there is such an entry; then the sum of all. */
static bool
is_faster (const Candidate *a, const Candidate *b)
{
  uint32_t train;
  int64_t sum_a = 0, sum_b = 0;
  if (a->cycles->len != b->cycles->len || a->cycles->len == 0)
    return false;
  for (guint e = 0; e < a->cycles->len; e++)
    {
      sum_a += g_array_index (a->cycles, int64_t, e);
      sum_b += g_array_index (b->cycles, int64_t, e);
    }
  if (!sf_program_find_entry (a->program, "train", &train))
    return sum_a < sum_b;
  int64_t step_a = g_array_index (a->cycles, int64_t, train);
  int64_t step_b = g_array_index (b->cycles, int64_t, train);
  return step_a < step_b || (step_a == step_b && sum_a < sum_b);
}

/* The candidate that runs an entry fastest, the first of equals. */
static Candidate *
fastest (Candidate *candidates, guint n, guint entry)
{
  Candidate *best = NULL;
  for (guint i = 0; i < n; i++)
    if (candidates[i].program != NULL
        && (best == NULL
            || g_array_index (candidates[i].cycles, int64_t, entry)
                   < g_array_index (best->cycles, int64_t, entry)))
      best = &candidates[i];
  return best;
}

static bool
splice_entries (SfPassContext *context, Candidate **sources, Candidate *out, GError **error)
{
  guint n = sources[0]->cycles->len;
  g_autofree SfProgram **programs = g_new0 (SfProgram *, n + 1);
  for (guint e = 0; e < n; e++)
    programs[e] = sources[e]->program;
  out->pipeline = sources[0]->pipeline;
  out->program = sf_program_splice (programs, n, context->arch, error);
  if (out->program == NULL
      || !sf_program_verify (out->program, context->arch, SF_CHECK_MEMORY, error)
      || !time_entries (out, context->arch, error))
    return false;
  out->module = copy_module (sources[0]->module, error);
  for (guint e = 0; out->module != NULL && e < n; e++)
    {
      const char *name = sf_entry_name (out->program, e);
      sf_module_set_graph (out->module, name, sf_module_graph (sources[e]->module, name));
    }
  return out->module != NULL;
}

/* Every entry of the candidate that runs it fastest, where that is not always the same one and
 * memory planned anew makes none slower. The spliced program takes the place of `chosen`. */
static void
choose_by_entry (SfPassContext *context, Candidate *candidates, guint n, Candidate *chosen)
{
  guint n_entries = chosen->cycles->len;
  g_autofree Candidate **sources = g_new0 (Candidate *, n_entries + 1);
  bool several = false;
  for (guint e = 0; e < n_entries; e++)
    {
      sources[e] = fastest (candidates, n, e);
      several |= sources[e] != sources[0];
    }
  Candidate spliced = { 0 };
  bool better = several && splice_entries (context, sources, &spliced, &spliced.failure);
  for (guint e = 0; better && e < n_entries; e++)
    better = g_array_index (spliced.cycles, int64_t, e)
             <= g_array_index (sources[e]->cycles, int64_t, e);
  for (guint e = 0; several && e < n_entries; e++)
    sf_pass_note (context, "entry %s: fastest in %s%s", sf_entry_name (chosen->program, e),
                  sources[e]->pipeline->name, better ? ", taken from there" : "");
  for (guint e = 0; e < n_entries; e++)
    {
      const Candidate *source = better ? sources[e] : chosen;
      if (source != &candidates[0])
        sf_pass_explain (context, "%s: the program of %s is kept, which is faster than that of %s",
                         sf_entry_name (chosen->program, e), source->pipeline->name,
                         candidates[0].pipeline->name);
    }
  if (better)
    {
      g_clear_pointer (&chosen->module, sf_module_unref);
      g_clear_pointer (&chosen->program, sf_program_unref);
      chosen->module = g_steal_pointer (&spliced.module);
      chosen->program = g_steal_pointer (&spliced.program);
    }
  candidate_clear (&spliced);
}

static char *
times_text (const Candidate *c)
{
  GString *text = g_string_new (NULL);
  for (guint e = 0; e < c->cycles->len; e++)
    g_string_append_printf (text, "%s%s %" G_GINT64_FORMAT " cycles", e > 0 ? ", " : "",
                            sf_entry_name (c->program, e), g_array_index (c->cycles, int64_t, e));
  return g_string_free (text, FALSE);
}

/* Keeps the least times seen, which the next candidates are held against. */
static void
note_times (SfPassContext *context, const Candidate *c)
{
  context->pass = "candidates";
  if (c->program == NULL)
    {
      sf_pass_note (context, "%s: left out, %s", c->pipeline->name, c->failure->message);
      return;
    }
  g_autofree char *text = times_text (c);
  sf_pass_note (context, "%s: %s", c->pipeline->name, text);
  if (context->best_cycles == NULL)
    context->best_cycles = g_array_copy (c->cycles);
  for (guint e = 0; e < c->cycles->len && e < context->best_cycles->len; e++)
    {
      int64_t *best = &g_array_index (context->best_cycles, int64_t, e);
      *best = MIN (*best, g_array_index (c->cycles, int64_t, e));
    }
}

static bool
try_candidates (SfPassContext *context, Candidate *candidates, guint n, guint shared,
                Candidate **chosen)
{
  const SfCompileOptions *options = context->options;
  SfCompileOptions quiet = *options;
  quiet.explain = NULL;
  for (guint i = 0; i < n; i++)
    {
      Candidate *c = &candidates[i];
      context->options = i == 0 ? options : &quiet;
      bool ok = run_candidate (context, c, shared, n == 1, &c->failure)
                && (n == 1 || time_entries (c, context->arch, &c->failure));
      if (!ok)
        g_clear_pointer (&c->program, sf_program_unref);
      if (ok && (*chosen == NULL || is_faster (c, *chosen)))
        *chosen = c;
      if (n > 1)
        note_times (context, c);
    }
  context->options = options;
  g_clear_pointer (&context->best_cycles, g_array_unref);
  if (n > 1 && *chosen != NULL)
    {
      sf_pass_note (context, "chosen: %s, the least emulated time", (*chosen)->pipeline->name);
      choose_by_entry (context, candidates, n, *chosen);
    }
  return *chosen != NULL;
}

/* Steps that all pipelines begin with, none of which maps. */
static guint
shared_steps (const GPtrArray *pipelines)
{
  const SfPipeline *first = pipelines->pdata[0];
  guint n = sf_pipeline_mapping (first);
  for (guint p = 1; p < pipelines->len; p++)
    {
      const SfPipeline *other = pipelines->pdata[p];
      guint same = 0;
      while (same < MIN (n, sf_pipeline_mapping (other))
             && sf_step_equal (first->steps->pdata[same], other->steps->pdata[same]))
        same++;
      n = same;
    }
  return n;
}

bool
sf_pipeline_run (SfPassContext *context, GError **error)
{
  const SfCompileOptions *options = context->options;
  g_autoptr (GPtrArray) pipelines = sf_pipelines_read (
      options->level != NULL ? options->level : "o3", options->set, error);
  if (pipelines == NULL)
    return false;
  guint shared = shared_steps (pipelines), n = pipelines->len;
  if (!sf_pipeline_run_range (context, pipelines->pdata[0], 0, shared, error))
    return false;
  /* What differs before the entries are made may be another model: no program of this one. */
  if (context->source == NULL)
    n = 1;
  g_autofree Candidate *candidates = g_new0 (Candidate, n);
  for (guint i = 0; i < n; i++)
    candidates[i].pipeline = pipelines->pdata[i];
  Candidate *chosen = NULL;
  if (try_candidates (context, candidates, n, shared, &chosen))
    {
      sf_module_unref (context->module);
      context->module = g_steal_pointer (&chosen->module);
      sf_program_unref (context->program);
      context->program = g_steal_pointer (&chosen->program);
    }
  else
    g_propagate_error (error, g_steal_pointer (&candidates[0].failure));
  for (guint i = 0; i < n; i++)
    candidate_clear (&candidates[i]);
  return chosen != NULL;
}

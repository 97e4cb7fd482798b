/* SPDX-License-Identifier: Apache-2.0 */
/* Making room where a pass found too little: fewer units for the stage that it blamed, or
 * sections that end there. All else stays as it is. */
#include "core/compile/context.h"

static void
halve_stage (SfPassContext *context, uint32_t config, uint32_t stage, SfStage s)
{
  int64_t n_pcus = s.n_pcus / 2, interval = s.interval_cycles * s.n_pcus / n_pcus;
  sf_pass_note (context,
                "config %u, stage %u: %" G_GINT64_FORMAT " PCUs instead of %" G_GINT64_FORMAT,
                config, stage, n_pcus, s.n_pcus);
  sf_config_set_stage (context->program, config, stage, n_pcus, interval, s.latency_cycles);
  sf_config_set_places (context->program, config, NULL, 0);
  sf_config_set_routes (context->program, config, NULL, 0);
}

static int32_t
first_group (const SfGraph *graph, int32_t section)
{
  int32_t first = INT32_MAX;
  for (SfNode node = 0; node < sf_graph_n_nodes (graph); node++)
    if (sf_node_section (graph, node) == section && sf_node_group (graph, node) >= 0)
      first = MIN (first, sf_node_group (graph, node));
  return first;
}

/* The section's groups from its `n`th on become a section of their own. */
static void
split_section (SfGraph *graph, int32_t section, int32_t n)
{
  int32_t cut = first_group (graph, section) + n;
  for (SfNode node = 0; node < sf_graph_n_nodes (graph); node++)
    {
      int32_t s = sf_node_section (graph, node);
      if (s > section || (s == section && sf_node_group (graph, node) >= cut))
        sf_node_set_section (graph, node, s + 1);
    }
}

/* Whether the section's only group has several nodes: each becomes a section of its own. */
static bool
split_group (SfGraph *graph, int32_t section)
{
  int32_t group = first_group (graph, section), n = 0;
  for (SfNode node = 0; node < sf_graph_n_nodes (graph); node++)
    n += sf_node_group (graph, node) == group;
  for (SfNode node = 0, seen = 0; n > 1 && node < sf_graph_n_nodes (graph); node++)
    {
      int32_t g = sf_node_group (graph, node), s = sf_node_section (graph, node);
      int32_t shift = g == group ? (int32_t) seen++ : n - 1;
      if (g >= group)
        sf_node_set_group (graph, node, g + shift);
      if (s > section || g == group)
        sf_node_set_section (graph, node, s + shift);
    }
  return n > 1;
}

/* Launches of an entry are its sections in order, so the last is cut first. */
static bool
split_sections (SfPassContext *context, uint32_t config, uint32_t stage)
{
  const SfProgram *program = context->program;
  bool several = sf_config_n_stages (program, config) > 1, split = several;
  for (uint32_t e = 0; e < sf_program_n_entries (program); e++)
    {
      SfGraph *graph = sf_module_graph (context->module, sf_entry_name (program, e));
      for (uint32_t l = (uint32_t) sf_entry_n_launches (program, e); graph != NULL && l-- > 0;)
        {
          SfLaunch launch = sf_entry_launch (program, e, l);
          if (launch.target != SF_TARGET_RDU || launch.config != config)
            continue;
          sf_pass_note (context, "%s, section %u: cut at stage %u", sf_entry_name (program, e), l,
                        stage);
          if (several)
            split_section (graph, (int32_t) l, (int32_t) MAX (stage, 1));
          else
            split |= split_group (graph, (int32_t) l);
        }
    }
  return split;
}

const char *
sf_shrink_blamed (SfPassContext *context)
{
  uint32_t config = context->blamed_config, stage = context->blamed_stage;
  if (!context->blames || config >= sf_program_n_configs (context->program)
      || stage >= sf_config_n_stages (context->program, config))
    return NULL;
  context->blames = false;
  SfStage s = sf_config_stage (context->program, config, stage);
  if (s.n_pcus > 1)
    {
      halve_stage (context, config, stage, s);
      return "place";
    }
  if (!split_sections (context, config, stage))
    return NULL;
  sf_program_unref (context->program);
  context->program = sf_program_new ();
  return "tile";
}

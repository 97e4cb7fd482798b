/* SPDX-License-Identifier: Apache-2.0 */
/* Pass fuse: joins nodes into groups, each of which becomes one stage, by the rules of a file.
 * Numbers groups in an order that sections can be cut from. */
#include "apply.h"

static const SfOption options_table[] = {
  { .name = "rules",
    .type = SF_OPTION_STRING,
    .arg = "FILE",
    .help = "fusion rules, a path or a name below etc/rules; none: every node is a stage" },
  { .name = NULL },
};

static void
tell (SfPassContext *context, const char *entry, const FuseIndex *index, const GPtrArray *stories,
      size_t nodes, size_t stages)
{
  sf_pass_explain (context, "%s: %zu nodes in %zu stages by %u %s", entry, nodes, stages,
                   stories->len, stories->len == 1 ? "rule" : "rules");
  for (guint i = 0; i < stories->len; i++)
    fuse_story_tell (stories->pdata[i], index, context);
}

static void
fuse_graph (SfPassContext *context, const char *entry, const GPtrArray *rules)
{
  SfGraph *graph = sf_module_graph (sf_pass_module (context), entry);
  g_autoptr (FuseGroups) groups = fuse_groups_new (graph, sf_pass_arch (context));
  g_autoptr (FuseIndex) index = fuse_index_new (groups);
  g_autoptr (GPtrArray) stories = g_ptr_array_new_with_free_func ((GDestroyNotify) fuse_story_free);
  size_t nodes = 0;
  for (SfNode node = 0; node < groups->n_nodes; node++)
    nodes += groups->group[node] != SF_NONE;
  for (guint i = 0; i < rules->len; i++)
    {
      FuseStory *story = NULL;
      if (sf_pass_explains (context))
        g_ptr_array_add (stories, story = fuse_story_new (rules->pdata[i]));
      fuse_apply (rules->pdata[i], index, groups, story);
    }
  size_t stages = fuse_groups_number (groups);
  sf_pass_note (context, "%s: %zu nodes in %zu stages", entry, nodes, stages);
  if (sf_pass_explains (context))
    tell (context, entry, index, stories, nodes, stages);
}

static bool
run (SfPassContext *context, const SfOptionValues *options, GError **error)
{
  SfModule *module = sf_pass_module (context);
  g_autoptr (GPtrArray) rules = fuse_rules_read (sf_option_string (options, "rules"), error);
  if (rules == NULL)
    return false;
  for (size_t i = 0; i < sf_module_n_entries (module); i++)
    fuse_graph (context, sf_module_entry (module, i), rules);
  return true;
}

static const SfPassOps pass_ops = { .size = sizeof (SfPassOps), .run = run };

const SfPlugin sf_plugin = {
  SF_PLUGIN_HEAD (SF_PLUGIN_PASS, "fuse", "1.0", "join nodes into stages by the rules of a file"),
  .options = options_table,
  .ops.pass = &pass_ops,
};

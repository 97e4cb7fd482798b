/* SPDX-License-Identifier: Apache-2.0 */
/* sf_evaluate: the reference backend, found as any other plugin. */
#include <sf/evaluate.h>
#include <sf/plugin/backend.h>
#include <sf/plugins.h>

bool
sf_evaluate (const SfGraph *graph, const SfEvaluateOptions *options, const SfFeed *feeds,
             size_t n_feeds, SfFetch *fetches, size_t n_fetches, GError **error)
{
  const SfPlugin *plugin = sf_plugins_load (SF_PLUGIN_BACKEND, "cpu", error);
  if (plugin == NULL)
    return false;
  if (plugin->ops.backend->evaluate == NULL)
    return sf_fail (
        error, SF_ERROR_INCOMPATIBLE,
        "backend cpu %s: it evaluates no graphs, wanted the reference backend; remove the "
        "plugin of that name that comes first on the plugin path",
        plugin->version);
  return plugin->ops.backend->evaluate (graph, options, feeds, n_feeds, fetches, n_fetches, error);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Opening an executor plugin. */
#include "queue/executor.h"

#include <sf/plugins.h>

SfExecutor *
sf_executor_open (const char *name, const SfSettings *settings, GError **error)
{
  const SfPlugin *plugin = sf_plugins_load (SF_PLUGIN_EXECUTOR, name, error);
  if (plugin == NULL)
    return NULL;
  g_autoptr (SfOptionValues) options = sf_settings_executor (settings, name, plugin->options,
                                                             error);
  if (options == NULL)
    return NULL;
  void *instance = plugin->ops.executor->open (options, error);
  if (instance == NULL)
    return NULL;
  SfExecutor *executor = g_new0 (SfExecutor, 1);
  executor->ops = plugin->ops.executor;
  executor->instance = instance;
  return executor;
}

void
sf_executor_close (SfExecutor *self)
{
  if (self == NULL)
    return;
  self->ops->close (self->instance);
  g_free (self);
}

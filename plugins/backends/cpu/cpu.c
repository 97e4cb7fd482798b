/* SPDX-License-Identifier: Apache-2.0 */
/* The plugin `cpu`: the executable definition of every op, run over the source graph. */
#include "evaluate.h"
#include "kernel.h"
#include "session.h"

static bool
supports (const SfGraph *graph, SfNode node, const SfArch *arch, char **reason)
{
  g_autoptr (GError) error = NULL;
  if (cpu_kernel_of (graph, node, &error) != NULL)
    return true;
  if (reason != NULL)
    *reason = g_strdup (error->message);
  return false;
}

static const SfBackendOps backend_ops = {
  .size = sizeof (SfBackendOps),
  .supports = supports,
  .open = cpu_session_open,
  .close = cpu_session_close,
  .step = cpu_session_step,
  .read = cpu_session_read,
  .write = cpu_session_write,
  .evaluate = cpu_evaluate,
  .describe = cpu_session_describe,
};

const SfPlugin sf_plugin = {
  SF_PLUGIN_HEAD (SF_PLUGIN_BACKEND, "cpu", "1.0",
                  "interpret the source graph, node by node, as the reference"),
  .ops.backend = &backend_ops,
};

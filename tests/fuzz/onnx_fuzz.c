/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: the frontend `onnx`, on bytes as a model and as a tensor file. What it imports is a
 * sound graph. */
#include <sf/plugin/frontend.h>
#include <sf/plugins.h>
#include <stdlib.h>

#include "tests/fuzz/target.h"

static void
import (const SfFrontendOps *ops, const SfSource *source)
{
  const SfImportOptions options = { .batch_size = 2, .seed = 1 };
  g_autoptr (GError) error = NULL;
  g_autoptr (SfModule) module = sf_module_new ("fuzz");
  g_autoptr (SfGraph) graph = ops->import (source, &options, module, &error);
  if ((graph != NULL) != (error == NULL) || (graph != NULL && !sf_graph_verify (graph, NULL)))
    abort ();
}

static void
read_tensor (const SfFrontendOps *ops, const SfSource *source)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *name = NULL;
  SfTensor tensor = { 0 };
  if (ops->read_tensor (source, &tensor, &name, &error) != (error == NULL)
      || (error == NULL && !sf_tensor_is_dense (&tensor)))
    abort ();
  sf_tensor_clear (&tensor);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t n_bytes)
{
  const SfPlugin *plugin = sf_plugins_load (SF_PLUGIN_FRONTEND, "onnx", NULL);
  /* A folder that is not there: external data reads no file of this machine. */
  const SfSource source = { "/nonexistent/fuzz.onnx", data, n_bytes };
  if (plugin == NULL)
    abort ();
  plugin->ops.frontend->probe (&source);
  import (plugin->ops.frontend, &source);
  read_tensor (plugin->ops.frontend, &source);
  return 0;
}

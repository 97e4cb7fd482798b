/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: the frontend `config`. What it takes is a graph that verifies. */
#include <sf/plugin/frontend.h>
#include <sf/plugins.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/target.h"

#define MAX_DIGITS 2

/* Numbers of more digits, exponents and long products ask for memory, which is no matter of
 * reading. */
static bool
is_large (const uint8_t *data, size_t n_bytes)
{
  size_t n_digits = 0, n_products = 0;
  for (size_t i = 0; i < n_bytes; i++)
    {
      bool exponent = n_digits > 0 && memchr ("eExX", data[i], 4) != NULL;
      n_digits = g_ascii_isdigit (data[i]) ? n_digits + 1 : 0;
      n_products += data[i] == '*';
      if (exponent || n_digits > MAX_DIGITS || n_products > 3)
        return true;
    }
  return false;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t n_bytes)
{
  g_autoptr (GError) error = NULL;
  const SfPlugin *plugin = sf_plugins_load (SF_PLUGIN_FRONTEND, "config", &error);
  /* A folder that is not there: an @include reads no file of this machine. */
  const SfSource source = { "/nonexistent/fuzz.cfg", data, n_bytes };
  const SfImportOptions options = { .batch_size = 2, .seed = 1 };
  if (plugin == NULL)
    abort ();
  if (is_large (data, n_bytes))
    return 0;
  g_autoptr (SfModule) module = sf_module_new ("fuzz");
  g_autoptr (SfGraph) graph = plugin->ops.frontend->import (&source, &options, module, &error);
  if ((graph != NULL) != (error == NULL) || (graph != NULL && !sf_graph_verify (graph, NULL)))
    abort ();
  return 0;
}

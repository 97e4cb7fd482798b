/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: the config reader, and a walk over all it read. */
#include <sf/config.h>

#include <stdlib.h>

#include "tests/fuzz/target.h"

/* Every scalar is read as every type; a value and an error exclude each other. */
static void
walk (SfConfigNode *node)
{
  int64_t i;
  double f;
  bool b;
  const char *s;
  g_autoptr (GError) error = NULL;
  int n_read = sf_config_node_int (node, &i, NULL) + sf_config_node_bool (node, &b, NULL)
               + sf_config_node_string (node, &s, NULL);
  if (n_read > 1 || sf_config_node_line (node) < 1 || sf_config_node_where (node) == NULL)
    abort ();
  if (sf_config_node_float (node, &f, &error) != (error == NULL))
    abort ();
  for (size_t k = 0; k < sf_config_node_count (node); k++)
    walk (sf_config_node_at (node, k));
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t n_bytes)
{
  g_autoptr (GError) error = NULL;
  /* A folder that is not there: an @include reads no file of this machine. */
  g_autoptr (SfConfig) config = sf_config_parse ((const char *) data, n_bytes,
                                                 "/nonexistent/fuzz.cfg", &error);
  if ((config != NULL) != (error == NULL))
    abort ();
  if (config == NULL)
    return 0;
  walk (sf_config_root (config));
  sf_config_node_member (sf_config_root (config), "a");
  sf_config_check_keys (sf_config_root (config), true, NULL);
  return 0;
}

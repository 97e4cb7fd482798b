/* SPDX-License-Identifier: Apache-2.0 */
/* The machine of the timing tests: etc/arch/sn10.cfg with figures that make sums easy. */
#include "tests/unit/timing/machine.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static void
set_figure (json_t *arch, const char *key, int64_t value)
{
  json_t *memory = json_array_get (json_object_get (arch, "memory"), 0);
  if (strcmp (key, "bytes_per_cycle") == 0)
    json_object_set_new (memory, "bytes_per_s", json_integer (value * 1000000000));
  else if (json_object_get (memory, key) != NULL)
    json_object_set_new (memory, key, json_integer (value));
  else
    json_object_set_new (arch, key, json_integer (value));
}

SfArch *
machine_with (const MachineFigure *figures)
{
  static const MachineFigure common[] = {
    { "clock_hz", 1000000000 },
    { "latency_ns", 100 },
    { "bytes_per_cycle", 1024 },
  };
  g_autoptr (SfArch) sn10 = sf_arch_load ("sn10", NULL);
  g_autofree char *text = sf_arch_to_json (sn10);
  json_t *arch = json_loads (text, 0, NULL);
  for (size_t i = 0; i < G_N_ELEMENTS (common); i++)
    set_figure (arch, common[i].key, common[i].value);
  for (; figures != NULL && figures->key != NULL; figures++)
    set_figure (arch, figures->key, figures->value);
  char *changed = json_dumps (arch, 0);
  SfArch *machine = sf_arch_from_json (changed, strlen (changed), NULL);
  free (changed);
  json_decref (arch);
  return machine;
}

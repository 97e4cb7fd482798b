/* SPDX-License-Identifier: Apache-2.0 */
/* results.json: all cases of a run, and the machine that it ran on. */
#include "queue/results.h"

#include <stdlib.h>
#include <string.h>

#include <sf/file.h>

enum
{
  MAX_BYTES = 64 << 20,
};

/* What /proc/cpuinfo calls the processor. Owned. */
static char *
processor_name (void)
{
  g_autofree char *text = NULL;
  if (!g_file_get_contents ("/proc/cpuinfo", &text, NULL, NULL))
    return g_strdup ("");
  const char *at = strstr (text, "model name");
  at = at != NULL ? strchr (at, ':') : NULL;
  return at != NULL ? g_strstrip (g_strndup (at + 1, strcspn (at + 1, "\n"))) : g_strdup ("");
}

/* The kernels that the emulator takes: those that SF_ISA names, else the widest that there are. */
static const char *
processor_isa (void)
{
  const char *wanted = g_getenv ("SF_ISA");
  if (wanted != NULL && g_utf8_validate (wanted, -1, NULL))
    return wanted;
#if defined(__x86_64__)
  if (__builtin_cpu_supports ("avx512f") && __builtin_cpu_supports ("avx512bw"))
    return __builtin_cpu_supports ("avx512bf16") ? "avx512bf16" : "avx512";
  if (__builtin_cpu_supports ("avx2") && __builtin_cpu_supports ("fma"))
    return "avx2";
#endif
  return "portable";
}

static json_t *
machine_json (void)
{
  g_autofree char *cpu = processor_name ();
  return json_pack ("{s:s, s:s, s:i, s:s}", "host", g_get_host_name (), "cpu", cpu, "cores",
                    (int) g_get_num_processors (), "isa", processor_isa ());
}

/* Those that failed first, then errors, each in the order of the suite. */
static json_t *
failed_first (json_t *cases)
{
  static const char *const states[] = { "failed", "error", "passed" };
  json_t *sorted = json_array ();
  for (size_t s = 0; s < G_N_ELEMENTS (states); s++)
    for (size_t i = 0; i < json_array_size (cases); i++)
      {
        json_t *row = json_array_get (cases, i);
        if (strcmp (json_string_value (json_object_get (row, "state")), states[s]) == 0)
          json_array_append (sorted, row);
      }
  return sorted;
}

json_t *
sf_results_new (const SfRegressRun *run, json_t *cases)
{
  g_autoptr (json_t) owned = cases;
  g_autofree char *started = sf_regress_run_time (run);
  double duration_s = (double) (g_get_real_time () - run->started_us) * 1e-6;
  return json_pack ("{s:s, s:i, s:s, s:s, s:f, s:s, s:o, s:o}", "format", "spatialflow-regress",
                    "version", 1, "suite", run->suite, "started", started, "duration_s", duration_s,
                    "program", PACKAGE_VERSION, "machine", machine_json (), "cases",
                    failed_first (owned));
}

size_t
sf_results_count (const json_t *results, const char *state)
{
  const json_t *cases = json_object_get (results, "cases");
  size_t n = 0;
  for (size_t i = 0; i < json_array_size (cases); i++)
    {
      const char *found = json_string_value (json_object_get (json_array_get (cases, i), "state"));
      n += g_strcmp0 (found, state) == 0;
    }
  return n;
}

static bool
write_file (const char *folder, const char *name, const char *text, GError **error)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  return sf_file_replace (path, text, strlen (text), error);
}

bool
sf_results_write (const json_t *results, const char *folder, GError **error)
{
  g_autofree char *junit = sf_results_junit (results);
  char *text = json_dumps (results, JSON_INDENT (1) | JSON_REAL_PRECISION (9));
  if (text == NULL)
    return sf_fail (error, SF_ERROR_INTERNAL, "%s: results cannot be written as JSON", folder);
  bool good = write_file (folder, "junit.xml", junit, error)
              && write_file (folder, "results.json", text, error);
  free (text);
  return good;
}

json_t *
sf_results_read (const char *path, GError **error)
{
  SfFileMap map;
  if (!sf_file_map (path, MAX_BYTES, &map, error))
    return NULL;
  json_t *json = sf_json_parse (map.data != NULL ? (const char *) map.data : "", map.n_bytes, path,
                                error);
  sf_file_unmap (&map);
  return json;
}

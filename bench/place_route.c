/* SPDX-License-Identifier: Apache-2.0 */
/* Quality and time of place and route: `place_route ARCH LEVEL [pass.option=value...] MODEL...`
 * compiles each model for training on one core and prints a row for it. ARCH may be 40x32: sn10
 * with tiles of that size. For LEVEL bench/large.cfg, a section of 1,300 units whatever the model,
 * SF_PLUGIN_PATH has to name tests/passes/.libs as well. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <sf/compile.h>
#include <sf/plugin/timing.h>

/* Time of passes, and what their routes cost. */
typedef struct
{
  int64_t entered_us, place_us, route_us;
  const char *pass;
  int64_t units, nets;
  int64_t wire;  /* vectors times hops, of a run of each section */
  int64_t worst; /* vectors over the busiest link, summed over sections */

} Row;

static void
enter_pass (void *user_data, const char *pass, size_t index, size_t n)
{
  Row *row = user_data;
  struct timespec t;
  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &t);
  int64_t now = t.tv_sec * 1000000 + t.tv_nsec / 1000;
  if (g_strcmp0 (row->pass, "place") == 0)
    row->place_us += now - row->entered_us;
  if (g_strcmp0 (row->pass, "route") == 0)
    row->route_us += now - row->entered_us;
  row->entered_us = now;
  row->pass = pass;
}

/* Hops on the way of a transfer: each counts once. */
static void
load_transfer (const SfProgram *program, uint32_t config, const SfRoute *route,
               const SfTransfer *transfer, GHashTable *load, Row *row)
{
  g_autofree bool *used = g_new0 (bool, route->n_hops + 1);
  for (uint32_t k = 0; k < transfer->n; k++)
    {
      SfPlace at = sf_config_place (program, config, route->sinks[transfer->first + k]);
      for (size_t h = route->n_hops; h-- > 0;)
        if (route->hops[4 * h + 2] == at.x && route->hops[4 * h + 3] == at.y)
          {
            used[h] = true;
            at.x = route->hops[4 * h];
            at.y = route->hops[4 * h + 1];
          }
    }
  for (size_t h = 0; h < route->n_hops; h++)
    if (used[h])
      {
        const int32_t *hop = &route->hops[4 * h];
        intptr_t key = ((((intptr_t) hop[0] + 2) * 1024 + hop[1] + 2) * 1024 + hop[2] + 2) * 1024
                       + hop[3] + 2;
        int64_t sum = GPOINTER_TO_SIZE (g_hash_table_lookup (load, (void *) key)) + transfer->load;
        g_hash_table_insert (load, (void *) key, GSIZE_TO_POINTER (sum));
        row->wire += transfer->load;
      }
}

static void
measure (const SfProgram *program, uint32_t config, const SfArch *arch, Row *row)
{
  g_autoptr (GArray) routes = g_array_new (FALSE, FALSE, sizeof (SfRoute));
  for (uint32_t i = 0; i < sf_config_n_routes (program, config); i++)
    {
      SfRoute route = sf_config_route (program, config, i);
      g_array_append_val (routes, route);
    }
  row->units += (int64_t) sf_config_n_places (program, config);
  row->nets += routes->len;
  g_autoptr (GArray) transfers = sf_estimate_transfers (program, config, arch, routes);
  g_autoptr (GHashTable) load = g_hash_table_new (NULL, NULL);
  for (guint i = 0; i < transfers->len; i++)
    {
      const SfTransfer *t = &g_array_index (transfers, SfTransfer, i);
      const SfRoute *route = &g_array_index (routes, SfRoute, t->net);
      if (route->network == SF_NETWORK_VECTOR)
        load_transfer (program, config, route, t, load, row);
    }
  GHashTableIter iter;
  gpointer sum;
  size_t worst = 0;
  g_hash_table_iter_init (&iter, load);
  while (g_hash_table_iter_next (&iter, NULL, &sum))
    worst = MAX (worst, GPOINTER_TO_SIZE (sum));
  row->worst += (int64_t) worst;
}

static bool
bench (const char *path, const SfArch *arch, const SfCompileOptions *common, GError **error)
{
  Row row = { 0 };
  SfCompileOptions options = *common;
  SfImportOptions import = { .loss = g_str_has_suffix (path, ".onnx") ? "mse" : NULL };
  options.progress = enter_pass;
  options.user_data = &row;
  g_autoptr (SfModule) module = sf_import (path, &import, error);
  g_autoptr (SfProgram) program = NULL;
  if (module == NULL || !sf_compile_program (module, &options, arch, NULL, NULL, &program, error))
    return false;
  enter_pass (&row, NULL, 0, 0);
  for (uint32_t c = 0; c < sf_program_n_configs (program); c++)
    measure (program, c, arch, &row);
  bool has_entry = sf_program_n_entries (program) > 0;
  g_autoptr (SfTiming) timing = has_entry ? sf_timing_new (program, 0, arch, error) : NULL;
  if (has_entry && timing == NULL)
    return false;
  printf ("%-28s %4zu configs %6" G_GINT64_FORMAT " units %6" G_GINT64_FORMAT
          " nets  place %7.1f ms  route %7.1f ms  wire %12" G_GINT64_FORMAT
          "  worst links %10" G_GINT64_FORMAT "  T0 %11" G_GINT64_FORMAT "  T1 %11" G_GINT64_FORMAT
          "\n",
          path + (strlen (path) > 28 ? strlen (path) - 28 : 0), sf_program_n_configs (program),
          row.units, row.nets, (double) row.place_us / 1e3, (double) row.route_us / 1e3, row.wire,
          row.worst, has_entry ? sf_estimate_entry (program, 0, arch) : 0,
          has_entry ? sf_timing_cycles (timing) : 0);
  return true;
}

/* sn10 with another grid. */
static SfArch *
arch_of_size (int64_t columns, int64_t rows, GError **error)
{
  g_autoptr (SfArch) base = sf_arch_load ("sn10", error);
  if (base == NULL)
    return NULL;
  g_autofree char *text = sf_arch_to_json (base);
  const struct
  {
    const char *key;
    int64_t value;
  } figures[] = { { "\"columns\":", columns },
                  { "\"rows\":", rows },
                  { "\"pcus_per_tile\":", (columns * rows + 1) / 2 },
                  { "\"pmus_per_tile\":", columns * rows / 2 },
                  { "\"agcus_per_tile\":", 2 * rows } };
  for (size_t i = 0; i < G_N_ELEMENTS (figures); i++)
    {
      const char *at = strstr (text, figures[i].key);
      size_t head = (size_t) (at - text) + strlen (figures[i].key);
      char *changed = g_strdup_printf ("%.*s%" G_GINT64_FORMAT "%s", (int) head, text,
                                       figures[i].value,
                                       text + head + strspn (text + head, "0123456789"));
      g_free (text);
      text = changed;
    }
  return sf_arch_from_json (text, strlen (text), error);
}

static SfArch *
load_arch (const char *name, GError **error)
{
  int columns, rows, end = 0;
  if (sscanf (name, "%dx%d%n", &columns, &rows, &end) == 2 && name[end] == '\0')
    return arch_of_size (columns, rows, error);
  return sf_arch_load (name, error);
}

int
main (int argc, char **argv)
{
  if (argc < 4)
    {
      fprintf (stderr, "Usage: place_route ARCH LEVEL [pass.option=value...] MODEL...\n");
      return 2;
    }
  g_autoptr (GError) error = NULL;
  g_autoptr (SfArch) arch = load_arch (argv[1], &error);
  g_autoptr (GPtrArray) set = g_ptr_array_new ();
  int i = 3;
  for (; i < argc && strchr (argv[i], '=') != NULL; i++)
    g_ptr_array_add (set, argv[i]);
  g_ptr_array_add (set, NULL);
  SfCompileOptions options
      = { .level = argv[2], .seed = 1, .set = (const char *const *) set->pdata };
  for (; arch != NULL && i < argc; i++)
    if (!bench (argv[i], arch, &options, &error))
      break;
  if (error != NULL)
    fprintf (stderr, "place_route: %s\n", error->message);
  return error != NULL;
}

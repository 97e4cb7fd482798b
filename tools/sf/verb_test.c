/* SPDX-License-Identifier: Apache-2.0 */
/* The verb `test`: a backend against the reference, stage by stage. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tools/sf/metrics.h"
#include "tools/sf/session_options.h"
#include "tools/sf/verbs.h"

static const SfOption test_options[] = {
  SF_PEF_OPTION_ROW,
  { .name = "backend",
    .type = SF_OPTION_STRING,
    .def = "rdu",
    .arg = "NAME",
    .help = "backend under test; the reference is cpu" },
  { .name = "threads",
    .type = SF_OPTION_INT,
    .def = "0",
    .min = 0,
    .max = 1024,
    .arg = "N",
    .help = "threads; 0: as many as the machine gives" },
  { .name = "seed",
    .type = SF_OPTION_INT,
    .def = "1",
    .min = 0,
    .max = 9e18,
    .arg = "N",
    .help = "of the random inputs" },
  { .name = "limits",
    .type = SF_OPTION_STRING,
    .arg = "FILE",
    .help = "limits; default: etc/limits.cfg" },
  { .name = "all", .type = SF_OPTION_BOOL, .help = "print every value, not only a line per kind" },
  { .name = "json", .type = SF_OPTION_BOOL, .help = "print one JSON object" },
  SF_METRICS_OPTION_ROW,
  { .name = NULL },
};

static const char *const phase_names[] = { "fwd", "bwd", "opt" };

/* A row of the summary: values of one entry, phase, class and dtype. */
typedef struct
{
  const SfCompareRow *worst;
  guint n, n_failed;
} Kind;

static bool
same_kind (const SfCompareRow *a, const SfCompareRow *b)
{
  return strcmp (a->entry, b->entry) == 0 && a->phase == b->phase
         && strcmp (a->op_class, b->op_class) == 0 && strcmp (a->dtype, b->dtype) == 0;
}

static double
excess (const SfCompareRow *row)
{
  return row->limit > 0 ? row->nmse / row->limit : row->nmse > 0 ? INFINITY : 0;
}

static GArray *
summarise (const GPtrArray *rows)
{
  GArray *kinds = g_array_new (FALSE, FALSE, sizeof (Kind));
  for (guint i = 0; i < rows->len; i++)
    {
      const SfCompareRow *row = rows->pdata[i];
      guint k = 0;
      while (k < kinds->len && !same_kind (g_array_index (kinds, Kind, k).worst, row))
        k++;
      if (k == kinds->len)
        g_array_append_val (kinds, ((Kind){ .worst = row }));
      Kind *kind = &g_array_index (kinds, Kind, k);
      kind->n++;
      kind->n_failed += !row->ok;
      if (excess (row) > excess (kind->worst))
        kind->worst = row;
    }
  return kinds;
}

static void
print_header (void)
{
  printf ("%-6s %-5s %-12s %-5s %7s %7s %11s %9s  %s\n", "entry", "phase", "kind", "dtype",
          "values", "failed", "worst NMSE", "limit", "worst at: stage (node)");
}

static void
print_kind (const SfCompareRow *row, guint n, guint n_failed)
{
  printf ("%-6s %-5s %-12s %-5s %7u %7u %11.2e %9.0e  %s (%s)\n", row->entry,
          phase_names[row->phase], row->op_class, row->dtype, n, n_failed, row->nmse, row->limit,
          row->stage, row->node);
}

static void
print_text (const SfCompareResult *result, const char *backend, bool all)
{
  printf ("%s against cpu, each stage from the reference's values:\n", backend);
  print_header ();
  g_autoptr (GArray) kinds = summarise (result->rows);
  for (guint i = 0; !all && i < kinds->len; i++)
    {
      const Kind *kind = &g_array_index (kinds, Kind, i);
      print_kind (kind->worst, kind->n, kind->n_failed);
    }
  for (guint i = 0; i < result->rows->len; i++)
    {
      const SfCompareRow *row = result->rows->pdata[i];
      if (all || !row->ok)
        print_kind (row, 1, row->ok ? 0 : 1);
    }
  g_autoptr (GArray) chain = summarise (result->chain);
  puts ("End to end (for information):");
  for (guint i = 0; i < chain->len; i++)
    {
      const SfCompareRow *row = g_array_index (chain, Kind, i).worst;
      printf ("%-6s %-5s %-12s %-5s %7u %7s %11.2e %9s  %s\n", row->entry, phase_names[row->phase],
              row->op_class, row->dtype, g_array_index (chain, Kind, i).n, "-", row->nmse, "-",
              row->stage);
    }
}

static json_t *
rows_json (const GPtrArray *rows)
{
  json_t *array = json_array ();
  for (guint i = 0; i < rows->len; i++)
    {
      const SfCompareRow *row = rows->pdata[i];
      json_array_append_new (
          array, json_pack ("{s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:f, s:o, s:b}", "entry",
                            row->entry, "phase", phase_names[row->phase], "stage", row->stage,
                            "node", row->node, "kind", row->op_class, "dtype", row->dtype, "nmse",
                            isfinite (row->nmse) ? json_real (row->nmse) : json_null (), "limit",
                            row->limit, "max_abs",
                            isfinite (row->max_abs) ? json_real (row->max_abs) : json_null (), "ok",
                            row->ok));
    }
  return array;
}

/* Op that makes the value of that name in the source graph; "" for what no op makes. */
static const char *
op_of (const SfPef *pef, const char *entry, const char *name)
{
  const SfGraph *graph = sf_module_graph (sf_pef_source (pef), entry);
  for (SfNode node = 0; node < sf_graph_n_nodes (graph); node++)
    for (size_t i = 0; i < sf_node_n_outputs (graph, node); i++)
      if (strcmp (sf_value_name (graph, sf_node_output (graph, node, i)), name) == 0)
        return sf_node_op_name (graph, node);
  return "";
}

/* The first value in program order that differs; NULL: none. */
static json_t *
first_difference (const SfPef *pef, const SfCompareResult *result)
{
  for (guint i = 0; i < result->rows->len; i++)
    {
      const SfCompareRow *row = result->rows->pdata[i];
      if (row->ok)
        continue;
      g_autofree char *text = g_strdup_printf (
          "stage %s, node %s: NMSE %.3g, wanted at most %.3g; %zu of %u values "
          "differ",
          row->stage, row->node, row->nmse, row->limit, result->n_failed, result->rows->len);
      return json_pack ("{s:s, s:s, s:s, s:s, s:s, s:o, s:f, s:s}", "node", row->node, "op",
                        op_of (pef, row->entry, row->node), "entry", row->entry, "phase",
                        phase_names[row->phase], "stage", row->stage, "error",
                        sf_metrics_number (row->nmse), "limit", row->limit, "text", text);
    }
  return NULL;
}

static bool
write_metrics (const SfOptionValues *options, const SfPef *pef, const SfCompareResult *result,
               double seconds, GError **error)
{
  double nmse = 0;
  for (guint i = 0; i < result->rows->len; i++)
    {
      const SfCompareRow *row = result->rows->pdata[i];
      nmse = row->nmse <= nmse ? nmse : row->nmse; /* a NaN is worse than all */
      if (isnan (nmse))
        break;
    }
  json_t *values = json_pack ("{s:o, s:I, s:o}", "nmse", sf_metrics_number (nmse), "values",
                              (json_int_t) result->rows->len, "test_s",
                              sf_metrics_number (seconds));
  return sf_metrics_write (options, "test", values, first_difference (pef, result), error);
}

static int
run_test (const SfOptionValues *options, GError **error)
{
  sf_verb_catch_signals ();
  g_autoptr (SfPef) pef = sf_pef_open (sf_option_string (options, "pef"), error);
  if (pef == NULL)
    return 1;
  const SfCompareOptions compare = {
    .backend = sf_option_string (options, "backend"),
    .limits = sf_option_string (options, "limits"),
    .n_threads = (int) sf_option_int (options, "threads"),
    .seed = (uint64_t) sf_option_int (options, "seed"),
    .cancel = &sf_verb_cancelled,
  };
  SfCompareResult result = { 0 };
  gint64 start = g_get_monotonic_time ();
  g_autoptr (GError) cause = NULL;
  bool ok = sf_compare (pef, &compare, &result, &cause);
  bool compared = ok || g_error_matches (cause, SF_ERROR, SF_ERROR_CHECK_FAILED);
  if (compared && sf_option_bool (options, "json"))
    {
      json_t *object = json_pack ("{s:b, s:I, s:I, s:o, s:o}", "ok", ok, "values",
                                  (json_int_t) result.rows->len, "failed",
                                  (json_int_t) result.n_failed, "local", rows_json (result.rows),
                                  "chain", rows_json (result.chain));
      json_dumpf (object, stdout, JSON_INDENT (1));
      putchar ('\n');
      json_decref (object);
    }
  else if (compared)
    {
      print_text (&result, compare.backend, sf_option_bool (options, "all"));
      if (ok)
        printf ("passed: %u values agree\n", result.rows->len);
    }
  double seconds = (double) (g_get_monotonic_time () - start) * 1e-6;
  bool written = !compared || write_metrics (options, pef, &result, seconds, error);
  sf_compare_result_clear (&result);
  if (written && cause != NULL)
    g_propagate_error (error, g_steal_pointer (&cause));
  return ok && written ? 0 : 1;
}

const SfVerb sf_verb_test = {
  .name = "test",
  .summary = "compare the RDU emulator with the CPU reference, stage by stage",
  .example = "sf test digits.pef",
  .options = test_options,
  .run = run_test,
};

/* SPDX-License-Identifier: Apache-2.0 */
/* GFLOP/s of the emulator's matrix products and convolutions, by shape, and of oneDNN's, against
 * what the processor's multiply-add units did at the same time; as tables in Markdown. SF_ISA
 * chooses the instruction set. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/kernels.h"

enum
{
  MAX_ROUNDS = 99,
  NAME = 44, /* widths of columns */
  CELL = 12
};

typedef struct
{
  int n_rounds;
  char **patterns; /* NULL: all rows */
  size_t n_found;  /* rows measured so far */
} Wanted;

static int
compare_doubles (const void *a, const void *b)
{
  double x = *(const double *) a, y = *(const double *) b;
  return (x > y) - (x < y);
}

static double
median (double *values, int n)
{
  qsort (values, (size_t) n, sizeof *values, compare_doubles);
  return n % 2 != 0 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static size_t
n_columns (const BenchTable *table)
{
  size_t n = 0;
  while (n < BENCH_MAX_COLUMNS && table->columns[n] != NULL)
    n++;
  return n;
}

/* All take turns, the units too; medians of the rounds. */
static void
measure_row (const Bench *bench, const BenchTable *table, SfDtype dtype, int n_rounds,
             const BenchRow *row)
{
  double rate[BENCH_MAX_COLUMNS][MAX_ROUNDS], share[BENCH_MAX_COLUMNS][MAX_ROUNDS];
  size_t n = n_columns (table);
  for (int r = 0; r < n_rounds; r++)
    {
      double peak = bench_watch_peak (bench, dtype);
      for (size_t c = 0; c < n; c++)
        if (row->jobs[c].run != NULL)
          {
            rate[c][r] = row->flops / bench_watch (bench, &row->jobs[c]);
            share[c][r] = rate[c][r] / peak;
          }
    }
  printf ("| %-*s |", NAME, row->name);
  for (size_t c = 0; c < n; c++)
    if (row->jobs[c].run != NULL)
      printf (" %6.1f, %3.0f%% |", median (rate[c], n_rounds) * 1e-9,
              100 * median (share[c], n_rounds));
    else
      printf (" %*s |", CELL, "-");
  printf ("\n");
  fflush (stdout);
}

static bool
is_wanted (const Wanted *wanted, const char *name)
{
  bool found = wanted->patterns == NULL;
  for (char **p = wanted->patterns; !found && *p != NULL; p++)
    found = g_pattern_match_simple (*p, name);
  return found;
}

static void
print_head (const BenchTable *table, SfDtype dtype)
{
  g_autofree char *title = g_strdup_printf ("%s, %s", table->title, sf_dtype_name (dtype));
  printf ("\n| %-*s |", NAME, title);
  for (size_t c = 0; c < n_columns (table); c++)
    printf (" %*s |", CELL, table->columns[c]);
  printf ("\n| --- |");
  for (size_t c = 0; c < n_columns (table); c++)
    printf (" --- |");
  printf ("\n");
}

static void
measure_table (const Bench *bench, const BenchTable *table, SfDtype dtype, Wanted *wanted)
{
  print_head (table, dtype);
  for (size_t i = 0; i < table->n_rows; i++)
    {
      BenchRow row = { .flops = 0 };
      table->make_row (bench, i, dtype, &row);
      if (is_wanted (wanted, row.name))
        {
          measure_row (bench, table, dtype, wanted->n_rounds, &row);
          wanted->n_found++;
        }
      for (size_t c = 0; c < BENCH_MAX_COLUMNS; c++)
        if (row.jobs[c].free != NULL)
          row.jobs[c].free (row.jobs[c].data);
    }
}

static void
measure (const Bench *bench, Wanted *wanted)
{
  static const SfDtype dtypes[] = { SF_F32, SF_BF16 };
  static const BenchTable *const tables[] = { &bench_products, &bench_convs };
  printf (
      "%s, %d thread%s: peak %.0f GFLOP/s f32, %.0f bf16; %s. GFLOP/s, and share of the peak.\n",
      bench->isa->name, bench->n_threads, bench->n_threads == 1 ? "" : "s",
      bench_watch_peak (bench, SF_F32) * 1e-9, bench_watch_peak (bench, SF_BF16) * 1e-9,
      bench_onednn_about ());
  for (size_t t = 0; t < G_N_ELEMENTS (tables); t++)
    for (size_t d = 0; d < G_N_ELEMENTS (dtypes); d++)
      measure_table (bench, tables[t], dtypes[d], wanted);
}

int
main (int argc, char **argv)
{
  Bench bench = { .n_threads = 1, .seconds = 0.01 };
  Wanted wanted = { .n_rounds = 3 };
  GOptionEntry entries[] = {
    { "threads", 't', 0, G_OPTION_ARG_INT, &bench.n_threads, "threads (default: 1)", "N" },
    { "rounds", 'r', 0, G_OPTION_ARG_INT, &wanted.n_rounds, "turns of each (default: 3)", "N" },
    { "seconds", 's', 0, G_OPTION_ARG_DOUBLE, &bench.seconds, "a turn's (default: 0.01)", "S" },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &wanted.patterns, NULL, "[ROW...]" },
    { NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL }
  };
  g_autoptr (GError) error = NULL;
  g_autoptr (GOptionContext) context = g_option_context_new ("- GFLOP/s of kernels by shape");
  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_set_description (context, "Example: kernels --threads 2 '256 x *'\n");
  bool ok = g_option_context_parse (context, &argc, &argv, &error);
  bench.n_threads = CLAMP (bench.n_threads, 1, BENCH_MAX_THREADS);
  wanted.n_rounds = CLAMP (wanted.n_rounds, 1, MAX_ROUNDS);
  bench.isa = ok ? rdu_isa_choose (&error) : NULL;
  bench.pool = bench.isa != NULL ? sf_thread_pool_new (bench.n_threads, &error) : NULL;
  if (bench.pool == NULL)
    {
      fprintf (stderr, "kernels: %s\n", error->message);
      return 1;
    }
  measure (&bench, &wanted);
  if (wanted.n_found == 0)
    fprintf (stderr, "kernels: %s: no row has such a name, without one all are measured\n",
             wanted.patterns[0]);
  sf_thread_pool_free (bench.pool);
  g_strfreev (wanted.patterns);
  return wanted.n_found > 0 ? 0 : 1;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The line of pending jobs: priority, then what projects have used, then age. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "queue/schedule.h"

/* Milliseconds that a job ahead in the line counts for, times its cores. */
enum
{
  TURN_MS = 60000,
  US_PER_MS = 1000,
};

/* Sums of usage stay far below what 64 bits hold. */
static const double max_core_ms = 1e17;
static const double half_life_us = 86400e6;

typedef struct
{
  size_t index;
  int64_t priority, submitted_us, id;
  int64_t core_ms; /* of its project, with all of the project's jobs ahead of it */
} Place;

double
sf_usage_decay (double core_seconds, int64_t from_us, int64_t to_us)
{
  double elapsed_us = (double) to_us - (double) from_us;
  return elapsed_us > 0 ? core_seconds * exp2 (-elapsed_us / half_life_us) : core_seconds;
}

/* ---- usage by project ---- */

static int64_t *
sum_of (GHashTable *by_project, const char *project)
{
  int64_t *sum = g_hash_table_lookup (by_project, project);
  if (sum == NULL)
    {
      sum = g_new0 (int64_t, 1);
      g_hash_table_insert (by_project, (gpointer) project, sum);
    }
  return sum;
}

/* Integers: the order of rows cannot show in the sum. */
static void
add_core_ms (int64_t *sum, double core_ms)
{
  *sum = (int64_t) MIN ((double) *sum + floor (CLAMP (core_ms, 0, max_core_ms)), max_core_ms);
}

static GHashTable *
usage_by_project (const SfSituation *situation)
{
  GHashTable *by_project = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free);
  for (size_t i = 0; i < situation->n_usage; i++)
    {
      const SfProjectUsage *row = &situation->usage[i];
      add_core_ms (sum_of (by_project, row->project),
                   1e3 * sf_usage_decay (row->core_seconds, row->as_of_us, situation->now_us));
    }
  for (size_t i = 0; i < situation->n_running; i++)
    {
      const SfRunningJob *job = &situation->running[i];
      double elapsed_us = (double) situation->now_us - (double) job->started_us;
      add_core_ms (sum_of (by_project, job->project),
                   (double) job->uses.cores * (MAX (elapsed_us, 0) / US_PER_MS + TURN_MS));
    }
  return by_project;
}

/* ---- the order ---- */

static int
compare (int64_t a, int64_t b)
{
  return (a > b) - (a < b);
}

static int
compare_age (const void *a, const void *b)
{
  const Place *x = a, *y = b;
  int order = compare (y->priority, x->priority);
  if (order == 0)
    order = compare (x->submitted_us, y->submitted_us);
  return order != 0 ? order : compare (x->id, y->id);
}

static int
compare_share (const void *a, const void *b)
{
  const Place *x = a, *y = b;
  int order = compare (y->priority, x->priority);
  if (order == 0)
    order = compare (x->core_ms, y->core_ms);
  return order != 0 ? order : compare_age (a, b);
}

/* The store hands jobs over in order of age, and with one project that is the whole order. */
static void
sort_places (Place *places, size_t n, int (*order) (const void *, const void *))
{
  size_t i = 1;
  while (i < n && order (&places[i - 1], &places[i]) <= 0)
    i++;
  if (i < n)
    qsort (places, n, sizeof *places, order);
}

/* Projects take turns by what they have used, each giving its oldest job: a merge of one line per
 * project, and so a sort by what the project will have used when the job's turn comes. */
void
sf_schedule_order (const SfSituation *situation, size_t *line, size_t n)
{
  g_autoptr (GHashTable) by_project = usage_by_project (situation);
  g_autofree Place *places = g_new (Place, MAX (n, 1));
  for (size_t i = 0; i < n; i++)
    {
      const SfPendingJob *job = &situation->pending[line[i]];
      places[i] = (Place){ .index = line[i],
                           .priority = job->priority,
                           .submitted_us = job->submitted_us,
                           .id = job->id };
    }
  sort_places (places, n, compare_age);
  const char *project = NULL; /* of the job before: jobs of one project come in long rows */
  int64_t *sum = NULL;
  for (size_t i = 0; i < n; i++)
    {
      const SfPendingJob *job = &situation->pending[places[i].index];
      if (project == NULL || strcmp (project, job->project) != 0)
        sum = sum_of (by_project, job->project);
      project = job->project;
      places[i].core_ms = *sum;
      add_core_ms (sum, (double) MAX (job->wants.cores, 1) * TURN_MS);
    }
  sort_places (places, n, compare_share);
  for (size_t i = 0; i < n; i++)
    line[i] = places[i].index;
}

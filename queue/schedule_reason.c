/* SPDX-License-Identifier: Apache-2.0 */
/* What a pending job waits for, in words. */
#include "queue/schedule.h"

/* "12:31:00", with the date unless it is that of `now_us`; never earlier than the time itself. */
static char *
time_text (int64_t time_us, int64_t now_us)
{
  int64_t seconds = time_us / G_USEC_PER_SEC + (time_us % G_USEC_PER_SEC > 0);
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_local (seconds);
  g_autoptr (GDateTime) now = g_date_time_new_from_unix_local (now_us / G_USEC_PER_SEC);
  if (time == NULL || now == NULL)
    return g_strdup ("a far day");
  bool today = g_date_time_get_year (time) == g_date_time_get_year (now)
               && g_date_time_get_day_of_year (time) == g_date_time_get_day_of_year (now);
  return g_date_time_format (time, today ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S");
}

/* "3G", "1.5G", as a job file would say it. */
static char *
bytes_text (int64_t n_bytes)
{
  static const char *const units[] = { " bytes", "K", "M", "G", "T" };
  double size = (double) n_bytes;
  size_t unit = 0;
  while (unit + 1 < G_N_ELEMENTS (units) && size >= 1024)
    {
      size /= 1024;
      unit++;
    }
  return g_strdup_printf ("%.4g%s", size, units[unit]);
}

static char *
memory_text (int64_t n_bytes)
{
  g_autofree char *bytes = bytes_text (n_bytes);
  return g_strdup_printf ("%s of memory", bytes);
}

static char *
count_text (int64_t n, const char *noun)
{
  return g_strdup_printf ("%" G_GINT64_FORMAT " %s%s", n, noun, n == 1 ? "" : "s");
}

static void
append_comma (GString *text)
{
  if (text->len > 0)
    g_string_append (text, ", ");
}

/* "8 cores of 4": whatever is wanted beyond the capacity. */
static char *
beyond_capacity (const SfResources *wants, const SfResources *all)
{
  GString *text = g_string_new (NULL);
  if (wants->cores > all->cores)
    {
      g_autofree char *count = count_text (wants->cores, "core");
      g_string_append_printf (text, "%s of %" G_GINT64_FORMAT, count, all->cores);
    }
  if (wants->memory_bytes > all->memory_bytes)
    {
      g_autofree char *memory = memory_text (wants->memory_bytes);
      g_autofree char *there = bytes_text (all->memory_bytes);
      append_comma (text);
      g_string_append_printf (text, "%s of %s", memory, there);
    }
  if (wants->rdu_tiles > all->rdu_tiles)
    {
      g_autofree char *count = count_text (wants->rdu_tiles, "RDU tile");
      append_comma (text);
      g_string_append_printf (text, "%s of %" G_GINT64_FORMAT, count, all->rdu_tiles);
    }
  return g_string_free (text, FALSE);
}

/* "2 cores: 1 of 4 is free": whatever is wanted and not free. */
static char *
beyond_free (const SfResources *wants, const SfResources *all, const SfSchedule *schedule)
{
  const SfResources *free = &schedule->free;
  GString *text = g_string_new (NULL);
  if (wants->cores > free->cores)
    {
      g_autofree char *count = count_text (wants->cores, "core");
      int64_t n = MAX (free->cores, 0);
      g_string_append_printf (text, "%s: %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT " %s free",
                              count, n, all->cores, n == 1 ? "is" : "are");
    }
  if (wants->memory_bytes > 0 && wants->memory_bytes > free->memory_bytes)
    {
      g_autofree char *memory = memory_text (wants->memory_bytes);
      g_autofree char *left = bytes_text (MAX (free->memory_bytes, 0));
      g_autofree char *there = bytes_text (all->memory_bytes);
      append_comma (text);
      g_string_append_printf (text, "%s: %s of %s is free", memory, left, there);
    }
  if (wants->rdu_tiles > schedule->free_rdu_run)
    {
      g_autofree char *count = count_text (wants->rdu_tiles, "RDU tile");
      append_comma (text);
      g_string_append_printf (text, "%s: %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT " %s free",
                              count, free->rdu_tiles, all->rdu_tiles,
                              free->rdu_tiles == 1 ? "is" : "are");
      if (wants->rdu_tiles <= free->rdu_tiles)
        g_string_append_printf (text, ", at most %" G_GINT64_FORMAT " side by side",
                                schedule->free_rdu_run);
    }
  return g_string_free (text, FALSE);
}

static char *
resources_reason (const SfSituation *situation, const SfSchedule *schedule, const SfPendingJob *job,
                  const SfVerdict *verdict)
{
  g_autofree char *missing = beyond_free (&job->wants, &situation->capacity, schedule);
  if (verdict->n_ahead > 0)
    return g_strdup_printf ("waits for %s; %zu job%s %s ahead of it, the first is job "
                            "%" G_GINT64_FORMAT,
                            missing, verdict->n_ahead, verdict->n_ahead == 1 ? "" : "s",
                            verdict->n_ahead == 1 ? "is" : "are", verdict->job);
  if (verdict->until_us == 0)
    return g_strdup_printf ("waits for %s; job %" G_GINT64_FORMAT " has no time limit", missing,
                            verdict->job);
  g_autofree char *time = time_text (verdict->until_us, situation->now_us);
  return g_strdup_printf ("waits for %s; job %" G_GINT64_FORMAT " ends by %s", missing,
                          verdict->job, time);
}

static char *
array_reason (const SfPendingJob *job, const SfVerdict *verdict)
{
  return g_strdup_printf ("waits for job %" G_GINT64_FORMAT
                          " or another of its array to end: at most %" G_GINT64_FORMAT
                          " run at once",
                          verdict->job, job->at_once);
}

static char *
turn_reason (const SfSituation *situation, const SfPendingJob *job, const SfVerdict *verdict)
{
  if (verdict->until_us == 0)
    return g_strdup_printf ("waits for its turn: job %" G_GINT64_FORMAT
                            ", which is ahead, needs what it would take",
                            verdict->job);
  g_autofree char *time = time_text (verdict->until_us, situation->now_us);
  return g_strdup_printf ("waits for its turn: job %" G_GINT64_FORMAT
                          ", which is ahead, starts by %s; %s",
                          verdict->job, time,
                          job->time_limit_us == 0 ? "this one has no time limit"
                                                  : "this one may take longer than that");
}

/* The dependency on `id` that decided. */
static const SfDependency *
dependency_on (const SfPendingJob *job, int64_t id, SfDependencyState state)
{
  for (size_t i = 0; i < job->n_dependencies; i++)
    if (job->dependencies[i].id == id && sf_dependency_state (&job->dependencies[i]) == state)
      return &job->dependencies[i];
  return NULL;
}

static char *
dependency_reason (const SfPendingJob *job, const SfVerdict *verdict)
{
  static const char *const wanted[] = {
    [SF_AFTER] = "end",
    [SF_AFTER_OK] = "complete",
    [SF_AFTER_NOT_OK] = "fail",
  };
  bool never = verdict->wait == SF_WAIT_FOREVER;
  SfDependencyState state = never ? SF_DEPENDENCY_NEVER : SF_DEPENDENCY_WAITS;
  const SfDependency *other = dependency_on (job, verdict->job, state);
  size_t n = 0;
  if (never)
    return g_strdup_printf ("never: waits for job %" G_GINT64_FORMAT " to %s, it is %s", other->id,
                            wanted[other->kind], sf_job_state_name (other->state));
  for (size_t i = 0; i < job->n_dependencies; i++)
    n += sf_dependency_state (&job->dependencies[i]) == state;
  return n == 1 ? g_strdup_printf ("waits for job %" G_GINT64_FORMAT " to %s", other->id,
                                   wanted[other->kind])
                : g_strdup_printf ("waits for job %" G_GINT64_FORMAT " to %s, and for %zu more",
                                   other->id, wanted[other->kind], n - 1);
}

char *
sf_schedule_reason (const SfSituation *situation, const SfSchedule *schedule, size_t i)
{
  const SfPendingJob *job = &situation->pending[i];
  const SfVerdict *verdict = &schedule->verdicts[i];
  switch (verdict->wait)
    {
    case SF_WAIT_NOTHING:
      return g_strdup ("starts now");
    case SF_WAIT_RELEASE:
      return g_strdup ("held");
    case SF_WAIT_TIME:
      {
        g_autofree char *time = time_text (verdict->until_us, situation->now_us);
        return g_strdup_printf ("waits until %s", time);
      }
    case SF_WAIT_DEPENDENCY:
    case SF_WAIT_FOREVER:
      return dependency_reason (job, verdict);
    case SF_WAIT_CAPACITY:
      {
        g_autofree char *beyond = beyond_capacity (&job->wants, &situation->capacity);
        return g_strdup_printf ("never: wants %s", beyond);
      }
    case SF_WAIT_RESOURCES:
      return resources_reason (situation, schedule, job, verdict);
    case SF_WAIT_ARRAY:
      return array_reason (job, verdict);
    case SF_WAIT_TURN:
      return turn_reason (situation, job, verdict);
    }
  return g_strdup ("");
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of `top`. */
#include "tools/sfbatch/board.h"

#include <math.h>
#include <string.h>

#include <sf/plugin/executor.h>
#include <sf/plugins.h>

#include "queue/progress.h"
#include "queue/protocol.h"
#include "tools/sfbatch/show_job.h"
#include "tools/sfbatch/show_text.h"

enum
{
  BAR_CELLS = 20,
  MAX_ENDED = 5,
  MAX_TILES_SHOWN = 64,
};

/* What all jobs together have, and may have. */
typedef struct
{
  int64_t cores, memory_bytes, tiles; /* 0: the daemon did not say */
  int64_t used_cores, used_memory, used_tiles;
  int64_t n_live, n_pending;
} Machine;

static void
line_free (void *data)
{
  SfBoardLine *line = data;
  g_free (line->text);
  g_free (line);
}

static void add_line (GPtrArray *lines, SfBoardTone tone, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

static void
add_line (GPtrArray *lines, SfBoardTone tone, const char *format, ...)
{
  SfBoardLine *line = g_new0 (SfBoardLine, 1);
  va_list values;
  va_start (values, format);
  line->tone = tone;
  line->text = g_strdup_vprintf (format, values);
  va_end (values);
  g_ptr_array_add (lines, line);
}

static bool
is_live (const SfJob *job)
{
  return job->state == SF_JOB_STARTING || job->state == SF_JOB_RUNNING;
}

/* Under way with an executor that has machines of its own: it takes nothing of this one. */
static bool
is_elsewhere (const SfJob *job)
{
  const SfPlugin *plugin = sf_plugins_load (SF_PLUGIN_EXECUTOR, job->executor, NULL);
  return plugin != NULL && plugin->ops.executor->elsewhere;
}

/* ---- the machine ---- */

static Machine
read_machine (SfQueue *queue, const GPtrArray *jobs)
{
  Machine machine = { 0 };
  bool any = false;
  for (guint i = 0; i < jobs->len; i++)
    {
      const SfJob *job = jobs->pdata[i];
      any = any || !sf_job_state_is_final (job->state);
      machine.n_pending += job->state == SF_JOB_PENDING;
      if (!is_live (job))
        continue;
      machine.n_live++;
      if (is_elsewhere (job))
        continue;
      machine.used_cores += MAX (job->cores, 1);
      machine.used_memory += job->memory_bytes;
      machine.used_tiles += job->tiles;
    }
  if (!any)
    return machine;
  g_autoptr (json_t) status = sf_queue_ask (queue, sf_protocol_request ("status"), NULL);
  const json_t *capacity = json_object_get (status, "capacity");
  machine.cores = json_integer_value (json_object_get (capacity, "cores"));
  machine.memory_bytes = json_integer_value (json_object_get (capacity, "memory_bytes"));
  machine.tiles = json_integer_value (json_object_get (capacity, "tiles"));
  machine.n_pending = MAX (json_integer_value (json_object_get (status, "pending")),
                           machine.n_pending);
  return machine;
}

static char *
share_bar (int64_t used, int64_t of)
{
  return sf_show_bar (of > 0 ? (double) used / (double) of : 0, BAR_CELLS);
}

/* "12 12 . ." with the job on each tile. */
static char *
tile_map (const Machine *machine, const GPtrArray *jobs)
{
  int64_t n = MIN (machine->tiles, MAX_TILES_SHOWN);
  g_autofree int64_t *owner = g_new0 (int64_t, MAX (n, 1));
  for (guint i = 0; i < jobs->len; i++)
    {
      const SfJob *job = jobs->pdata[i];
      if (!is_live (job) || is_elsewhere (job))
        continue;
      for (int64_t t = 0; t < job->tiles; t++)
        if (job->first_tile + t >= 0 && job->first_tile + t < n)
          owner[job->first_tile + t] = job->id;
    }
  GString *text = g_string_new (NULL);
  for (int64_t t = 0; t < n; t++)
    if (owner[t] != 0)
      g_string_append_printf (text, " %" G_GINT64_FORMAT, owner[t]);
    else
      g_string_append (text, " .");
  return g_string_free (text, FALSE);
}

static void
add_machine (GPtrArray *lines, const SfQueue *queue, const Machine *machine, const GPtrArray *jobs)
{
  const double gib = 1024.0 * 1024 * 1024;
  g_autofree char *now = sf_show_time (g_get_real_time ());
  g_autofree char *folder = sf_show_text (queue->folder);
  add_line (lines, SF_BOARD_PLAIN, "%s  %s", folder, now);
  add_line (lines, SF_BOARD_PLAIN, "%" G_GINT64_FORMAT " running, %" G_GINT64_FORMAT " waiting",
            machine->n_live, machine->n_pending);
  if (machine->cores == 0)
    return;
  g_autofree char *cores = share_bar (machine->used_cores, machine->cores);
  g_autofree char *memory = share_bar (machine->used_memory, machine->memory_bytes);
  g_autofree char *tiles = tile_map (machine, jobs);
  add_line (lines, SF_BOARD_PLAIN, "cores   %s  %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT, cores,
            machine->used_cores, machine->cores);
  add_line (lines, SF_BOARD_PLAIN, "memory  %s  %.1f of %.1f GiB promised", memory,
            (double) machine->used_memory / gib, (double) machine->memory_bytes / gib);
  add_line (lines, SF_BOARD_PLAIN,
            "tiles  %s  %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT ", the job on each", tiles,
            machine->used_tiles, machine->tiles);
}

/* ---- the jobs ---- */

static char *
left_text (const SfStepProgress *progress, bool known)
{
  return known && progress->eta_s >= 0 && progress->eta_s < 1e9
             ? sf_show_duration ((int64_t) (progress->eta_s * G_USEC_PER_SEC))
             : g_strdup ("-");
}

static char *
tiles_text (const SfJob *job)
{
  if (job->tiles <= 0 || is_elsewhere (job))
    return g_strdup ("-");
  int64_t last = job->first_tile + job->tiles - 1;
  return job->tiles == 1
             ? g_strdup_printf ("%" G_GINT64_FORMAT, job->first_tile)
             : g_strdup_printf ("%" G_GINT64_FORMAT "-%" G_GINT64_FORMAT, job->first_tile, last);
}

/* "train 2/4"; "starts" before the first step. */
static char *
step_text (SfQueue *queue, const SfJob *job, int step)
{
  g_autoptr (SfPlan) plan = sf_queue_plan (queue, job, NULL);
  if (plan == NULL || step < 1 || step > (int) plan->steps->len)
    return g_strdup ("starts");
  const SfPlanStep *at = plan->steps->pdata[step - 1];
  return g_strdup_printf ("%s %d/%u", at->verb, step, plan->steps->len);
}

static void
add_running (GPtrArray *lines, SfQueue *queue, const SfJob *job)
{
  g_autofree char *folder = sf_queue_attempt_folder (queue, job);
  int step = sf_attempt_last_step (folder);
  SfStepProgress progress;
  bool known = step > 0 && sf_step_progress_read (folder, step, &progress);
  double done = known ? sf_step_progress_done (&progress) : NAN;
  g_autofree char *name = sf_show_name (job);
  g_autofree char *where = step_text (queue, job, step);
  g_autofree char *time = sf_show_elapsed (job);
  g_autofree char *left = left_text (&progress, known);
  g_autofree char *tiles = tiles_text (job);
  g_autofree char *bar = isnan (done) ? g_strnfill (BAR_CELLS, ' ') : sf_show_bar (done, BAR_CELLS);
  g_autofree char *part = isnan (done) ? g_strdup ("") : g_strdup_printf ("%.0f%%", done * 100);
  g_autofree char *loss = known && !isnan (progress.loss) ? g_strdup_printf ("%.4f", progress.loss)
                                                          : g_strdup ("-");
  add_line (lines, SF_BOARD_GOOD,
            "%6" G_GINT64_FORMAT "  %-13s %12s  %-12s %s %4s %9s %12s  %-5s  %s", job->id,
            sf_job_state_name (job->state), time, where, bar, part, loss, left, tiles, name);
}

static void
add_still (GPtrArray *lines, const SfJob *job)
{
  SfBoardTone tone = job->state == SF_JOB_PENDING     ? SF_BOARD_WAITING
                     : job->state == SF_JOB_COMPLETED ? SF_BOARD_GOOD
                                                      : SF_BOARD_BAD;
  g_autofree char *name = sf_show_name (job);
  g_autofree char *reason = sf_show_text (job->reason);
  g_autofree char *time = sf_show_elapsed (job);
  add_line (lines, tone, "%6" G_GINT64_FORMAT "  %-13s %12s  %s: %s", job->id,
            sf_job_state_name (job->state), time, name, reason);
}

/* Newest end first. */
static int
by_end (const void *a, const void *b)
{
  int64_t x = (*(SfJob *const *) a)->ended_us, y = (*(SfJob *const *) b)->ended_us;
  return x > y ? -1 : x < y;
}

static void
add_ended (GPtrArray *lines, const GPtrArray *jobs)
{
  g_autoptr (GPtrArray) ended = g_ptr_array_new ();
  for (guint i = 0; i < jobs->len; i++)
    if (sf_job_state_is_final (((const SfJob *) jobs->pdata[i])->state))
      g_ptr_array_add (ended, jobs->pdata[i]);
  g_ptr_array_sort (ended, by_end);
  if (ended->len > 0)
    {
      add_line (lines, SF_BOARD_PLAIN, "%s", "");
      add_line (lines, SF_BOARD_HEAD, "%6s  %-13s %12s  %s", "ID", "ENDED", "TIME", "NAME: REASON");
    }
  for (guint i = 0; i < MIN (ended->len, MAX_ENDED); i++)
    add_still (lines, ended->pdata[i]);
}

GPtrArray *
sf_board_read (SfQueue *queue, GError **error)
{
  if (!sf_queue_sync (queue, error))
    return NULL;
  g_autoptr (GPtrArray) jobs = sf_store_list (queue->store, SF_STORE_NEWEST, error);
  if (jobs == NULL)
    return NULL;
  sf_queue_explain_pending (queue, jobs);
  GPtrArray *lines = g_ptr_array_new_with_free_func (line_free);
  const Machine machine = read_machine (queue, jobs);
  add_machine (lines, queue, &machine, jobs);
  add_line (lines, SF_BOARD_PLAIN, "%s", "");
  add_line (lines, SF_BOARD_HEAD, "%6s  %-13s %12s  %-12s %-*s %9s %12s  %-5s  %s", "ID", "STATE",
            "TIME", "STEP", BAR_CELLS + 5, "DONE", "LOSS", "LEFT", "TILES", "NAME");
  for (guint i = 0; i < jobs->len; i++)
    if (is_live (jobs->pdata[i]))
      add_running (lines, queue, jobs->pdata[i]);
  for (guint i = 0; i < jobs->len; i++)
    if (((const SfJob *) jobs->pdata[i])->state == SF_JOB_PENDING)
      add_still (lines, jobs->pdata[i]);
  add_ended (lines, jobs);
  return lines;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The verb `show`: a job, and its steps as commands to paste. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue/progress.h"
#include "tools/sfbatch/show_attempts.h"
#include "tools/sfbatch/show_job.h"
#include "queue/shellword.h"
#include "tools/sfbatch/show_text.h"
#include "tools/sfbatch/verbs.h"

static const SfOption show_options[] = {
  { .name = "id",
    .type = SF_OPTION_INT,
    .min = 1,
    .max = 9e15,
    .flags = SF_OPTION_POSITIONAL | SF_OPTION_REQUIRED,
    .arg = "ID",
    .help = "of the job" },
  { .name = "json", .type = SF_OPTION_BOOL, .help = "print one JSON object" },
  { .name = NULL },
};

typedef struct
{
  SfJob *job;
  char *job_folder, *folder; /* folder: of the latest attempt */
  SfPlan *plan;              /* NULL when it cannot be read */
  GPtrArray *attempts;       /* SfAttemptRow */
} Shown;

/* The step's command line; "sf" by its path when PATH would give another one. Owned. */
static char *
command_line (const SfPlan *plan, const SfPlanStep *step)
{
  g_autofree char *in_path = g_find_program_in_path ("sf");
  GString *line = g_string_new (NULL);
  for (int i = 0; step->argv[i] != NULL; i++)
    {
      bool is_sf = i == 0 && strcmp (step->verb, "command") != 0
                   && g_strcmp0 (in_path, plan->sf) != 0;
      g_autofree char *word = sf_shell_word (is_sf ? plan->sf : step->argv[i]);
      g_string_append_printf (line, "%s%s", i > 0 ? " " : "", word);
    }
  return g_string_free (line, FALSE);
}

static char *
step_state (const SfStepRecord *record, bool found, bool job_ended)
{
  if (!found)
    return g_strdup (job_ended ? "not run" : "waiting");
  g_autofree char *time = sf_show_duration ((record->ended ? record->ended_us : g_get_real_time ())
                                            - record->started_us);
  if (!record->ended)
    return job_ended ? g_strdup ("ended with its shepherd")
                     : g_strdup_printf ("running for %s", time);
  if (record->exit_signal != 0)
    return g_strdup_printf ("ended by signal %d after %s", record->exit_signal, time);
  if (record->exit_code != 0)
    return g_strdup_printf ("exited with code %d after %s", record->exit_code, time);
  return g_strdup_printf ("done in %s", time);
}

static void
print_field (const char *label, const char *text)
{
  g_autofree char *shown = text != NULL ? sf_show_text (text) : NULL;
  if (shown != NULL)
    printf ("%-10s %s\n", label, shown);
}

/* What the attempt took at most. False: it has not ended, or nobody has looked. */
static bool
read_memory (const Shown *self, int64_t *bytes, bool *by_kernel)
{
  SfExitRecord record;
  bool found = false;
  bool good = sf_exit_record_read (self->folder, &record, &found, NULL) && record.memory_bytes > 0;
  *bytes = record.memory_bytes;
  *by_kernel = record.by_kernel;
  sf_exit_record_clear (&record);
  return good;
}

static void
print_memory (const Shown *self)
{
  int64_t bytes;
  bool by_kernel;
  if (!read_memory (self, &bytes, &by_kernel))
    return;
  g_autofree char *text = g_strdup_printf ("%.1f MiB at most, %s", (double) bytes / 1048576,
                                           by_kernel ? "by the kernel's count (cgroup)"
                                                     : "seen by polling (PSS)");
  print_field ("memory", text);
}

static json_t *
memory_json (const Shown *self)
{
  int64_t bytes;
  bool by_kernel;
  if (!read_memory (self, &bytes, &by_kernel))
    return json_null ();
  return json_pack ("{s:I, s:s}", "bytes", (json_int_t) bytes, "by", by_kernel ? "cgroup" : "pss");
}

static void
print_text (const Shown *self)
{
  const SfJob *job = self->job;
  bool ended = sf_job_state_is_final (job->state);
  g_autofree char *submitted = sf_show_time (job->submitted_us);
  g_autofree char *started = sf_show_time (job->started_us);
  g_autofree char *end = sf_show_time (job->ended_us);
  g_autofree char *exit = ended ? sf_show_exit (job) : NULL;
  g_autofree char *id = g_strdup_printf ("%" G_GINT64_FORMAT, job->id);
  print_field ("job", id);
  print_field ("name", job->name);
  print_field ("element", job->element);
  print_field ("project", job->project[0] != '\0' ? job->project : NULL);
  print_field ("state", sf_job_state_name (job->state));
  print_field ("reason", job->reason);
  print_field ("exit", exit);
  print_field ("job file", job->job_file);
  print_field ("folder", self->job_folder);
  print_field ("submitted", submitted);
  print_field ("started", started);
  print_field ("ended", end);
  print_memory (self);
  if (self->attempts->len > 1)
    sf_show_attempts (self->attempts);
  if (self->plan == NULL)
    return;
  g_autofree char *work = sf_shell_word (self->plan->work_folder);
  g_autofree char *folder = sf_shell_word (self->plan->job_folder);
  printf ("\n# The steps, ready to paste:\ncd %s\nexport SF_JOB_ID=%s SF_JOB_DIR=%s\n", work, id,
          folder);
  for (guint i = 0; i < self->plan->steps->len; i++)
    {
      SfStepRecord record;
      bool found = false;
      sf_step_record_read (self->folder, (int) i + 1, &record, &found, NULL);
      g_autofree char *where = sf_plan_where (self->plan, (int) i + 1);
      g_autofree char *state = step_state (&record, found, ended);
      g_autofree char *line = command_line (self->plan, self->plan->steps->pdata[i]);
      printf ("# %s: %s\n%s\n", where, state, line);
    }
}

static json_t *
step_json (const Shown *self, int number)
{
  const SfPlanStep *step = self->plan->steps->pdata[number - 1];
  SfStepRecord record;
  bool found = false;
  sf_step_record_read (self->folder, number, &record, &found, NULL);
  json_t *argv = json_array ();
  for (char **word = step->argv; *word != NULL; word++)
    json_array_append_new (argv, json_string (*word));
  g_autofree char *log = sf_attempt_log_path (self->folder, number);
  g_autofree char *started = found ? sf_show_time (record.started_us) : NULL;
  g_autofree char *ended = found && record.ended ? sf_show_time (record.ended_us) : NULL;
  const char *state = !found                                             ? "waiting"
                      : !record.ended                                    ? "running"
                      : record.exit_code != 0 || record.exit_signal != 0 ? "failed"
                                                                         : "done";
  SfStepProgress progress;
  json_t *far = sf_step_progress_read (self->folder, number, &progress)
                    ? sf_step_progress_json (&progress)
                    : json_null ();
  return json_pack ("{s:i, s:s, s:s, s:o, s:i, s:i, s:o, s:o, s:s, s:o}", "step", number, "do",
                    step->verb, "state", state, "argv", argv, "exit_code", record.exit_code,
                    "exit_signal", record.exit_signal, "started", sf_json_text_or_null (started),
                    "ended", sf_json_text_or_null (ended), "log", log, "progress", far);
}

static void
print_json (const Shown *self)
{
  json_t *job = sf_show_job_json (self->job), *steps = json_array ();
  for (int i = 1; self->plan != NULL && i <= (int) self->plan->steps->len; i++)
    json_array_append_new (steps, step_json (self, i));
  json_object_set_new (job, "folder", json_string (self->job_folder));
  json_object_set_new (job, "memory", memory_json (self));
  json_object_set_new (job, "steps", steps);
  json_object_set_new (job, "attempts", sf_show_attempts_json (self->attempts));
  sf_show_json (job);
}

static int
run_show (const SfOptionValues *options, GError **error)
{
  g_autoptr (SfQueue) queue = sf_queue_open (error);
  if (queue == NULL)
    return 1;
  SfJob *job = sf_queue_job (queue, sf_option_int (options, "id"), error);
  if (job == NULL)
    return 1;
  g_autoptr (GPtrArray) jobs = g_ptr_array_new_with_free_func ((GDestroyNotify) sf_job_free);
  g_ptr_array_add (jobs, job);
  sf_queue_explain (queue, jobs);
  g_autofree char *job_folder = sf_queue_job_folder (queue, job->id);
  g_autofree char *folder = sf_queue_attempt_folder (queue, job);
  g_autoptr (SfPlan) plan = sf_queue_plan (queue, job, NULL);
  g_autoptr (GPtrArray) attempts = sf_store_list_attempts (queue->store, job->id, error);
  if (attempts == NULL)
    return 1;
  const Shown shown = { job, job_folder, folder, plan, attempts };
  if (sf_option_bool (options, "json"))
    print_json (&shown);
  else
    print_text (&shown);
  return 0;
}

const SfVerb sf_batch_show = {
  .name = "show",
  .summary = "show a job: state, reason, times, and its steps as commands to paste",
  .example = "sfbatch show 12\nsfbatch show 12 --json",
  .options = show_options,
  .run = run_show,
};

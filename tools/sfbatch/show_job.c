/* SPDX-License-Identifier: Apache-2.0 */
/* One table gives the members of the object and the fields of the line. */
#include "tools/sfbatch/show_job.h"

#include <stdio.h>
#include <stdlib.h>

#include "tools/sfbatch/show_text.h"

static json_t *
time_json (int64_t time_us)
{
  g_autofree char *text = sf_show_time (time_us);
  return sf_json_text_or_null (text);
}

#define MEMBER(name, value)              \
  static json_t *name (const SfJob *job) \
  {                                      \
    return value;                        \
  }

MEMBER (id, json_integer (job->id))
MEMBER (name, json_string (job->name))
MEMBER (element, sf_json_text_or_null (job->element))
MEMBER (project, json_string (job->project))
MEMBER (state, json_string (sf_job_state_name (job->state)))
MEMBER (reason, json_string (job->reason))
MEMBER (result, sf_json_exit (job))
MEMBER (exit_code,
        sf_job_state_is_final (job->state) ? json_integer (job->exit_code) : json_null ())
MEMBER (exit_signal,
        sf_job_state_is_final (job->state) ? json_integer (job->exit_signal) : json_null ())
MEMBER (priority, json_integer (job->priority))
MEMBER (held, json_boolean (job->held))
MEMBER (cores, json_integer (job->cores))
MEMBER (tiles, json_integer (job->tiles))
MEMBER (memory, json_integer (job->memory_bytes))
MEMBER (time_limit, json_integer (job->time_limit_s))
MEMBER (attempt, json_integer (job->attempt))
MEMBER (executor, json_string (job->executor))
MEMBER (job_file, json_string (job->job_file))
MEMBER (submitted, time_json (job->submitted_us))
MEMBER (started, time_json (job->started_us))
MEMBER (ended, time_json (job->ended_us))

static const struct
{
  const char *name;
  json_t *(*value) (const SfJob *job);
} members[] = {
  { "id", id },
  { "name", name },
  { "element", element },
  { "project", project },
  { "state", state },
  { "exit", result },
  { "exit_code", exit_code },
  { "exit_signal", exit_signal },
  { "priority", priority },
  { "held", held },
  { "cores", cores },
  { "tiles", tiles },
  { "memory_bytes", memory },
  { "time_limit_s", time_limit },
  { "attempt", attempt },
  { "executor", executor },
  { "job_file", job_file },
  { "submitted", submitted },
  { "started", started },
  { "ended", ended },
  { "reason", reason },
};

char *
sf_show_exit (const SfJob *job)
{
  if (!sf_job_state_is_final (job->state))
    return g_strdup ("-");
  if (job->exit_signal != 0)
    return g_strdup_printf ("%d:%d", job->exit_code, job->exit_signal);
  return g_strdup_printf ("%d:0", sf_job_exit (job->state, job->exit_code, 0));
}

char *
sf_show_elapsed (const SfJob *job)
{
  if (job->started_us == 0)
    return g_strdup ("-");
  int64_t until = sf_job_state_is_final (job->state) ? job->ended_us : g_get_real_time ();
  return sf_show_duration (until - job->started_us);
}

json_t *
sf_show_job_json (const SfJob *job)
{
  json_t *object = json_object ();
  for (size_t i = 0; i < G_N_ELEMENTS (members); i++)
    json_object_set_new (object, members[i].name, members[i].value (job));
  return object;
}

void
sf_show_json (json_t *value)
{
  char *text = json_dumps (value, JSON_INDENT (2));
  printf ("%s\n", text != NULL ? text : "null");
  free (text);
  json_decref (value);
}

/* `text` without what would be taken for the end of a field or of the line. */
static void
print_field (const char *text)
{
  g_autofree char *shown = sf_show_text (text);
  g_auto (GStrv) parts = g_strsplit (shown, "|", -1);
  g_autofree char *field = g_strjoinv ("\\x7c", parts);
  fputs (field, stdout);
}

static void
print_fields (const SfJob *job)
{
  for (size_t i = 0; i < G_N_ELEMENTS (members); i++)
    {
      g_autoptr (json_t) value = members[i].value (job);
      if (i > 0)
        putchar ('|');
      if (json_is_string (value))
        print_field (json_string_value (value));
      else if (json_is_boolean (value))
        putchar (json_is_true (value) ? '1' : '0');
      else if (json_is_integer (value))
        printf ("%" JSON_INTEGER_FORMAT, json_integer_value (value));
    }
  putchar ('\n');
}

void
sf_show_parsable_jobs (const GPtrArray *jobs)
{
  for (size_t i = 0; i < G_N_ELEMENTS (members); i++)
    printf ("%s%s", i > 0 ? "|" : "", members[i].name);
  putchar ('\n');
  for (guint i = 0; i < jobs->len; i++)
    print_fields (jobs->pdata[i]);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Command line and script of sbatch; what its answers mean. */
#include "submit.h"

#include <string.h>

enum
{
  NAME_CHARS = 8,
  /* Slurm's limit is for a shepherd that has lost its way. It says so a minute ahead, by which time
   * the shepherd's own limit has passed, TERM was sent, and ten seconds later KILL. */
  WARNING_S = 60,
  MARGIN_S = 60,
  MIB = 1 << 20,
};

char *
slurm_job_name (const char *token)
{
  return g_strdup_printf ("sf-%.*s", NAME_CHARS, token);
}

static void add (GPtrArray *words, const char *format, ...) G_GNUC_PRINTF (2, 3);

static void
add (GPtrArray *words, const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  g_ptr_array_add (words, g_strdup_vprintf (format, arguments));
  va_end (arguments);
}

static void
add_resources (GPtrArray *words, const SlurmOptions *options, const SfAttempt *attempt)
{
  add (words, "--nodes=1");
  add (words, "--ntasks=1");
  add (words, "--cpus-per-task=%" G_GINT64_FORMAT, MAX (attempt->cores, 1));
  if (attempt->memory_bytes > 0)
    add (words, "--mem=%" G_GINT64_FORMAT "M",
         attempt->memory_bytes / MIB + (attempt->memory_bytes % MIB > 0));
  if (attempt->time_limit_s > 0)
    add (words, "--time=%" G_GINT64_FORMAT,
         (MIN (attempt->time_limit_s, G_MAXINT32) + MARGIN_S + WARNING_S + 59) / 60);
  if (attempt->tiles > 0 && options->gres != NULL)
    add (words, "--gres=%s:%" G_GINT64_FORMAT, options->gres, attempt->tiles);
}

char **
slurm_submit_argv (const SlurmOptions *options, const SfAttempt *attempt, const char *script_path)
{
  GPtrArray *words = g_ptr_array_new ();
  g_autofree char *name = slurm_job_name (attempt->token);
  add (words, "sbatch");
  add (words, "--parsable");
  add (words, "--job-name=%s", name);
  add (words, "--comment=%s", attempt->token);
  add (words, "--output=/dev/null");
  add (words, "--no-requeue");
  add (words, "--signal=B:XCPU@%d", WARNING_S);
  add_resources (words, options, attempt);
  if (options->partition != NULL)
    add (words, "--partition=%s", options->partition);
  if (options->account != NULL)
    add (words, "--account=%s", options->account);
  if (options->cluster != NULL)
    add (words, "--clusters=%s", options->cluster);
  for (const char *const *option = options->options; *option != NULL; option++)
    add (words, "%s", *option);
  add (words, "%s", script_path);
  g_ptr_array_add (words, NULL);
  return (char **) g_ptr_array_free (words, FALSE);
}

char *
slurm_submit_script (const SfAttempt *attempt)
{
  g_autofree char *log = g_build_filename (attempt->job_folder, "shepherd.log", NULL);
  g_autofree char *quoted_log = g_shell_quote (log);
  g_autofree char *quoted_token = g_shell_quote (attempt->token);
  g_autofree char *quoted_folder = g_shell_quote (attempt->job_folder);
  GString *text = g_string_new ("#!/bin/sh\n");
  g_string_append_printf (text, "exec </dev/null >/dev/null 2>>%s || exit 1\n", quoted_log);
  g_string_append_printf (text, "cd %s || exit 1\n", quoted_folder);
  g_string_append_printf (text, "SF_ATTEMPT_TOKEN=%s\nexport SF_ATTEMPT_TOKEN\nexec", quoted_token);
  for (const char *const *word = attempt->argv; *word != NULL; word++)
    {
      g_autofree char *quoted = g_shell_quote (*word);
      g_string_append_printf (text, " %s", quoted);
    }
  g_string_append_c (text, '\n');
  return g_string_free (text, FALSE);
}

char *
slurm_submit_id (const char *out)
{
  g_auto (GStrv) lines = g_strsplit (out, "\n", -1);
  for (guint i = g_strv_length (lines); i-- > 0;)
    {
      const char *line = g_strchomp (lines[i]);
      size_t digits = strspn (line, "0123456789");
      if (line[0] == '\0')
        continue;
      bool good = digits > 0 && (line[digits] == '\0' || line[digits] == ';')
                  && strpbrk (line, " \t") == NULL;
      return good ? g_strdup (line) : NULL;
    }
  return NULL;
}

bool
slurm_is_unreachable (const char *complaint)
{
  static const char *const words[] = {
    "no answer in time",
    "Unable to contact slurm controller",
    "Socket timed out",
    "Zero Bytes were transmitted",
    "Connection refused",
    "Connection timed out",
    "Connection reset",
    "No route to host",
    "Network is unreachable",
    "Transport endpoint is not connected",
    "ommunication connection failure", /* "Communication", "Slurmctld communication" */
    "Message connection failure",
    "backup controller in standby",
    "controller not responding",
    "temporarily unable to accept",
    "Resource temporarily unavailable",
    "onfiguration source", /* of a configless cluster */
    "unge",                /* whose daemon is away: "Munge encode failed", "munged" */
    "Invalid authentication credential",
  };
  for (size_t i = 0; i < G_N_ELEMENTS (words); i++)
    if (strstr (complaint, words[i]) != NULL)
      return true;
  return false;
}

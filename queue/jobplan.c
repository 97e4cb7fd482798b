/* SPDX-License-Identifier: Apache-2.0 */
/* From the steps of a job file to command lines. */
#include <string.h>

#include "queue/jobread.h"
#include "queue/metrics.h"

typedef enum
{
  FILL_MODEL,
  FILL_DATA,
  FILL_PEF,
  FILL_CHECKPOINTS,         /* where training writes them */
  FILL_TRAINED_CHECKPOINTS, /* the same, for a step behind a training */
  FILL_PREDICTIONS,
  FILL_REPORT,
  FILL_COMPILE_REPORT,
  FILL_CORES,
  FILL_TILES,
  FILL_RESUME,
  FILL_METRICS,
} Fill;

/* What the job gives to options that a step leaves open; verb NULL: every verb that has the option.
 */
static const struct
{
  const char *verb, *option;
  Fill fill;
} fills[] = {
  { "compile", "model", FILL_MODEL },
  { "compile", "output", FILL_PEF },
  { "compile", "report", FILL_COMPILE_REPORT },
  { "compile", "num-tiles", FILL_TILES },
  { NULL, "pef", FILL_PEF },
  { NULL, "data", FILL_DATA },
  { NULL, "threads", FILL_CORES },
  { "train", "checkpoint-dir", FILL_CHECKPOINTS },
  { "train", "resume", FILL_RESUME },
  { NULL, "metrics", FILL_METRICS },
  { "eval", "checkpoint", FILL_TRAINED_CHECKPOINTS },
  { "infer", "checkpoint", FILL_TRAINED_CHECKPOINTS },
  { "infer", "output", FILL_PREDICTIONS },
  { "infer", "report", FILL_REPORT },
};

/* The job's name as a file name: no folder, no blank, no leading dot. */
static char *
file_name (const char *name)
{
  char *copy = g_strdup (name);
  for (char *c = copy; *c != '\0'; c++)
    if (!g_ascii_isalnum (*c) && strchr ("-_.+", *c) == NULL)
      *c = '_';
  if (copy[0] == '.' || copy[0] == '-')
    copy[0] = '_';
  if (strlen (copy) > 100)
    copy[100] = '\0';
  return copy;
}

/* Text of a filled option; NULL: leave it open. Owned. */
static char *
fill_text (const SfJobFile *file, const SfJobStep *step, Fill fill, const char *job_folder,
           int64_t attempt, bool trained)
{
  switch (fill)
    {
    case FILL_MODEL:
      return g_strdup (file->model);
    case FILL_DATA:
      return g_strdup (file->data);
    case FILL_PEF:
      {
        g_autofree char *name = file_name (file->name);
        return g_strdup_printf ("%s/%s.pef", job_folder, name);
      }
    case FILL_CHECKPOINTS:
      return g_build_filename (job_folder, "checkpoints", NULL);
    case FILL_TRAINED_CHECKPOINTS:
      return trained ? g_build_filename (job_folder, "checkpoints", NULL) : NULL;
    case FILL_PREDICTIONS:
      return g_build_filename (job_folder, "predictions.csv", NULL);
    case FILL_REPORT:
      return step->report ? g_build_filename (job_folder, "report", NULL) : NULL;
    case FILL_COMPILE_REPORT:
      return step->report ? g_build_filename (job_folder, "compile-report", NULL) : NULL;
    case FILL_CORES:
      return file->cores > 0 ? g_strdup_printf ("%" G_GINT64_FORMAT, file->cores) : NULL;
    case FILL_TILES:
      return file->tiles > 0 ? g_strdup_printf ("%" G_GINT64_FORMAT, file->tiles) : NULL;
    case FILL_RESUME:
      return attempt > 1 ? g_strdup ("true") : NULL;
    case FILL_METRICS:
      return file->keeps_metrics ? sf_metrics_path (job_folder, step->number) : NULL;
    }
  return NULL;
}

static bool
has_option (const SfOption *table, const char *name)
{
  for (; table->name != NULL; table++)
    if (strcmp (table->name, name) == 0)
      return true;
  return false;
}

static SfOptionValues *
fill_step (const SfJobFile *file, const SfJobStep *step, const char *job_folder, int64_t attempt,
           bool trained, GError **error)
{
  g_autoptr (SfOptionValues) values = sf_option_values_copy (step->values);
  for (size_t i = 0; i < G_N_ELEMENTS (fills); i++)
    {
      const char *name = fills[i].option;
      if ((fills[i].verb != NULL && strcmp (fills[i].verb, step->verb) != 0)
          || !has_option (step->table, name) || sf_option_is_set (values, name))
        continue;
      g_autofree char *text = fill_text (file, step, fills[i].fill, job_folder, attempt, trained);
      if (text != NULL && !sf_option_set (values, name, text, step->where, error))
        return NULL;
    }
  g_autofree char *where = g_strdup_printf ("%s: %s", step->where, step->verb);
  return sf_option_check (values, where, error) ? g_steal_pointer (&values) : NULL;
}

/* "sf", the verb, its options. */
static char **
step_argv (const SfJobStep *step, const SfOptionValues *values)
{
  g_auto (GStrv) options = sf_option_to_argv (values);
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  g_ptr_array_add (argv, g_strdup ("sf"));
  g_ptr_array_add (argv, g_strdup (step->verb));
  for (char **word = options; *word != NULL; word++)
    g_ptr_array_add (argv, g_strdup (*word));
  g_ptr_array_add (argv, NULL);
  return (char **) g_memdup2 (argv->pdata, argv->len * sizeof (char *));
}

SfPlan *
sf_job_file_plan (const SfJobFile *file, const char *job_folder, int64_t attempt, GError **error)
{
  g_autoptr (SfPlan) plan = sf_plan_new ();
  bool trained = false;
  plan->job_folder = g_strdup (job_folder);
  plan->work_folder = g_strdup (file->folder);
  plan->cores = file->cores;
  plan->memory_bytes = file->memory_bytes;
  plan->time_limit_s = file->time_limit_s;
  plan->tiles = file->tiles;
  plan->retries = file->retries;
  plan->notify = g_strdupv (file->notify);
  g_strfreev (plan->environment);
  plan->environment = g_strdupv (file->environment);
  for (guint i = 0; i < file->steps->len; i++)
    {
      const SfJobStep *step = file->steps->pdata[i];
      if (step->values == NULL)
        {
          sf_plan_add_step (plan, step->verb, g_strdupv (step->argv));
          continue;
        }
      g_autoptr (SfOptionValues) values = fill_step (file, step, job_folder, attempt, trained,
                                                     error);
      if (values == NULL)
        return NULL;
      sf_plan_add_step (plan, step->verb, step_argv (step, values));
      trained = trained || strcmp (step->verb, "train") == 0;
    }
  return g_steal_pointer (&plan);
}

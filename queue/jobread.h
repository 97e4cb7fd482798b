/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of reading a job file, each in a file of its own. */
#ifndef QUEUE_JOBREAD_H
#define QUEUE_JOBREAD_H

#include "queue/jobfile.h"

/* jobfile.c: a file on its way into jobs. */
typedef struct
{
  const char *name; /* as given, for messages; borrowed */
  char *path;       /* absolute */
  char *folder;
  char *text; /* g_ref_string */
  const SfStepVerb *verbs;
  size_t n_verbs;
} SfJobSource;

/* From text of a file `path`. To be cleared, whatever it returns. */
bool sf_job_source_init (SfJobSource *source, const char *text, size_t n_bytes, const char *path,
                         const SfStepVerb *verbs, size_t n, GError **error);
void sf_job_source_clear (SfJobSource *source);
/* The text, anew for each job. Owned. */
SfConfig *sf_job_source_parse (const SfJobSource *source, GError **error);
/* Whether that may be done for so many jobs. */
bool sf_job_source_check (const SfJobSource *source, size_t n_jobs, GError **error);

/* A job that says nothing yet. Owned. */
SfJobFile *sf_job_new (const SfJobSource *source);
/* A path of the job, absolute: *out is NULL without `key` and owned. It must be there, or the job
 * would fail much later. */
bool sf_job_read_path (const SfJobSource *source, SfConfigNode *root, const char *key, char **out,
                       GError **error);
/* A name of 1 to 200 characters; *out is NULL when it is not there, and owned. */
bool sf_job_read_name (SfConfigNode *root, const char *key, bool required, char **out,
                       GError **error);
/* Everything but name, model and data. `own`: a group whose steps and resources go before those of
 * `root`; NULL: none. */
bool sf_job_read_rest (const SfJobSource *source, SfJobFile *file, SfConfigNode *root,
                       SfConfigNode *own, GError **error);

typedef struct
{
  int number; /* from 1 */
  char *verb;
  char *where;            /* "file:line" */
  SfOptionValues *values; /* of the verb's table; NULL for a command */
  const SfOption *table;
  char **argv; /* of a command */
  bool report; /* report = true: into the job's folder */
} SfJobStep;

/* jobsteps.c: `steps` of `root` into file->steps; `name` of the file is for messages. */
bool sf_job_read_steps (SfJobFile *file, SfConfigNode *root, const char *name,
                        const SfStepVerb *verbs, size_t n, GError **error);
void sf_job_step_free (void *step);
/* A list of at least one string, "key" in messages. Owned: g_strfreev. */
char **sf_job_read_argv (SfConfigNode *node, const char *key, GError **error);

/* jobrules.c: after, afterok, afternotok, retries, environment, notify. */
bool sf_job_read_rules (SfJobFile *file, SfConfigNode *root, GError **error);
void sf_job_link_free (void *link);

/* jobmatrix.c: what makes many jobs of a file. */
typedef struct
{
  char *name;        /* of ${name} */
  char *variable;    /* of the environment of steps */
  GPtrArray *values; /* texts */
  GArray *types;     /* SfConfigType of each */
} SfJobDimension;

/* `models`, `array` and `matrix` of `root`; the last dimension varies fastest. *at_once is what the
 * array says of that, 0 when it says nothing. Elements are SfJobDimension; owned:
 * g_ptr_array_unref. NULL with an error. */
GPtrArray *sf_job_read_dimensions (SfConfigNode *root, int64_t *at_once, GError **error);
size_t sf_job_count (const GPtrArray *dimensions);
/* `matrix` of `root` alone; the values of names that the `matrix` of `own` has as well are taken
 * from there, and it may have no others. As above. */
GPtrArray *sf_job_read_matrix (SfConfigNode *root, SfConfigNode *own, GError **error);
/* Value of job `index` in dimension `i`. Borrowed. */
SfConfigBinding sf_job_value (const GPtrArray *dimensions, guint i, size_t index);
/* Binds the values of job `index` to the strings of `root`, and of `own` unless that is NULL, and
 * tells the job of them. */
bool sf_job_bind (SfJobFile *file, SfConfigNode *root, SfConfigNode *own,
                  const GPtrArray *dimensions, size_t index, GError **error);

#endif

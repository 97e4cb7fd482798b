/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of reading a job file, each in a file of its own. */
#ifndef QUEUE_JOBREAD_H
#define QUEUE_JOBREAD_H

#include "queue/jobfile.h"

typedef struct
{
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

/* `models`, `array` and `matrix` of `root`; the last dimension varies fastest. Elements are
 * SfJobDimension; owned: g_ptr_array_unref. NULL with an error. */
GPtrArray *sf_job_read_dimensions (SfConfigNode *root, GError **error);
size_t sf_job_count (const GPtrArray *dimensions);
/* Binds the values of job `index` to the strings of `root`, and tells the job of them. */
bool sf_job_bind (SfJobFile *file, SfConfigNode *root, const GPtrArray *dimensions, size_t index,
                  GError **error);

#endif

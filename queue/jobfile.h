/* SPDX-License-Identifier: Apache-2.0 */
/* A job file: what a user writes to have a model compiled, tested, trained and used. */
#ifndef QUEUE_JOBFILE_H
#define QUEUE_JOBFILE_H

#include <sf/options.h>

#include "queue/attempt.h"

/* A verb of `sf` that a step may name, with its option table. */
typedef struct
{
  const char *name;
  const SfOption *options;
} SfStepVerb;

typedef struct
{
  char *name;
  char *path, *folder;                              /* absolute; the steps run in the folder */
  char *text;                                       /* as read */
  char *model, *data;                               /* absolute; NULL: not given */
  int64_t cores, memory_bytes, time_limit_s, tiles; /* 0: not limited */
  GPtrArray *steps;                                 /* private to jobfile.c and jobplan.c */
} SfJobFile;

/* A step as read; private to jobfile.c and jobplan.c. */
typedef struct
{
  char *verb;
  char *where;            /* "file:line" */
  SfOptionValues *values; /* of the verb's table; NULL for a command */
  const SfOption *table;
  char **argv; /* of a command */
  bool report; /* report = true: into the job's folder */
} SfJobStep;

/* Reads and checks a job file. `verbs` of `n` rows are borrowed by the result. Owned; NULL with an
 * error that names file and line. */
SfJobFile *sf_job_file_read (const char *path, const SfStepVerb *verbs, size_t n, GError **error);
/* The same from text; `path` is used in messages and for what is relative to it. */
SfJobFile *sf_job_file_parse (const char *text, size_t n_bytes, const char *path,
                              const SfStepVerb *verbs, size_t n, GError **error);
void sf_job_file_free (SfJobFile *file); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfJobFile, sf_job_file_free)

/* The steps as command lines, with what the job fills in: model, data, and below `job_folder` the
 * PEF, the checkpoints, the predictions and the report. From the second attempt on, training
 * resumes. Fails when a required option is still missing. Job id, token and sf stay unset. */
SfPlan *sf_job_file_plan (const SfJobFile *file, const char *job_folder, int64_t attempt,
                          GError **error);

#endif

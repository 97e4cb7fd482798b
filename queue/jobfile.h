/* SPDX-License-Identifier: Apache-2.0 */
/* A job file: what a user writes to have models compiled, tested, trained and used. An array, a
 * matrix or several models make many jobs of one file. docs/queue.md has the language. */
#ifndef QUEUE_JOBFILE_H
#define QUEUE_JOBFILE_H

#include <sf/options.h>

#include "queue/attempt.h"
#include "queue/schedule.h"

/* A verb of `sf` that a step may name, with its option table. */
typedef struct
{
  const char *name;
  const SfOption *options;
} SfStepVerb;

/* What another job must have come to before this one starts. */
typedef struct
{
  SfDependencyKind kind;
  int64_t id;  /* 0: by name */
  char *name;  /* every job of the newest submission of that name; NULL: by id */
  char *where; /* "file:line" */
} SfJobLink;

/* One job. */
typedef struct
{
  char *name;
  char *element;      /* which of the file's jobs: "batch=1 level=o3"; NULL: the only one */
  char *project;      /* "": none */
  char *path;         /* of the file, absolute */
  char *text;         /* as read; shared by the file's jobs: g_ref_string */
  char *folder;       /* the steps run in it; absolute */
  char *model, *data; /* absolute; NULL: not given */
  int64_t priority;
  int64_t cores, memory_bytes, time_limit_s, tiles; /* 0: not limited */
  char **environment;                               /* "NAME=value", after the submitter's */
  char **notify;                                    /* command for its end; NULL: none */
  GPtrArray *links;                                 /* SfJobLink */
  SfRetryRule retries;
  bool keeps_metrics; /* each step writes what it measured into the job's folder */
  GPtrArray *steps;   /* private to the job files' own files */
} SfJobFile;

void sf_job_file_free (SfJobFile *file); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfJobFile, sf_job_file_free)

/* The jobs of one file, in their order: SfJobFile, at least one. */
typedef struct
{
  GPtrArray *jobs;
  int64_t at_once; /* of them, at most; 0: as many as fit */
} SfJobBatch;

/* Reads and checks a job file. `verbs` of `n` rows are borrowed by the result. Owned; NULL with an
 * error that names file and line. */
SfJobBatch *sf_job_batch_read (const char *path, const SfStepVerb *verbs, size_t n, GError **error);
/* The same from text; `path` is used in messages and for what is relative to it. */
SfJobBatch *sf_job_batch_parse (const char *text, size_t n_bytes, const char *path,
                                const SfStepVerb *verbs, size_t n, GError **error);
void sf_job_batch_free (SfJobBatch *batch); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfJobBatch, sf_job_batch_free)

/* The steps as command lines, with what the job fills in: model, data, and below `job_folder` the
 * PEF, the checkpoints, the predictions and the report. From the second attempt on, training
 * resumes. Fails when a required option is still missing. Job id, token and sf stay unset. */
SfPlan *sf_job_file_plan (const SfJobFile *file, const char *job_folder, int64_t attempt,
                          GError **error);

#endif

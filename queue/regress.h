/* SPDX-License-Identifier: Apache-2.0 */
/* A suite of regression cases: models times the values of a matrix, each a job, and the rules by
 * which what it measures is held against golden values. docs/regress.md has the language. */
#ifndef QUEUE_REGRESS_H
#define QUEUE_REGRESS_H

#include "queue/jobfile.h"
#include "queue/metrics.h"
#include "queue/rule.h"

typedef struct
{
  char *name;         /* "digits level=o1 batch=32" */
  char *model;        /* "digits" */
  json_t *parameters; /* { "level": "o1", "batch": 32 } */
  SfRule rules[SF_N_METRICS];
  const SfJobFile *job; /* in the suite's batch */
} SfRegressCase;

typedef struct
{
  char *name;
  char *path;        /* of the suite's file, as given */
  char *golden;      /* path of the golden file; NULL: nothing is compared with golden values */
  GPtrArray *cases;  /* SfRegressCase, in the order of the file; at least one */
  SfJobBatch *batch; /* their jobs, in the same order */
} SfRegress;

/* Reads and checks a suite. `verbs` of `n` rows are borrowed by the result. Owned; NULL with an
 * error that names file and line. */
SfRegress *sf_regress_read (const char *path, const SfStepVerb *verbs, size_t n, GError **error);
/* The same from text; `path` is used in messages and for what is relative to it. */
SfRegress *sf_regress_parse (const char *text, size_t n_bytes, const char *path,
                             const SfStepVerb *verbs, size_t n, GError **error);
void sf_regress_free (SfRegress *suite); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfRegress, sf_regress_free)

#endif

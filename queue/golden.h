/* SPDX-License-Identifier: Apache-2.0 */
/* Golden values: what each case of a suite is known to give, and why that was changed.
 *
 *   { "format": "spatialflow-golden", "version": 1,
 *     "changes": [ { "date": "2026-11-23", "why": "...", "cases": 12 } ],
 *     "rows": { "digits level=o1 batch=32": { "accuracy": 0.97, "sections": 12 } } } */
#ifndef QUEUE_GOLDEN_H
#define QUEUE_GOLDEN_H

#include <sf/json.h>

typedef struct
{
  char *path;
  bool exists;     /* the file was there */
  json_t *changes; /* array, the oldest first */
  json_t *rows;    /* object of objects of numbers */
} SfGolden;

/* No rows when there is no file. Owned; NULL with an error. */
SfGolden *sf_golden_read (const char *path, GError **error);
/* From the text of the file `path`, which is there. Likewise. */
SfGolden *sf_golden_parse (const char *text, size_t n_bytes, const char *path, GError **error);
void sf_golden_free (SfGolden *golden); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfGolden, sf_golden_free)

bool sf_golden_has (const SfGolden *golden, const char *name);
/* NAN when there is none. */
double sf_golden_value (const SfGolden *golden, const char *name, const char *metric);
/* NAN removes it. Kept to nine digits. */
void sf_golden_set (SfGolden *golden, const char *name, const char *metric, double value);
/* A row that has no values left goes too. */
void sf_golden_remove (SfGolden *golden, const char *name);

/* Adds a change of `n_cases` cases today, and writes the file, a row on a line. */
bool sf_golden_write (SfGolden *golden, const char *why, size_t n_cases, GError **error);

#endif

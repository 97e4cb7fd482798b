/* SPDX-License-Identifier: Apache-2.0 */
/* Work in forked children: a crash or a hang of one piece stays its own. */
#ifndef TOOLS_SF_CHILDREN_H
#define TOOLS_SF_CHILDREN_H

#include <sf/error.h>

typedef struct
{
  size_t n;       /* pieces of work */
  size_t n_each;  /* that one child does, one after the other; 0 is 1. If it does not end well, each
                     is done again in a child of its own */
  int n_jobs;     /* children at a time */
  double limit_s; /* for each piece */
  volatile int *cancel;
  /* In the child: the result of piece `index` as text. Owned: free (). */
  char *(*work) (void *user_data, size_t index);
  /* In the parent, in the order in which they end: what the child returned, or, when it came to no
   * end of its own, NULL and how it ended ("ended by signal 11 (Segmentation fault)"). */
  void (*done) (void *user_data, size_t index, const char *result, const char *end);
  void *user_data;
} SfChildren;

/* Forks, so no thread may have been started. False: cancelled, or the system refuses to fork. */
bool sf_children_run (const SfChildren *children, GError **error);

#endif

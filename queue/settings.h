/* SPDX-License-Identifier: Apache-2.0 */
/* What `sfd.cfg` in the queue's folder says, and for what it leaves open, the machine. */
#ifndef QUEUE_SETTINGS_H
#define QUEUE_SETTINGS_H

#include <sf/options.h>

#include "queue/schedule.h"

typedef struct
{
  SfResources capacity; /* of the node: all cores, all memory, 4 tiles */
  char *executor;       /* of jobs that name none: local */
  int64_t elsewhere;    /* jobs that executors with a line of their own have at a time */
  SfConfig *config;     /* NULL: there is no file */
} SfSettings;

/* cores = 4; memory = "16G"; tiles = 8; executor = "slurm"; elsewhere = 1000;
 * executors: { slurm: { partition = "main"; }; }; Options of executors are read when one is opened.
 */
SfSettings *sf_settings_read (const char *folder, GError **error);
void sf_settings_free (SfSettings *settings); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfSettings, sf_settings_free)

/* The options of an executor, of its own table (NULL: it has none), as the file has them. Owned;
 * NULL with an error. */
SfOptionValues *sf_settings_executor (const SfSettings *settings, const char *name,
                                      const SfOption *table, GError **error);

#endif

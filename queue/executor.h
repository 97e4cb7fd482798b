/* SPDX-License-Identifier: Apache-2.0 */
/* An open executor plugin. */
#ifndef QUEUE_EXECUTOR_H
#define QUEUE_EXECUTOR_H

#include <sf/plugin/executor.h>

#include "queue/settings.h"

typedef struct
{
  const SfExecutorOps *ops;
  void *instance;
} SfExecutor;

/* With the options that `settings` have for it. */
SfExecutor *sf_executor_open (const char *name, const SfSettings *settings, GError **error);
void sf_executor_close (SfExecutor *executor); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfExecutor, sf_executor_close)

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* An open executor plugin. */
#ifndef QUEUE_EXECUTOR_H
#define QUEUE_EXECUTOR_H

#include <sf/plugin/executor.h>

#include "queue/store.h"

typedef struct
{
  const SfExecutorOps *ops;
  void *instance;
} SfExecutor;

SfExecutor *sf_executor_open (const char *name, GError **error);
void sf_executor_close (SfExecutor *executor); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfExecutor, sf_executor_close)

#endif

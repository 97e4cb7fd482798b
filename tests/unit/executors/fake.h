/* SPDX-License-Identifier: Apache-2.0 */
/* The executor `slurm` with programs of the test's own in the place of Slurm's. */
#ifndef TESTS_UNIT_EXECUTORS_FAKE_H
#define TESTS_UNIT_EXECUTORS_FAKE_H

#include <sf/plugin/executor.h>

typedef struct
{
  char *folder; /* holds bin, which is first on PATH, and what the programs write */
  char *attempt;
  SfOptionValues *values;
  const SfExecutorOps *ops;
  void *instance;
} Fake;

/* Options as words "gres=rdu_tile partition=main"; NULL: none. */
Fake *fake_new (const char *options);
void fake_free (Fake *fake);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Fake, fake_free)

/* Puts a shell script in the place of a program; it runs in fake->folder. */
void fake_program (const Fake *fake, const char *name, const char *script);
/* What lies in a file of fake->folder; "" when there is none. Owned. */
char *fake_read (const Fake *fake, const char *name);

bool fake_start (const Fake *fake, const char *token, char **handle, GError **error);
/* The status of one handle; status->reason is owned. */
bool fake_poll (const Fake *fake, const char *handle, SfAttemptStatus *status, GError **error);

#endif

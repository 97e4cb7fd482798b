/* SPDX-License-Identifier: Apache-2.0 */
/* Running one of Slurm's commands as a child, for a bounded time. */
#ifndef EXECUTOR_SLURM_COMMAND_H
#define EXECUTOR_SLURM_COMMAND_H

#include <sf/error.h>

typedef struct
{
  const char *const *argv; /* NULL-terminated; the program is looked for on PATH */
  int err_fd;              /* takes what it says on stderr; -1: that comes back in the answer */
  int64_t timeout_ms;      /* then it is killed, with what it has started */
} SlurmCommand;

typedef struct
{
  bool timed_out;
  int exit_code; /* 128+n: ended by signal n */
  char *out, *err;
} SlurmAnswer;

void slurm_answer_clear (SlurmAnswer *answer);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SlurmAnswer, slurm_answer_clear)

/* In the C locale, without those variables of the caller's environment that give Slurm's commands
 * other options than the ones in argv. False: it could not be started, or said too much. */
bool slurm_command_run (const SlurmCommand *command, SlurmAnswer *answer, GError **error);

/* What it has complained about in one line; "exit code 1" when it has said nothing. Owned. */
char *slurm_complaint (const SlurmAnswer *answer, const char *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What sbatch is asked for. */
#ifndef EXECUTOR_SLURM_SUBMIT_H
#define EXECUTOR_SLURM_SUBMIT_H

#include <sf/plugin/executor.h>

/* As sfd.cfg has them. Borrowed. */
typedef struct
{
  const char *partition, *account, *cluster, *gres; /* NULL: not given */
  const char *const *options;                       /* more of sbatch's */
} SlurmOptions;

/* "sf-" and the beginning of the token. Owned: g_free. */
char *slurm_job_name (const char *token);

/* Owned: g_strfreev. */
char **slurm_submit_argv (const SlurmOptions *options, const SfAttempt *attempt,
                          const char *script_path);

/* The batch script: it becomes the shepherd, so that this is the process that gets signals for the
 * batch step. Owned: g_free. */
char *slurm_submit_script (const SfAttempt *attempt);

/* The job id in what sbatch --parsable has printed: "17" or "17;cluster". Owned; NULL: none. */
char *slurm_submit_id (const char *out);

/* The command could not reach the controller, or that could not answer now: nothing is known of
 * what came of it, and it may be tried again. */
bool slurm_is_unreachable (const char *complaint);

#endif

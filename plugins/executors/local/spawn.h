/* SPDX-License-Identifier: Apache-2.0 */
/* Starting a process that outlives its parent. */
#ifndef EXECUTOR_LOCAL_SPAWN_H
#define EXECUTOR_LOCAL_SPAWN_H

#include <sf/error.h>
#include <sys/types.h>

/* Runs argv in `folder`: a session of its own, no descriptor of the caller's, signals as at boot,
 * stdin and stdout empty, stderr appended to `folder`/shepherd.log. Returns once it has been
 * executed; the caller is its parent and reaps it. */
bool local_spawn (const char *folder, const char *const *argv, char **env, pid_t *pid,
                  GError **error);

#endif

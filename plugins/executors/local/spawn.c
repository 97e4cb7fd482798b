/* SPDX-License-Identifier: Apache-2.0 */
/* New session, closed descriptors, by posix_spawn: that copies nothing of a process with a large
 * store and several threads. */
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

static int
set_files (posix_spawn_file_actions_t *files, const char *folder)
{
  int failed = posix_spawn_file_actions_addchdir_np (files, folder);
  if (failed == 0)
    failed = posix_spawn_file_actions_addopen (files, STDIN_FILENO, "/dev/null", O_RDWR, 0);
  if (failed == 0)
    failed = posix_spawn_file_actions_adddup2 (files, STDIN_FILENO, STDOUT_FILENO);
  if (failed == 0)
    failed = posix_spawn_file_actions_addopen (files, STDERR_FILENO, "shepherd.log",
                                               O_WRONLY | O_CREAT | O_APPEND, 0600);
  return failed != 0 ? failed : posix_spawn_file_actions_addclosefrom_np (files, STDERR_FILENO + 1);
}

static int
set_signals (posix_spawnattr_t *attributes)
{
  sigset_t none, all;
  sigemptyset (&none);
  sigfillset (&all);
  int failed = posix_spawnattr_setsigmask (attributes, &none);
  if (failed == 0)
    failed = posix_spawnattr_setsigdefault (attributes, &all);
  return failed != 0
             ? failed
             : posix_spawnattr_setflags (attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK
                                                         | POSIX_SPAWN_SETSIGDEF);
}

bool
local_spawn (const char *folder, const char *const *argv, char **env, pid_t *pid, GError **error)
{
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init (&files);
  posix_spawnattr_init (&attributes);
  int failed = set_files (&files, folder);
  if (failed == 0)
    failed = set_signals (&attributes);
  if (failed == 0)
    failed = posix_spawnp (pid, argv[0], &files, &attributes, (char *const *) argv, env);
  posix_spawnattr_destroy (&attributes);
  posix_spawn_file_actions_destroy (&files);
  return failed == 0
         || sf_fail_errno (error, failed, "%s: cannot be started in %s", argv[0], folder);
}

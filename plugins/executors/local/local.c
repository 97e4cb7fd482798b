/* SPDX-License-Identifier: Apache-2.0 */
/* Executor `local`: the shepherd is a process of this machine, in a session of its own. */
#include <sf/plugin/executor.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "handle.h"
#include "spawn.h"

#define TOKEN_VARIABLE "SF_ATTEMPT_TOKEN"
/* Only the process that was started carries it: a shepherd takes it away from its steps. */
#define LEADER_VARIABLE "SF_ATTEMPT_LEADER"

static void *
open_local (const SfOptionValues *options, GError **error)
{
  return g_new0 (char, 1); /* nothing to remember: a handle says it all */
}

static bool
start (void *instance, const SfAttempt *attempt, char **handle, GError **error)
{
  g_auto (GStrv) env = g_get_environ ();
  env = g_environ_setenv (env, TOKEN_VARIABLE, attempt->token, TRUE);
  env = g_environ_setenv (env, LEADER_VARIABLE, "1", TRUE);
  pid_t pid;
  if (!local_spawn (attempt->job_folder, attempt->argv, env, &pid, error))
    return false;
  *handle = local_handle_text (pid);
  if (*handle == NULL) /* it has ended already: a handle that is never alive */
    *handle = g_strdup_printf ("%d:0:ended", pid);
  return true;
}

static bool
poll_all (void *instance, const char *const *handles, size_t n, SfAttemptState *states,
          GError **error)
{
  for (size_t i = 0; i < n; i++)
    {
      LocalHandle handle;
      if (!local_handle_parse (handles[i], &handle, error))
        return false;
      states[i] = local_handle_alive (&handle) ? SF_ATTEMPT_RUNNING : SF_ATTEMPT_ENDED;
    }
  return true;
}

static bool
signal_one (void *instance, const char *text, int signal_number, GError **error)
{
  LocalHandle handle;
  if (!local_handle_parse (text, &handle, error))
    return false;
  if (!local_handle_alive (&handle) || kill (handle.pid, signal_number) == 0 || errno == ESRCH)
    return true;
  return sf_fail_errno (error, errno, "process %d: cannot be signalled", handle.pid);
}

static bool
has_word (const char *text, gsize n, const char *wanted)
{
  for (const char *word = text; word < text + n; word += strlen (word) + 1)
    if (strcmp (word, wanted) == 0)
      return true;
  return false;
}

static bool
adopt (void *instance, const char *token, char **handle, GError **error)
{
  g_autofree char *wanted = g_strdup_printf (TOKEN_VARIABLE "=%s", token);
  g_autoptr (GDir) dir = g_dir_open ("/proc", 0, error);
  *handle = NULL;
  for (const char *name; dir != NULL && *handle == NULL && (name = g_dir_read_name (dir)) != NULL;)
    {
      g_autofree char *path = g_build_filename ("/proc", name, "environ", NULL);
      g_autofree char *text = NULL;
      gsize n = 0;
      if (g_ascii_isdigit (name[0]) && g_file_get_contents (path, &text, &n, NULL)
          && has_word (text, n, wanted) && has_word (text, n, LEADER_VARIABLE "=1"))
        *handle = local_handle_text ((pid_t) atoi (name));
    }
  return dir != NULL;
}

static const SfExecutorOps ops = { .size = sizeof (SfExecutorOps),
                                   .open = open_local,
                                   .close = g_free,
                                   .start = start,
                                   .poll = poll_all,
                                   .signal = signal_one,
                                   .adopt = adopt };

const SfPlugin sf_plugin = {
  SF_PLUGIN_HEAD (SF_PLUGIN_EXECUTOR, "local", "1.0",
                  "runs an attempt as a process of this machine"),
  .options = NULL,
  .ops = { .executor = &ops },
};

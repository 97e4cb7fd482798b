/* SPDX-License-Identifier: Apache-2.0 */
/* Executor `local`: the shepherd is a process of this machine, in a session of its own. */
#include <sf/plugin/executor.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "handle.h"
#include "spawn.h"

#define TOKEN_VARIABLE "SF_ATTEMPT_TOKEN"
/* Only the process that was started carries it: a shepherd takes it away from its steps. */
#define LEADER_VARIABLE "SF_ATTEMPT_LEADER"

/* A handle says all about an attempt; what this process has started it also reaps. */
typedef struct
{
  GArray *children; /* pid_t */
} Local;

static void *
open_local (const SfOptionValues *options, GError **error)
{
  Local *self = g_new0 (Local, 1);
  self->children = g_array_new (FALSE, FALSE, sizeof (pid_t));
  return self;
}

static void
reap (Local *self)
{
  for (guint i = self->children->len; i-- > 0;)
    if (waitpid (g_array_index (self->children, pid_t, i), NULL, WNOHANG) != 0)
      g_array_remove_index_fast (self->children, i);
}

static void
close_local (void *instance)
{
  Local *self = instance;
  reap (self);
  g_array_unref (self->children);
  g_free (self);
}

static bool
start (void *instance, const SfAttempt *attempt, char **handle, GError **error)
{
  Local *self = instance;
  g_auto (GStrv) env = g_get_environ ();
  env = g_environ_setenv (env, TOKEN_VARIABLE, attempt->token, TRUE);
  env = g_environ_setenv (env, LEADER_VARIABLE, "1", TRUE);
  pid_t pid;
  reap (self);
  if (!local_spawn (attempt->job_folder, attempt->argv, env, &pid, error))
    return false;
  g_array_append_val (self->children, pid);
  *handle = local_handle_text (pid);
  if (*handle == NULL) /* it has ended already: a handle that is never alive */
    *handle = g_strdup_printf ("%d:0:ended", pid);
  return true;
}

static bool
poll_all (void *instance, const char *const *handles, size_t n, SfAttemptStatus *statuses,
          GError **error)
{
  reap (instance);
  for (size_t i = 0; i < n; i++)
    {
      LocalHandle handle;
      if (!local_handle_parse (handles[i], &handle, error))
        return false;
      statuses[i].state = local_handle_alive (&handle) ? SF_ATTEMPT_RUNNING : SF_ATTEMPT_ENDED;
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
                                   .close = close_local,
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

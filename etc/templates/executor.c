/* An executor that runs an attempt as a process of this machine; its handle is the process id. */
#include <sf/plugin/executor.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static void *
open_here (const SfOptionValues *options, GError **error)
{
  return g_new0 (char, 1); /* nothing to remember: the handle says it all */
}

static bool
start (void *instance, const SfAttempt *attempt, char **handle, GError **error)
{
  GPid pid;
  g_auto (GStrv) env = g_environ_setenv (g_get_environ (), "SF_ATTEMPT_TOKEN", attempt->token,
                                         TRUE);
  if (!g_spawn_async (attempt->job_folder, (char **) attempt->argv, env,
                      (GSpawnFlags) (G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_SEARCH_PATH), NULL, NULL,
                      &pid, error))
    return false;
  *handle = g_strdup_printf ("%d", pid);
  return true;
}

static bool
poll_all (void *instance, const char *const *handles, size_t n, SfAttemptStatus *statuses,
          GError **error)
{
  for (size_t i = 0; i < n; i++)
    {
      GPid pid = atoi (handles[i]);
      bool ended = waitpid (pid, NULL, WNOHANG) == pid || (kill (pid, 0) != 0 && errno == ESRCH);
      statuses[i].state = ended ? SF_ATTEMPT_ENDED : SF_ATTEMPT_RUNNING;
    }
  return true;
}

static bool
signal_one (void *instance, const char *handle, int signal_number, GError **error)
{
  if (kill (atoi (handle), signal_number) == 0 || errno == ESRCH)
    return true;
  return sf_fail_errno (error, errno, "process %s: cannot be signalled", handle);
}

/* The process whose environment carries the token. */
static bool
adopt (void *instance, const char *token, char **handle, GError **error)
{
  g_autofree char *wanted = g_strdup_printf ("SF_ATTEMPT_TOKEN=%s", token);
  g_autoptr (GDir) dir = g_dir_open ("/proc", 0, error);
  *handle = NULL;
  for (const char *name; dir != NULL && *handle == NULL && (name = g_dir_read_name (dir)) != NULL;)
    {
      g_autofree char *path = g_build_filename ("/proc", name, "environ", NULL);
      g_autofree char *environ_text = NULL;
      gsize n = 0;
      if (atoi (name) > 0 && g_file_get_contents (path, &environ_text, &n, NULL))
        for (const char *word = environ_text; word < environ_text + n && *handle == NULL;
             word += strlen (word) + 1)
          if (strcmp (word, wanted) == 0)
            *handle = g_strdup (name);
    }
  return dir != NULL;
}

static const SfExecutorOps ops = { .size = sizeof (SfExecutorOps),
                                   .open = open_here,
                                   .close = g_free,
                                   .start = start,
                                   .poll = poll_all,
                                   .signal = signal_one,
                                   .adopt = adopt };

const SfPlugin sf_plugin = {
  SF_PLUGIN_HEAD (SF_PLUGIN_EXECUTOR, "@name@", "1.0",
                  "runs an attempt as a process of this machine"),
  .options = NULL,
  .ops = { .executor = &ops },
};

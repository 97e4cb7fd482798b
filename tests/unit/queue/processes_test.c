/* SPDX-License-Identifier: Apache-2.0 */
/* The processes of an attempt: carriers of its token, descendants without one, nobody else. */
#include "queue/processes.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/sftest.h"

/* A child that sleeps, with this token in its environment; NULL: with an empty one. */
static pid_t
start_sleeper (const char *token)
{
  g_autofree char *word = g_strdup_printf (SF_TOKEN_VARIABLE "=%s", token);
  char *env[] = { token != NULL ? word : NULL, NULL };
  char *argv[] = { (char *) "sleep", (char *) "60", NULL };
  GPid pid = -1;
  g_spawn_async (NULL, argv, env, G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_SEARCH_PATH, NULL, NULL, &pid,
                 NULL);
  return pid;
}

static bool
contains (const GArray *pids, pid_t pid)
{
  for (guint i = 0; i < pids->len; i++)
    if (g_array_index (pids, pid_t, i) == pid)
      return true;
  return false;
}

static void
reap_children (void *data)
{
  while (waitpid (-1, NULL, WNOHANG) > 0)
    continue;
}

SF_TEST (Processes, FindAndEnd)
{
  g_autofree char *token = g_uuid_string_random ();
  g_autofree char *longer = g_strconcat (token, "x", NULL);
  pid_t ours = start_sleeper (token), other = start_sleeper (longer), bare = start_sleeper (NULL);
  SF_REQUIRE (ours > 0 && other > 0 && bare > 0);
  g_autoptr (GArray) carriers = sf_processes_find (token, 0);
  SF_CHECK (contains (carriers, ours) && carriers->len == 1);
  g_autoptr (GArray) below = sf_processes_find (token, getpid ());
  SF_CHECK (contains (below, ours) && contains (below, bare) && !contains (below, other));
  SF_CHECK (sf_processes_memory_bytes (below) > 0);

  SF_CHECK (sf_processes_end (token, 0, 1000, reap_children, NULL));
  uint64_t ticks;
  SF_CHECK (!sf_process_start_ticks (ours, &ticks));
  SF_CHECK (sf_process_start_ticks (other, &ticks) && sf_process_start_ticks (bare, &ticks));
  kill (other, SIGKILL);
  kill (bare, SIGKILL);
  waitpid (other, NULL, 0);
  waitpid (bare, NULL, 0);
}

SF_TEST (Processes, KillAfterGrace)
{
  g_autofree char *token = g_uuid_string_random ();
  g_autofree char *word = g_strdup_printf (SF_TOKEN_VARIABLE "=%s", token);
  char *env[] = { word, (char *) "PATH=/usr/bin:/bin", NULL };
  char *argv[] = { (char *) "sh", (char *) "-c", (char *) "trap '' TERM; echo; sleep 60; sleep 60",
                   NULL };
  GPid pid = -1;
  int out = -1;
  char byte;
  SF_REQUIRE (g_spawn_async_with_pipes (NULL, argv, env,
                                        G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_SEARCH_PATH, NULL, NULL,
                                        &pid, NULL, &out, NULL, NULL));
  SF_CHECK_INT (read (out, &byte, 1), 1); /* TERM is ignored from now on */
  int64_t start = g_get_monotonic_time ();
  SF_CHECK (sf_processes_end (token, 0, 300, reap_children, NULL));
  SF_CHECK (g_get_monotonic_time () - start >= 300000);
  uint64_t ticks;
  SF_CHECK (!sf_process_start_ticks (pid, &ticks));
  close (out);
}

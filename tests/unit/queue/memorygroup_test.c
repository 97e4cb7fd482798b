/* SPDX-License-Identifier: Apache-2.0 */
/* Memory groups on folders that look like those of the kernel; with the kernel's own,
 * tests/queue/cgroup_test.sh. */
#include "queue/memorygroup.h"

#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "queue/attempt.h"
#include "queue/cgroup.h"
#include "tests/support/sftest.h"

#define MOUNT "25 30 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
#define HYBRID                                                        \
  "32 31 0:29 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n" \
  "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:7 - cgroup2 cgroup2 rw\n"

SF_TEST (Cgroup, Folder)
{
  static const struct
  {
    const char *cgroup, *mountinfo, *folder;
  } rows[] = {
    { "0::/user.slice/a b\n", MOUNT, "/sys/fs/cgroup/user.slice/a b" },
    { "0::/\n", MOUNT, "/sys/fs/cgroup" },
    { "9:name=systemd:/x\n4:memory:/y\n0::/z\n", HYBRID, "/sys/fs/cgroup/unified/z" },
    { "0::/pod/a\n", "25 30 0:26 /pod /mnt/a\\040b rw - cgroup2 c rw\n", "/mnt/a b/a" },
    { "0::/pod\n", "25 30 0:26 /pod /mnt rw - cgroup2 c rw\n", "/mnt" },
    { "0::/pods/a\n", "25 30 0:26 /pod /mnt rw - cgroup2 c rw\n", NULL },
    { "0::/../x\n", MOUNT, NULL },
    { "4:memory:/y\n", MOUNT, NULL },
    { "0::/x\n", "32 31 0:29 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n", NULL },
    { "0::/x\n", "", NULL },
    { "", "41 31 - cgroup2\n41 - cgroup2 x\n", NULL },
    { "0::/x\n", "41 31 - cgroup2\n41 - cgroup2 x\n", NULL },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *folder = sf_cgroup_folder (rows[i].cgroup, rows[i].mountinfo);
      SF_CHECK_STR (folder != NULL ? folder : "none",
                    rows[i].folder != NULL ? rows[i].folder : "none");
    }
}

static void
put (const char *folder, const char *name, const char *text)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  SF_CHECK (g_file_set_contents (path, text, -1, NULL));
}

static bool
holds (const char *folder, const char *name, const char *text)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autofree char *found = NULL;
  return g_file_get_contents (path, &found, NULL, NULL) && strcmp (found, text) == 0;
}

/* A cgroup with the files that are asked for. Owned. */
static char *
make_cgroup (const char *above, const char *name, const char *processes)
{
  char *folder = g_build_filename (above, name, NULL);
  SF_CHECK_INT (mkdir (folder, 0700), 0);
  put (folder, "cgroup.controllers", "cpu memory pids\n");
  put (folder, "cgroup.subtree_control", "");
  put (folder, "cgroup.procs", processes);
  return folder;
}

SF_TEST (Cgroup, Prepare)
{
  g_autofree char *above = sf_test_tmpdir ();
  g_autofree char *me = g_strdup_printf ("%d\n", getpid ());
  g_autofree char *crowd = g_strdup_printf ("1\n%d\n", getpid ());

  /* With others in it, or as systemd's service, a cgroup stays as it is. */
  g_autofree char *shared = make_cgroup (above, "shared", crowd);
  g_autofree char *service = make_cgroup (above, "x.service", me);
  sf_cgroup_prepare (shared);
  sf_cgroup_prepare (service);
  SF_CHECK (holds (shared, "cgroup.subtree_control", ""));
  SF_CHECK (holds (service, "cgroup.subtree_control", ""));
  g_autofree char *none = sf_cgroup_for_groups (shared);
  SF_CHECK (none == NULL);

  /* In the child that is its own, sfd has memory counted beside it. */
  g_autofree char *child = make_cgroup (service, SF_CGROUP_OF_SFD, me);
  g_autofree char *before = sf_cgroup_for_groups (child);
  SF_CHECK (before == NULL);
  sf_cgroup_prepare (child);
  SF_CHECK (holds (service, "cgroup.subtree_control", "+memory"));
  put (service, "cgroup.subtree_control", "memory\n");
  g_autofree char *after = sf_cgroup_for_groups (child);
  SF_CHECK_STR (after != NULL ? after : "none", service);

  /* Where memory cannot be counted there are no groups. */
  put (service, "cgroup.controllers", "cpu pids\n");
  g_autofree char *without = sf_cgroup_for_groups (child);
  SF_CHECK (without == NULL);

  /* A child that cannot be entered is not left behind. */
  g_autofree char *alone = make_cgroup (above, "alone", me);
  g_autofree char *left = g_build_filename (alone, SF_CGROUP_OF_SFD, NULL);
  sf_cgroup_prepare (alone);
  SF_CHECK (access (left, F_OK) != 0);
}

/* An sfd that a step has started goes where the jobs of others do not reach. */
SF_TEST (Cgroup, LeaveAttempt)
{
  g_autofree char *above = sf_test_tmpdir ();
  g_autofree char *me = g_strdup_printf ("%d", getpid ());
  g_autofree char *delegated = make_cgroup (above, "delegated", "");
  g_autofree char *attempt = sf_memory_group_folder (delegated, "t-0");
  g_autofree char *name = g_path_get_basename (attempt);
  g_autofree char *group = make_cgroup (delegated, name, "1\n");
  g_autofree char *step = make_cgroup (delegated, "a-step-s-own", "1\n");

  sf_cgroup_prepare (group); /* nothing to go to */
  g_autofree char *beside = g_build_filename (delegated, SF_CGROUP_OF_SFD, NULL);
  SF_CHECK (access (beside, F_OK) != 0);

  g_autofree char *sfd = make_cgroup (delegated, SF_CGROUP_OF_SFD, "");
  sf_cgroup_prepare (step);
  SF_CHECK (holds (sfd, "cgroup.procs", ""));
  put (delegated, "cgroup.controllers", "cpu pids\n"); /* not delegated to us */
  sf_cgroup_prepare (group);
  SF_CHECK (holds (sfd, "cgroup.procs", ""));
  put (delegated, "cgroup.controllers", "cpu memory pids\n");
  sf_cgroup_prepare (group);
  SF_CHECK (holds (sfd, "cgroup.procs", me));
  SF_CHECK (holds (group, "cgroup.subtree_control", ""));
}

SF_TEST (MemoryGroup, Limit)
{
  g_autofree char *above = sf_test_tmpdir ();
  g_autofree char *folder = sf_memory_group_folder (above, "t-1");
  SF_CHECK (sf_memory_group_new (folder, 1000) == NULL); /* no files: no cgroup */
  SF_CHECK (access (folder, F_OK) != 0);

  SF_REQUIRE (mkdir (folder, 0700) == 0);
  put (folder, "cgroup.procs", "");
  put (folder, "memory.oom.group", "0");
  put (folder, "memory.swap.max", "max\n");
  put (folder, "memory.max", "max\n");
  SfMemoryGroup *group = sf_memory_group_new (folder, 67108864);
  SF_REQUIRE (group != NULL);
  SF_CHECK (holds (folder, "memory.max", "67108864"));
  SF_CHECK (holds (folder, "memory.oom.group", "1"));
  SF_CHECK (g_file_test (folder, G_FILE_TEST_IS_DIR));
  SF_CHECK_INT (write (sf_memory_group_fd (group), "0", 1), 1);
  SF_CHECK (holds (folder, "cgroup.procs", "0"));
  sf_memory_group_free (group);
}

SF_TEST (MemoryGroup, Count)
{
  g_autofree char *folder = sf_test_tmpdir ();
  put (folder, "cgroup.procs", "");
  SfMemoryGroup *group = sf_memory_group_new (folder, 0);
  SF_REQUIRE (group != NULL);
  SF_CHECK (!sf_memory_group_look (group));
  put (folder, "memory.current", "5000\n");
  SF_CHECK (sf_memory_group_look (group));
  put (folder, "memory.current", "3000\n");
  SF_CHECK (!sf_memory_group_knows_peak (group));
  SF_CHECK_INT (sf_memory_group_peak_bytes (group), 5000);
  put (folder, "memory.peak", "9000\n");
  SF_CHECK (sf_memory_group_knows_peak (group));
  SF_CHECK_INT (sf_memory_group_peak_bytes (group), 9000);

  static const struct
  {
    const char *all, *own;
    SfMemoryVerdict verdict;
  } rows[] = {
    { "oom 0\noom_kill 0\n", "oom 0\noom_kill 0\n", SF_MEMORY_ENOUGH },
    { "oom 1\noom_kill 0\n", "oom 1\noom_kill 0\n", SF_MEMORY_ENOUGH },
    { "oom 1\noom_kill 3\noom_group_kill 1\n", "oom 1\noom_kill 3\n", SF_MEMORY_OVER_LIMIT },
    { "oom 1\noom_kill 1\n", "oom 1\noom_kill 0\n", SF_MEMORY_OVER_LIMIT },
    { "oom 2\noom_kill 2\n", "oom 0\noom_kill 0\n", SF_MEMORY_ENOUGH }, /* a step's own limits */
    { "oom 0\noom_kill 1\n", "oom 0\noom_kill 1\n", SF_MEMORY_NONE_LEFT },
    { "", "", SF_MEMORY_ENOUGH },
    { "oom_kill\noom_kill x\n", "oom\n", SF_MEMORY_ENOUGH },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      put (folder, "memory.events", rows[i].all);
      put (folder, "memory.events.local", rows[i].own);
      SF_CHECK_INT (sf_memory_group_verdict (group), rows[i].verdict);
    }
  sf_memory_group_free (group);
}

/* What the kernel ended during a step that got on without it says nothing of a later one. */
SF_TEST (MemoryGroup, VerdictOfStep)
{
  static const struct
  {
    const char *before, *now;
    SfMemoryVerdict verdict;
  } rows[] = {
    { "oom 0\noom_kill 1\n", "oom 0\noom_kill 1\n", SF_MEMORY_ENOUGH },
    { "oom 0\noom_kill 1\n", "oom 0\noom_kill 2\n", SF_MEMORY_NONE_LEFT },
    { "oom 2\noom_kill 1\n", "oom 2\noom_kill 1\n", SF_MEMORY_ENOUGH },
    { "oom 2\noom_kill 0\n", "oom 2\noom_kill 1\n", SF_MEMORY_NONE_LEFT },
    { "oom 2\noom_kill 1\n", "oom 3\noom_kill 4\n", SF_MEMORY_OVER_LIMIT },
  };
  g_autofree char *folder = sf_test_tmpdir ();
  put (folder, "cgroup.procs", "");
  SfMemoryGroup *group = sf_memory_group_new (folder, 0);
  SF_REQUIRE (group != NULL);
  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      put (folder, "memory.events", rows[i].before);
      put (folder, "memory.events.local", rows[i].before);
      sf_memory_group_begin_step (group);
      put (folder, "memory.events", rows[i].now);
      put (folder, "memory.events.local", rows[i].now);
      SF_CHECK_INT (sf_memory_group_verdict (group), rows[i].verdict);
    }
  sf_memory_group_free (group);
}

SF_TEST (MemoryGroup, Remove)
{
  g_autofree char *above = sf_test_tmpdir ();
  g_autofree char *folder = sf_memory_group_folder (above, "t-2");
  g_autofree char *below = g_build_filename (folder, "a", "b", NULL);
  SF_CHECK (sf_memory_group_remove (folder)); /* there is none */
  SF_REQUIRE (g_mkdir_with_parents (below, 0700) == 0);
  SF_CHECK (sf_memory_group_remove (folder));
  SF_CHECK (access (folder, F_OK) != 0);
}

/* Lives until it is ended, or for a while. */
static pid_t
sleeper (void)
{
  pid_t pid = fork ();
  if (pid != 0)
    return pid;
  alarm (20);
  for (;;)
    pause ();
}

/* A kernel before 5.14 has no cgroup.kill: whatever is in there, or below, is ended one by one. */
SF_TEST (MemoryGroup, KillOneByOne)
{
  g_autofree char *folder = sf_test_tmpdir ();
  g_autofree char *below = g_build_filename (folder, "a", NULL);
  const pid_t pids[] = { sleeper (), sleeper (), sleeper () };
  g_autofree char *in = g_strdup_printf ("0\n1\n%d\n", pids[0]);
  g_autofree char *in_below = g_strdup_printf ("%d\n", pids[1]);
  SF_REQUIRE (mkdir (below, 0700) == 0);
  put (folder, "cgroup.procs", in);
  put (below, "cgroup.procs", in_below);
  put (folder, "cgroup.kill", "");
  sf_memory_group_kill (folder);
  SF_CHECK (holds (folder, "cgroup.kill", "1"));
  SF_CHECK_INT (waitpid (pids[0], NULL, WNOHANG), 0);

  g_autofree char *file = g_build_filename (folder, "cgroup.kill", NULL);
  unlink (file);
  sf_memory_group_kill (folder);
  for (int i = 0; i < 2; i++)
    {
      int status = 0;
      SF_CHECK_INT (waitpid (pids[i], &status, 0), pids[i]);
      SF_CHECK (WIFSIGNALED (status) && WTERMSIG (status) == SIGKILL);
    }
  SF_CHECK_INT (waitpid (pids[2], NULL, WNOHANG), 0);
  kill (pids[2], SIGKILL);
  waitpid (pids[2], NULL, 0);
}

/* Only the group of this very attempt is believed to be one. */
SF_TEST (MemoryGroup, Recorded)
{
  g_autofree char *folder = sf_test_tmpdir ();
  g_autofree char *group = sf_memory_group_folder ("/sys/fs/cgroup/x", "t-3");
  SF_CHECK (sf_shepherd_record_write ("boot", 1, 2, group, folder, NULL));
  g_autofree char *ours = sf_shepherd_record_group (folder, "t-3");
  g_autofree char *other = sf_shepherd_record_group (folder, "t-4");
  SF_CHECK_STR (ours != NULL ? ours : "none", group);
  SF_CHECK (other == NULL);
  SF_CHECK (sf_shepherd_record_write ("boot", 1, 2, NULL, folder, NULL));
  g_autofree char *none = sf_shepherd_record_group (folder, "t-3");
  SF_CHECK (none == NULL);
}

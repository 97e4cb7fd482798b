/* SPDX-License-Identifier: Apache-2.0 */
/* SfMemoryGroup. */
#include "queue/memorygroup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "queue/cgroup.h"

enum
{
  REMOVE_AGAIN_US = 5000,
  REMOVE_US = 10000000,
};

#define NAME "attempt-" /* and the token */

/* How often, since the group was made. */
typedef struct
{
  uint64_t n_killed, n_own_killed, n_at_limit;
} Events;

struct SfMemoryGroup
{
  char *folder;
  int processes_fd;
  uint64_t peak_bytes; /* seen by looking */
  Events before;       /* the step */
};

char *
sf_memory_group_folder (const char *above, const char *token)
{
  return g_strdup_printf ("%s/" NAME "%s", above, token);
}

bool
sf_memory_group_is_named (const char *folder)
{
  g_autofree char *name = g_path_get_basename (folder);
  return g_str_has_prefix (name, NAME);
}

/* Without swap, into which memory that counts would vanish; and nothing of an attempt goes on
 * without the process that the kernel has ended. */
static bool
set_limit (const char *folder, int64_t limit_bytes)
{
  g_autofree char *limit = g_strdup_printf ("%" G_GINT64_FORMAT, limit_bytes);
  if (limit_bytes == 0)
    return true;
  sf_cgroup_write (folder, "memory.swap.max", "0"); /* a kernel without swap has no such file */
  return sf_cgroup_write (folder, "memory.oom.group", "1")
         && sf_cgroup_write (folder, "memory.max", limit);
}

SfMemoryGroup *
sf_memory_group_new (const char *folder, int64_t limit_bytes)
{
  if (mkdir (folder, 0755) != 0 && errno != EEXIST)
    return NULL;
  g_autofree char *processes = g_build_filename (folder, "cgroup.procs", NULL);
  int fd = set_limit (folder, limit_bytes) ? open (processes, O_WRONLY | O_CLOEXEC) : -1;
  if (fd < 0)
    {
      rmdir (folder);
      return NULL;
    }
  SfMemoryGroup *self = g_new0 (SfMemoryGroup, 1);
  self->folder = g_strdup (folder);
  self->processes_fd = fd;
  return self;
}

void
sf_memory_group_free (SfMemoryGroup *self)
{
  if (self == NULL)
    return;
  close (self->processes_fd);
  g_free (self->folder);
  g_free (self);
}

int
sf_memory_group_fd (const SfMemoryGroup *self)
{
  return self->processes_fd;
}

/* ---- what the kernel tells ---- */

bool
sf_memory_group_look (SfMemoryGroup *self)
{
  uint64_t now_bytes = 0;
  bool known = sf_cgroup_read (self->folder, "memory.current", NULL, &now_bytes);
  self->peak_bytes = MAX (self->peak_bytes, now_bytes);
  return known;
}

bool
sf_memory_group_knows_peak (const SfMemoryGroup *self)
{
  uint64_t peak_bytes;
  return sf_cgroup_read (self->folder, "memory.peak", NULL, &peak_bytes);
}

uint64_t
sf_memory_group_peak_bytes (SfMemoryGroup *self)
{
  uint64_t peak_bytes = 0;
  sf_memory_group_look (self);
  sf_cgroup_read (self->folder, "memory.peak", NULL, &peak_bytes);
  return MAX (self->peak_bytes, peak_bytes);
}

static Events
read_events (const SfMemoryGroup *self)
{
  static const char own[] = "memory.events.local"; /* without those of groups below */
  Events events = { 0 };
  sf_cgroup_read (self->folder, "memory.events", "oom_kill", &events.n_killed);
  sf_cgroup_read (self->folder, own, "oom_kill", &events.n_own_killed);
  sf_cgroup_read (self->folder, own, "oom", &events.n_at_limit);
  return events;
}

void
sf_memory_group_begin_step (SfMemoryGroup *self)
{
  self->before = read_events (self);
}

SfMemoryVerdict
sf_memory_group_verdict (const SfMemoryGroup *self)
{
  const Events now = read_events (self), *before = &self->before;
  bool at_limit = now.n_at_limit > before->n_at_limit;
  if (at_limit && now.n_killed > before->n_killed)
    return SF_MEMORY_OVER_LIMIT;
  return !at_limit && now.n_own_killed > before->n_own_killed ? SF_MEMORY_NONE_LEFT
                                                              : SF_MEMORY_ENOUGH;
}

/* ---- the end ---- */

/* Calls it for the cgroups that steps have made below, then for the folder itself. */
static bool
visit (const char *folder, bool (*act) (const char *folder))
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  for (const char *name; dir != NULL && (name = g_dir_read_name (dir)) != NULL;)
    {
      g_autofree char *below = g_build_filename (folder, name, NULL);
      struct stat st;
      if (lstat (below, &st) == 0 && S_ISDIR (st.st_mode))
        visit (below, act);
    }
  return act (folder);
}

/* Owned; empty when it cannot be read. */
static char **
read_pids (const char *folder)
{
  g_autofree char *path = g_build_filename (folder, "cgroup.procs", NULL);
  g_autofree char *text = NULL;
  g_file_get_contents (path, &text, NULL, NULL);
  return g_strsplit (text != NULL ? text : "", "\n", -1);
}

/* It is looked for once more with its descriptor open, as another may have its id by then. */
static void
kill_member (const char *folder, const char *number)
{
  pid_t pid = (pid_t) atoi (number);
  if (pid <= 1) /* "0": it is not to be seen from here */
    return;
  int fd = pidfd_open (pid, 0);
  bool is_old_kernel = fd < 0 && errno == ENOSYS;
  g_auto (GStrv) now = read_pids (folder);
  if (g_strv_contains ((const char *const *) now, number))
    {
      if (fd >= 0)
        pidfd_send_signal (fd, SIGKILL, NULL, 0);
      else if (is_old_kernel)
        kill (pid, SIGKILL);
    }
  if (fd >= 0)
    close (fd);
}

static bool
kill_members (const char *folder)
{
  g_auto (GStrv) pids = read_pids (folder);
  for (char **pid = pids; *pid != NULL; pid++)
    kill_member (folder, *pid);
  return true;
}

void
sf_memory_group_kill (const char *folder)
{
  if (!sf_cgroup_write (folder, "cgroup.kill", "1")) /* Linux 5.14 */
    visit (folder, kill_members);
}

static bool
remove_folder (const char *folder)
{
  return rmdir (folder) == 0 || errno != EBUSY;
}

bool
sf_memory_group_remove (const char *folder)
{
  int64_t until = g_get_monotonic_time () + REMOVE_US;
  while (!visit (folder, remove_folder))
    {
      if (g_get_monotonic_time () > until)
        return false;
      sf_memory_group_kill (folder);
      g_usleep (REMOVE_AGAIN_US);
    }
  return true;
}

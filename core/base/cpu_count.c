/* SPDX-License-Identifier: Apache-2.0 */
/* How many processors this process may use: affinity mask and cgroup quota. */
#include "core/base/cpu_count.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sf/threads.h>

static char *
read_small (const char *root, const char *path, const char *name)
{
  g_autofree char *full = g_build_filename ("/", root, path, name, NULL);
  char *text = NULL;
  return g_file_get_contents (full, &text, NULL, NULL) ? g_strstrip (text) : NULL;
}

static int
round_up (int64_t quota_us, int64_t period_us)
{
  if (quota_us <= 0 || period_us <= 0)
    return 0;
  return (int) MIN ((quota_us + period_us - 1) / period_us, 1 << 20);
}

/* v2: "max 100000" or "150000 100000". */
static int
quota_v2 (const char *root, const char *folder)
{
  g_autofree char *text = read_small (root, folder, "cpu.max");
  long long quota, period;
  return text != NULL && sscanf (text, "%lld %lld", &quota, &period) == 2 ? round_up (quota, period)
                                                                          : 0;
}

static int
quota_v1 (const char *root, const char *folder)
{
  g_autofree char *quota = read_small (root, folder, "cpu.cfs_quota_us");
  g_autofree char *period = read_small (root, folder, "cpu.cfs_period_us");
  if (quota == NULL || period == NULL)
    return 0;
  return round_up (g_ascii_strtoll (quota, NULL, 10), g_ascii_strtoll (period, NULL, 10));
}

/* The smallest quota from `group` up to the root of the hierarchy mounted at `mount`. */
static int
smallest_quota (const char *root, const char *mount, const char *group,
                int (*quota_of) (const char *, const char *))
{
  int smallest = 0;
  g_autofree char *at = g_strdup (group);
  for (;;)
    {
      g_autofree char *folder = g_build_filename (mount, at, NULL);
      int quota = quota_of (root, folder);
      if (quota > 0 && (smallest == 0 || quota < smallest))
        smallest = quota;
      char *slash = strrchr (at, '/');
      if (slash == NULL)
        return smallest;
      *slash = '\0';
    }
}

int
sf_cpu_quota (const char *root)
{
  g_autofree char *text = read_small (root, "proc/self", "cgroup");
  if (text == NULL)
    return 0;
  int smallest = 0;
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    {
      /* hierarchy:controllers:path, the controllers empty for v2 */
      g_auto (GStrv) parts = g_strsplit (*line, ":", 3);
      if (g_strv_length (parts) != 3)
        continue;
      g_auto (GStrv) controllers = g_strsplit (parts[1], ",", -1);
      int quota = 0;
      if (parts[1][0] == '\0')
        quota = smallest_quota (root, "sys/fs/cgroup", parts[2], quota_v2);
      else if (g_strv_contains ((const char *const *) controllers, "cpu"))
        quota = smallest_quota (root, "sys/fs/cgroup/cpu", parts[2], quota_v1);
      if (quota > 0 && (smallest == 0 || quota < smallest))
        smallest = quota;
    }
  return smallest;
}

int
sf_threads_available (void)
{
  cpu_set_t set;
  int n = sched_getaffinity (0, sizeof set, &set) == 0 ? CPU_COUNT (&set)
                                                       : (int) sysconf (_SC_NPROCESSORS_ONLN);
  int quota = sf_cpu_quota ("");
  if (quota > 0)
    n = MIN (n, quota);
  return MAX (n, 1);
}

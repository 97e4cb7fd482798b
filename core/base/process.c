/* SPDX-License-Identifier: Apache-2.0 */
/* SfProcess, from /proc. */
#include <sf/process.h>

#include <stdio.h>
#include <string.h>

char *
sf_boot_id (void)
{
  char *text = NULL;
  if (!g_file_get_contents ("/proc/sys/kernel/random/boot_id", &text, NULL, NULL))
    return g_strdup ("unknown");
  return g_strstrip (text);
}

bool
sf_process_read (pid_t pid, SfProcess *out)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/stat", pid);
  g_autofree char *text = NULL;
  if (!g_file_get_contents (path, &text, NULL, NULL))
    return false;
  /* The name of the program, in parentheses, may hold anything. */
  const char *after = strrchr (text, ')');
  unsigned long long ticks;
  int parent;
  char state;
  if (after == NULL
      || sscanf (after + 1,
                 " %c %d %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu",
                 &state, &parent, &ticks)
             != 3)
    return false;
  *out = (SfProcess){ .parent = parent, .state = state, .start_ticks = ticks };
  return true;
}

bool
sf_process_start_ticks (pid_t pid, uint64_t *ticks)
{
  SfProcess process;
  if (!sf_process_read (pid, &process) || process.state == 'Z' || process.state == 'X')
    return false;
  *ticks = process.start_ticks;
  return true;
}

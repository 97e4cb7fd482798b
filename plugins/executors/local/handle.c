/* SPDX-License-Identifier: Apache-2.0 */
/* Handles of processes that survive the reuse of process ids and a restart of the machine. */
#include "handle.h"

#include <stdio.h>
#include <string.h>

static char *
boot_id (void)
{
  char *text = NULL;
  if (!g_file_get_contents ("/proc/sys/kernel/random/boot_id", &text, NULL, NULL))
    return g_strdup ("unknown");
  return g_strstrip (text);
}

/* False for a process that does not exist or is only waiting to be reaped. */
static bool
start_ticks (pid_t pid, uint64_t *out)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/stat", pid);
  g_autofree char *text = NULL;
  if (!g_file_get_contents (path, &text, NULL, NULL))
    return false;
  /* Field 3 is the state, field 22 the start time; the name before may hold blanks. */
  const char *after = strrchr (text, ')');
  if (after == NULL)
    return false;
  g_auto (GStrv) fields = g_strsplit (g_strchug ((char *) after + 1), " ", 22);
  if (g_strv_length (fields) < 20 || strchr ("ZX", fields[0][0]) != NULL)
    return false;
  *out = g_ascii_strtoull (fields[19], NULL, 10);
  return true;
}

char *
local_handle_text (pid_t pid)
{
  uint64_t ticks;
  if (!start_ticks (pid, &ticks))
    return NULL;
  g_autofree char *boot = boot_id ();
  return g_strdup_printf ("%d:%" G_GUINT64_FORMAT ":%s", pid, ticks, boot);
}

bool
local_handle_parse (const char *text, LocalHandle *out, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (text, ":", 3);
  gint64 pid = 0;
  guint64 ticks = 0;
  if (g_strv_length (parts) != 3
      || !g_ascii_string_to_signed (parts[0], 10, 1, G_MAXINT, &pid, NULL)
      || !g_ascii_string_to_unsigned (parts[1], 10, 0, G_MAXUINT64, &ticks, NULL))
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "executor local: found handle \"%s\", wanted pid:ticks:boot", text);
  g_autofree char *boot = boot_id ();
  *out = (LocalHandle){ .pid = (pid_t) pid,
                        .start_ticks = ticks,
                        .this_boot = strcmp (parts[2], boot) == 0 };
  return true;
}

bool
local_handle_alive (const LocalHandle *handle)
{
  uint64_t ticks;
  return handle->this_boot && start_ticks (handle->pid, &ticks) && ticks == handle->start_ticks;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Handles of processes that survive the reuse of process ids and a restart of the machine. */
#include "handle.h"

#include <string.h>

char *
local_handle_text (pid_t pid)
{
  uint64_t ticks;
  if (!sf_process_start_ticks (pid, &ticks))
    return NULL;
  g_autofree char *boot = sf_boot_id ();
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
  g_autofree char *boot = sf_boot_id ();
  *out = (LocalHandle){ .pid = (pid_t) pid,
                        .start_ticks = ticks,
                        .this_boot = strcmp (parts[2], boot) == 0 };
  return true;
}

bool
local_handle_alive (const LocalHandle *handle)
{
  uint64_t ticks;
  return handle->this_boot && sf_process_start_ticks (handle->pid, &ticks)
         && ticks == handle->start_ticks;
}

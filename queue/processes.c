/* SPDX-License-Identifier: Apache-2.0 */
/* The processes of an attempt, from /proc. */
#include "queue/processes.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

enum
{
  POLL_US = 5000,
  AFTER_KILL_US = 10000000,
};

typedef struct
{
  pid_t pid;
  SfProcess process;
} Row;

typedef enum
{
  TOKEN_NONE,
  TOKEN_OURS,
  TOKEN_OTHER,
} Token;

/* The first token counts, as getenv reads it. */
static Token
read_token (pid_t pid, const char *token)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/environ", pid);
  g_autofree char *text = NULL;
  gsize n = 0;
  if (!g_file_get_contents (path, &text, &n, NULL))
    return TOKEN_NONE;
  const size_t n_name = strlen (SF_TOKEN_VARIABLE "=");
  for (const char *word = text; word < text + n; word += strlen (word) + 1)
    if (strncmp (word, SF_TOKEN_VARIABLE "=", n_name) == 0)
      return strcmp (word + n_name, token) == 0 ? TOKEN_OURS : TOKEN_OTHER;
  return TOKEN_NONE;
}

/* Every process that can be read. */
static GArray *
read_table (void)
{
  GArray *table = g_array_new (FALSE, FALSE, sizeof (Row));
  g_autoptr (GDir) dir = g_dir_open ("/proc", 0, NULL);
  for (const char *name; dir != NULL && (name = g_dir_read_name (dir)) != NULL;)
    {
      Row row = { .pid = (pid_t) atoi (name) };
      if (g_ascii_isdigit (name[0]) && sf_process_read (row.pid, &row.process))
        g_array_append_val (table, row);
    }
  return table;
}

/* The processes below `ancestor`, as a set of pids. */
static GHashTable *
descendants (const GArray *table, pid_t ancestor)
{
  GHashTable *below = g_hash_table_new (NULL, NULL);
  bool grew = ancestor != 0;
  while (grew)
    {
      grew = false;
      for (guint i = 0; i < table->len; i++)
        {
          const Row *row = &g_array_index (table, Row, i);
          pid_t parent = row->process.parent;
          bool child = parent == ancestor
                       || g_hash_table_contains (below, GINT_TO_POINTER (parent));
          if (child && g_hash_table_add (below, GINT_TO_POINTER (row->pid)))
            grew = true;
        }
    }
  return below;
}

static bool
belongs (pid_t pid, const char *token, bool is_descendant)
{
  Token found = read_token (pid, token);
  return found == TOKEN_OURS || (found == TOKEN_NONE && is_descendant);
}

/* As sf_processes_find; a `signal_number` other than 0 is sent to each. The process that was
 * checked is the one that gets the signal: its descriptor is opened before the check. */
static GArray *
find_and_signal (const char *token, pid_t ancestor, int signal_number)
{
  GArray *pids = g_array_new (FALSE, FALSE, sizeof (pid_t));
  g_autoptr (GArray) table = read_table ();
  g_autoptr (GHashTable) below = descendants (table, ancestor);
  for (guint i = 0; i < table->len; i++)
    {
      const Row *row = &g_array_index (table, Row, i);
      pid_t pid = row->pid;
      char state = row->process.state;
      if (pid == ancestor || pid == getpid () || state == 'Z' || state == 'X')
        continue;
      bool is_descendant = g_hash_table_contains (below, GINT_TO_POINTER (pid));
      int fd = signal_number != 0 ? pidfd_open (pid, 0) : -1;
      if (belongs (pid, token, is_descendant))
        {
          g_array_append_val (pids, pid);
          if (fd >= 0)
            pidfd_send_signal (fd, signal_number, NULL, 0);
          else if (signal_number != 0 && errno == ENOSYS)
            kill (pid, signal_number);
        }
      if (fd >= 0)
        close (fd);
    }
  return pids;
}

GArray *
sf_processes_find (const char *token, pid_t ancestor)
{
  return find_and_signal (token, ancestor, 0);
}

uint64_t
sf_processes_memory_bytes (const GArray *pids)
{
  uint64_t total = 0;
  for (guint i = 0; i < pids->len; i++)
    {
      g_autofree char *path = g_strdup_printf ("/proc/%d/smaps_rollup",
                                               g_array_index (pids, pid_t, i));
      g_autofree char *text = NULL;
      if (!g_file_get_contents (path, &text, NULL, NULL))
        continue;
      const char *line = strstr (text, "\nPss:");
      if (line != NULL)
        total += g_ascii_strtoull (line + strlen ("\nPss:"), NULL, 10) * 1024;
    }
  return total;
}

bool
sf_processes_end (const char *token, pid_t ancestor, int grace_ms, void (*tick) (void *data),
                  void *data)
{
  int64_t start = g_get_monotonic_time ();
  int64_t kill_at = start + (int64_t) grace_ms * 1000;
  bool sent_term = false;
  for (;;)
    {
      int64_t now = g_get_monotonic_time ();
      int number = now >= kill_at ? SIGKILL : sent_term ? 0 : SIGTERM;
      sent_term = true;
      g_autoptr (GArray) alive = find_and_signal (token, ancestor, number);
      if (tick != NULL)
        tick (data);
      if (alive->len == 0)
        return true;
      if (now > kill_at + AFTER_KILL_US)
        return false;
      g_usleep (POLL_US);
    }
}

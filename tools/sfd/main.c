/* SPDX-License-Identifier: Apache-2.0 */
/* sfd: the daemon of a queue; started by sfbatch, or by systemd. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sf/log.h>

#include "queue/daemon.h"

enum
{
  IDLE_S = 60
};

static const char help[]
    = "Usage: sfd [--idle SECONDS] [--ready-fd FD]\n"
      "Runs the jobs of the queue in $SF_QUEUE_DIR (default: spatialflow/queue below\n"
      "$XDG_STATE_HOME). sfbatch starts it when it is needed.\n\n"
      "  --idle SECONDS   end after so long without jobs; 0: never (default: 60)\n"
      "  --ready-fd FD    write a line there once it listens, or why it does not\n"
      "  --version        print the version\n\n"
      "Example:\n  sfd --idle 0\n";

static void
log_to_stderr (SfLogLevel level, const char *message, void *user_data)
{
  char text[32] = "";
  time_t now = time (NULL);
  struct tm local;
  if (localtime_r (&now, &local) != NULL)
    strftime (text, sizeof text, "%Y-%m-%d %H:%M:%S", &local);
  fprintf (stderr, "%s sfd: %s\n", text, message);
}

static bool
parse_int (const char *text, int *out)
{
  gint64 value;
  if (text == NULL || !g_ascii_string_to_signed (text, 10, 0, G_MAXINT32, &value, NULL))
    return false;
  *out = (int) value;
  return true;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  SfDaemonOptions options = { .idle_s = IDLE_S, .ready_fd = -1 };
  for (int i = 1; i < argc; i += 2)
    {
      if (strcmp (argv[i], "--version") == 0)
        {
          printf ("sfd (Spatialflow) %s\n", PACKAGE_VERSION);
          return 0;
        }
      bool is_help = strcmp (argv[i], "--help") == 0;
      int *value = strcmp (argv[i], "--idle") == 0       ? &options.idle_s
                   : strcmp (argv[i], "--ready-fd") == 0 ? &options.ready_fd
                                                         : NULL;
      if (value == NULL || !parse_int (argv[i + 1], value))
        {
          fputs (help, is_help ? stdout : stderr);
          return is_help ? 0 : 2;
        }
    }
  sf_log_set_sink (log_to_stderr, NULL, SF_LOG_WARNING);
  if (sf_daemon_run (&options, &error))
    return 0;
  sf_log (SF_LOG_ERROR, "%s", error->message);
  return sf_error_exit_code (error);
}

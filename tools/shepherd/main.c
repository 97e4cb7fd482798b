/* SPDX-License-Identifier: Apache-2.0 */
/* sf-shepherd: runs one attempt of a job; started by executor plugins. */
#include <stdio.h>
#include <string.h>

#include <sf/log.h>

#include "queue/shepherd.h"

static void
log_to_stderr (SfLogLevel level, const char *message, void *user_data)
{
  fprintf (stderr, "sf-shepherd: %s\n", message);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  if (argc == 2 && strcmp (argv[1], "--version") == 0)
    {
      printf ("sf-shepherd (Spatialflow) %s\n", PACKAGE_VERSION);
      return 0;
    }
  if (argc != 2 || argv[1][0] == '-')
    {
      printf ("Usage: sf-shepherd ATTEMPT-FOLDER\n"
              "Runs one attempt of a job. sfbatch submit starts it:\n\n"
              "Example:\n  sfbatch submit job.cfg\n");
      return argc == 2 && strcmp (argv[1], "--help") == 0 ? 0 : 2;
    }
  sf_log_set_sink (log_to_stderr, NULL, SF_LOG_WARNING);
  if (sf_shepherd_run (argv[1], &error))
    return 0;
  fprintf (stderr, "sf-shepherd: %s\n", error->message);
  return sf_error_exit_code (error);
}

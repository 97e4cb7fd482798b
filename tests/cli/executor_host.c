/* SPDX-License-Identifier: Apache-2.0 */
/* A host outside the tree: starts an attempt with the executor named on its command line, finds it
 * by token, ends it. */
#include <sf/plugin/executor.h>
#include <sf/plugins.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>

static int
complain (const char *what, const GError *error)
{
  fprintf (stderr, "%s: %s\n", what, error != NULL ? error->message : "wrong answer");
  return 1;
}

static int
run_attempt (const SfExecutorOps *ops, void *instance, const char *folder)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *handle = NULL;
  g_autofree char *found = NULL;
  g_autofree char *none = NULL;
  g_autofree char *token = g_strdup_printf ("host-%d", g_random_int ());
  const char *const argv[] = { "sleep", "60", NULL };
  const SfAttempt attempt = { .token = token, .job_folder = folder, .argv = argv };
  SfAttemptStatus status = { 0 };
  if (!ops->start (instance, &attempt, &handle, &error))
    return complain ("start", error);
  const char *const handles[] = { handle };
  if (!ops->poll (instance, handles, 1, &status, &error) || status.state != SF_ATTEMPT_RUNNING)
    return complain ("poll of a running attempt", error);
  if (!ops->adopt (instance, token, &found, &error) || g_strcmp0 (found, handle) != 0)
    return complain ("adopt", error);
  if (!ops->adopt (instance, "no-such-token", &none, &error) || none != NULL)
    return complain ("adopt of nothing", error);
  if (!ops->signal (instance, handle, SIGTERM, &error))
    return complain ("signal", error);
  for (int i = 0; i < 500 && status.state != SF_ATTEMPT_ENDED; i++)
    {
      g_usleep (10000);
      if (!ops->poll (instance, handles, 1, &status, &error))
        return complain ("poll", error);
    }
  return status.state == SF_ATTEMPT_ENDED ? 0 : complain ("poll of an ended attempt", NULL);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  sf_plugins_set_path (".");
  const SfPlugin *plugin = argc == 2 ? sf_plugins_load (SF_PLUGIN_EXECUTOR, argv[1], &error) : NULL;
  if (plugin == NULL)
    return complain ("load", error);
  g_autoptr (SfOptionValues) options = plugin->options != NULL
                                           ? sf_option_values_new (plugin->options)
                                           : NULL;
  const SfExecutorOps *ops = plugin->ops.executor;
  void *instance = ops->open (options, &error);
  if (instance == NULL)
    return complain ("open", error);
  g_autofree char *folder = g_get_current_dir ();
  int code = run_attempt (ops, instance, folder);
  ops->close (instance);
  return code;
}

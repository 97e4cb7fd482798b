/* SPDX-License-Identifier: Apache-2.0 */
/* Fake. */
#include "tests/unit/executors/fake.h"

#include <glib/gstdio.h>
#include <sf/plugins.h>

#include "tests/support/sftest.h"

static void
put_on_path (const Fake *self)
{
  static char *path;
  if (path == NULL)
    path = g_strdup (g_getenv ("PATH"));
  g_autofree char *with = g_strdup_printf ("%s/bin:%s", self->folder, path);
  g_setenv ("PATH", with, TRUE);
}

Fake *
fake_new (const char *options)
{
  Fake *self = g_new0 (Fake, 1);
  const SfPlugin *plugin = sf_plugins_load (SF_PLUGIN_EXECUTOR, "slurm", NULL);
  g_auto (GStrv) words = g_strsplit (options != NULL ? options : "", " ", -1);
  self->folder = sf_test_tmpdir ();
  self->attempt = g_build_filename (self->folder, "attempt 'one'", NULL);
  g_autofree char *bin = g_build_filename (self->folder, "bin", NULL);
  SF_CHECK (plugin != NULL && g_mkdir (bin, 0700) == 0 && g_mkdir (self->attempt, 0700) == 0);
  put_on_path (self);
  self->values = sf_option_values_new (plugin->options);
  for (char **word = words; *word != NULL; word++)
    {
      g_auto (GStrv) pair = g_strsplit (*word, "=", 2);
      SF_CHECK (sf_option_set (self->values, pair[0], pair[1], "test", NULL));
    }
  self->ops = plugin->ops.executor;
  self->instance = self->ops->open (self->values, NULL);
  return self;
}

void
fake_free (Fake *self)
{
  self->ops->close (self->instance);
  sf_option_values_free (self->values);
  g_free (self->folder);
  g_free (self->attempt);
  g_free (self);
}

void
fake_program (const Fake *self, const char *name, const char *script)
{
  g_autofree char *bin = g_build_filename (self->folder, "bin", NULL);
  g_autofree char *folder = g_shell_quote (self->folder);
  g_autofree char *text = g_strdup_printf ("#!/bin/sh\ncd %s || exit 99\n%s\n", folder, script);
  g_autofree char *path = sf_test_write_file (bin, name, text, -1);
  SF_CHECK_INT (g_chmod (path, 0700), 0);
}

char *
fake_read (const Fake *self, const char *name)
{
  g_autofree char *path = g_build_filename (self->folder, name, NULL);
  char *text = NULL;
  return g_file_get_contents (path, &text, NULL, NULL) ? text : g_strdup ("");
}

bool
fake_start (const Fake *self, const char *token, char **handle, GError **error)
{
  const char *const argv[] = { "/usr/bin/env", "it's", NULL };
  const SfAttempt attempt = { .token = token,
                              .job_folder = self->attempt,
                              .argv = argv,
                              .cores = 2,
                              .memory_bytes = (1 << 20) + 1,
                              .time_limit_s = 90,
                              .tiles = 3 };
  return self->ops->start (self->instance, &attempt, handle, error);
}

bool
fake_poll (const Fake *self, const char *handle, SfAttemptStatus *status, GError **error)
{
  *status = (SfAttemptStatus){ .state = SF_ATTEMPT_UNKNOWN };
  return self->ops->poll (self->instance, &handle, 1, status, error);
}

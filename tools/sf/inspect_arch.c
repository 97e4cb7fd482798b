/* SPDX-License-Identifier: Apache-2.0 */
/* The row of `sf inspect` that shows machines: a name of etc/arch, or a machine description's path.
 */
#include <stdio.h>
#include <string.h>

#include <sf/paths.h>
#include <sf/plugin/arch.h>

#include "tools/sf/inspect.h"

/* The file that describes it. Owned. */
static char *
file_of (const char *subject)
{
  g_autofree char *relative = g_strdup_printf ("etc/arch/%s.cfg", subject);
  return g_str_has_suffix (subject, ".cfg") ? g_strdup (subject) : sf_data_path (relative);
}

static bool
claims_arch (const char *subject)
{
  if (g_str_has_suffix (subject, ".cfg"))
    return true;
  if (strchr (subject, '/') != NULL || strchr (subject, ':') != NULL)
    return false;
  g_autofree char *path = file_of (subject);
  return g_file_test (path, G_FILE_TEST_EXISTS);
}

static bool
show_arch (const char *subject, bool json, GError **error)
{
  g_autoptr (SfArch) arch = sf_arch_load (subject, error);
  if (arch == NULL)
    return false;
  g_autofree char *text = json ? sf_arch_to_json (arch) : sf_arch_text (arch);
  printf (json ? "%s\n" : "%s", text);
  if (!json)
    {
      g_autofree char *path = file_of (subject);
      printf ("  where a figure comes from, or that it is assumed, stands beside it in %s\n", path);
    }
  return true;
}

const SfInspector sf_inspect_arch = { .what = "a machine (a name of etc/arch, or a .cfg file)",
                                      .claims = claims_arch,
                                      .show = show_arch };

/* SPDX-License-Identifier: Apache-2.0 */
/* The row of `sf inspect` that shows PEF files. */
#include <stdio.h>

#include <sf/pef.h>

#include "tools/sf/inspect.h"

static bool
claims_pef (const char *subject)
{
  return g_str_has_suffix (subject, ".pef");
}

static bool
show_pef (const char *subject, bool json, GError **error)
{
  g_autoptr (SfPef) pef = sf_pef_open (subject, error);
  if (pef == NULL)
    return false;
  g_autofree char *text = json ? sf_pef_describe_json (pef) : sf_pef_describe_text (pef);
  printf (json ? "%s\n" : "%s", text);
  return true;
}

const SfInspector sf_inspect_pef
    = { .what = "a PEF file (.pef)", .claims = claims_pef, .show = show_pef };

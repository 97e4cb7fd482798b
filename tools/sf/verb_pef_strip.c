/* SPDX-License-Identifier: Apache-2.0 */
/* The verb `pef strip`: leaves of a PEF what the device needs. */
#include <sf/pef.h>

#include "tools/sf/verbs.h"

static const SfOption strip_options[] = {
  { .name = "pef",
    .type = SF_OPTION_STRING,
    .flags = SF_OPTION_POSITIONAL | SF_OPTION_REQUIRED,
    .arg = "PEF",
    .help = "file to strip; it is left as it is" },
  { .name = "output",
    .short_name = 'o',
    .type = SF_OPTION_STRING,
    .flags = SF_OPTION_REQUIRED,
    .arg = "FILE",
    .help = "PEF to write" },
  { .name = "graph", .type = SF_OPTION_BOOL, .help = "take out source graphs and debug map" },
  { .name = NULL },
};

static int
run_strip (const SfOptionValues *options, GError **error)
{
  if (!sf_option_bool (options, "graph"))
    {
      sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
               "pef strip: nothing to take out was named, wanted --graph; add it");
      return 1;
    }
  g_autoptr (SfPef) pef = sf_pef_open (sf_option_string (options, "pef"), error);
  g_autoptr (SfPef) stripped = pef != NULL ? sf_pef_strip (pef, error) : NULL;
  return stripped != NULL && sf_pef_save (stripped, sf_option_string (options, "output"), error)
             ? 0
             : 1;
}

const SfVerb sf_verb_pef_strip = {
  .name = "pef strip",
  .summary = "leave of a PEF what the device needs",
  .example = "sf pef strip --graph digits.pef -o digits-device.pef",
  .options = strip_options,
  .run = run_strip,
};

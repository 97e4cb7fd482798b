/* SPDX-License-Identifier: Apache-2.0 */
/* A pass that every check accepts: what the broken plugins beside it are measured against. */
#include <sf/plugin/pass.h>

static bool
run (SfPassContext *context, const SfOptionValues *options, GError **error)
{
  return true;
}

static const SfPassOps pass_ops = { .size = sizeof (SfPassOps), .run = run };

static const SfOption options[] = {
  { .name = "rounds",
    .type = SF_OPTION_INT,
    .def = "2",
    .min = 1,
    .max = 9,
    .arg = "N",
    .help = "how often to do nothing" },
  { .name = "mode",
    .type = SF_OPTION_CHOICE,
    .def = "soft",
    .choices = "soft|hard",
    .help = "how to do nothing" },
  { .name = NULL },
};

const SfPlugin sf_plugin = {
  SF_PLUGIN_HEAD (SF_PLUGIN_PASS, "good", "1.0", "does nothing, correctly"),
  .options = options,
  .ops.pass = &pass_ops,
};

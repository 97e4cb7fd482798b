/* SPDX-License-Identifier: Apache-2.0 */
/* Pass tile: builds the program - tokens, blocks, buffers, units, launches, memory - from the
 * sectioned graphs. */
#include <sf/plugin/lower.h>
#include <sf/plugin/pass.h>

static const SfOption options_table[] = {
  { .name = "box-elems",
    .type = SF_OPTION_INT,
    .def = "32768",
    .min = 64,
    .max = 1e9,
    .arg = "N",
    .help = "most elements that a firing makes" },
  { .name = "firings",
    .type = SF_OPTION_INT,
    .def = "8",
    .min = 1,
    .max = 1e6,
    .arg = "N",
    .help = "parallel firings of a stage worth splitting for" },
  { .name = "token-tries",
    .type = SF_OPTION_INT,
    .def = "1",
    .min = 1,
    .max = 16,
    .arg = "N",
    .help = "most token sizes that a section may choose from" },
  { .name = "deepen",
    .type = SF_OPTION_BOOL,
    .def = "false",
    .help = "let buffers hold more tokens where they hold a section back" },
  { .name = NULL },
};

static bool
run (SfPassContext *context, const SfOptionValues *options, GError **error)
{
  const char *fill = sf_pass_fact (context, "fill");
  SfLowerLimits limits = sf_lower_limits (sf_pass_arch (context),
                                          fill != NULL ? g_ascii_strtoll (fill, NULL, 10) : 100);
  limits.box_elems = sf_option_int (options, "box-elems");
  limits.firings = sf_option_int (options, "firings");
  limits.token_tries = sf_option_int (options, "token-tries");
  limits.deepen = sf_option_bool (options, "deepen");
  return sf_lower_module (sf_pass_module (context), sf_pass_source (context),
                          sf_pass_arch (context), &limits, sf_pass_program (context), error);
}

static const SfPassOps pass_ops = { .size = sizeof (SfPassOps), .run = run };

const SfPlugin sf_plugin = {
  SF_PLUGIN_HEAD (SF_PLUGIN_PASS, "tile", "1.0",
                  "size tokens, blocks and buffers and build the program"),
  .options = options_table,
  .ops.pass = &pass_ops,
};

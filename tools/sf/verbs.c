/* SPDX-License-Identifier: Apache-2.0 */
/* The table of the verbs of `sf`. */
#include "tools/sf/verbs.h"

static const SfVerb *const verbs[] = {
  &sf_verb_compile,    &sf_verb_inspect,    &sf_verb_plugins,
  &sf_verb_plugin_new, &sf_verb_completion, NULL,
};

const SfTool sf_tool = {
  .name = "sf",
  .summary = "Compiles models for a reconfigurable dataflow unit and runs them",
  .example = "sf plugins\nsf inspect optimizer:sgd",
  .verbs = verbs,
};

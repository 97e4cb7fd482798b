/* SPDX-License-Identifier: Apache-2.0 */
/* The table of the verbs of `sf`. */
#include "tools/sf/verbs.h"

static const SfVerb *const verbs[] = {
  &sf_verb_compile,
  &sf_verb_sweep,
  &sf_verb_run,
  &sf_verb_test,
  &sf_verb_train,
  &sf_verb_eval,
  &sf_verb_infer,
  &sf_verb_bench,
  &sf_verb_onnx_test,
  &sf_verb_inspect,
  &sf_verb_plugins,
  &sf_verb_plugin_new,
  &sf_verb_pef_strip,
  &sf_verb_completion,
  NULL,
};

const SfTool sf_tool = {
  .name = "sf",
  .summary = "Compiles models for a reconfigurable dataflow unit and runs them",
  .example
  = "sf compile apps/digits/model.cfg -o digits.pef\nsf train digits.pef --data apps/digits/data --epochs 10",
  .verbs = verbs,
};

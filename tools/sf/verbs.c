/* SPDX-License-Identifier: Apache-2.0 */
/* The table of the verbs of `sf`. */
#include "tools/sf/verbs.h"

static const SfVerb *const verbs[] = {
  &sf_verb_compile,   &sf_verb_sweep,      &sf_verb_run,     &sf_verb_test,
  &sf_verb_train,     &sf_verb_eval,       &sf_verb_infer,   &sf_verb_bench,
  &sf_verb_onnx_test, &sf_verb_inspect,    &sf_verb_plugins, &sf_verb_plugin_new,
  &sf_verb_pef_strip, &sf_verb_completion, &sf_verb_manual,  NULL,
};

static const SfManualNote notes[] = {
  { "DESCRIPTION", NULL,
    "A model, an ONNX file or a configuration, is compiled to a PEF; the other verbs train, test and use it, "
    "on an emulator of the unit (rdu) or on a reference (cpu)." },
  { "ENVIRONMENT", "SF_PLUGIN_PATH",
    "folders searched for plugins before the installed ones, separated by ':'" },
  { "ENVIRONMENT", "SF_DATA_DIR",
    "the folder that has etc and apps, instead of the installed one" },
  { "ENVIRONMENT", "SF_RDU_TILES",
    "the emulated tiles that a job of sfbatch(1) was given, for the plugin rdu" },
  { "ENVIRONMENT", "SF_PROGRESS",
    "a file to which a step appends lines of JSON that tell how far it is; sfbatch(1) sets it" },
  { "SEE ALSO", NULL, "sfbatch(1), sfbatch-job(5), sfd(8)" },
  { NULL, NULL, NULL },
};

const SfTool sf_tool = {
  .name = "sf",
  .summary = "Compiles models for a reconfigurable dataflow unit and runs them",
  .example
  = "sf compile apps/digits/model.cfg -o digits.pef\nsf train digits.pef --data apps/digits/data --epochs 10",
  .verbs = verbs,
  .notes = notes,
};

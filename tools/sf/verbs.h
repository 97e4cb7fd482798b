/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs of `sf`, one file each; verbs.c lists them. */
#ifndef TOOLS_SF_VERBS_H
#define TOOLS_SF_VERBS_H

#include "tools/tool.h"

extern const SfTool sf_tool;

extern const SfVerb sf_verb_bench;
extern const SfVerb sf_verb_compile;
extern const SfVerb sf_verb_eval;
extern const SfVerb sf_verb_infer;
extern const SfVerb sf_verb_inspect;
extern const SfVerb sf_verb_onnx_test;
extern const SfVerb sf_verb_pef_strip;
extern const SfVerb sf_verb_plugin_new;
extern const SfVerb sf_verb_plugins;
extern const SfVerb sf_verb_run;
extern const SfVerb sf_verb_sweep;
extern const SfVerb sf_verb_test;
extern const SfVerb sf_verb_train;

#endif

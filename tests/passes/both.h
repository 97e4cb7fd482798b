/* SPDX-License-Identifier: Apache-2.0 */
/* Graphs through whole pipelines, run on the emulated device and by the reference. */
#ifndef TESTS_PASSES_BOTH_H
#define TESTS_PASSES_BOTH_H

#include "tests/passes/passes.h"

/* Compiles the module for inference at `level` and `arch`, place and route included, runs it on
 * rdu and cpu on the same data, and checks that no output of them differs by more than `tolerance`
 * (relative, absolute below 1); whether that is so. */
bool test_both (SfModule *module, const char *level, const char *arch, double tolerance);
/* The same at every level, for a large machine and a small one. Takes the graph. */
void test_both_everywhere (SfGraph *graph, double tolerance);

#endif

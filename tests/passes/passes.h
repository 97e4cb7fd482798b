/* SPDX-License-Identifier: Apache-2.0 */
/* Running chosen passes on graphs built in memory. */
#ifndef TESTS_PASSES_PASSES_H
#define TESTS_PASSES_PASSES_H

#include <sf/compile.h>

#include "tests/support/sftest.h"

/* Logistic regression on [4,3] with two classes: linear, softmax_ce, labels i32. Owned. */
SfModule *test_logreg (void);
/* A module whose forward graph is `graph`, which it takes. Owned. */
SfModule *test_module (SfGraph *graph);

/* What came out of a pipeline. */
typedef struct
{
  SfModule *source, *lowered;
  SfProgram *program;
  GError *error;
} TestResult;

/* Runs "autodiff|simplify max_fold_elems = 4;" and the like with `options` (its level is
 * replaced; NULL: f32 inference) for machine `arch`. */
TestResult test_run (SfModule *module, const char *passes, const char *arch,
                     const SfCompileOptions *options);
void test_result_clear (TestResult *result);
/* Text of an entry after the last pass. Owned. */
char *test_text (const TestResult *result, const char *entry);
/* The first node of op `op` in the entry; SF_NONE. */
SfNode test_find (const SfGraph *graph, const char *op);

#endif

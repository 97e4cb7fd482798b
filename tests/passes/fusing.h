/* SPDX-License-Identifier: Apache-2.0 */
/* Running the pass fuse with rules given as text. */
#ifndef TESTS_PASSES_FUSING_H
#define TESTS_PASSES_FUSING_H

#include "tests/passes/passes.h"

/* A file of one rule r. */
#define RULE(keys, nodes) "rules = ( { name = \"r\"; " keys " pattern = { " nodes " }; } );"

/* Runs the pass on `module`; `told` (may be NULL) gets what the rules tell. */
TestResult test_fuse (SfModule *module, const char *rules, GString *told);
/* x [4,3] through the elementwise ops of `ops`, separated by spaces, one after the other. */
SfModule *test_chain (const char *ops);

#endif

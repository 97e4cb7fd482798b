/* SPDX-License-Identifier: Apache-2.0 */
/* Models of apps/ compiled for training, for tests that look at places and routes. */
#ifndef TESTS_PASSES_DESIGN_H
#define TESTS_PASSES_DESIGN_H

#include <sf/compile.h>

#include "tests/support/sftest.h"

/* `app` of apps/ for `arch`, at `level`, with `batch` rows (0: the model's own); `options` (NULL:
 * none but seed 1) gives seed and sets. NULL with `error`. Owned. */
SfProgram *test_design (const char *app, const SfArch *arch, const char *level, int64_t batch,
                        const SfCompileOptions *options, GError **error);
/* A section of `stages` stages on `pcus` PCUs each, with buffers of `pmus` PMUs, placed and routed.
 * Owned. */
SfProgram *test_fabricate (const SfArch *arch, int stages, int pcus, int pmus);
/* `arch` with one of its figures changed. Owned. */
SfArch *test_arch_with (const SfArch *arch, const char *key, int64_t value);
/* sn10 with another grid. Owned. */
SfArch *test_arch_of_size (int64_t columns, int64_t rows);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The one function of a fuzz target, as libFuzzer calls it. */
#ifndef SF_TESTS_FUZZ_TARGET_H
#define SF_TESTS_FUZZ_TARGET_H

#include <stddef.h>
#include <stdint.h>

/* Reads the bytes as outside data: anything but a crash, a leak or a hang is fine. Returns 0. */
int LLVMFuzzerTestOneInput (const uint8_t *data, size_t n_bytes);

#endif

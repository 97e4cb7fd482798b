/* SPDX-License-Identifier: Apache-2.0 */
/* Comparisons of evaluated arrays, and what the test programs of tests/ops register. */
#ifndef SF_TESTS_OPS_COMPARE_H
#define SF_TESTS_OPS_COMPARE_H

#include "tests/ops/cases.h"

/* Largest |found - wanted| over max (1, largest finite |wanted|); infinities and NaN must agree,
 * else infinity. */
double op_compare (const double *found, const double *wanted, size_t n);

/* One gtest Suite.case per case that `chosen` accepts. Call from a constructor. */
void op_register (const char *suite, bool (*chosen) (const OpCase *), void (*test) (const void *),
                  const char *file, int line);

/* True when the gradient of the case is what differences can check: random data, float output, a
 * rule. */
bool op_case_is_smooth (const OpCase *c);

#define OP_TEST(Suite, chosen)                                      \
  static void test_##Suite (const void *data);                      \
  __attribute__ ((constructor)) static void init_##Suite (void)     \
  {                                                                 \
    op_register (#Suite, chosen, test_##Suite, __FILE__, __LINE__); \
  }                                                                 \
  static void test_##Suite (const void *data)

#endif

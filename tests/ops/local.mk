# Build fragment of tests/ops.
check_PROGRAMS += tests/ops/ops_test
TESTS += tests/ops/ops_test
tests_ops_ops_test_SOURCES = \
  tests/ops/cases.c \
  tests/ops/cases.h \
  tests/ops/cases_contraction.c \
  tests/ops/cases_counted.c \
  tests/ops/cases_elementwise.c \
  tests/ops/cases_index.c \
  tests/ops/cases_loss.c \
  tests/ops/cases_movement.c \
  tests/ops/cases_norm.c \
  tests/ops/cases_reduce.c \
  tests/ops/cases_window.c \
  tests/ops/compare.c \
  tests/ops/compare.h \
  tests/ops/coverage_test.c \
  tests/ops/decompose_test.c \
  tests/ops/device_test.c \
  tests/ops/exact_test.c \
  tests/ops/gradient_test.c \
  tests/ops/graph.c \
  tests/ops/random.c \
  tests/ops/random.h \
  tests/ops/random_contraction.c \
  tests/ops/random_elementwise.c \
  tests/ops/random_index.c \
  tests/ops/random_movement.c \
  tests/ops/random_norm_loss.c \
  tests/ops/random_reduce.c \
  tests/ops/random_window.c \
  tests/ops/refusal_test.c \
  tests/ops/value_test.c
tests_ops_ops_test_LDADD = $(SF_TEST_LIBS) -lm

# Build fragment of tests/unit/base.
check_PROGRAMS += tests/unit/base/base_test
TESTS += tests/unit/base/base_test
SF_THREADED_TESTS += tests/unit/base/base_test
tests_unit_base_base_test_SOURCES = \
  tests/unit/base/config_test.c \
  tests/unit/base/error_test.c \
  tests/unit/base/exact_test.c \
  tests/unit/base/file_test.c \
  tests/unit/base/json_test.c \
  tests/unit/base/options_test.c \
  tests/unit/base/rng_test.c \
  tests/unit/base/threads_test.c
tests_unit_base_base_test_LDADD = $(SF_TEST_CORE_LIBS)

# Build fragment of tests/unit/timing.
check_PROGRAMS += tests/unit/timing/timing_test
TESTS += tests/unit/timing/timing_test
tests_unit_timing_timing_test_SOURCES = \
  tests/unit/program/sample.c \
  tests/unit/program/sample.h \
  tests/unit/timing/machine.c \
  tests/unit/timing/machine.h \
  tests/unit/timing/random_test.c \
  tests/unit/timing/section_test.c
tests_unit_timing_timing_test_LDADD = $(SF_TEST_CORE_LIBS)

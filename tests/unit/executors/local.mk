# Build fragment of tests/unit/executors.
check_PROGRAMS += tests/unit/executors/executors_test
TESTS += tests/unit/executors/executors_test
tests_unit_executors_executors_test_SOURCES = \
  tests/unit/executors/fake.c \
  tests/unit/executors/fake.h \
  tests/unit/executors/slurm_poll_test.c \
  tests/unit/executors/slurm_start_test.c
tests_unit_executors_executors_test_LDADD = $(SF_TEST_LIBS)

# Build fragment of tests/unit/program.
check_PROGRAMS += tests/unit/program/program_test
TESTS += tests/unit/program/program_test
tests_unit_program_program_test_SOURCES = \
  tests/unit/program/estimate_test.c \
  tests/unit/program/examples_test.c \
  tests/unit/program/launch_test.c \
  tests/unit/program/layout_test.c \
  tests/unit/program/sample.c \
  tests/unit/program/sample.h \
  tests/unit/program/tokens_test.c \
  tests/unit/program/verify_test.c
tests_unit_program_program_test_LDADD = $(SF_TEST_CORE_LIBS)

# Build fragment of tests/unit/pef.
check_PROGRAMS += tests/unit/pef/pef_test
TESTS += tests/unit/pef/pef_test
tests_unit_pef_pef_test_SOURCES = \
  tests/unit/pef/damage_test.c \
  tests/unit/pef/pef_test.c \
  tests/unit/pef/sample.c \
  tests/unit/pef/sample.h \
  tests/unit/program/sample.c \
  tests/unit/program/sample.h
tests_unit_pef_pef_test_LDADD = $(SF_TEST_CORE_LIBS)

# Build fragment of tests/unit/optimizers.
check_PROGRAMS += tests/unit/optimizers/optimizers_test
TESTS += tests/unit/optimizers/optimizers_test
tests_unit_optimizers_optimizers_test_SOURCES = tests/unit/optimizers/step_test.c
tests_unit_optimizers_optimizers_test_LDADD = $(SF_TEST_LIBS) -lm

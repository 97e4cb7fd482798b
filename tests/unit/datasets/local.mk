# Build fragment of tests/unit/datasets.
check_PROGRAMS += tests/unit/datasets/datasets_test
TESTS += tests/unit/datasets/datasets_test
tests_unit_datasets_datasets_test_SOURCES = \
  tests/unit/datasets/csv_test.c \
  tests/unit/datasets/idx_test.c \
  tests/unit/datasets/npy_test.c \
  tests/unit/datasets/open.c \
  tests/unit/datasets/open.h
tests_unit_datasets_datasets_test_LDADD = $(SF_TEST_LIBS) -lm

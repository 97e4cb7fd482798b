# Build fragment of tests/unit/run: the rooms of core/run over a session that runs nothing.
check_PROGRAMS += tests/unit/run/run_test
TESTS += tests/unit/run/run_test
SF_THREADED_TESTS += tests/unit/run/run_test
tests_unit_run_run_test_SOURCES = \
  core/run/ahead.c \
  core/run/checkpoint.c \
  core/run/column.c \
  core/run/feed.c \
  core/run/feedcheck.c \
  core/run/hyper.c \
  core/run/limits.c \
  core/run/safetensors.c \
  core/run/schedule.c \
  core/run/work.c \
  tests/unit/run/ahead_test.c \
  tests/unit/run/checkpoint_test.c \
  tests/unit/run/column_test.c \
  tests/unit/run/fake.c \
  tests/unit/run/fake.h \
  tests/unit/run/feed_test.c \
  tests/unit/run/feedcheck_test.c \
  tests/unit/run/hyper_test.c \
  tests/unit/run/limits_test.c \
  tests/unit/run/safetensors_test.c \
  tests/unit/run/schedule_test.c \
  tests/unit/run/work_test.c
tests_unit_run_run_test_CPPFLAGS = $(AM_CPPFLAGS)
tests_unit_run_run_test_LDADD = $(SF_TEST_LIBS) -lm

# What needs a compiled model, through the public functions.
check_PROGRAMS += tests/unit/run/model_test
TESTS += tests/unit/run/model_test
SF_THREADED_TESTS += tests/unit/run/model_test
tests_unit_run_model_test_SOURCES = tests/unit/run/cut_test.c tests/unit/run/report_test.c tests/unit/run/train_test.c
tests_unit_run_model_test_LDADD = $(SF_TEST_LIBS) -lm

# Interposes the functions that allocate, and so is a program of its own.
check_PROGRAMS += tests/unit/run/warm_test
TESTS += tests/unit/run/warm_test
tests_unit_run_warm_test_SOURCES = tests/unit/run/warm_test.c
tests_unit_run_warm_test_LDADD = $(SF_TEST_LIBS) -lm

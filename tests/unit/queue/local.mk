# Build fragment of tests/unit/queue.
check_PROGRAMS += tests/unit/queue/queue_test
TESTS += tests/unit/queue/queue_test
tests_unit_queue_queue_test_SOURCES = \
  tests/unit/queue/attempt_test.c \
  tests/unit/queue/dice.h \
  tests/unit/queue/jobfile_test.c \
  tests/unit/queue/line_test.c \
  tests/unit/queue/memorygroup_test.c \
  tests/unit/queue/processes_test.c \
  tests/unit/queue/progress_test.c \
  tests/unit/queue/protocol_test.c \
  tests/unit/queue/report_page_test.c \
  tests/unit/queue/regress_test.c \
  tests/unit/queue/schedule_days_test.c \
  tests/unit/queue/schedule_random_test.c \
  tests/unit/queue/schedule_test.c \
  tests/unit/queue/settings_test.c \
  tests/unit/queue/state_test.c \
  tests/unit/queue/store_test.c
tests_unit_queue_queue_test_LDADD = queue/libsfqueue.la $(SF_TEST_LIBS)

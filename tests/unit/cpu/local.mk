# Build fragment of tests/unit/cpu.
check_PROGRAMS += tests/unit/cpu/cpu_test tests/unit/cpu/table_test
TESTS += tests/unit/cpu/cpu_test tests/unit/cpu/table_test
SF_THREADED_TESTS += tests/unit/cpu/cpu_test
tests_unit_cpu_cpu_test_SOURCES = \
  tests/unit/cpu/attention_test.c \
  tests/unit/cpu/elementwise_test.c \
  tests/unit/cpu/evaluate_test.c \
  tests/unit/cpu/gemm_test.c \
  tests/unit/cpu/index_test.c \
  tests/unit/cpu/loss_test.c \
  tests/unit/cpu/movement_test.c \
  tests/unit/cpu/norm_test.c \
  tests/unit/cpu/onenode.c \
  tests/unit/cpu/onenode.h \
  tests/unit/cpu/reduce_test.c \
  tests/unit/cpu/session_test.c \
  tests/unit/cpu/threads_test.c \
  tests/unit/cpu/window_test.c
tests_unit_cpu_cpu_test_LDADD = $(SF_TEST_LIBS)
tests_unit_cpu_table_test_SOURCES = tests/unit/cpu/table_test.c
tests_unit_cpu_table_test_CPPFLAGS = $(AM_CPPFLAGS)
tests_unit_cpu_table_test_LDADD = plugins/backends/cpu/libsfcpu.la $(SF_TEST_LIBS)

# Build fragment of tests/timing.
check_PROGRAMS += tests/timing/timing_test
TESTS += tests/timing/timing_test
tests_timing_timing_test_SOURCES = \
  tests/passes/design.c \
  tests/passes/design.h \
  tests/timing/apps_test.c \
  tests/timing/compare_test.c \
  tests/timing/contention_test.c \
  tests/timing/entry_test.c \
  tests/timing/hand_test.c \
  tests/timing/models.c \
  tests/timing/models.h \
  tests/timing/network.c \
  tests/timing/network.h \
  tests/timing/sections.c \
  tests/timing/sections.h \
  tests/timing/shapes.c \
  tests/timing/sim.h \
  tests/timing/sim_buffer.c \
  tests/timing/sim_build.c \
  tests/timing/sim_stage.c \
  tests/timing/sim_stream.c \
  tests/timing/t2.c \
  tests/timing/t2.h \
  tests/timing/work.c \
  tests/timing/work.h \
  tests/unit/program/sample.c \
  tests/unit/program/sample.h
tests_timing_timing_test_LDADD = $(SF_TEST_LIBS)

# Build fragment of tests/passes.
check_PROGRAMS += tests/passes/passes_test
TESTS += tests/passes/passes_test
tests_passes_passes_test_SOURCES = \
  tests/passes/broken_test.c \
  tests/passes/compose_cases.c \
  tests/passes/compose_cases.h \
  tests/passes/compose_test.c \
  tests/passes/copy.c \
  tests/passes/copy.h \
  tests/passes/both.c \
  tests/passes/both.h \
  tests/passes/design.c \
  tests/passes/design.h \
  tests/passes/fuse_test.c \
  tests/passes/fusing.c \
  tests/passes/fusing.h \
  tests/passes/rules_test.c \
  tests/passes/graph_test.c \
  tests/passes/passes.c \
  tests/passes/passes.h \
  tests/passes/place_test.c \
  tests/passes/random_test.c \
  tests/passes/recompute_test.c \
  tests/passes/route_test.c \
  tests/passes/section_test.c \
  tests/passes/stage_test.c \
  tests/passes/units_test.c \
  tests/passes/whole_test.c
tests_passes_passes_test_LDADD = $(SF_TEST_LIBS) -lm
# Apart, for it compiles every app often.
check_PROGRAMS += tests/passes/levels_test
TESTS += tests/passes/levels_test
tests_passes_levels_test_SOURCES = tests/passes/design.c tests/passes/design.h tests/passes/levels_test.c
tests_passes_levels_test_LDADD = $(SF_TEST_LIBS)
check_PROGRAMS += tests/passes/estimate_test
TESTS += tests/passes/estimate_test
tests_passes_estimate_test_SOURCES = tests/passes/design.c tests/passes/design.h tests/passes/estimate_test.c
tests_passes_estimate_test_LDADD = $(SF_TEST_LIBS)

check_LTLIBRARIES += tests/passes/sf-pass-fabricate.la
tests_passes_sf_pass_fabricate_la_SOURCES = tests/passes/fabricate.c
tests_passes_sf_pass_fabricate_la_CPPFLAGS = $(SF_PLUGIN_CPPFLAGS)
tests_passes_sf_pass_fabricate_la_CFLAGS = $(SF_PLUGIN_CFLAGS)
tests_passes_sf_pass_fabricate_la_LDFLAGS = $(SF_PLUGIN_LDFLAGS) -rpath /nowhere
tests_passes_sf_pass_fabricate_la_LIBADD = $(SF_PLUGIN_LIBADD)

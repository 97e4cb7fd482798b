# Build fragment of tests/unit/plugin.
check_PROGRAMS += tests/unit/plugin/plugin_unit_test
TESTS += tests/unit/plugin/plugin_unit_test
tests_unit_plugin_plugin_unit_test_SOURCES = \
  tests/unit/plugin/check_test.c \
  tests/unit/plugin/kind_test.c
tests_unit_plugin_plugin_unit_test_LDADD = $(SF_TEST_CORE_LIBS)

# Build fragment of tests/unit/runtime.
check_PROGRAMS += tests/unit/runtime/runtime_test
TESTS += tests/unit/runtime/runtime_test
tests_unit_runtime_runtime_test_SOURCES = tests/unit/runtime/tiles_test.c
tests_unit_runtime_runtime_test_LDADD = runtime/libsfruntime.la $(SF_TEST_LIBS)

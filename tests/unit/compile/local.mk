# Build fragment of tests/unit/compile.
check_PROGRAMS += tests/unit/compile/compile_test
TESTS += tests/unit/compile/compile_test
tests_unit_compile_compile_test_SOURCES = tests/unit/compile/additions_test.c
tests_unit_compile_compile_test_LDADD = $(SF_TEST_LIBS) -lm

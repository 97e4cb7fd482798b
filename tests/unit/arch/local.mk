# Build fragment of tests/unit/arch.
check_PROGRAMS += tests/unit/arch/arch_test
TESTS += tests/unit/arch/arch_test
tests_unit_arch_arch_test_SOURCES = tests/unit/arch/arch_test.c
tests_unit_arch_arch_test_LDADD = $(SF_TEST_CORE_LIBS)

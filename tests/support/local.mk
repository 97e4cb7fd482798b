# Build fragment of tests/support: the C shim over GoogleTest.
check_LTLIBRARIES += tests/support/libsftest.la
tests_support_libsftest_la_SOURCES = tests/support/registry.cc tests/support/check.c tests/support/sftest.h
tests_support_libsftest_la_CPPFLAGS = $(AM_CPPFLAGS) $(GTEST_CFLAGS)
TESTS += tests/support/layers_test.sh

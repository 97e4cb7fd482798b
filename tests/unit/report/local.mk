# Build fragment of tests/unit/report.
check_PROGRAMS += tests/unit/report/report_test
TESTS += tests/unit/report/report_test
tests_unit_report_report_test_SOURCES = tests/unit/report/markup_test.c tests/unit/report/text_test.c
tests_unit_report_report_test_LDADD = $(SF_TEST_CORE_LIBS)

# Build fragment of tests/unit/frontend: the frontend `config`.
check_PROGRAMS += tests/unit/frontend/frontend_test
TESTS += tests/unit/frontend/frontend_test
tests_unit_frontend_frontend_test_SOURCES = \
  tests/unit/frontend/error_test.c \
  tests/unit/frontend/layers_test.c \
  tests/unit/frontend/model.c \
  tests/unit/frontend/model.h \
  tests/unit/frontend/params_test.c
tests_unit_frontend_frontend_test_LDADD = $(SF_TEST_LIBS) -lm

# Build fragment of tests/unit/ir.
check_PROGRAMS += tests/unit/ir/ir_test
TESTS += tests/unit/ir/ir_test
tests_unit_ir_ir_test_SOURCES = \
  tests/unit/ir/differentiate_test.c \
  tests/unit/ir/dtype_test.c \
  tests/unit/ir/graph_test.c \
  tests/unit/ir/ir_support.c \
  tests/unit/ir/ir_support.h \
  tests/unit/ir/module_test.c \
  tests/unit/ir/op_cases.c \
  tests/unit/ir/op_cases.h \
  tests/unit/ir/op_test.c \
  tests/unit/ir/random_test.c \
  tests/unit/ir/rewrite_test.c \
  tests/unit/ir/shape_test.c \
  tests/unit/ir/verify_test.c
tests_unit_ir_ir_test_LDADD = $(SF_TEST_CORE_LIBS)

# Build fragment of tests/unit/onnx: the frontend `onnx`.
check_PROGRAMS += tests/unit/onnx/onnx_test
TESTS += tests/unit/onnx/onnx_test
tests_unit_onnx_onnx_test_SOURCES = \
  tests/unit/onnx/build.c \
  tests/unit/onnx/build.h \
  tests/unit/onnx/graph_test.c \
  tests/unit/onnx/input_test.c \
  tests/unit/onnx/tensor_test.c \
  tests/unit/onnx/wire_test.c
nodist_tests_unit_onnx_onnx_test_SOURCES = plugins/frontends/onnx/onnx.pb-c.c
tests_unit_onnx_onnx_test_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_builddir) $(PROTOBUF_C_CFLAGS)
tests_unit_onnx_onnx_test_LDADD = $(SF_TEST_LIBS) $(PROTOBUF_C_LIBS) -lm

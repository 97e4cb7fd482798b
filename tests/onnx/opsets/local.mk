# Build fragment of tests/onnx/opsets.
TESTS += tests/onnx/opsets/opsets_test.sh

check_PROGRAMS += tests/onnx/opsets/gradients
tests_onnx_opsets_gradients_SOURCES = tests/onnx/opsets/gradients.c
tests_onnx_opsets_gradients_CPPFLAGS = $(plugins_frontends_onnx_libonnx_la_CPPFLAGS)
tests_onnx_opsets_gradients_LDADD = plugins/frontends/onnx/libonnx.la libspatialflow.la $(SF_DEPS_LIBS) -lm

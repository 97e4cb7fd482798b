# Build fragment of tests/onnx/opsets.
TESTS += tests/onnx/opsets/opsets_test.sh

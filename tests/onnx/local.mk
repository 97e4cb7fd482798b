# Build fragment of tests/onnx.
TESTS += tests/onnx/node_cpu_test.sh tests/onnx/node_rdu_test.sh tests/onnx/levels_test.sh tests/onnx/models_test.sh tests/onnx/table_test.sh

clean-local:
	rm -rf tests/onnx/data

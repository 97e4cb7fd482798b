# Build fragment of tests/ops.

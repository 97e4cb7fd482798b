# Build fragment of tests/passes.

# Build fragment of tests/unit/compile.

# Build fragment of tests/unit/program.

# Build fragment of tests/unit/run.

# Build fragment of tests/fuzz.

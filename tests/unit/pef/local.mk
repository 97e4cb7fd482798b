# Build fragment of tests/unit/pef.

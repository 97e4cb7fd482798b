# Build fragment of tests/cli.

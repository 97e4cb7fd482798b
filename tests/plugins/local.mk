# Build fragment of tests/plugins.

# Build fragment of tests/unit/plugin.

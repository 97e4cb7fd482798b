# Build fragment of tests/unit/arch.

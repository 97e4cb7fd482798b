# Build fragment of tests/unit/ir.

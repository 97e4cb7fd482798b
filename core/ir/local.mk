# Build fragment of core/ir.

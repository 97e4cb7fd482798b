# Build fragment of bench.

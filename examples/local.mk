# Build fragment of examples.

# Build fragment of etc.

# Build fragment of tools.

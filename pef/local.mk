# Build fragment of pef.

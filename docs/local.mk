# Build fragment of docs.

# Build fragment of plugins/passes.

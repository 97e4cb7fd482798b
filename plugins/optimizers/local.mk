# Build fragment of plugins/optimizers.

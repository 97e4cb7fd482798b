# Build fragment of plugins/executors.

# Build fragment of plugins/datasets.

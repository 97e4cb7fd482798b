# Build fragment of plugins/backends/rdu.

# Build fragment of plugins/backends/cpu.

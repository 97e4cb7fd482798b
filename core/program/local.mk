# Build fragment of core/program.

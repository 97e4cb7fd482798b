# Build fragment of core/run.

# Build fragment of core/compile.

# Build fragment of core/plugin.

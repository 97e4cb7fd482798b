# Build fragment of apps.

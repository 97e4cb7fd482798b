# Build fragment of plugins/frontends/config.

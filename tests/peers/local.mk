# Build fragment of tests/peers.

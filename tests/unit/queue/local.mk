# Build fragment of tests/unit/queue.

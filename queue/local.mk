# Build fragment of queue.

# Build fragment of tests/queue.
TESTS += tests/queue/kill_test.sh

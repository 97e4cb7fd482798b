# Build fragment of tests/peers.
TESTS += tests/peers/points_test.sh tests/peers/free_test.sh tests/peers/double_test.sh

# Build fragment of tests/cli.
TESTS += tests/cli/sf_test.sh
TESTS += tests/cli/pef_test.sh
TESTS += tests/cli/install_test.sh
TESTS += tests/cli/models_test.sh
TESTS += tests/cli/sfbatch_test.sh
TESTS += tests/cli/sfbatch_job_test.sh
TESTS += tests/cli/sfbatch_errors_test.sh
TESTS += tests/cli/sfbatch_kill_test.sh

# libtool takes plugins out of plugins/.libs for a moment while it relinks them for the installation.
tests/cli/install_test.log: $(filter-out tests/cli/install_test.log,$(TEST_LOGS))

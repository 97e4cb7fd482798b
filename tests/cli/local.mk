# Build fragment of tests/cli.
TESTS += tests/cli/sf_test.sh
TESTS += tests/cli/pef_test.sh
TESTS += tests/cli/install_test.sh
TESTS += tests/cli/models_test.sh
TESTS += tests/cli/sfbatch_test.sh
TESTS += tests/cli/sfbatch_job_test.sh
TESTS += tests/cli/sfbatch_errors_test.sh
TESTS += tests/cli/sfbatch_kill_test.sh
TESTS += tests/cli/examples_test.sh
TESTS += tests/cli/train_resume_test.sh
TESTS += tests/cli/threads_test.sh
TESTS += tests/cli/batch_test.sh
TESTS += tests/cli/mutation_test.sh
TESTS += tests/cli/strip_test.sh
TESTS += tests/cli/host_test.sh
TESTS += tests/cli/bad_input_test.sh
TESTS += tests/cli/reproducible_test.sh
TESTS += tests/cli/mnist_test.sh
TESTS += tests/cli/apps_logreg_test.sh
TESTS += tests/cli/apps_ffn_mnist_test.sh
TESTS += tests/cli/apps_lenet_test.sh
TESTS += tests/cli/apps_cnn_bn_test.sh
TESTS += tests/cli/apps_encoder_test.sh
TESTS += tests/cli/apps_digits_test.sh

# libtool takes plugins out of plugins/.libs for a moment while it relinks them for the installation.
tests/cli/install_test.log: $(filter-out tests/cli/install_test.log,$(TEST_LOGS))

# Build fragment of tests/cli.
TESTS += tests/cli/sf_test.sh
TESTS += tests/cli/completion_test.sh
TESTS += tests/cli/manual_test.sh
TESTS += tests/cli/pef_test.sh
TESTS += tests/cli/timing_test.sh
TESTS += tests/cli/profile_test.sh
TESTS += tests/cli/install_test.sh
TESTS += tests/cli/models_test.sh
TESTS += tests/cli/report_test.sh
TESTS += tests/cli/report_page_test.sh
TESTS += tests/cli/regress_page_test.sh
TESTS += tests/cli/sfbatch_test.sh
TESTS += tests/cli/sfbatch_job_test.sh
TESTS += tests/cli/sfbatch_errors_test.sh
TESTS += tests/cli/sfbatch_language_test.sh
TESTS += tests/cli/sfbatch_look_test.sh
TESTS += tests/cli/sfbatch_regress_test.sh
TESTS += tests/cli/regress_basic_test.sh
TESTS += tests/cli/sfbatch_rules_test.sh
TESTS += tests/cli/sfbatch_daemon_test.sh
TESTS += tests/cli/sfbatch_kill_test.sh
TESTS += tests/cli/examples_test.sh
TESTS += tests/cli/fusion_test.sh
TESTS += tests/cli/sweep_test.sh
TESTS += tests/cli/loss_test.sh
TESTS += tests/cli/train_resume_test.sh
TESTS += tests/cli/start_test.sh
TESTS += tests/cli/memory_test.sh
TESTS += tests/cli/threads_test.sh
TESTS += tests/cli/batch_test.sh
TESTS += tests/cli/mutation_test.sh
TESTS += tests/cli/strip_test.sh
TESTS += tests/cli/host_test.sh
TESTS += tests/cli/bad_input_test.sh
TESTS += tests/cli/reproducible_test.sh
TESTS += tests/cli/mnist_test.sh
TESTS += tests/cli/onnx_test.sh
TESTS += tests/cli/onnx_compile_test.sh
TESTS += tests/cli/onnx_train_test.sh
TESTS += tests/cli/apps_logreg_test.sh
TESTS += tests/cli/apps_ffn_mnist_test.sh
TESTS += tests/cli/apps_lenet_test.sh
TESTS += tests/cli/apps_cnn_bn_test.sh
TESTS += tests/cli/apps_encoder_test.sh
TESTS += tests/cli/apps_digits_test.sh

# A frontend "onnx" whose models are words; found only by tests that ask for its folder.
check_LTLIBRARIES += tests/cli/sf-frontend-onnx.la
tests_cli_sf_frontend_onnx_la_SOURCES = tests/cli/onnx_frontend.c
tests_cli_sf_frontend_onnx_la_CPPFLAGS = $(SF_PLUGIN_CPPFLAGS)
tests_cli_sf_frontend_onnx_la_CFLAGS = $(SF_PLUGIN_CFLAGS)
tests_cli_sf_frontend_onnx_la_LDFLAGS = $(SF_PLUGIN_LDFLAGS) -rpath /nowhere
tests_cli_sf_frontend_onnx_la_LIBADD = $(SF_PLUGIN_LIBADD)

# libtool takes plugins out of plugins/.libs for a moment while it relinks them for the installation.
tests/cli/install_test.log: $(filter-out tests/cli/install_test.log,$(TEST_LOGS))

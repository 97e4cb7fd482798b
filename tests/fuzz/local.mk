# Build fragment of tests/fuzz. A target NAME is tests/fuzz/NAME_fuzz.c with a corpus in tests/fuzz/corpus/NAME; it is replayed by
# `make check`, and runs under libFuzzer as tests/fuzz/NAME_libfuzzer (see README.md).
SF_LIBFUZZER_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer

check_PROGRAMS += tests/fuzz/config_test
TESTS += tests/fuzz/config_test
tests_fuzz_config_test_SOURCES = tests/fuzz/config_fuzz.c tests/fuzz/replay.c tests/fuzz/target.h
tests_fuzz_config_test_CPPFLAGS = $(AM_CPPFLAGS) -DSF_FUZZ_NAME='"config"'
tests_fuzz_config_test_LDADD = $(SF_TEST_CORE_LIBS)
EXTRA_PROGRAMS += tests/fuzz/config_libfuzzer
tests_fuzz_config_libfuzzer_SOURCES = tests/fuzz/config_fuzz.c
tests_fuzz_config_libfuzzer_LDFLAGS = $(SF_LIBFUZZER_LDFLAGS)
tests_fuzz_config_libfuzzer_LDADD = libsfcore.la $(SF_DEPS_LIBS)

check_PROGRAMS += tests/fuzz/json_test
TESTS += tests/fuzz/json_test
tests_fuzz_json_test_SOURCES = tests/fuzz/json_fuzz.c tests/fuzz/replay.c tests/fuzz/target.h
tests_fuzz_json_test_CPPFLAGS = $(AM_CPPFLAGS) -DSF_FUZZ_NAME='"json"'
tests_fuzz_json_test_LDADD = $(SF_TEST_CORE_LIBS)
EXTRA_PROGRAMS += tests/fuzz/json_libfuzzer
tests_fuzz_json_libfuzzer_SOURCES = tests/fuzz/json_fuzz.c
tests_fuzz_json_libfuzzer_LDFLAGS = $(SF_LIBFUZZER_LDFLAGS)
tests_fuzz_json_libfuzzer_LDADD = libsfcore.la $(SF_DEPS_LIBS)

check_PROGRAMS += tests/fuzz/gzip_test
TESTS += tests/fuzz/gzip_test
tests_fuzz_gzip_test_SOURCES = tests/fuzz/gzip_fuzz.c tests/fuzz/replay.c tests/fuzz/target.h
tests_fuzz_gzip_test_CPPFLAGS = $(AM_CPPFLAGS) -DSF_FUZZ_NAME='"gzip"'
tests_fuzz_gzip_test_LDADD = $(SF_TEST_CORE_LIBS)
EXTRA_PROGRAMS += tests/fuzz/gzip_libfuzzer
tests_fuzz_gzip_libfuzzer_SOURCES = tests/fuzz/gzip_fuzz.c
tests_fuzz_gzip_libfuzzer_LDFLAGS = $(SF_LIBFUZZER_LDFLAGS)
tests_fuzz_gzip_libfuzzer_LDADD = libsfcore.la $(SF_DEPS_LIBS)

check_PROGRAMS += tests/fuzz/pef_test
TESTS += tests/fuzz/pef_test
tests_fuzz_pef_test_SOURCES = tests/fuzz/pef_fuzz.c tests/fuzz/replay.c tests/fuzz/target.h
tests_fuzz_pef_test_CPPFLAGS = $(AM_CPPFLAGS) -DSF_FUZZ_NAME='"pef"'
tests_fuzz_pef_test_LDADD = $(SF_TEST_CORE_LIBS)
EXTRA_PROGRAMS += tests/fuzz/pef_libfuzzer
tests_fuzz_pef_libfuzzer_SOURCES = tests/fuzz/pef_fuzz.c
tests_fuzz_pef_libfuzzer_LDFLAGS = $(SF_LIBFUZZER_LDFLAGS)
tests_fuzz_pef_libfuzzer_LDADD = libsfcore.la $(SF_DEPS_LIBS)

check_PROGRAMS += tests/fuzz/safetensors_test
TESTS += tests/fuzz/safetensors_test
tests_fuzz_safetensors_test_SOURCES = tests/fuzz/safetensors_fuzz.c tests/fuzz/replay.c tests/fuzz/target.h
tests_fuzz_safetensors_test_CPPFLAGS = $(AM_CPPFLAGS) -DSF_FUZZ_NAME='"safetensors"'
tests_fuzz_safetensors_test_LDADD = $(SF_TEST_CORE_LIBS)
EXTRA_PROGRAMS += tests/fuzz/safetensors_libfuzzer
tests_fuzz_safetensors_libfuzzer_SOURCES = tests/fuzz/safetensors_fuzz.c
tests_fuzz_safetensors_libfuzzer_LDFLAGS = $(SF_LIBFUZZER_LDFLAGS)
tests_fuzz_safetensors_libfuzzer_LDADD = libsfcore.la $(SF_DEPS_LIBS)

# These load their plugin: SF_PLUGIN_PATH names its folder.
check_PROGRAMS += tests/fuzz/model_test
TESTS += tests/fuzz/model_test
tests_fuzz_model_test_SOURCES = tests/fuzz/model_fuzz.c tests/fuzz/replay.c tests/fuzz/target.h
tests_fuzz_model_test_CPPFLAGS = $(AM_CPPFLAGS) -DSF_FUZZ_NAME='"model"'
tests_fuzz_model_test_LDADD = $(SF_TEST_LIBS)
EXTRA_PROGRAMS += tests/fuzz/model_libfuzzer
tests_fuzz_model_libfuzzer_SOURCES = tests/fuzz/model_fuzz.c
tests_fuzz_model_libfuzzer_LDFLAGS = $(SF_LIBFUZZER_LDFLAGS)
tests_fuzz_model_libfuzzer_LDADD = libspatialflow.la $(SF_DEPS_LIBS)

check_PROGRAMS += tests/fuzz/onnx_test
TESTS += tests/fuzz/onnx_test
tests_fuzz_onnx_test_SOURCES = tests/fuzz/onnx_fuzz.c tests/fuzz/replay.c tests/fuzz/target.h
tests_fuzz_onnx_test_CPPFLAGS = $(AM_CPPFLAGS) -DSF_FUZZ_NAME='"onnx"'
tests_fuzz_onnx_test_LDADD = $(SF_TEST_LIBS)
EXTRA_PROGRAMS += tests/fuzz/onnx_libfuzzer
tests_fuzz_onnx_libfuzzer_SOURCES = tests/fuzz/onnx_fuzz.c
tests_fuzz_onnx_libfuzzer_LDFLAGS = $(SF_LIBFUZZER_LDFLAGS)
tests_fuzz_onnx_libfuzzer_LDADD = libspatialflow.la $(SF_DEPS_LIBS)

check_PROGRAMS += tests/fuzz/idx_test
TESTS += tests/fuzz/idx_test
tests_fuzz_idx_test_SOURCES = tests/fuzz/dataset_fuzz.c tests/fuzz/replay.c tests/fuzz/target.h
tests_fuzz_idx_test_CPPFLAGS = $(AM_CPPFLAGS) -DSF_FUZZ_NAME='"idx"' -DSF_FUZZ_FILE='"train-images"'
tests_fuzz_idx_test_LDADD = $(SF_TEST_LIBS)
EXTRA_PROGRAMS += tests/fuzz/idx_libfuzzer
tests_fuzz_idx_libfuzzer_SOURCES = tests/fuzz/dataset_fuzz.c
tests_fuzz_idx_libfuzzer_CPPFLAGS = $(AM_CPPFLAGS) -DSF_FUZZ_NAME='"idx"' -DSF_FUZZ_FILE='"train-images"'
tests_fuzz_idx_libfuzzer_LDFLAGS = $(SF_LIBFUZZER_LDFLAGS)
tests_fuzz_idx_libfuzzer_LDADD = libspatialflow.la $(SF_DEPS_LIBS)

check_PROGRAMS += tests/fuzz/npy_test
TESTS += tests/fuzz/npy_test
tests_fuzz_npy_test_SOURCES = tests/fuzz/dataset_fuzz.c tests/fuzz/replay.c tests/fuzz/target.h
tests_fuzz_npy_test_CPPFLAGS = $(AM_CPPFLAGS) -DSF_FUZZ_NAME='"npy"' -DSF_FUZZ_FILE='"train-x.npy"'
tests_fuzz_npy_test_LDADD = $(SF_TEST_LIBS)
EXTRA_PROGRAMS += tests/fuzz/npy_libfuzzer
tests_fuzz_npy_libfuzzer_SOURCES = tests/fuzz/dataset_fuzz.c
tests_fuzz_npy_libfuzzer_CPPFLAGS = $(AM_CPPFLAGS) -DSF_FUZZ_NAME='"npy"' -DSF_FUZZ_FILE='"train-x.npy"'
tests_fuzz_npy_libfuzzer_LDFLAGS = $(SF_LIBFUZZER_LDFLAGS)
tests_fuzz_npy_libfuzzer_LDADD = libspatialflow.la $(SF_DEPS_LIBS)

check_PROGRAMS += tests/fuzz/csv_test
TESTS += tests/fuzz/csv_test
tests_fuzz_csv_test_SOURCES = tests/fuzz/dataset_fuzz.c tests/fuzz/replay.c tests/fuzz/target.h
tests_fuzz_csv_test_CPPFLAGS = $(AM_CPPFLAGS) -DSF_FUZZ_NAME='"csv"' -DSF_FUZZ_FILE='"train.csv"'
tests_fuzz_csv_test_LDADD = $(SF_TEST_LIBS)
EXTRA_PROGRAMS += tests/fuzz/csv_libfuzzer
tests_fuzz_csv_libfuzzer_SOURCES = tests/fuzz/dataset_fuzz.c
tests_fuzz_csv_libfuzzer_CPPFLAGS = $(AM_CPPFLAGS) -DSF_FUZZ_NAME='"csv"' -DSF_FUZZ_FILE='"train.csv"'
tests_fuzz_csv_libfuzzer_LDFLAGS = $(SF_LIBFUZZER_LDFLAGS)
tests_fuzz_csv_libfuzzer_LDADD = libspatialflow.la $(SF_DEPS_LIBS)
check_PROGRAMS += tests/fuzz/jobfile_test
TESTS += tests/fuzz/jobfile_test
tests_fuzz_jobfile_test_SOURCES = tests/fuzz/jobfile_fuzz.c tests/fuzz/replay.c tests/fuzz/target.h
tests_fuzz_jobfile_test_CPPFLAGS = $(AM_CPPFLAGS) -DSF_FUZZ_NAME='"jobfile"'
tests_fuzz_jobfile_test_LDADD = queue/libsfqueue.la $(SF_TEST_LIBS)
EXTRA_PROGRAMS += tests/fuzz/jobfile_libfuzzer
tests_fuzz_jobfile_libfuzzer_SOURCES = tests/fuzz/jobfile_fuzz.c
tests_fuzz_jobfile_libfuzzer_LDFLAGS = $(SF_LIBFUZZER_LDFLAGS)
tests_fuzz_jobfile_libfuzzer_LDADD = queue/libsfqueue.la $(SF_LIBS)

check_PROGRAMS += tests/fuzz/golden_test
TESTS += tests/fuzz/golden_test
tests_fuzz_golden_test_SOURCES = tests/fuzz/golden_fuzz.c tests/fuzz/replay.c tests/fuzz/target.h
tests_fuzz_golden_test_CPPFLAGS = $(AM_CPPFLAGS) -DSF_FUZZ_NAME='"golden"'
tests_fuzz_golden_test_LDADD = queue/libsfqueue.la $(SF_TEST_LIBS)
EXTRA_PROGRAMS += tests/fuzz/golden_libfuzzer
tests_fuzz_golden_libfuzzer_SOURCES = tests/fuzz/golden_fuzz.c
tests_fuzz_golden_libfuzzer_LDFLAGS = $(SF_LIBFUZZER_LDFLAGS)
tests_fuzz_golden_libfuzzer_LDADD = queue/libsfqueue.la $(SF_LIBS)

check_PROGRAMS += tests/fuzz/results_test
TESTS += tests/fuzz/results_test
tests_fuzz_results_test_SOURCES = tests/fuzz/results_fuzz.c tests/fuzz/replay.c tests/fuzz/target.h
tests_fuzz_results_test_CPPFLAGS = $(AM_CPPFLAGS) -DSF_FUZZ_NAME='"results"'
tests_fuzz_results_test_LDADD = queue/libsfqueue.la $(SF_TEST_LIBS)
EXTRA_PROGRAMS += tests/fuzz/results_libfuzzer
tests_fuzz_results_libfuzzer_SOURCES = tests/fuzz/results_fuzz.c
tests_fuzz_results_libfuzzer_LDFLAGS = $(SF_LIBFUZZER_LDFLAGS)
tests_fuzz_results_libfuzzer_LDADD = queue/libsfqueue.la $(SF_LIBS)

check_PROGRAMS += tests/fuzz/suite_test
TESTS += tests/fuzz/suite_test
tests_fuzz_suite_test_SOURCES = tests/fuzz/suite_fuzz.c tests/fuzz/replay.c tests/fuzz/target.h
tests_fuzz_suite_test_CPPFLAGS = $(AM_CPPFLAGS) -DSF_FUZZ_NAME='"suite"'
tests_fuzz_suite_test_LDADD = queue/libsfqueue.la $(SF_TEST_LIBS)
EXTRA_PROGRAMS += tests/fuzz/suite_libfuzzer
tests_fuzz_suite_libfuzzer_SOURCES = tests/fuzz/suite_fuzz.c
tests_fuzz_suite_libfuzzer_LDFLAGS = $(SF_LIBFUZZER_LDFLAGS)
tests_fuzz_suite_libfuzzer_LDADD = queue/libsfqueue.la $(SF_LIBS)

check_PROGRAMS += tests/fuzz/protocol_test
TESTS += tests/fuzz/protocol_test
tests_fuzz_protocol_test_SOURCES = tests/fuzz/protocol_fuzz.c tests/fuzz/replay.c tests/fuzz/target.h
tests_fuzz_protocol_test_CPPFLAGS = $(AM_CPPFLAGS) -DSF_FUZZ_NAME='"protocol"'
tests_fuzz_protocol_test_LDADD = queue/libsfqueue.la $(SF_TEST_LIBS)
EXTRA_PROGRAMS += tests/fuzz/protocol_libfuzzer
tests_fuzz_protocol_libfuzzer_SOURCES = tests/fuzz/protocol_fuzz.c
tests_fuzz_protocol_libfuzzer_LDFLAGS = $(SF_LIBFUZZER_LDFLAGS)
tests_fuzz_protocol_libfuzzer_LDADD = queue/libsfqueue.la $(SF_LIBS)

check_PROGRAMS += tests/fuzz/attempt_test
TESTS += tests/fuzz/attempt_test
tests_fuzz_attempt_test_SOURCES = tests/fuzz/attempt_fuzz.c tests/fuzz/replay.c tests/fuzz/target.h
tests_fuzz_attempt_test_CPPFLAGS = $(AM_CPPFLAGS) -DSF_FUZZ_NAME='"attempt"'
tests_fuzz_attempt_test_LDADD = queue/libsfqueue.la $(SF_TEST_LIBS)
EXTRA_PROGRAMS += tests/fuzz/attempt_libfuzzer
tests_fuzz_attempt_libfuzzer_SOURCES = tests/fuzz/attempt_fuzz.c
tests_fuzz_attempt_libfuzzer_LDFLAGS = $(SF_LIBFUZZER_LDFLAGS)
tests_fuzz_attempt_libfuzzer_LDADD = queue/libsfqueue.la $(SF_LIBS)

check_PROGRAMS += tests/fuzz/store_test
TESTS += tests/fuzz/store_test
tests_fuzz_store_test_SOURCES = tests/fuzz/store_fuzz.c tests/fuzz/replay.c tests/fuzz/target.h
tests_fuzz_store_test_CPPFLAGS = $(AM_CPPFLAGS) -DSF_FUZZ_NAME='"store"'
tests_fuzz_store_test_LDADD = queue/libsfqueue.la $(SF_TEST_LIBS)
EXTRA_PROGRAMS += tests/fuzz/store_libfuzzer
tests_fuzz_store_libfuzzer_SOURCES = tests/fuzz/store_fuzz.c
tests_fuzz_store_libfuzzer_LDFLAGS = $(SF_LIBFUZZER_LDFLAGS)
tests_fuzz_store_libfuzzer_LDADD = queue/libsfqueue.la $(SF_LIBS)

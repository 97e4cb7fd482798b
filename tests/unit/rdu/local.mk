# Build fragment of tests/unit/rdu: the emulator's kernels, and programs built by hand.
check_PROGRAMS += tests/unit/rdu/kernels_test
TESTS += tests/unit/rdu/kernels_test
tests_unit_rdu_kernels_test_SOURCES = tests/unit/rdu/kernels_test.c tests/unit/rdu/kernels_conv_test.c \
  tests/unit/rdu/kernels_depthwise_test.c tests/unit/rdu/kernels_gemm_test.c tests/unit/rdu/kernels_pool_test.c \
  tests/unit/rdu/kernels_order_test.c tests/unit/rdu/kernels_dots_test.c tests/unit/rdu/kernels_function_test.c \
  tests/unit/rdu/call.c tests/unit/rdu/call.h plugins/backends/rdu/isa.c
tests_unit_rdu_kernels_test_CPPFLAGS = $(AM_CPPFLAGS) $(SF_RDU_X86_CPPFLAGS)
tests_unit_rdu_kernels_test_LDADD = $(SF_RDU_KERNEL_LIBS) $(SF_TEST_LIBS) -lm

check_PROGRAMS += tests/unit/rdu/program_test
TESTS += tests/unit/rdu/program_test
SF_THREADED_TESTS += tests/unit/rdu/program_test
tests_unit_rdu_program_test_SOURCES = tests/unit/rdu/program_test.c tests/unit/rdu/session_test.c \
  tests/unit/rdu/fused_test.c tests/unit/rdu/blocks_test.c tests/unit/rdu/chains_test.c tests/unit/rdu/layout_test.c tests/unit/rdu/copies_test.c tests/unit/rdu/packing_test.c tests/unit/rdu/pieces_test.c \
  tests/unit/rdu/section_test.c tests/unit/rdu/build.c tests/unit/rdu/build.h \
  plugins/backends/rdu/plugin.c
tests_unit_rdu_program_test_LDADD = plugins/backends/rdu/libmachine.la $(SF_TEST_LIBS) -lm

check_PROGRAMS += tests/unit/rdu/compiled_test
TESTS += tests/unit/rdu/compiled_test
SF_THREADED_TESTS += tests/unit/rdu/compiled_test
tests_unit_rdu_compiled_test_SOURCES = tests/unit/rdu/compiled_test.c
tests_unit_rdu_compiled_test_LDADD = $(SF_TEST_LIBS) -lm

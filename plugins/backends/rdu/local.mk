# Build fragment of plugins/backends/rdu: the tile kernels once per ISA, then the plugin.
SF_RDU_KERNELS = \
  plugins/backends/rdu/kernels.h \
  plugins/backends/rdu/kernels_axis.h \
  plugins/backends/rdu/kernels_binary.c \
  plugins/backends/rdu/kernels_conv.c \
  plugins/backends/rdu/kernels_conv.h \
  plugins/backends/rdu/kernels_conv_depthwise.c \
  plugins/backends/rdu/kernels_conv_depthwise_dw.c \
  plugins/backends/rdu/kernels_conv_dw.c \
  plugins/backends/rdu/kernels_conv_dw_pixels.c \
  plugins/backends/rdu/kernels_conv_pair.c \
  plugins/backends/rdu/kernels_conv_pair.h \
  plugins/backends/rdu/kernels_conv_pixels.c \
  plugins/backends/rdu/kernels_conv_run.c \
  plugins/backends/rdu/kernels_conv_slab.c \
  plugins/backends/rdu/kernels_conv_sum.c \
  plugins/backends/rdu/kernels_conv_taps.h \
  plugins/backends/rdu/kernels_conv_tile.c \
  plugins/backends/rdu/kernels_conv_winograd.c \
  plugins/backends/rdu/kernels_conv_winograd.h \
  plugins/backends/rdu/kernels_conv_winograd_call.c \
  plugins/backends/rdu/kernels_conv_winograd_dw.c \
  plugins/backends/rdu/kernels_conv_winograd_source.c \
  plugins/backends/rdu/kernels_conv_winograd_weights.c \
  plugins/backends/rdu/kernels_dots.c \
  plugins/backends/rdu/kernels_dots.h \
  plugins/backends/rdu/kernels_fused.c \
  plugins/backends/rdu/kernels_gemm.c \
  plugins/backends/rdu/kernels_index.c \
  plugins/backends/rdu/kernels_inline.h \
  plugins/backends/rdu/kernels_isa.c \
  plugins/backends/rdu/kernels_lanes.h \
  plugins/backends/rdu/kernels_map.c \
  plugins/backends/rdu/kernels_math.h \
  plugins/backends/rdu/kernels_move.c \
  plugins/backends/rdu/kernels_pair.c \
  plugins/backends/rdu/kernels_pair.h \
  plugins/backends/rdu/kernels_panel.c \
  plugins/backends/rdu/kernels_panel.h \
  plugins/backends/rdu/kernels_peak.c \
  plugins/backends/rdu/kernels_pool.c \
  plugins/backends/rdu/kernels_pool.h \
  plugins/backends/rdu/kernels_pool_quads.c \
  plugins/backends/rdu/kernels_product.c \
  plugins/backends/rdu/kernels_product.h \
  plugins/backends/rdu/kernels_random.c \
  plugins/backends/rdu/kernels_reduce.c \
  plugins/backends/rdu/kernels_row.c \
  plugins/backends/rdu/kernels_rows.h \
  plugins/backends/rdu/kernels_softmax.c \
  plugins/backends/rdu/kernels_steps.c \
  plugins/backends/rdu/kernels_steps.h \
  plugins/backends/rdu/kernels_tile.c \
  plugins/backends/rdu/kernels_tile.h \
  plugins/backends/rdu/kernels_transpose.h \
  plugins/backends/rdu/kernels_vector.h \
  plugins/backends/rdu/kernels_view.h
SF_RDU_KERNEL_CPPFLAGS = $(SF_PLUGIN_CPPFLAGS) -I$(top_srcdir)
SF_RDU_KERNEL_CFLAGS = $(SF_PLUGIN_CFLAGS) -O3 -fno-math-errno -fno-trapping-math $(SF_LOOPS)

noinst_LTLIBRARIES += plugins/backends/rdu/libportable.la
plugins_backends_rdu_libportable_la_SOURCES = $(SF_RDU_KERNELS)
plugins_backends_rdu_libportable_la_CPPFLAGS = $(SF_RDU_KERNEL_CPPFLAGS) -DRDU_ISA=portable
plugins_backends_rdu_libportable_la_CFLAGS = $(SF_RDU_KERNEL_CFLAGS)
SF_RDU_KERNEL_LIBS = plugins/backends/rdu/libportable.la

if SF_X86_64
noinst_LTLIBRARIES += plugins/backends/rdu/libavx2.la plugins/backends/rdu/libavx512.la \
  plugins/backends/rdu/libavx512bf16.la
plugins_backends_rdu_libavx2_la_SOURCES = $(SF_RDU_KERNELS)
plugins_backends_rdu_libavx2_la_CPPFLAGS = $(SF_RDU_KERNEL_CPPFLAGS) -DRDU_ISA=avx2
plugins_backends_rdu_libavx2_la_CFLAGS = $(SF_RDU_KERNEL_CFLAGS) -mavx2 -mfma -ffp-contract=fast
plugins_backends_rdu_libavx512_la_SOURCES = $(SF_RDU_KERNELS)
plugins_backends_rdu_libavx512_la_CPPFLAGS = $(SF_RDU_KERNEL_CPPFLAGS) -DRDU_ISA=avx512
SF_RDU_AVX512_CFLAGS = $(SF_RDU_KERNEL_CFLAGS) -mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma \
  -mprefer-vector-width=512 -ffp-contract=fast
plugins_backends_rdu_libavx512_la_CFLAGS = $(SF_RDU_AVX512_CFLAGS)
plugins_backends_rdu_libavx512bf16_la_SOURCES = $(SF_RDU_KERNELS)
plugins_backends_rdu_libavx512bf16_la_CPPFLAGS = $(SF_RDU_KERNEL_CPPFLAGS) -DRDU_ISA=avx512bf16
plugins_backends_rdu_libavx512bf16_la_CFLAGS = $(SF_RDU_AVX512_CFLAGS) -mavx512bf16
SF_RDU_KERNEL_LIBS += plugins/backends/rdu/libavx2.la plugins/backends/rdu/libavx512.la \
  plugins/backends/rdu/libavx512bf16.la
SF_RDU_X86_CPPFLAGS = -DSF_RDU_X86
endif

SF_RDU_SOURCES = \
  plugins/backends/rdu/arena.c \
  plugins/backends/rdu/arena.h \
  plugins/backends/rdu/blocks.c \
  plugins/backends/rdu/blocks.h \
  plugins/backends/rdu/chain_jobs.c \
  plugins/backends/rdu/chain_rooms.c \
  plugins/backends/rdu/chains.c \
  plugins/backends/rdu/chains.h \
  plugins/backends/rdu/exact.c \
  plugins/backends/rdu/faults.c \
  plugins/backends/rdu/fused.c \
  plugins/backends/rdu/fused.h \
  plugins/backends/rdu/fused_again.c \
  plugins/backends/rdu/fused_build.c \
  plugins/backends/rdu/isa.c \
  plugins/backends/rdu/jobs.c \
  plugins/backends/rdu/lanes.c \
  plugins/backends/rdu/layout.c \
  plugins/backends/rdu/layout.h \
  plugins/backends/rdu/lower_config.c \
  plugins/backends/rdu/lower_launch.c \
  plugins/backends/rdu/machine.c \
  plugins/backends/rdu/machine.h \
  plugins/backends/rdu/memory.c \
  plugins/backends/rdu/memory.h \
  plugins/backends/rdu/peak.c \
  plugins/backends/rdu/peak.h \
  plugins/backends/rdu/pieces.c \
  plugins/backends/rdu/probe.h \
  plugins/backends/rdu/packing.c \
  plugins/backends/rdu/partials.c \
  plugins/backends/rdu/copies.c plugins/backends/rdu/lend.c \
  plugins/backends/rdu/purpose.c \
  plugins/backends/rdu/replace.c \
  plugins/backends/rdu/section.c \
  plugins/backends/rdu/step.c \
  plugins/backends/rdu/storage.c \
  plugins/backends/rdu/waves.c
SF_RDU_CPPFLAGS = $(SF_PLUGIN_CPPFLAGS) -I$(top_srcdir) $(SF_RDU_X86_CPPFLAGS)

noinst_LTLIBRARIES += plugins/backends/rdu/libparts.la
plugins_backends_rdu_libparts_la_SOURCES = $(SF_RDU_SOURCES)
plugins_backends_rdu_libparts_la_CPPFLAGS = $(SF_RDU_CPPFLAGS)
plugins_backends_rdu_libparts_la_CFLAGS = $(SF_PLUGIN_CFLAGS)
plugins_backends_rdu_libparts_la_LIBADD = $(SF_RDU_KERNEL_LIBS)

# What calls the kernels: all that differs in a machine with faults.
SF_RDU_CALLS = \
  plugins/backends/rdu/mutation.c \
  plugins/backends/rdu/mutation.h \
  plugins/backends/rdu/stage.c
noinst_LTLIBRARIES += plugins/backends/rdu/libmachine.la
plugins_backends_rdu_libmachine_la_SOURCES = $(SF_RDU_CALLS)
plugins_backends_rdu_libmachine_la_CPPFLAGS = $(SF_RDU_CPPFLAGS)
plugins_backends_rdu_libmachine_la_CFLAGS = $(SF_PLUGIN_CFLAGS)
plugins_backends_rdu_libmachine_la_LIBADD = plugins/backends/rdu/libparts.la

plugin_LTLIBRARIES += plugins/sf-backend-rdu.la
plugins_sf_backend_rdu_la_SOURCES = plugins/backends/rdu/plugin.c
plugins_sf_backend_rdu_la_CPPFLAGS = $(SF_RDU_CPPFLAGS)
plugins_sf_backend_rdu_la_CFLAGS = $(SF_PLUGIN_CFLAGS)
plugins_sf_backend_rdu_la_LDFLAGS = $(SF_PLUGIN_LDFLAGS)
plugins_sf_backend_rdu_la_LIBADD = plugins/backends/rdu/libmachine.la $(SF_PLUGIN_LIBADD)

# The same with deliberate faults (see mutation.c), for tests of the comparison.
check_LTLIBRARIES += tests/plugins/mutated/sf-backend-rdu.la
tests_plugins_mutated_sf_backend_rdu_la_SOURCES = $(SF_RDU_CALLS) plugins/backends/rdu/plugin.c
tests_plugins_mutated_sf_backend_rdu_la_CPPFLAGS = $(SF_RDU_CPPFLAGS) -DSF_RDU_MUTATION
tests_plugins_mutated_sf_backend_rdu_la_CFLAGS = $(SF_PLUGIN_CFLAGS)
tests_plugins_mutated_sf_backend_rdu_la_LDFLAGS = $(SF_PLUGIN_LDFLAGS) -rpath /nowhere
tests_plugins_mutated_sf_backend_rdu_la_LIBADD = plugins/backends/rdu/libparts.la $(SF_PLUGIN_LIBADD)

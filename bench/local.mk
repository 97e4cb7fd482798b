# Build fragment of bench: measurements, built by name (make bench/place_route).
EXTRA_PROGRAMS += bench/place_route
bench_place_route_SOURCES = bench/place_route.c
bench_place_route_LDADD = $(SF_LIBS)

TESTS += bench/bench_test.sh

# make bench BENCH="--quick --threads 2": options and cases. bench-docs puts the tables into docs/performance.md, too.
.PHONY: bench bench-docs bench-compile
bench: all
	$(MAKE) $(AM_MAKEFLAGS) bench/kernels$(EXEEXT)
	+$(AM_TESTS_ENVIRONMENT) $(top_srcdir)/bench/run $(BENCH)

bench-docs: all
	$(MAKE) $(AM_MAKEFLAGS) bench/kernels$(EXEEXT)
	+$(AM_TESTS_ENVIRONMENT) $(top_srcdir)/bench/run --write $(abs_top_srcdir)/docs/performance.md $(BENCH)

bench-compile: all
	$(top_srcdir)/bench/compile.sh $(abs_top_builddir)/bin/sf $(abs_top_srcdir)

EXTRA_PROGRAMS += bench/kernels
bench_kernels_SOURCES = bench/kernels.c bench/kernels.h bench/kernels_conv.c bench/kernels_onednn.c \
  bench/kernels_parts.c bench/kernels_product.c bench/kernels_watch.c plugins/backends/rdu/isa.c
bench_kernels_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir) $(SF_RDU_X86_CPPFLAGS)
bench_kernels_LDADD = $(SF_RDU_KERNEL_LIBS) $(SF_LIBS) -lm
if SF_DNNL
bench_kernels_CPPFLAGS += -DSF_BENCH_ONEDNN $(DNNL_CFLAGS)
bench_kernels_LDADD += $(DNNL_LIBS)
endif

# etc/regress/nightly.cfg runs them, too.
nobase_dist_sfdata_DATA += \
  bench/models/cnn.cfg \
  bench/models/gpt.cfg \
  bench/models/resnet18.cfg

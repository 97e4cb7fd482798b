# Build fragment of bench: measurements, built by name (make bench/place_route).
EXTRA_PROGRAMS += bench/place_route
bench_place_route_SOURCES = bench/place_route.c
bench_place_route_LDADD = $(SF_LIBS)

TESTS += bench/bench_test.sh

# make bench BENCH="--quick --threads 2": options and cases.
.PHONY: bench bench-compile
bench: all
	+$(AM_TESTS_ENVIRONMENT) $(top_srcdir)/bench/run $(BENCH)

bench-compile: all
	$(top_srcdir)/bench/compile.sh $(abs_top_builddir)/bin/sf $(abs_top_srcdir)

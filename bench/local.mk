# Build fragment of bench: measurements, built by name (make bench/place_route).
EXTRA_PROGRAMS += bench/place_route
bench_place_route_SOURCES = bench/place_route.c
bench_place_route_LDADD = $(SF_LIBS)

.PHONY: bench-compile
bench-compile: all
	$(top_srcdir)/bench/compile.sh $(abs_top_builddir)/bin/sf $(abs_top_srcdir)

# Build fragment of runtime.
noinst_LTLIBRARIES += runtime/libsfruntime.la
runtime_libsfruntime_la_SOURCES = \
  runtime/tiles.c \
  runtime/tiles.h
runtime_libsfruntime_la_LIBADD = libspatialflow.la

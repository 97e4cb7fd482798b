# Build fragment of examples.
check_PROGRAMS += examples/line
examples_line_SOURCES = examples/line.c
examples_line_LDADD = $(SF_LIBS)

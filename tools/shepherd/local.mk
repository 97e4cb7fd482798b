# Build fragment of tools/shepherd.
pkglibexec_PROGRAMS += tools/shepherd/sf-shepherd
tools_shepherd_sf_shepherd_SOURCES = tools/shepherd/main.c
tools_shepherd_sf_shepherd_LDADD = queue/libsfqueue.la $(SF_LIBS)

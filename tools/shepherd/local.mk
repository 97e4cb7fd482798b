# Build fragment of tools/shepherd.
pkglibexec_PROGRAMS += tools/shepherd/sf-shepherd
tools_shepherd_sf_shepherd_SOURCES = tools/shepherd/main.c
# The objects that it needs and not the library: what is loaded is loaded for each attempt.
tools_shepherd_sf_shepherd_LDADD = queue/libsfshepherd.la libsfcore.la $(SF_DEPS_LIBS)

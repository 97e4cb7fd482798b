# Build fragment of tools/sfd: beside the shepherd, where both are looked for.
pkglibexec_PROGRAMS += tools/shepherd/sfd
tools_shepherd_sfd_SOURCES = tools/sfd/main.c
tools_shepherd_sfd_LDADD = queue/libsfqueue.la $(SF_LIBS)

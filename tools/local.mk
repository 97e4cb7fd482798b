# Build fragment of tools.
noinst_LTLIBRARIES += tools/libsftool.la
tools_libsftool_la_SOURCES = \
  tools/completion.c \
  tools/completion.h \
  tools/completion_bash.c \
  tools/completion_fish.c \
  tools/completion_zsh.c \
  tools/tool.c \
  tools/tool.h
tools_libsftool_la_LIBADD = libspatialflow.la

include tools/sf/local.mk
include tools/sfbatch/local.mk
include tools/shepherd/local.mk
include tools/sfd/local.mk

# What `sf plugin new` writes.
nobase_dist_sfdata_DATA += \
  etc/templates/backend.c \
  etc/templates/backend.md \
  etc/templates/dataset.c \
  etc/templates/dataset.md \
  etc/templates/executor.c \
  etc/templates/executor.md \
  etc/templates/frontend.c \
  etc/templates/frontend.md \
  etc/templates/job.cfg \
  etc/templates/optimizer.c \
  etc/templates/optimizer.md \
  etc/templates/pass.c \
  etc/templates/pass.md \
  etc/templates/Makefile.txt

# bin/sf and bin/sfbatch in the build tree: the tools as they are, without an installation.
noinst_SCRIPTS = bin/sf bin/sfbatch
CLEANFILES += bin/sf bin/sfbatch
bin/sf bin/sfbatch: tools/uninstalled.in Makefile
	$(AM_V_GEN)$(MKDIR_P) bin && sed -e 's|@tool[@]|$(@F)|g' -e 's|@builddir[@]|$(abs_top_builddir)|g' \
	  -e 's|@srcdir[@]|$(abs_top_srcdir)|g' '$(srcdir)/tools/uninstalled.in' >$@.tmp && chmod +x $@.tmp && mv $@.tmp $@

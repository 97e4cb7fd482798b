# Build fragment of tools.
noinst_LTLIBRARIES += tools/libsftool.la
tools_libsftool_la_SOURCES = \
  tools/completion.c \
  tools/completion.h \
  tools/completion_bash.c \
  tools/completion_fish.c \
  tools/completion_zsh.c \
  tools/manual.c \
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

# What shells complete, where they look for it.
bashcompletiondir = $(datadir)/bash-completion/completions
fishcompletiondir = $(datadir)/fish/vendor_completions.d
zshcompletiondir = $(datadir)/zsh/site-functions
bashcompletion_DATA = completion/bash/sf completion/bash/sfbatch
fishcompletion_DATA = completion/fish/sf.fish completion/fish/sfbatch.fish
zshcompletion_DATA = completion/zsh/_sf completion/zsh/_sfbatch
CLEANFILES += $(bashcompletion_DATA) $(fishcompletion_DATA) $(zshcompletion_DATA)
completion/bash/sf completion/fish/sf.fish completion/zsh/_sf: tools/sf/sf$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) $(@D) && tools/sf/sf completion $(notdir $(@D)) >$@.tmp && mv $@.tmp $@
completion/bash/sfbatch completion/fish/sfbatch.fish completion/zsh/_sfbatch: tools/sfbatch/sfbatch$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) $(@D) && tools/sfbatch/sfbatch completion $(notdir $(@D)) >$@.tmp && mv $@.tmp $@

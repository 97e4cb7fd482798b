# Build fragment of docs.
dist_doc_DATA += \
  NEWS.md \
  README.md \
  docs/compiler.md \
  docs/decisions.md \
  docs/facts.md \
  docs/fusion.md \
  docs/layout.md \
  docs/models.md \
  docs/onnx.md \
  docs/ops.md \
  docs/pef.md \
  docs/performance.md \
  docs/plugins.md \
  docs/profile.md \
  docs/program.md \
  docs/sweep.md \
  docs/timing.md \
  docs/queue.md \
  docs/regress.md \
  docs/training.md

# Manual pages: of the tools from their tables, the others by hand.
man1_MANS = man/sf.1 man/sfbatch.1
dist_man5_MANS = docs/man/sfbatch-job.5
dist_man8_MANS = docs/man/sfd.8
CLEANFILES += $(man1_MANS)
man/sf.1: tools/sf/sf$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) man && tools/sf/sf manual >$@.tmp && mv $@.tmp $@
man/sfbatch.1: tools/sfbatch/sfbatch$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) man && tools/sfbatch/sfbatch manual >$@.tmp && mv $@.tmp $@

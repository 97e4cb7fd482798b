# Build fragment of tools/sf.
noinst_LTLIBRARIES += tools/sf/libverbs.la
tools_sf_libverbs_la_SOURCES = \
  tools/sf/bind.c \
  tools/sf/bind.h \
  tools/sf/children.c \
  tools/sf/children.h \
  tools/sf/compile_options.c \
  tools/sf/compile_options.h \
  tools/sf/expectations.c \
  tools/sf/expectations.h \
  tools/sf/inspect.h \
  tools/sf/inspect_arch.c \
  tools/sf/inspect_pef.c \
  tools/sf/inspect_plugin.c \
  tools/sf/metrics.c \
  tools/sf/metrics.h \
  tools/sf/plugincheck.c \
  tools/sf/plugincheck.h \
  tools/sf/plugininfo.c \
  tools/sf/plugininfo.h \
  tools/sf/profile.c \
  tools/sf/profile.h \
  tools/sf/progress.c \
  tools/sf/progress.h \
  tools/sf/session_options.c \
  tools/sf/session_options.h \
  tools/sf/timing.c \
  tools/sf/timing.h \
  tools/sf/sweep_table.c \
  tools/sf/sweep_table.h \
  tools/sf/verb_compile.c \
  tools/sf/verb_eval.c \
  tools/sf/verb_inspect.c \
  tools/sf/verb_onnx_test.c \
  tools/sf/verb_pef_strip.c \
  tools/sf/verb_plugin_new.c \
  tools/sf/verb_plugins.c \
  tools/sf/verb_run.c \
  tools/sf/verb_sweep.c \
  tools/sf/verb_test.c \
  tools/sf/verb_train.c \
  tools/sf/verbs.c \
  tools/sf/verbs.h
tools_sf_libverbs_la_LIBADD = tools/libsftool.la

bin_PROGRAMS += tools/sf/sf
tools_sf_sf_SOURCES = tools/sf/main.c
tools_sf_sf_LDADD = tools/sf/libverbs.la $(SF_LIBS)

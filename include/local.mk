# Build fragment of include: the installed headers.
sfinclude_HEADERS += \
  include/sf/checked.h \
  include/sf/compile.h \
  include/sf/config.h \
  include/sf/conformance.h \
  include/sf/dtype.h \
  include/sf/error.h \
  include/sf/evaluate.h \
  include/sf/exact.h \
  include/sf/export.h \
  include/sf/file.h \
  include/sf/graph.h \
  include/sf/import.h \
  include/sf/json.h \
  include/sf/log.h \
  include/sf/op.h \
  include/sf/options.h \
  include/sf/paths.h \
  include/sf/pef.h \
  include/sf/plugins.h \
  include/sf/process.h \
  include/sf/profile.h \
  include/sf/report.h \
  include/sf/rng.h \
  include/sf/run.h \
  include/sf/session.h \
  include/sf/shape.h \
  include/sf/tensor.h \
  include/sf/threads.h \
  include/sf/trace.h
sfplugininclude_HEADERS += \
  include/sf/plugin/arch.h \
  include/sf/plugin/backend.h \
  include/sf/plugin/dataset.h \
  include/sf/plugin/executor.h \
  include/sf/plugin/frontend.h \
  include/sf/plugin/lower.h \
  include/sf/plugin/optimizer.h \
  include/sf/plugin/pass.h \
  include/sf/plugin/plugin.h \
  include/sf/plugin/program.h \
  include/sf/plugin/record.h \
  include/sf/plugin/timing.h

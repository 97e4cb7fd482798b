# Build fragment of core/run.
libsfcore_la_SOURCES += \
  core/run/agreement.c \
  core/run/agreement.h \
  core/run/ahead.c \
  core/run/ahead.h \
  core/run/checkpoint.c \
  core/run/checkpoint.h \
  core/run/column.c \
  core/run/column.h \
  core/run/compare.c \
  core/run/conformance.c \
  core/run/eval.h \
  core/run/feed.c \
  core/run/feed.h \
  core/run/feedcheck.c \
  core/run/feedcheck.h \
  core/run/hyper.c \
  core/run/hyper.h \
  core/run/infer.c \
  core/run/inputs.c \
  core/run/limits.c \
  core/run/limits.h \
  core/run/profile.c \
  core/run/profile.h \
  core/run/report.c \
  core/run/safetensors.c \
  core/run/safetensors.h \
  core/run/schedule.c \
  core/run/schedule.h \
  core/run/session.c \
  core/run/session.h \
  core/run/trace.c \
  core/run/train.c \
  core/run/work.c \
  core/run/work.h

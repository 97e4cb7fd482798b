# Build fragment of core/base.
libsfcore_la_SOURCES += \
  core/base/checked.c \
  core/base/config.c \
  core/base/config_bind.c \
  core/base/config_node.h \
  core/base/config_text.c \
  core/base/config_text.h \
  core/base/cpu_count.c \
  core/base/cpu_count.h \
  core/base/error.c \
  core/base/exact.c \
  core/base/file.c \
  core/base/file_writer.c \
  core/base/json.c \
  core/base/log.c \
  core/base/option_parse.c \
  core/base/option_print.c \
  core/base/option_values.h \
  core/base/options.c \
  core/base/paths.c \
  core/base/process.c \
  core/base/read.h \
  core/base/rng.c \
  core/base/threads.c \
  core/base/units.c

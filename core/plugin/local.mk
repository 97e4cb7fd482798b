# Build fragment of core/plugin.
libsfcore_la_SOURCES += \
  core/plugin/arrays.c \
  core/plugin/check.c \
  core/plugin/check.h \
  core/plugin/elf.c \
  core/plugin/elf.h \
  core/plugin/evaluate.c \
  core/plugin/kind.c \
  core/plugin/kind.h \
  core/plugin/load.c \
  core/plugin/load.h \
  core/plugin/plugins.c \
  core/plugin/searchpath.c

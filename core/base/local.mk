# Build fragment of core/base.
libsfcore_la_SOURCES += \
  core/base/error.c \
  core/base/paths.c

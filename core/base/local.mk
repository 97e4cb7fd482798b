# Build fragment of core/base.
libsfcore_la_SOURCES += \
  core/base/checked.c \
  core/base/error.c \
  core/base/paths.c

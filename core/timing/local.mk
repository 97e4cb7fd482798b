# Build fragment of core/timing.
libsfcore_la_SOURCES += \
  core/timing/clock.c \
  core/timing/nets.c \
  core/timing/run.c \
  core/timing/section.c \
  core/timing/share.c \
  core/timing/timing.c \
  core/timing/timing.h \
  core/timing/work.c

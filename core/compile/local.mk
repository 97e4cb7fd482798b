# Build fragment of core/compile.
libsfcore_la_SOURCES += \
  core/compile/additions.c \
  core/compile/additions.h \
  core/compile/candidates.c \
  core/compile/compile.c \
  core/compile/context.c \
  core/compile/context.h \
  core/compile/import.c \
  core/compile/optimizer.c \
  core/compile/pack.c \
  core/compile/pipeline.c \
  core/compile/pipeline.h \
  core/compile/shrink.c

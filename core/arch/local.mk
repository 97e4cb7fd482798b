# Build fragment of core/arch.
libsfcore_la_SOURCES += \
  core/arch/arch.c \
  core/arch/arch.h \
  core/arch/text.c

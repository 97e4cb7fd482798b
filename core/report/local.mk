# Build fragment of core/report.
libsfcore_la_SOURCES += \
  core/report/config.c \
  core/report/facts.c \
  core/report/facts.h \
  core/report/frame.c \
  core/report/frame.h \
  core/report/graph.c \
  core/report/grid.c \
  core/report/json.c \
  core/report/markup.c \
  core/report/markup.h \
  core/report/memory.c \
  core/report/page.c \
  core/report/page.h \
  core/report/report.c \
  core/report/sections.c \
  core/report/text.c \
  core/report/text.h

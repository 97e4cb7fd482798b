# Build fragment of plugins/backends/cpu.
# All but the plugin's table, so that tests can walk the kernels.
noinst_LTLIBRARIES += plugins/backends/cpu/libsfcpu.la
plugins_backends_cpu_libsfcpu_la_SOURCES = \
  plugins/backends/cpu/along.c \
  plugins/backends/cpu/attention.c \
  plugins/backends/cpu/contraction.c \
  plugins/backends/cpu/conv.c \
  plugins/backends/cpu/conv.h \
  plugins/backends/cpu/conv_packed.c \
  plugins/backends/cpu/counted.c \
  plugins/backends/cpu/cursor.c \
  plugins/backends/cpu/det.c \
  plugins/backends/cpu/elementwise.c \
  plugins/backends/cpu/elementwise.h \
  plugins/backends/cpu/evaluate.c \
  plugins/backends/cpu/evaluate.h \
  plugins/backends/cpu/frame.c \
  plugins/backends/cpu/frame.h \
  plugins/backends/cpu/gemm.c \
  plugins/backends/cpu/gemm.h \
  plugins/backends/cpu/index.c \
  plugins/backends/cpu/integer.c \
  plugins/backends/cpu/kernel.c \
  plugins/backends/cpu/kernel.h \
  plugins/backends/cpu/loss.c \
  plugins/backends/cpu/memory.c \
  plugins/backends/cpu/memory.h \
  plugins/backends/cpu/movement.c \
  plugins/backends/cpu/nms.c \
  plugins/backends/cpu/norm.c \
  plugins/backends/cpu/pool.c \
  plugins/backends/cpu/random.c \
  plugins/backends/cpu/reduce.c \
  plugins/backends/cpu/roi.c \
  plugins/backends/cpu/session.c \
  plugins/backends/cpu/session.h \
  plugins/backends/cpu/softmax.c \
  plugins/backends/cpu/states.c \
  plugins/backends/cpu/states.h \
  plugins/backends/cpu/value.c \
  plugins/backends/cpu/value.h \
  plugins/backends/cpu/window.c \
  plugins/backends/cpu/window.h \
  plugins/backends/cpu/workers.c \
  plugins/backends/cpu/workers.h
plugins_backends_cpu_libsfcpu_la_CPPFLAGS = $(SF_PLUGIN_CPPFLAGS)
plugins_backends_cpu_libsfcpu_la_CFLAGS = $(SF_PLUGIN_CFLAGS) $(SF_VECTORISE)

plugin_LTLIBRARIES += plugins/sf-backend-cpu.la
plugins_sf_backend_cpu_la_SOURCES = plugins/backends/cpu/cpu.c
plugins_sf_backend_cpu_la_CPPFLAGS = $(SF_PLUGIN_CPPFLAGS)
plugins_sf_backend_cpu_la_CFLAGS = $(SF_PLUGIN_CFLAGS)
plugins_sf_backend_cpu_la_LDFLAGS = $(SF_PLUGIN_LDFLAGS)
plugins_sf_backend_cpu_la_LIBADD = plugins/backends/cpu/libsfcpu.la $(SF_PLUGIN_LIBADD)

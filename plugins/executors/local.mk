# Build fragment of plugins/executors.
plugin_LTLIBRARIES += plugins/sf-executor-local.la
plugins_sf_executor_local_la_SOURCES = \
  plugins/executors/local/handle.c \
  plugins/executors/local/handle.h \
  plugins/executors/local/local.c \
  plugins/executors/local/spawn.c \
  plugins/executors/local/spawn.h
plugins_sf_executor_local_la_CPPFLAGS = $(SF_PLUGIN_CPPFLAGS)
plugins_sf_executor_local_la_CFLAGS = $(SF_PLUGIN_CFLAGS)
plugins_sf_executor_local_la_LDFLAGS = $(SF_PLUGIN_LDFLAGS)
plugins_sf_executor_local_la_LIBADD = $(SF_PLUGIN_LIBADD)

plugin_LTLIBRARIES += plugins/sf-executor-slurm.la
plugins_sf_executor_slurm_la_SOURCES = \
  plugins/executors/slurm/command.c \
  plugins/executors/slurm/command.h \
  plugins/executors/slurm/slurm.c \
  plugins/executors/slurm/submit.c \
  plugins/executors/slurm/submit.h \
  plugins/executors/slurm/table.c \
  plugins/executors/slurm/table.h
plugins_sf_executor_slurm_la_CPPFLAGS = $(SF_PLUGIN_CPPFLAGS)
plugins_sf_executor_slurm_la_CFLAGS = $(SF_PLUGIN_CFLAGS)
plugins_sf_executor_slurm_la_LDFLAGS = $(SF_PLUGIN_LDFLAGS)
plugins_sf_executor_slurm_la_LIBADD = $(SF_PLUGIN_LIBADD)

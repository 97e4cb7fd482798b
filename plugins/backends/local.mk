# Build fragment of plugins/backends.
include plugins/backends/cpu/local.mk
include plugins/backends/rdu/local.mk

# Build fragment of plugins/frontends.
include plugins/frontends/config/local.mk
include plugins/frontends/onnx/local.mk

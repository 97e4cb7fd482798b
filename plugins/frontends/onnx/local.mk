# Build fragment of plugins/frontends/onnx.
# onnx.pb-c.c and .h are made from libonnx-dev's onnx.proto; configure has found it.
plugins/frontends/onnx/onnx.pb-c.c: $(ONNX_PROTO)
	$(AM_V_GEN)$(MKDIR_P) plugins/frontends/onnx && \
	$(PROTOC_C) --c_out=plugins/frontends/onnx -I `dirname '$(ONNX_PROTO)'` '$(ONNX_PROTO)'
plugins/frontends/onnx/onnx.pb-c.h: plugins/frontends/onnx/onnx.pb-c.c
BUILT_SOURCES += plugins/frontends/onnx/onnx.pb-c.h
CLEANFILES += plugins/frontends/onnx/onnx.pb-c.c plugins/frontends/onnx/onnx.pb-c.h

# All but the plugin's entry, for the plugin and for what asks its table.
noinst_LTLIBRARIES += plugins/frontends/onnx/libonnx.la
plugins_frontends_onnx_libonnx_la_SOURCES = \
  plugins/frontends/onnx/col2im.c \
  plugins/frontends/onnx/conv_integer.c \
  plugins/frontends/onnx/einsum.c \
  plugins/frontends/onnx/einsum.h \
  plugins/frontends/onnx/expr.c \
  plugins/frontends/onnx/external.c \
  plugins/frontends/onnx/fixed.h \
  plugins/frontends/onnx/function.c \
  plugins/frontends/onnx/graph.c \
  plugins/frontends/onnx/grid.c \
  plugins/frontends/onnx/grid.h \
  plugins/frontends/onnx/importer.h \
  plugins/frontends/onnx/input.c \
  plugins/frontends/onnx/known.c \
  plugins/frontends/onnx/lower_activation.c \
  plugins/frontends/onnx/lower_contraction.c \
  plugins/frontends/onnx/lower_control.c \
  plugins/frontends/onnx/lower_conv.c \
  plugins/frontends/onnx/lower_elementwise.c \
  plugins/frontends/onnx/lower_generate.c \
  plugins/frontends/onnx/lower_index.c \
  plugins/frontends/onnx/lower_loss.c \
  plugins/frontends/onnx/lower_movement.c \
  plugins/frontends/onnx/lower_norm.c \
  plugins/frontends/onnx/lower_pool.c \
  plugins/frontends/onnx/lower_quantise.c \
  plugins/frontends/onnx/lower_recurrent.c \
  plugins/frontends/onnx/lower_reduce.c \
  plugins/frontends/onnx/lower_resize.c \
  plugins/frontends/onnx/lower_select.c \
  plugins/frontends/onnx/lower_sequence.c \
  plugins/frontends/onnx/lower_shape.c \
  plugins/frontends/onnx/lower_signal.c \
  plugins/frontends/onnx/lower_train.c \
  plugins/frontends/onnx/model.c \
  plugins/frontends/onnx/model.h \
  plugins/frontends/onnx/node.c \
  plugins/frontends/onnx/pad.c \
  plugins/frontends/onnx/pad.h \
  plugins/frontends/onnx/quantise.h \
  plugins/frontends/onnx/random.c \
  plugins/frontends/onnx/random.h \
  plugins/frontends/onnx/resize.c \
  plugins/frontends/onnx/resize.h \
  plugins/frontends/onnx/roi.c \
  plugins/frontends/onnx/scope.h \
  plugins/frontends/onnx/table.c \
  plugins/frontends/onnx/take.c \
  plugins/frontends/onnx/take.h \
  plugins/frontends/onnx/tensor.c \
  plugins/frontends/onnx/tfidf.c \
  plugins/frontends/onnx/tfidf.h \
  plugins/frontends/onnx/value.c \
  plugins/frontends/onnx/window.c \
  plugins/frontends/onnx/window.h \
  plugins/frontends/onnx/wire.c
nodist_plugins_frontends_onnx_libonnx_la_SOURCES = \
  plugins/frontends/onnx/onnx.pb-c.c \
  plugins/frontends/onnx/onnx.pb-c.h
plugins_frontends_onnx_libonnx_la_CPPFLAGS = $(SF_PLUGIN_CPPFLAGS) -I$(top_builddir) -I$(top_srcdir) $(PROTOBUF_C_CFLAGS)
plugins_frontends_onnx_libonnx_la_CFLAGS = $(SF_PLUGIN_CFLAGS)
plugins_frontends_onnx_libonnx_la_LIBADD = libspatialflow.la $(PROTOBUF_C_LIBS)

plugin_LTLIBRARIES += plugins/sf-frontend-onnx.la
plugins_sf_frontend_onnx_la_SOURCES = plugins/frontends/onnx/onnx.c
plugins_sf_frontend_onnx_la_CPPFLAGS = $(plugins_frontends_onnx_libonnx_la_CPPFLAGS)
plugins_sf_frontend_onnx_la_CFLAGS = $(SF_PLUGIN_CFLAGS)
plugins_sf_frontend_onnx_la_LDFLAGS = $(SF_PLUGIN_LDFLAGS)
plugins_sf_frontend_onnx_la_LIBADD = plugins/frontends/onnx/libonnx.la $(SF_PLUGIN_LIBADD)

# The table as docs/onnx.md has it. `make onnx-table` writes it there.
check_PROGRAMS += tests/onnx/operators
tests_onnx_operators_SOURCES = tests/onnx/operators.c
tests_onnx_operators_CPPFLAGS = $(plugins_frontends_onnx_libonnx_la_CPPFLAGS)
tests_onnx_operators_LDADD = plugins/frontends/onnx/libonnx.la libspatialflow.la $(SF_DEPS_LIBS)
onnx-table: tests/onnx/operators
	$(AM_V_GEN)sed '/^<!-- operators/q' $(top_srcdir)/docs/onnx.md >tests/onnx/onnx.md.tmp && \
	tests/onnx/operators >>tests/onnx/onnx.md.tmp && \
	mv tests/onnx/onnx.md.tmp $(top_srcdir)/docs/onnx.md
.PHONY: onnx-table

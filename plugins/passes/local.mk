# Build fragment of plugins/passes.
plugin_LTLIBRARIES += plugins/sf-pass-compose.la
plugins_sf_pass_compose_la_SOURCES = \
  plugins/passes/compose/attention.c \
  plugins/passes/compose/compose.c \
  plugins/passes/compose/gelu.c \
  plugins/passes/compose/layer_norm.c \
  plugins/passes/compose/match.c \
  plugins/passes/compose/match.h
plugins_sf_pass_compose_la_CPPFLAGS = $(SF_PLUGIN_CPPFLAGS)
plugins_sf_pass_compose_la_CFLAGS = $(SF_PLUGIN_CFLAGS)
plugins_sf_pass_compose_la_LDFLAGS = $(SF_PLUGIN_LDFLAGS)
plugins_sf_pass_compose_la_LIBADD = $(SF_PLUGIN_LIBADD)
plugin_LTLIBRARIES += plugins/sf-pass-autodiff.la
plugins_sf_pass_autodiff_la_SOURCES = plugins/passes/autodiff/autodiff.c
plugins_sf_pass_autodiff_la_CPPFLAGS = $(SF_PLUGIN_CPPFLAGS)
plugins_sf_pass_autodiff_la_CFLAGS = $(SF_PLUGIN_CFLAGS)
plugins_sf_pass_autodiff_la_LDFLAGS = $(SF_PLUGIN_LDFLAGS)
plugins_sf_pass_autodiff_la_LIBADD = $(SF_PLUGIN_LIBADD)
plugin_LTLIBRARIES += plugins/sf-pass-precision.la
plugins_sf_pass_precision_la_SOURCES = plugins/passes/precision/precision.c
plugins_sf_pass_precision_la_CPPFLAGS = $(SF_PLUGIN_CPPFLAGS)
plugins_sf_pass_precision_la_CFLAGS = $(SF_PLUGIN_CFLAGS)
plugins_sf_pass_precision_la_LDFLAGS = $(SF_PLUGIN_LDFLAGS)
plugins_sf_pass_precision_la_LIBADD = $(SF_PLUGIN_LIBADD)
plugin_LTLIBRARIES += plugins/sf-pass-simplify.la
plugins_sf_pass_simplify_la_SOURCES = \
  plugins/passes/simplify/paddings.c \
  plugins/passes/simplify/paddings.h \
  plugins/passes/simplify/simplify.c
plugins_sf_pass_simplify_la_CPPFLAGS = $(SF_PLUGIN_CPPFLAGS)
plugins_sf_pass_simplify_la_CFLAGS = $(SF_PLUGIN_CFLAGS)
plugins_sf_pass_simplify_la_LDFLAGS = $(SF_PLUGIN_LDFLAGS)
plugins_sf_pass_simplify_la_LIBADD = $(SF_PLUGIN_LIBADD)
plugin_LTLIBRARIES += plugins/sf-pass-legalise.la
plugins_sf_pass_legalise_la_SOURCES = plugins/passes/legalise/collapse.c plugins/passes/legalise/collapse.h \
  plugins/passes/legalise/legalise.c
plugins_sf_pass_legalise_la_CPPFLAGS = $(SF_PLUGIN_CPPFLAGS)
plugins_sf_pass_legalise_la_CFLAGS = $(SF_PLUGIN_CFLAGS)
plugins_sf_pass_legalise_la_LDFLAGS = $(SF_PLUGIN_LDFLAGS)
plugins_sf_pass_legalise_la_LIBADD = $(SF_PLUGIN_LIBADD)
plugin_LTLIBRARIES += plugins/sf-pass-recompute.la
plugins_sf_pass_recompute_la_SOURCES = plugins/passes/recompute/recompute.c
plugins_sf_pass_recompute_la_CPPFLAGS = $(SF_PLUGIN_CPPFLAGS)
plugins_sf_pass_recompute_la_CFLAGS = $(SF_PLUGIN_CFLAGS)
plugins_sf_pass_recompute_la_LDFLAGS = $(SF_PLUGIN_LDFLAGS)
plugins_sf_pass_recompute_la_LIBADD = $(SF_PLUGIN_LIBADD)
plugin_LTLIBRARIES += plugins/sf-pass-fuse.la
plugins_sf_pass_fuse_la_SOURCES = \
  plugins/passes/fuse/apply.c \
  plugins/passes/fuse/apply.h \
  plugins/passes/fuse/forms.c \
  plugins/passes/fuse/fuse.c \
  plugins/passes/fuse/groups.c \
  plugins/passes/fuse/groups.h \
  plugins/passes/fuse/match.c \
  plugins/passes/fuse/match.h \
  plugins/passes/fuse/rules.c \
  plugins/passes/fuse/rules.h \
  plugins/passes/fuse/story.c \
  plugins/passes/fuse/story.h
plugins_sf_pass_fuse_la_CPPFLAGS = $(SF_PLUGIN_CPPFLAGS)
plugins_sf_pass_fuse_la_CFLAGS = $(SF_PLUGIN_CFLAGS)
plugins_sf_pass_fuse_la_LDFLAGS = $(SF_PLUGIN_LDFLAGS)
plugins_sf_pass_fuse_la_LIBADD = $(SF_PLUGIN_LIBADD)
plugin_LTLIBRARIES += plugins/sf-pass-section.la
plugins_sf_pass_section_la_SOURCES = \
  plugins/passes/section/chain.c \
  plugins/passes/section/chain.h \
  plugins/passes/section/groups.c \
  plugins/passes/section/groups.h \
  plugins/passes/section/order.c \
  plugins/passes/section/search.c \
  plugins/passes/section/section.c
plugins_sf_pass_section_la_CPPFLAGS = $(SF_PLUGIN_CPPFLAGS)
plugins_sf_pass_section_la_CFLAGS = $(SF_PLUGIN_CFLAGS)
plugins_sf_pass_section_la_LDFLAGS = $(SF_PLUGIN_LDFLAGS)
plugins_sf_pass_section_la_LIBADD = $(SF_PLUGIN_LIBADD)
plugin_LTLIBRARIES += plugins/sf-pass-tile.la
plugins_sf_pass_tile_la_SOURCES = plugins/passes/tile/tile.c
plugins_sf_pass_tile_la_CPPFLAGS = $(SF_PLUGIN_CPPFLAGS)
plugins_sf_pass_tile_la_CFLAGS = $(SF_PLUGIN_CFLAGS)
plugins_sf_pass_tile_la_LDFLAGS = $(SF_PLUGIN_LDFLAGS)
plugins_sf_pass_tile_la_LIBADD = $(SF_PLUGIN_LIBADD)
plugin_LTLIBRARIES += plugins/sf-pass-place.la
plugins_sf_pass_place_la_SOURCES = \
  plugins/passes/place/anneal.c \
  plugins/passes/place/place.c \
  plugins/passes/place/placer.h \
  plugins/passes/place/start.c \
  plugins/passes/place/wires.c
plugins_sf_pass_place_la_CPPFLAGS = $(SF_PLUGIN_CPPFLAGS)
plugins_sf_pass_place_la_CFLAGS = $(SF_PLUGIN_CFLAGS)
plugins_sf_pass_place_la_LDFLAGS = $(SF_PLUGIN_LDFLAGS)
plugins_sf_pass_place_la_LIBADD = $(SF_PLUGIN_LIBADD)
plugin_LTLIBRARIES += plugins/sf-pass-route.la
plugins_sf_pass_route_la_SOURCES = \
  plugins/passes/route/negotiate.c \
  plugins/passes/route/route.c \
  plugins/passes/route/router.h \
  plugins/passes/route/search.c \
  plugins/passes/route/tree.c
plugins_sf_pass_route_la_CPPFLAGS = $(SF_PLUGIN_CPPFLAGS)
plugins_sf_pass_route_la_CFLAGS = $(SF_PLUGIN_CFLAGS)
plugins_sf_pass_route_la_LDFLAGS = $(SF_PLUGIN_LDFLAGS)
plugins_sf_pass_route_la_LIBADD = $(SF_PLUGIN_LIBADD)

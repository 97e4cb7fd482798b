# Build fragment of plugins/frontends/config.
plugin_LTLIBRARIES += plugins/sf-frontend-config.la
plugins_sf_frontend_config_la_SOURCES = \
  plugins/frontends/config/args.c \
  plugins/frontends/config/config.c \
  plugins/frontends/config/layers.c \
  plugins/frontends/config/layers_basic.c \
  plugins/frontends/config/layers_sequence.c \
  plugins/frontends/config/layers_window.c \
  plugins/frontends/config/model.h \
  plugins/frontends/config/params.c
plugins_sf_frontend_config_la_CPPFLAGS = $(SF_PLUGIN_CPPFLAGS)
plugins_sf_frontend_config_la_CFLAGS = $(SF_PLUGIN_CFLAGS)
plugins_sf_frontend_config_la_LDFLAGS = $(SF_PLUGIN_LDFLAGS)
plugins_sf_frontend_config_la_LIBADD = $(SF_PLUGIN_LIBADD)

# Build fragment of tests/plugins: two good plugins, and one of each sort that is refused.
SF_BAD_LDFLAGS = $(SF_PLUGIN_LDFLAGS) -rpath /nowhere
# An undefined symbol is a link error in a real plugin.
SF_UNDEFINED_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared -Wl,-z,lazy \
  -export-symbols-regex '^sf_plugin$$' -rpath /nowhere

# libtool links C++ with -nostdlib and leaves the sanitizers' run-time to the program, so -z,defs would refuse it.
SF_CXX_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared \
  -export-symbols-regex '^sf_plugin$$' -rpath /nowhere

check_PROGRAMS += tests/plugins/plugin_test
TESTS += tests/plugins/plugin_test
SF_THREADED_TESTS += tests/plugins/plugin_test
tests_plugins_plugin_test_SOURCES = tests/plugins/plugin_test.c
tests_plugins_plugin_test_LDADD = $(SF_TEST_LIBS)

check_LTLIBRARIES += tests/plugins/sf-pass-good.la
tests_plugins_sf_pass_good_la_SOURCES = tests/plugins/good.c
tests_plugins_sf_pass_good_la_CPPFLAGS = $(SF_PLUGIN_CPPFLAGS)
tests_plugins_sf_pass_good_la_CFLAGS = $(SF_PLUGIN_CFLAGS)
tests_plugins_sf_pass_good_la_LDFLAGS = $(SF_BAD_LDFLAGS)
tests_plugins_sf_pass_good_la_LIBADD = $(SF_PLUGIN_LIBADD)

check_LTLIBRARIES += tests/plugins/sf-pass-goodcxx.la
tests_plugins_sf_pass_goodcxx_la_SOURCES = tests/plugins/goodcxx.cc
tests_plugins_sf_pass_goodcxx_la_CPPFLAGS = $(SF_PLUGIN_CPPFLAGS)
tests_plugins_sf_pass_goodcxx_la_CXXFLAGS = $(SF_PLUGIN_CXXFLAGS)
tests_plugins_sf_pass_goodcxx_la_LDFLAGS = $(SF_CXX_LDFLAGS)
tests_plugins_sf_pass_goodcxx_la_LIBADD = $(SF_PLUGIN_LIBADD)

check_LTLIBRARIES += tests/plugins/sf-pass-nosymbol.la
tests_plugins_sf_pass_nosymbol_la_SOURCES = tests/plugins/nosymbol.c
tests_plugins_sf_pass_nosymbol_la_CPPFLAGS = $(SF_PLUGIN_CPPFLAGS)
tests_plugins_sf_pass_nosymbol_la_CFLAGS = $(SF_PLUGIN_CFLAGS)
tests_plugins_sf_pass_nosymbol_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared -rpath /nowhere
tests_plugins_sf_pass_nosymbol_la_LIBADD = $(SF_PLUGIN_LIBADD)

check_LTLIBRARIES += tests/plugins/sf-pass-function.la
tests_plugins_sf_pass_function_la_SOURCES = tests/plugins/function.c
tests_plugins_sf_pass_function_la_CPPFLAGS = $(SF_PLUGIN_CPPFLAGS)
tests_plugins_sf_pass_function_la_CFLAGS = $(SF_PLUGIN_CFLAGS)
tests_plugins_sf_pass_function_la_LDFLAGS = $(SF_BAD_LDFLAGS)
tests_plugins_sf_pass_function_la_LIBADD = $(SF_PLUGIN_LIBADD)

check_LTLIBRARIES += tests/plugins/sf-pass-magic.la
tests_plugins_sf_pass_magic_la_SOURCES = tests/plugins/bad.c
tests_plugins_sf_pass_magic_la_CPPFLAGS = $(SF_PLUGIN_CPPFLAGS) -DBAD_MAGIC=0x12345678u -DBAD_NAME='"magic"'
tests_plugins_sf_pass_magic_la_CFLAGS = $(SF_PLUGIN_CFLAGS)
tests_plugins_sf_pass_magic_la_LDFLAGS = $(SF_BAD_LDFLAGS)
tests_plugins_sf_pass_magic_la_LIBADD = $(SF_PLUGIN_LIBADD)

check_LTLIBRARIES += tests/plugins/sf-pass-minor.la
tests_plugins_sf_pass_minor_la_SOURCES = tests/plugins/bad.c
tests_plugins_sf_pass_minor_la_CPPFLAGS = $(SF_PLUGIN_CPPFLAGS) -DBAD_MINOR=2 -DBAD_NAME='"minor"'
tests_plugins_sf_pass_minor_la_CFLAGS = $(SF_PLUGIN_CFLAGS)
tests_plugins_sf_pass_minor_la_LDFLAGS = $(SF_BAD_LDFLAGS)
tests_plugins_sf_pass_minor_la_LIBADD = $(SF_PLUGIN_LIBADD)

check_LTLIBRARIES += tests/plugins/sf-pass-major.la
tests_plugins_sf_pass_major_la_SOURCES = tests/plugins/bad.c
tests_plugins_sf_pass_major_la_CPPFLAGS = $(SF_PLUGIN_CPPFLAGS) -DBAD_MAJOR=7 -DBAD_CALL -DBAD_NAME='"major"'
tests_plugins_sf_pass_major_la_CFLAGS = $(SF_PLUGIN_CFLAGS)
tests_plugins_sf_pass_major_la_LDFLAGS = $(SF_UNDEFINED_LDFLAGS)
tests_plugins_sf_pass_major_la_LIBADD = $(SF_PLUGIN_LIBADD)

check_LTLIBRARIES += tests/plugins/sf-pass-size.la
tests_plugins_sf_pass_size_la_SOURCES = tests/plugins/bad.c
tests_plugins_sf_pass_size_la_CPPFLAGS = $(SF_PLUGIN_CPPFLAGS) -DBAD_SIZE=56 -DBAD_NAME='"size"'
tests_plugins_sf_pass_size_la_CFLAGS = $(SF_PLUGIN_CFLAGS)
tests_plugins_sf_pass_size_la_LDFLAGS = $(SF_BAD_LDFLAGS)
tests_plugins_sf_pass_size_la_LIBADD = $(SF_PLUGIN_LIBADD)

check_LTLIBRARIES += tests/plugins/sf-pass-kind.la
tests_plugins_sf_pass_kind_la_SOURCES = tests/plugins/bad.c
tests_plugins_sf_pass_kind_la_CPPFLAGS = $(SF_PLUGIN_CPPFLAGS) -DBAD_KIND=SF_PLUGIN_OPTIMIZER -DBAD_NAME='"kind"'
tests_plugins_sf_pass_kind_la_CFLAGS = $(SF_PLUGIN_CFLAGS)
tests_plugins_sf_pass_kind_la_LDFLAGS = $(SF_BAD_LDFLAGS)
tests_plugins_sf_pass_kind_la_LIBADD = $(SF_PLUGIN_LIBADD)

check_LTLIBRARIES += tests/plugins/sf-pass-name.la
tests_plugins_sf_pass_name_la_SOURCES = tests/plugins/bad.c
tests_plugins_sf_pass_name_la_CPPFLAGS = $(SF_PLUGIN_CPPFLAGS) -DBAD_NAME='"other"'
tests_plugins_sf_pass_name_la_CFLAGS = $(SF_PLUGIN_CFLAGS)
tests_plugins_sf_pass_name_la_LDFLAGS = $(SF_BAD_LDFLAGS)
tests_plugins_sf_pass_name_la_LIBADD = $(SF_PLUGIN_LIBADD)

check_LTLIBRARIES += tests/plugins/sf-pass-version.la
tests_plugins_sf_pass_version_la_SOURCES = tests/plugins/bad.c
tests_plugins_sf_pass_version_la_CPPFLAGS = $(SF_PLUGIN_CPPFLAGS) -DBAD_VERSION=NULL -DBAD_NAME='"version"'
tests_plugins_sf_pass_version_la_CFLAGS = $(SF_PLUGIN_CFLAGS)
tests_plugins_sf_pass_version_la_LDFLAGS = $(SF_BAD_LDFLAGS)
tests_plugins_sf_pass_version_la_LIBADD = $(SF_PLUGIN_LIBADD)

check_LTLIBRARIES += tests/plugins/sf-pass-summary.la
tests_plugins_sf_pass_summary_la_SOURCES = tests/plugins/bad.c
tests_plugins_sf_pass_summary_la_CPPFLAGS = $(SF_PLUGIN_CPPFLAGS) -DBAD_SUMMARY='"two\nlines"' -DBAD_NAME='"summary"'
tests_plugins_sf_pass_summary_la_CFLAGS = $(SF_PLUGIN_CFLAGS)
tests_plugins_sf_pass_summary_la_LDFLAGS = $(SF_BAD_LDFLAGS)
tests_plugins_sf_pass_summary_la_LIBADD = $(SF_PLUGIN_LIBADD)

check_LTLIBRARIES += tests/plugins/sf-pass-optionsize.la
tests_plugins_sf_pass_optionsize_la_SOURCES = tests/plugins/bad.c
tests_plugins_sf_pass_optionsize_la_CPPFLAGS = $(SF_PLUGIN_CPPFLAGS) -DBAD_OPTION_SIZE=8 -DBAD_NAME='"optionsize"'
tests_plugins_sf_pass_optionsize_la_CFLAGS = $(SF_PLUGIN_CFLAGS)
tests_plugins_sf_pass_optionsize_la_LDFLAGS = $(SF_BAD_LDFLAGS)
tests_plugins_sf_pass_optionsize_la_LIBADD = $(SF_PLUGIN_LIBADD)

check_LTLIBRARIES += tests/plugins/sf-pass-nullops.la
tests_plugins_sf_pass_nullops_la_SOURCES = tests/plugins/bad.c
tests_plugins_sf_pass_nullops_la_CPPFLAGS = $(SF_PLUGIN_CPPFLAGS) -DBAD_OPS=NULL -DBAD_NAME='"nullops"'
tests_plugins_sf_pass_nullops_la_CFLAGS = $(SF_PLUGIN_CFLAGS)
tests_plugins_sf_pass_nullops_la_LDFLAGS = $(SF_BAD_LDFLAGS)
tests_plugins_sf_pass_nullops_la_LIBADD = $(SF_PLUGIN_LIBADD)

check_LTLIBRARIES += tests/plugins/sf-pass-opssize.la
tests_plugins_sf_pass_opssize_la_SOURCES = tests/plugins/bad.c
tests_plugins_sf_pass_opssize_la_CPPFLAGS = $(SF_PLUGIN_CPPFLAGS) -DBAD_OPS_SIZE=24 -DBAD_NAME='"opssize"'
tests_plugins_sf_pass_opssize_la_CFLAGS = $(SF_PLUGIN_CFLAGS)
tests_plugins_sf_pass_opssize_la_LDFLAGS = $(SF_BAD_LDFLAGS)
tests_plugins_sf_pass_opssize_la_LIBADD = $(SF_PLUGIN_LIBADD)

check_LTLIBRARIES += tests/plugins/sf-pass-slot.la
tests_plugins_sf_pass_slot_la_SOURCES = tests/plugins/bad.c
tests_plugins_sf_pass_slot_la_CPPFLAGS = $(SF_PLUGIN_CPPFLAGS) -DBAD_RUN=NULL -DBAD_NAME='"slot"'
tests_plugins_sf_pass_slot_la_CFLAGS = $(SF_PLUGIN_CFLAGS)
tests_plugins_sf_pass_slot_la_LDFLAGS = $(SF_BAD_LDFLAGS)
tests_plugins_sf_pass_slot_la_LIBADD = $(SF_PLUGIN_LIBADD)

check_LTLIBRARIES += tests/plugins/sf-pass-default.la
tests_plugins_sf_pass_default_la_SOURCES = tests/plugins/bad.c
tests_plugins_sf_pass_default_la_CPPFLAGS = $(SF_PLUGIN_CPPFLAGS) -DBAD_DEFAULT='"12"' -DBAD_NAME='"default"'
tests_plugins_sf_pass_default_la_CFLAGS = $(SF_PLUGIN_CFLAGS)
tests_plugins_sf_pass_default_la_LDFLAGS = $(SF_BAD_LDFLAGS)
tests_plugins_sf_pass_default_la_LIBADD = $(SF_PLUGIN_LIBADD)

check_LTLIBRARIES += tests/plugins/sf-pass-undefined.la
tests_plugins_sf_pass_undefined_la_SOURCES = tests/plugins/bad.c
tests_plugins_sf_pass_undefined_la_CPPFLAGS = $(SF_PLUGIN_CPPFLAGS) -DBAD_CALL -DBAD_NAME='"undefined"'
tests_plugins_sf_pass_undefined_la_CFLAGS = $(SF_PLUGIN_CFLAGS)
tests_plugins_sf_pass_undefined_la_LDFLAGS = $(SF_UNDEFINED_LDFLAGS)
tests_plugins_sf_pass_undefined_la_LIBADD = $(SF_PLUGIN_LIBADD)

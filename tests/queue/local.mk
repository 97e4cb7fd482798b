# Build fragment of tests/queue.
TESTS += tests/queue/cgroup_test.sh tests/queue/kill_test.sh tests/queue/machine_test.sh tests/queue/power_test.sh \
  tests/queue/room_test.sh tests/queue/users_test.sh

# Preloaded into programs that are not ours, too: without sanitizers, whatever the rest is built with.
check_LTLIBRARIES += tests/queue/sf-recorder.la
tests_queue_sf_recorder_la_SOURCES = tests/queue/recorder.c
tests_queue_sf_recorder_la_CPPFLAGS = -D_GNU_SOURCE
tests_queue_sf_recorder_la_CFLAGS = -std=gnu11 -fvisibility=hidden $(SF_WARNINGS) $(SF_C_WARNINGS)
tests_queue_sf_recorder_la_LDFLAGS = -module -avoid-version -shared -rpath /nowhere

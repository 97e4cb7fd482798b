#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs kill.py. SF_KILLS and SF_KILL_SEED change how often and when; scripts/check --nightly has 1,000 kills.
. "${SF_SOURCE_DIR:?run by make check}/tests/cli/sfbatch_lib.sh"
case $SF_SANITIZERS in
  *thread*) echo "SKIP: ThreadSanitizer takes memory that GLib's allocator passes from thread to thread for races"; exit 77 ;;
esac
command -v python3 >/dev/null || { echo "python3 is not here"; exit 77; }
mkdir -m 700 "$work/queue"
echo 'cores = 50;' >"$work/queue/sfd.cfg"
SFBATCH=$sfbatch
export SFBATCH
# A process whose search for leaks is killed (it runs in one of its own) waits for it for ever.
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
export ASAN_OPTIONS
PYTHONDONTWRITEBYTECODE=1 python3 "$SF_SOURCE_DIR/tests/queue/kill.py" "${SF_KILL_SEED:-1}" "${SF_KILLS:-10}" || fail "kill.py"
finish

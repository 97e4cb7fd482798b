#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The examples of the public API run and learn.
. "${SF_SOURCE_DIR:?run by make check}/tests/cli/lib.sh"

run 0 "$SF_BUILD_DIR/examples/line"
has out "t = 3.000 x -1.000"
if [ "${SF_SANITIZERS:-no}" != no ]; then
  echo "a library with sanitizers is not loaded into Python: digits.py is left out"
  finish
fi
if ! command -v python3 >/dev/null; then
  echo "SKIP: no python3"
  exit 77
fi
run 0 python3 "$SF_SOURCE_DIR/examples/digits.py" "$SF_SOURCE_DIR/apps/digits" "$SF_BUILD_DIR/.libs/libspatialflow.so.0"
cat "$work/out"
has out "step 400  loss 0."
last=$(sed -n 's/^step 400  loss //p' "$work/out")
awk -v l="$last" 'BEGIN { exit !(l < 0.5) }' || fail "loss after 400 steps: $last, wanted less than 0.5"
finish

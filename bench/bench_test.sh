#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# `make bench` measures a case and writes what it found, into a document as well; a party that is off has no figure.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
run="$SF_SOURCE_DIR/bench/run"
"$run" --list >"$work/list" || { status=$?; cat "$work/list"; exit "$status"; }
grep -qx train-resnet18-b32-sgd "$work/list"

printf '%s\n' above '<!-- bench: training -->' old '<!-- end -->' below >"$work/document.md"
"$run" train-logreg-b64-sgd --parties spatialflow --threads 1,2 --rounds 2 --seconds 0.02 --output "$work/results" --write "$work/document.md"
grep -q '^| train-logreg-b64-sgd | [0-9.]* | [0-9.]* ±' "$work/results/results.md" || { echo "found no row of the case, wanted one:"; cat "$work/results/results.md"; exit 1; }
[ "$(sed -n '1p;$p' "$work/document.md" | tr '\n' ' ')" = "above below " ] && grep -q '^| train-logreg-b64-sgd | ' "$work/document.md" && ! grep -q old "$work/document.md" || {
  echo "found another document than one with the table between its markers:"
  cat "$work/document.md"
  exit 1
}

"${SF_PYTHON:-/usr/bin/python3}" -B "$SF_SOURCE_DIR/bench/check_test.py" "$work"
"${SF_PYTHON:-/usr/bin/python3}" -B "$SF_SOURCE_DIR/bench/report_test.py" "$work"

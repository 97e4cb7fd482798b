#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# `make bench` measures a case and writes what it found; a party that is off fails its case.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
run="$SF_SOURCE_DIR/bench/run"
"$run" --list >"$work/list" || { status=$?; cat "$work/list"; exit "$status"; }
grep -qx train-resnet18-b32-sgd "$work/list"

"$run" train-logreg-b64-sgd --parties spatialflow --threads 1,2 --rounds 2 --seconds 0.02 --output "$work/results"
grep -q '^| train-logreg-b64-sgd | [0-9.]* | [0-9.]* ±' "$work/results/results.md" || { echo "found no row of the case, wanted one:"; cat "$work/results/results.md"; exit 1; }

"${SF_PYTHON:-/usr/bin/python3}" -B "$SF_SOURCE_DIR/bench/check_test.py" "$work"

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Operators in the versions that the ONNX project's own tests leave out: values on both backends, gradients, where they run, and models
# that are refused.
needs='onnx, torch'
. "${SF_SOURCE_DIR:?run by make check}/tests/onnx/lib.sh"
here=$here/opsets
families='elementwise activation reduce loss quantise generate signals train edges movement index resize
  contraction conv pool norm recurrent'
# Written by one process: what they import takes longer than they.
# shellcheck disable=SC2086
"$python" -B -W ignore "$here/write.py" "$work" $families chains refused || exit 99
# shellcheck disable=SC2086
(cd "$work" && "$SF_BUILD_DIR/tests/onnx/opsets/gradients" --except "$here/unsloped" $families) || failures=1
set --
for family in $families; do
  for backend in cpu rdu; do
    # What passes counts; a refusal would not fail the run.
    "$sf" onnx-test "$work/$family" --backend $backend --brief --json "$work/$family.$backend" >"$work/out" || failures=1
    cat "$work/out"
    grep -q ' 0 failed, 0 unsupported' "$work/out" || failures=1
  done
  set -- "$@" "$work/$family:$work/$family.rdu"
done
# Nothing of these runs on the host.
"$sf" onnx-test "$work/chains" --brief >"$work/out" || failures=1
cat "$work/out"
grep -q '^6 passed without a launch on the host' "$work/out" || failures=1
"$SF_BUILD_DIR/tests/onnx/operators" --json >"$work/rows" || failures=1
"$python" -B "$here/../flags.py" "$work/rows" "$@" || failures=1
# A model with a loss of its own trains without another, the same on both backends.
"$python" -B -W ignore "$here/trained.py" "$work/trained.onnx" || failures=1
"$sf" compile "$work/trained.onnx" -o "$work/trained.pef" && "$sf" test "$work/trained.pef" >"$work/out" || failures=1
grep -q '^train  opt   update' "$work/out" && grep -q '^passed' "$work/out" || failures=1
"$sf" onnx-test "$work/refused" --backend cpu --brief --json "$work/refused.json" >"$work/out" 2>&1
"$python" -B "$here/reasons.py" "$work/refused" "$work/refused.json" || failures=1
exit $failures

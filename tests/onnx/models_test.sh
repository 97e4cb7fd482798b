#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Models exported from PyTorch, against PyTorch's own outputs: within 1e-4 of the range of the output, on both backends, with nothing on
# the host but conversions of integers. `SF_NIGHTLY=yes` takes the large ones, too, one at a time.
set -u
here=${SF_SOURCE_DIR:?run by make check}/tests/onnx
sf=${SF_BUILD_DIR:?run by make check}/tools/sf/sf
python=${SF_PYTHON:-/usr/bin/python3}
if ! "$python" -c 'import onnx, torch, torchvision' 2>/dev/null; then
  echo "SKIP: $python has no onnx, torch or torchvision; install python3-onnx, python3-torch, python3-torchvision"
  exit 77
fi
work=$(mktemp -d "${TMPDIR:-/tmp}/sf-models.XXXXXX") || exit 99
trap 'rm -rf "$work"' EXIT
trap 'exit 99' INT TERM

# same NAME...: exports the models of these names, and runs them.
failures=0
same () {
  rm -rf "$work/models"
  "$python" -B "$here/models.py" "$work/models" "$@" || { failures=1; return; }
  for backend in cpu rdu; do
    "$sf" onnx-test "$work/models" --backend $backend --range-tolerance 1e-4 --timeout 3600 --json "$work/results.json" || failures=1
    "$python" -B "$here/tally.py" --host cast "$work/results.json" || failures=1
  done
}

# shellcheck disable=SC2046
same $("$python" -B "$here/models.py" --list small)
if [ "${SF_NIGHTLY-no}" = yes ] && [ "${SF_SANITIZERS:-no}" = no ]; then
  for name in $("$python" -B "$here/models.py" --list large); do
    same "$name"
  done
fi
exit $failures

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Models exported from PyTorch, against PyTorch's own outputs: within 1e-4 of the range of the output, on both backends, with nothing on
# the host but conversions of integers. `SF_NIGHTLY=yes` takes the large ones, too, one at a time.
needs='onnx, torch, torchvision'
. "${SF_SOURCE_DIR:?run by make check}/tests/onnx/lib.sh"

# same NAME...: exports the models of these names, and runs them.
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

# SPDX-License-Identifier: Apache-2.0
# What scripts about models from Python begin with, sourced with `needs` set to the modules that they import, separated by commas: a
# folder $work that goes when they end, $sf, $python, $here, and $failures, which they end with. Without the modules they skip.
set -u
here=$SF_SOURCE_DIR/tests/onnx
sf=${SF_BUILD_DIR:?run by make check}/tools/sf/sf
python=${SF_PYTHON:-/usr/bin/python3}
if ! "$python" -c "import $needs" 2>/dev/null; then
  echo "SKIP: $python lacks one of $needs; scripts/setup --check installs them"
  exit 77
fi
work=$(mktemp -d "${TMPDIR:-/tmp}/sf-onnx.XXXXXX") || exit 99
trap 'rm -rf "$work"' EXIT
trap 'exit 99' INT TERM
failures=0

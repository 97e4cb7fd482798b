#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# docs/onnx.md ends with the table of operators that the frontend has.
set -u
page=${SF_SOURCE_DIR:?run by make check}/docs/onnx.md
operators=${SF_BUILD_DIR:?run by make check}/tests/onnx/operators
work=$(mktemp -d "${TMPDIR:-/tmp}/sf-table.XXXXXX") || exit 99
trap 'rm -rf "$work"' EXIT
sed '1,/^<!-- operators/d' "$page" >"$work/documented" || exit 1
"$operators" >"$work/table" || exit 1
[ "$(wc -l <"$work/table")" -gt 50 ] || { echo "operators: fewer than 50 lines"; exit 1; }
diff "$work/documented" "$work/table" && exit
echo "docs/onnx.md: its table is not the frontend's; write it with make onnx-table"
exit 1

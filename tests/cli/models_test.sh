#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The odd models of tests/models: the emulator against the reference at every level and precision, training included.
. "${SF_SOURCE_DIR:?run by make check}/tests/cli/lib.sh"
sf=$SF_BUILD_DIR/tools/sf/sf

cd "$work" || exit 99
for model in "$SF_SOURCE_DIR"/tests/models/*.cfg; do
  name=$(basename "$model" .cfg)
  for level in o0 o1 o3; do
    for precision in f32 bf16; do
      run 0 "$sf" compile "$model" -o "$name.pef" -O"${level#o}" --precision $precision --optimizer adam
      run 0 "$sf" test "$name.pef"
      has out "values agree"
    done
  done
done
finish

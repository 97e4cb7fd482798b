#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# An emulator with a wrong kernel fails `sf test`, and the stage is named.
. "${SF_SOURCE_DIR:?run by make check}/tests/cli/lib.sh"
. "$SF_SOURCE_DIR/tests/cli/model.sh"

compile digits f32 -O3 --arg width=4 --arg hidden=16
compile digits bf16 -O3 --precision bf16 --arg width=4 --arg hidden=16
compile digits unfused -O0 --arg width=4 --arg hidden=16
export SF_PLUGIN_PATH="$SF_BUILD_DIR/tests/plugins/mutated/.libs:$SF_PLUGIN_PATH"
for pef in f32 bf16 unfused; do
  unset SF_RDU_MUTATION
  run 0 "$sf" test "$work/$pef.pef"
  for mutation in scale tail tile sign bias; do
    export SF_RDU_MUTATION=$mutation
    run 10 "$sf" test "$work/$pef.pef"
    one_line
    has err stage
    echo "$pef, $mutation: $(cat "$work/err")"
  done
done
finish

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A PEF without its graphs gives the same bits on rdu, and says what it lacks where the graph is needed.
. "${SF_SOURCE_DIR:?run by make check}/tests/cli/lib.sh"
. "$SF_SOURCE_DIR/tests/cli/model.sh"

for precision in f32 bf16; do
  compile encoder whole-$precision -O3 --precision $precision --optimizer adamw --arg features=16 --arg blocks=1
  run 0 "$sf" pef strip --graph "$work/whole-$precision.pef" -o "$work/bare-$precision.pef"
  [ "$(wc -c <"$work/bare-$precision.pef")" -lt "$(wc -c <"$work/whole-$precision.pef")" ] || fail "the stripped PEF is no smaller"
  for kind in whole bare; do
    train $kind-$precision $kind-$precision --num-iterations 10
  done
  same_bits "stripped, $precision" "$work/whole-$precision/step-00000010.safetensors" "$work/bare-$precision/step-00000010.safetensors"
done
run 0 "$sf" inspect "$work/bare-f32.pef"
run 5 "$sf" test "$work/bare-f32.pef"
one_line
run 5 "$sf" train "$work/bare-f32.pef" --data "$digits" --backend cpu
one_line
finish

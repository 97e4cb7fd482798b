#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# No level is slower than those below it, in emulated time, on models exported from PyTorch: inference of two in every check, training and
# inference of all small ones on three machines with `SF_NIGHTLY=yes`. What cannot be trained is inferred only.
needs='onnx, torch, torchvision'
. "${SF_SOURCE_DIR:?run by make check}/tests/onnx/lib.sh"

names='small_gpt small_squeezenet' machines=sn10 ways=--inference
if [ "${SF_NIGHTLY-no}" = yes ] && [ "${SF_SANITIZERS:-no}" = no ]; then
  names=$("$python" -B "$here/models.py" --list small) machines='sn10 sn30 sn40l' ways='--inference --training'
fi

# cycles NAME LEVEL MACHINE WAY: "entry cycles" lines; fails where the model cannot be compiled so.
cycles () {
  loss=
  [ "$4" = --training ] && loss='--loss softmax_ce --target label'
  # shellcheck disable=SC2086
  "$sf" compile "$work/models/$1/model.onnx" "$4" $loss --level "$2" --arch "$3" -o "$work/model.pef" >/dev/null 2>"$work/err" || return 1
  "$sf" run --timing "$work/model.pef" --json | sed -n 's/^{"entry":"\([a-z]*\)".*"emulated":true,"cycles":\([0-9]*\),.*/\1 \2/p'
}

# shellcheck disable=SC2086
"$python" -B "$here/models.py" "$work/models" $names || exit 99
for name in $names; do
  for machine in $machines; do
    for way in $ways; do
      cycles "$name" o0 "$machine" $way >"$work/o0" || { [ $way = --training ] || { cat "$work/err"; failures=1; }; continue; }
      for pair in 'o0 o1' 'o1 o3'; do
        below=${pair% *} level=${pair#* }
        cycles "$name" "$level" "$machine" $way >"$work/$level" || { cat "$work/err"; failures=1; break; }
        [ -s "$work/$level" ] || { echo "$name: no times at $level"; failures=1; }
        while read -r entry most; do
          found=$(sed -n "s/^$entry //p" "$work/$level")
          [ "${found:-0}" -gt 0 ] && [ "$found" -le "$most" ] && continue
          echo "$name on $machine, $way, $entry: $level takes ${found:-no} cycles, $below $most"
          failures=1
        done <"$work/$below"
      done
    done
  done
done
exit $failures

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# From the start of the process to the end of the first step: processor time, the best of three, against a bound that only a mistake
# passes (a few hundredths of a second are usual, sanitizers take ten times that).
. "${SF_SOURCE_DIR:?run by make check}/tests/cli/lib.sh"
. "$SF_SOURCE_DIR/tests/cli/model.sh"

# seconds COMMAND...: processor time of the command, nothing when it fails
seconds () (
  "$@" >"$work/out" 2>"$work/err" || { cat "$work/err" >&2; exit 0; }
  times >"$work/times" # no pipe: it would ask a shell without children
  awk 'NR == 2 { split ($1 " " $2, part, /[ms ]+/); print part[1] * 60 + part[2] + part[3] * 60 + part[4] }' "$work/times"
)

# starts_quickly WHAT COMMAND...
starts_quickly () {
  what=$1
  shift
  for i in 1 2 3; do seconds "$@"; done | sort -n | head -n 1 >"$work/best"
  echo "$what: $(cat "$work/best") s (wanted at most 1.5)"
  awk '{ n++; good = $1 <= 1.5 } END { exit !(n == 1 && good) }' "$work/best" || fail "$what: $(cat "$work/best") s"
}

compile digits digits -O3 --batch-size 1
compile encoder encoder -O3 --arg features=8 --arg heads=2
for model in digits encoder; do
  starts_quickly "$model, first step of training" "$sf" train "$work/$model.pef" --data "$digits" --num-iterations 1
  starts_quickly "$model, one step of each entry" "$sf" run "$work/$model.pef"
done
finish

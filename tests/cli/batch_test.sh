#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Accuracy and loss of a trained model do not depend on the batch size it is evaluated with, on either backend.
. "${SF_SOURCE_DIR:?run by make check}/tests/cli/lib.sh"
. "$SF_SOURCE_DIR/tests/cli/model.sh"

compile digits train --batch-size 32 --optimizer adam --optimizer-option lr=0.005 --arg width=4 --arg hidden=16
train train checkpoints --epochs 3 --json
at_least "accuracy after 3 epochs" "$(json test_accuracy)" 0.7

first=
for batch in 32 1 7 64; do
  compile digits b$batch --batch-size $batch --inference --arg width=4 --arg hidden=16
  for backend in rdu cpu; do
    run 0 "$sf" eval "$work/b$batch.pef" --checkpoint "$work/checkpoints" --data "$digits" --backend $backend --json
    result="$(json rows) $(json accuracy) $(awk -v l="$(json loss)" 'BEGIN { printf "%.4f", l }')"
    [ -n "$first" ] || first=$result
    echo "batch $batch on $backend: $result"
    [ "$result" = "$first" ] || fail "rows, accuracy, loss at batch $batch on $backend: $result, at batch 32 on rdu: $first"
  done
  run 0 "$sf" infer "$work/b$batch.pef" --checkpoint "$work/checkpoints" --data "$digits" --output "$work/b$batch.csv"
  [ "$(wc -l <"$work/b$batch.csv")" -eq $((${first%% *} + 1)) ] || fail "predictions at batch $batch: $(wc -l <"$work/b$batch.csv") lines"
done
finish

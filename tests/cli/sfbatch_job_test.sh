#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The job that a new user sees first: compile, test, train, infer; what it leaves, and its steps as commands to paste.
. "${SF_SOURCE_DIR:?run by make check}/tests/cli/sfbatch_lib.sh"
digits=$SF_SOURCE_DIR/etc/jobs/digits.cfg
for job in "$SF_SOURCE_DIR"/etc/jobs/*.cfg; do
  run 0 "$sfbatch" submit --check "$job"
done
if [ "${SF_SANITIZERS:-no}" != no ]; then
  echo "not trained under sanitizers: that takes minutes"
  finish
fi
began=$(date +%s)
run 0 "$sfbatch" submit --wait "$digits"
took=$(($(date +%s) - began))
has out "sections"
has out "PCUs"
has out "passed: "
has out "epoch 12/12"
folder=$SF_QUEUE_DIR/jobs/1
accuracy=$(sed -n 's/^355 rows .*accuracy \([0-9.]*\) %.*/\1/p' "$work/out")
awk -v a="${accuracy:-0}" 'BEGIN { exit !(a >= 97) }' || fail "test accuracy ${accuracy:-not printed}, wanted 97 or more"
for file in digits.pef predictions.csv report/index.html; do
  [ -s "$folder/$file" ] || fail "$file was not written"
done
[ "$(ls "$folder/checkpoints" | wc -l)" -ge 12 ] || fail "no checkpoint per epoch"
no_carriers 1

# The last step again, as show prints it, writes the same predictions.
cp "$folder/predictions.csv" "$work/first.csv"
"$sfbatch" show 1 | sed -n -e '/^cd /p' -e '/^export /p' -e '/ infer /p' >"$work/paste.sh"
run 0 sh "$work/paste.sh"
cmp "$work/first.csv" "$folder/predictions.csv" || fail "a pasted step gives other predictions"

# A training that is stopped, and then killed, goes on in the job's next attempts, and ends with the same bits.
{
  sed "s|\.\./\.\.|$SF_SOURCE_DIR|" "$digits"
  echo 'retries = { max = 2; delay = 0; on = "failed"; };'
} >"$work/again.cfg"
# find_training ID ATTEMPT: its process, $pid, as soon as there is one.
find_training () {
  for i in $(seq 100); do
    for file in $(carriers "$1" "$2"); do
      pid=$(basename "${file%/environ}")
      tr '\0' ' ' <"/proc/$pid/cmdline" | grep -q ' train ' && return
    done
  done 2>/dev/null
  false
}
# hold FILE: submits it as job $id and stops its training, $pid; once more where that had ended before.
hold () {
  for try in 1 2 3 4 5 6 7 8; do
    run 0 "$sfbatch" submit "$1"
    id=$(cat "$work/out")
    checkpoints=$SF_QUEUE_DIR/jobs/$id/checkpoints
    until_file "$checkpoints/epoch-0001.safetensors"
    if find_training "$id" 1 && kill -STOP "$pid" 2>/dev/null; then
      while grep -q '^State:[[:space:]]*[RSD]' "/proc/$pid/status" 2>/dev/null; do sleep 0.01; done
      [ -e "$checkpoints/epoch-0012.safetensors" ] || return
      kill -CONT "$pid"
    fi
    "$sfbatch" wait "$id" >"$work/out" 2>&1
  done
  fail "$1: each training had ended before it could be stopped"
}
hold "$work/again.cfg"
again=$SF_QUEUE_DIR/jobs/$id
kill -TERM "$pid"
kill -CONT "$pid"
until_file "$again/attempt-2/step-3.json"
find_training "$id" 2 && kill -KILL "$pid"
run 0 "$sfbatch" wait "$id"
last=$(ls -d "$again"/attempt-* | wc -l)
[ "$last" -eq 3 ] || [ "$last" -eq 2 ] || fail "$last attempts, wanted 3, or 2 where the second was too quick to be killed"
cmp "$folder/checkpoints/epoch-0012.safetensors" "$again/checkpoints/epoch-0012.safetensors" || fail "a training that was stopped and killed ends otherwise"
cmp "$folder/predictions.csv" "$again/predictions.csv" || fail "other predictions"
[ "$(cat "$again/attempt-$last/step-1.log")" = "$(cat "$again/attempt-1/step-1.log")" ] || fail "the log of a step that was done is not in the last attempt"

# Cancelled, and past its time limit, a training leaves a checkpoint, and says how to go on; its retry ends with the same bits. It is held
# still after its first epoch until it has been told to end: the limit is a time in which a machine as slow as this one gets there.
sed "s|\.\./\.\.|$SF_SOURCE_DIR|" "$digits" >"$work/cancelled.cfg"
cat >"$work/limited.cfg" <<EOF
name = "limited";
data = "$SF_SOURCE_DIR/apps/digits/data";
steps = ( { do = "train"; pef = "$folder/digits.pef"; epochs = 12; schedule = "cosine"; warmup_steps = 20; } );
resources = { cores = 2; time_limit = "$((2 * took + 2))s"; };
retries = { max = 20; delay = 0; on = "timeout"; };
EOF
# let_go: as soon as TERM waits for it.
let_go () {
  for i in $(seq 10000); do
    told=$(sed -n 's/^ShdPnd:[[:space:]]*//p' "/proc/$pid/status")
    [ $((0x${told:-0} & 0x4000)) -eq 0 ] || break
    sleep 0.02
  done
  kill -CONT "$pid"
}
hold "$work/cancelled.cfg"
first=$id stopped=$SF_QUEUE_DIR/jobs/$id
"$sfbatch" cancel "$first" >"$work/cancelled" 2>&1 &
let_go
wait $!
is_state "$first" "CANCELLED 9"
grep -q -e --resume "$stopped/attempt-1/step-3.log" || fail "a cancelled training does not say how to go on"
[ ! -e "$stopped/checkpoints/epoch-0012.safetensors" ] || fail "the cancelled training had ended"
run 0 "$sfbatch" retry "$first"
hold "$work/limited.cfg"
second=$id limited=$SF_QUEUE_DIR/jobs/$id
let_go
run 0 "$sfbatch" wait "$first"
run 0 "$sfbatch" wait "$second"
grep -q TIMEOUT "$limited/attempt-1/exit.json" || fail "no time limit"
grep -q -e --resume "$limited/attempt-1/step-1.log" || fail "a training past its time limit does not say how to go on"
for job in "$stopped" "$limited"; do
  cmp "$folder/checkpoints/epoch-0012.safetensors" "$job/checkpoints/epoch-0012.safetensors" || fail "$job ends otherwise"
done

# What the build offers without an installation.
run 0 "$SF_BUILD_DIR/bin/sf" inspect "$folder/digits.pef"
run 0 "$SF_BUILD_DIR/bin/sfbatch" list
has out "COMPLETED"
finish

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Training that was killed, terminated or stopped in the middle of an epoch, and resumed, ends with the same bits as training that was
# never stopped.
. "${SF_SOURCE_DIR:?run by make check}/tests/cli/lib.sh"
. "$SF_SOURCE_DIR/tests/cli/model.sh"

epochs=4
last=epoch-0004.safetensors
options="--data $digits --epochs $epochs --seed 5 --threads 1 --schedule cosine --warmup-steps 10"
compile encoder model -O3 --batch-size 16 --optimizer adamw --arg features=8 --arg heads=2 --arg blocks=1

now () {
  date +%s%N
}

begin=$(now)
train model never --epochs $epochs --seed 5 --threads 1 --schedule cosine --warmup-steps 10
took=$((($(now) - begin) / 1000000)) # milliseconds

# random N: 0 to N - 1
random () {
  echo $(($(od -An -N4 -tu4 /dev/urandom) % $1))
}

# start FOLDER SIGNAL MILLISECONDS OPTION...: trains and sends the signal after that time; $code is its exit code.
start () {
  folder=$1 signal=$2 after=$3
  shift 3
  # shellcheck disable=SC2086
  "$sf" train "$work/model.pef" $options --checkpoint-dir "$work/$folder" "$@" >"$work/out" 2>"$work/err" &
  pid=$!
  sleep "$(awk -v ms="$after" 'BEGIN { printf "%.3f", ms / 1000 }')"
  kill -s "$signal" $pid 2>/dev/null
  wait $pid 2>/dev/null
  code=$?
}

kills=0
rounds="1 2 3 4"
[ "${SF_SANITIZERS:-no}" = no ] || rounds="1 2"
for round in $rounds; do
  every=$((round % 2 * 13)) # 0: only at the end of an epoch
  tries=0
  while [ ! -e "$work/killed$round/$last" ] && [ $tries -lt 40 ]; do
    # Later tries live longer, so that an end is reached however slow the machine has become.
    start "killed$round" KILL $((took / 10 + $(random $((took / 2 + 1))) + tries * took / 10)) --resume --checkpoint-every $every
    [ $code -eq 137 ] && kills=$((kills + 1))
    [ $code -eq 137 ] || [ $code -eq 0 ] || { fail "resumed training: exit $code"; cat "$work/err"; break; }
    tries=$((tries + 1))
  done
  same_bits "killed $tries times" "$work/never/$last" "$work/killed$round/$last"
done
echo "$kills kills within a training of $took ms"
[ $kills -ge 2 ] || fail "only $kills of the kills came while the training ran"

# In the middle of an epoch: the last kill there is a checkpoint of is at a step that is no epoch's end.
tries=0
while [ $tries -lt 20 ]; do
  rm -rf "$work/middle"
  start middle KILL $((took / 4 + $(random $((took / 4 + 1))))) --checkpoint-every 5
  newest=$(ls -t "$work/middle" 2>/dev/null | grep safetensors | head -n 1)
  case $newest in step-*) break ;; esac
  tries=$((tries + 1))
done
case $newest in
  step-*) ;;
  *) fail "no kill left a checkpoint in the middle of an epoch" ;;
esac
train model middle --resume --epochs $epochs --seed 5 --threads 1 --schedule cosine --warmup-steps 10
same_bits "killed after $newest" "$work/never/$last" "$work/middle/$last"

# TERM: a checkpoint, a line, exit code 9.
tries=0
code=0
while [ $code -ne 9 ] && [ $tries -lt 20 ]; do
  rm -rf "$work/term"
  start term TERM $((took / 4 + $(random $((took / 4 + 1)))))
  tries=$((tries + 1))
done
[ $code -eq 9 ] || fail "training after TERM: exit $code, wanted 9"
has err "--resume"
one_line
train model term --resume --epochs $epochs --seed 5 --threads 1 --schedule cosine --warmup-steps 10
same_bits "terminated" "$work/never/$last" "$work/term/$last"

# A resume of what is complete changes nothing; another seed gives other bits, so that the comparison can fail.
train model term --resume --epochs $epochs --seed 5 --threads 1 --schedule cosine --warmup-steps 10
same_bits "resumed when complete" "$work/never/$last" "$work/term/$last"
train model other --epochs $epochs --seed 6 --threads 1 --schedule cosine --warmup-steps 10
cmp -s "$work/never/$last" "$work/other/$last" && fail "another seed gives the same checkpoint"
finish

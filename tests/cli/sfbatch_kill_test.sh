#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kill -9 of shepherd, step, waiter or all of them at random moments: every job ends in one true state, nothing of it lives on.
# SF_KILL_ROUNDS and SF_KILL_SEED change how often and when.
. "${SF_SOURCE_DIR:?run by make check}/tests/cli/sfbatch_lib.sh"
cd "$work" || exit 99
rounds=${SF_KILL_ROUNDS:-12}
seed=${SF_KILL_SEED:-1}
job victim 'echo $$ >$SF_JOB_DIR/pid.tmp; mv $SF_JOB_DIR/pid.tmp $SF_JOB_DIR/pid; sleep 200 & sleep 200 & wait' >victim.cfg
awk -v n="$rounds" -v seed="$seed" 'BEGIN { srand (seed); for (i = 0; i < n; i++) print i % 4, rand () * 0.2 }' >plan

id=0
while read -r what delay; do
  id=$((id + 1))
  "$sfbatch" submit --wait victim.cfg >out 2>err &
  waiter=$!
  folder=queue/jobs/$id
  until_file "$folder/attempt-1/shepherd.json"
  shepherd=$(sed 's/.*"pid":\([0-9]*\).*/\1/' "$folder/attempt-1/shepherd.json")
  [ "$what" -eq 0 ] || until_file "$folder/pid"
  sleep "$delay"
  case $what in
    0)
      kill -9 "$shepherd"
      wanted="LOST 11"
      ;;
    1)
      kill -9 "$(cat "$folder/pid")"
      wanted="FAILED 137"
      ;;
    2)
      kill -9 "$waiter"
      run 0 "$sfbatch" cancel "$id"
      wanted="CANCELLED 9"
      ;;
    3)
      kill -9 "$shepherd" "$(cat "$folder/pid")" "$waiter"
      wanted="LOST 11"
      ;;
  esac
  wait "$waiter" 2>/dev/null
  is_state "$id" "$wanted"
  no_carriers "$id"
  [ "$failures" -eq 0 ] || { echo "seed $seed, round $id: what $what, delay $delay"; finish; }
done <plan
[ "$id" -eq "$rounds" ] || fail "$id rounds, wanted $rounds"

# a submit that is killed at any moment leaves a job that ends, or none
awk -v n="$rounds" -v seed="$seed" 'BEGIN { srand (seed + 1); for (i = 0; i < n; i++) print rand () * 0.06 }' >delays
job short 'sleep 0.05' >short.cfg
while read -r delay; do
  "$sfbatch" submit short.cfg >out 2>err &
  submit=$!
  sleep "$delay"
  kill -9 "$submit" 2>/dev/null
  wait "$submit" 2>/dev/null
done <delays
n=0
while "$sfbatch" list --all --json | grep -q '"exit": null'; do
  n=$((n + 1))
  [ $n -lt 100 ] || { fail "jobs do not end:"; "$sfbatch" list; break; }
  sleep 0.1
done
"$sfbatch" list --all --json | grep '"state"' | sed "1,${rounds}d" | grep -v -e COMPLETED -e LOST && fail "a killed submit left another state"
if command -v python3 >/dev/null; then
  python3 -c 'import sqlite3, sys; print (sqlite3.connect (sys.argv[1]).execute ("PRAGMA integrity_check").fetchone ()[0])' queue/store.db |
    grep -qx ok || fail "integrity_check"
fi
finish

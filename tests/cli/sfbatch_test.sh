#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sfbatch: submit, list, show, logs, cancel, wait, with steps that are commands.
. "${SF_SOURCE_DIR:?run by make check}/tests/cli/sfbatch_lib.sh"
cd "$work" || exit 99

# help
for verb in submit list show logs cancel wait; do
  run 0 "$sfbatch" "$verb" --help
  has out "Usage: sfbatch $verb"
  has out "Example:"
done
run 2 "$sfbatch" submti
has err "did you mean submit?"

# a job that works: its steps run in order, beside the job file, and what they print comes through
mkdir sub
job first 'pwd; echo one >made' 'cat made; echo two >&2; echo $SF_JOB_ID $SF_JOB_DIR' >sub/good.cfg
run 0 "$sfbatch" submit --wait sub/good.cfg
has out "$work/sub"
has out "one"
has out "two"
has out "1 $work/queue/jobs/1"
has err "[2/2] command: done in"
has err "job 1 (first): COMPLETED, all 2 steps done"
is_state 1 "COMPLETED 0"
no_carriers 1
run 0 "$sfbatch" show 1
has out "cd $work/sub"
has out "sh -c 'pwd; echo one >made'"
run 0 "$sfbatch" show 1 --json
has out '"do": "command"'
run 0 "$sfbatch" logs 1
has out "==> step 2 of 2 (command) <=="
run 0 "$sfbatch" logs 1 --step 2
printf 'one\ntwo\n1 %s\n' "$work/queue/jobs/1" | cmp - out || fail "log of step 2"
run 4 "$sfbatch" logs 1 --step 3
batch_line
run 0 "$sfbatch" wait 1
has err "COMPLETED"
[ "$(stat -c %a queue)" = 700 ] || fail "queue folder is not private"

# what show prints can be pasted
"$sfbatch" show 1 | sed -n '/^# The steps/,$p' >paste.sh
rm sub/made
sh paste.sh >pasted 2>&1 || fail "pasted steps"
grep -qx one pasted || fail "pasted steps print something else"

# exit codes: of the failing step, 128+n for a signal; later steps do not run
job fails 'exit 7' 'touch never' >fails.cfg
run 7 "$sfbatch" submit --wait fails.cfg
has err "FAILED, step 1 of 2 (command) exited with code 7"
[ ! -e never ] || fail "a step ran after a failed one"
is_state 2 "FAILED 7"
run 7 "$sfbatch" wait 2
job killed 'kill -9 $$' >killed.cfg
run 137 "$sfbatch" submit --wait killed.cfg
has err "FAILED, step 1 of 1 (command) was ended by signal 9 (Killed)"
printf 'name = "none"; steps = ( { do = "command"; argv = [ "no-such-program" ]; } );\n' >none.cfg
run 127 "$sfbatch" submit --wait none.cfg
has err "could not be started: no-such-program: No such file or directory"

# what a step leaves running is ended before the job has
naps=3$$ # seconds that no other process sleeps
job leaves "sleep $naps & env -i sleep $naps & setsid sleep $naps & echo one" >leaves.cfg
run 0 "$sfbatch" submit --wait leaves.cfg
is_state 5 "COMPLETED 0"
no_carriers 5
ps -eo pid=,args= | grep "[s]leep $naps" && fail "what a step started lives"

# time limit
job slow 'echo $$ >pid; sleep 300' >slow.cfg
echo 'resources = { time_limit = "1s"; };' >>slow.cfg
run 8 "$sfbatch" submit --wait slow.cfg
has err "TIMEOUT, the time limit of 1 s passed during step 1 of 1 (command)"
no_carriers 6

# memory limit
job big 'exec tail /dev/zero' >big.cfg
echo 'resources = { memory = "64M"; };' >>big.cfg
run 7 "$sfbatch" submit --wait big.cfg
has err "OUT_OF_MEMORY, used"

# cancel
job long 'echo $$ >$SF_JOB_DIR/pid; sleep 300' 'touch never' >long.cfg
run 0 "$sfbatch" submit long.cfg
id=$(cat out)
[ "$id" = 8 ] || fail "id $id, wanted 8"
until_file "queue/jobs/$id/pid"
run 0 "$sfbatch" list
has out "RUNNING"
has out "step 1 of 2 (command)"
"$sfbatch" wait "$id" 2>waited &
waiter=$!
run 0 "$sfbatch" cancel "$id"
has out "job 8 (long): CANCELLED, cancelled on request during step 1 of 2 (command)"
wait "$waiter"
code=$?
[ "$code" -eq 9 ] || fail "wait of a cancelled job: exit $code, wanted 9"
grep -q CANCELLED waited || fail "wait does not say CANCELLED"
no_carriers "$id"
run 2 "$sfbatch" cancel "$id"
has err "job 8: CANCELLED, wanted a job that has not ended"
run 4 "$sfbatch" cancel 99
batch_line
run 4 "$sfbatch" show 99
run 2 "$sfbatch" show one
run 2 "$sfbatch" wait one
batch_line
run 2 "$sfbatch" wait

# Ctrl-C ends the waiting, not the job
job goes-on 'echo $$ >$SF_JOB_DIR/pid; while [ ! -e go ]; do sleep 0.05; done' >go.cfg
# Not through run: a shell starts its background processes with SIGINT ignored.
env --default-signal=INT "$sfbatch" submit --wait go.cfg >out 2>err &
waiter=$!
until_file queue/jobs/9/pid
until_caught "$waiter"
kill -INT "$waiter"
wait "$waiter"
code=$?
[ "$code" -eq 9 ] || fail "interrupted submit --wait: exit $code, wanted 9"
has err "job 9: it goes on, only the waiting was interrupted; sfbatch wait 9 waits again, sfbatch cancel 9 ends it"
is_state 9 "RUNNING null"
touch go
run 0 "$sfbatch" wait 9

# names that mean harm
printf '%s\n' "name = \"'; DROP TABLE job; --\\n../../x\\\"\\x1b[31m\";" \
  'steps = ( { do = "command"; argv = [ "true" ]; } );' >harm.cfg
run 0 "$sfbatch" submit --wait harm.cfg
has err "'; DROP TABLE job; --\\x0a../../x\"\\x1b[31m"
run 0 "$sfbatch" list
has out "'; DROP TABLE job; --\\x0a../../x\"\\x1b[31m"

# several at once, from one folder
job par 'sleep 0.1' >par.cfg
for i in 1 2 3 4 5 6; do "$sfbatch" submit par.cfg >"id-$i" 2>"err-$i" & done
wait
cat id-* | sort -n | tr '\n' ' ' | grep -qx '11 12 13 14 15 16 ' || { fail "parallel ids:" $(cat id-* err-*); }
run 0 "$sfbatch" wait --all
run 0 "$sfbatch" wait 11 12 13 14 15 16
[ "$(grep -c COMPLETED out)" -eq 6 ] || fail "not six COMPLETED"
run 7 "$sfbatch" wait 1 2 3
run 0 "$sfbatch" list --all --json
[ "$(grep -c '"id":' out)" -eq 16 ] || fail "list --json has not 16 jobs"

# one job of the queue is as bad as its folder
rm -r queue/jobs/16
run 0 "$sfbatch" list

# submit --check records nothing
run 0 "$sfbatch" submit --check par.cfg
has out "par.cfg: 1 step, no errors"
[ ! -e queue/jobs/17 ] || fail "--check made a job"
finish

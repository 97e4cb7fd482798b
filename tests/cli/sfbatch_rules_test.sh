#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What job files say beside their steps, run: matrices, jobs that wait for others, further attempts, environment, hold, notify.
. "${SF_SOURCE_DIR:?run by make check}/tests/cli/sfbatch_lib.sh"
cd "$work" || exit 99
mkdir -m 700 queue
echo 'cores = 2; memory = "1G"; tiles = 2;' >queue/sfd.cfg

# a matrix: an id, a folder and values of its own for each
cat >matrix.cfg <<'EOF_'
name = "m"; project = "night"; environment = { WORD = "two words"; FROM = "file"; };
matrix: { a = [ 1, 2 ]; b = [ "x", "y" ]; };
steps = ( { do = "command"; argv = [ "sh", "-c", "echo ${a}${b} $SF_MATRIX_A $SF_MATRIX_B $WORD $FROM ${HOMELESS}; pwd" ]; } );
EOF_
run 0 env FROM=shell HOMELESS=home "$sfbatch" submit --wait matrix.cfg
head -n 4 out | tr '\n' ' ' | grep -qx '1 2 3 4 ' || fail "ids of a matrix: $(cat out)"
has out "job 4 (m a=2 b=y): COMPLETED"
for job in '1 1x 1 x' '2 1y 1 y' '3 2x 2 x' '4 2y 2 y'; do
  id=${job%% *}
  run 0 "$sfbatch" logs "$id" --step 1
  printf '%s two words file home\n%s\n' "${job#* }" "$work" | cmp - out || fail "job $id"
done
run 0 "$sfbatch" show 2
has out "element    a=1 b=y"
has out "project    night"
run 0 "$sfbatch" list --json
has out '"element": "a=2 b=x"'

# jobs that wait for others; a condition that cannot hold any more ends the job
sleeps () { # NAME COMMAND MORE
  printf 'name = "%s"; %s\nsteps = ( { do = "command"; argv = [ "sh", "-c", "%s" ]; } );\n' "$1" "${3-}" "$2" >"$1.cfg"
}
sleeps first 'while [ ! -e go ]; do sleep 0.02; done; exit 3'
sleeps ok true 'afterok = "first";'
sleeps notok true 'afternotok = [ "first" ];'
sleeps any true 'after = 5;'
sleeps chain true 'afterok = [ "any", "notok" ];'
sleeps hopeless true 'afterok = [ "ok" ];'
for job in first ok notok any chain hopeless; do run 0 "$sfbatch" submit $job.cfg; done
run 0 "$sfbatch" list
has out "waits for job 5 to complete"
has out "waits for job 5 to fail"
has out "waits for job 5 to end"
has out "waits for job 7 to complete"
touch go
run 3 "$sfbatch" wait 5 6 7 8 9 10
is_state 5 "FAILED 3"
is_state 6 "CANCELLED 9"
is_state 7 "COMPLETED 0"
is_state 8 "COMPLETED 0"
is_state 9 "COMPLETED 0"
is_state 10 "CANCELLED 9"
run 0 "$sfbatch" show 6
has out "never: waits for job 5 to complete, it is FAILED"
sleeps lonely true 'afterok = "nobody";'
run 4 "$sfbatch" submit lonely.cfg
has err 'lonely.cfg:1: no job is named "nobody", wanted one that was submitted before'
sleeps lonely true 'after = 99;'
run 4 "$sfbatch" submit lonely.cfg
has err 'lonely.cfg:1: no job 99, wanted one that was submitted before'
run 0 "$sfbatch" list --all --json
[ "$(grep -c '"id":' out)" -eq 10 ] || fail "a refused submission left a job"

# further attempts begin at the step that failed, and the others keep their logs
cat >again.cfg <<'EOF_'
name = "again"; retries = { max = 2; delay = "0"; };
steps = ( { do = "command"; argv = [ "sh", "-c", "echo one; echo x >>ones" ]; },
          { do = "command"; argv = [ "sh", "-c", "echo x >>twos; [ $(wc -l <twos) -eq 3 ]" ]; },
          { do = "command"; argv = [ "sh", "-c", "echo three" ]; } );
EOF_
run 0 "$sfbatch" submit --wait again.cfg
has out one
has out three
is_state 11 "COMPLETED 0"
[ "$(wc -l <ones)" -eq 1 ] || fail "a step that was done ran again"
[ "$(wc -l <twos)" -eq 3 ] || fail "wanted three attempts at the second step"
run 0 "$sfbatch" logs 11
has out one
rm ones twos
sed -i 's/max = 2/max = 1/' again.cfg
run 1 "$sfbatch" submit --wait again.cfg
is_state 12 "FAILED 1"
[ "$(wc -l <twos)" -eq 2 ] || fail "wanted two attempts"
sleeps picky 'echo x >>picky; exit 1' 'retries = { max = 5; delay = 0; on = [ "lost", "timeout" ]; };'
run 1 "$sfbatch" submit --wait picky.cfg
[ "$(wc -l <picky)" -eq 1 ] || fail "a failed job was tried again on timeout"

# between two attempts the job waits, and says so; a daemon that is killed then knows it as well
sleeps later 'exit 1' 'retries = { max = 1; delay = "1h"; };'
run 0 "$sfbatch" submit later.cfg
n=0
until "$sfbatch" show 14 | grep -q "reason *waits until .*; attempt 1 FAILED, step 1 of 1 (command) exited with code 1"; do
  n=$((n + 1))
  [ $n -lt 200 ] || { fail "no reason of waiting"; "$sfbatch" show 14; break; }
  sleep 0.05
done
kill -9 "$(sfd_pid queue)"
is_state 14 "PENDING null"
run 0 "$sfbatch" cancel 14
is_state 14 "CANCELLED 9"

# a shepherd that is killed: LOST, and another attempt if the file says so
sleeps lost 'echo $PPID >>pids; [ -e pids2 ] || { touch pids2; sleep 60; }' 'retries = { max = 1; delay = 0; on = "lost"; };'
run 0 "$sfbatch" submit lost.cfg
until_file pids
kill -9 "$(cat pids)"
run 0 "$sfbatch" wait 15
[ "$(wc -l <pids)" -eq 2 ] || fail "wanted two attempts at a lost job"
no_carriers 15

# held and released
run 0 "$sfbatch" submit --hold first.cfg
run 0 "$sfbatch" list
has out " held"
is_state 16 "PENDING null"
"$sfbatch" wait --all >waited 2>said &
waiter=$!
"$sfbatch" wait 15 16 >waited.two 2>said.two &
other=$!
for file in said said.two; do
  until_file "$file"
  grep -qx 'sfbatch: job 16 is held; sfbatch release 16 lets it go' "$file" || fail "wait for a held job: $(cat "$file")"
done
run 0 "$sfbatch" release 16
wait "$waiter"
wait "$other"
run 3 "$sfbatch" wait 16
run 2 "$sfbatch" hold 16
has err "job 16: FAILED, wanted a job that waits"
run 2 "$sfbatch" release x
has err "x: found no job id, wanted a number such as sfbatch list shows, or a range"
batch_line

# somebody is told, once, of the end
cat >told.cfg <<'EOF_'
name = "to'ld"; retries = { max = 1; delay = 0; };
notify = [ "sh", "-c", "echo \"$SF_JOB_ID $SF_JOB_NAME $SF_JOB_STATE $SF_JOB_EXIT $SF_JOB_REASON\" >>told; echo printed" ];
steps = ( { do = "command"; argv = [ "false" ]; } );
EOF_
run 1 "$sfbatch" submit --wait told.cfg
until_file told
until_file queue/jobs/17/notify.log
echo "17 to'ld FAILED 1 step 1 of 1 (command) exited with code 1" | cmp - told || fail "notify: $(cat told)"

# ranges of ids, as arrays have them; what has ended keeps the others from nothing
sed -i 's/^name/array = "0-3"; name/' later.cfg
run 0 "$sfbatch" submit --hold later.cfg
run 0 "$sfbatch" release 18-19
run 2 "$sfbatch" cancel 17 18-20 21
# The two that were released may have failed by themselves just before.
[ "$(grep -c -e CANCELLED -e 'FAILED, step 1 of 1' out)" -eq 4 ] || fail "wanted four that have ended"
has err "job 17: FAILED, wanted a job that has not ended"

# retry: by hand, also of what was cancelled because of another; it waits for that one again
run 0 "$sfbatch" retry 5 6 10
run 3 "$sfbatch" wait 5 6 10
is_state 5 "FAILED 3"
is_state 6 "CANCELLED 9"
[ -e queue/jobs/5/attempt-2/exit.json ] || fail "no second attempt"
run 2 "$sfbatch" retry 7
has err "job 7: COMPLETED, wanted one that has ended and is not COMPLETED"
run 4 "$sfbatch" retry 999
sleeps fixed '[ -e fixed ]'
sleeps after true 'afterok = "fixed";'
run 0 "$sfbatch" submit fixed.cfg
run 0 "$sfbatch" submit after.cfg
run 9 "$sfbatch" wait 23
touch fixed
run 0 "$sfbatch" retry 22 23
run 0 "$sfbatch" wait 22 23
is_state 23 "COMPLETED 0"

# priority decides who goes first
rm -f go order
sleeps full 'while [ ! -e go ]; do sleep 0.02; done' 'resources = { cores = 2; };'
sleeps low 'echo low >>order' 'resources = { cores = 2; };'
sleeps high 'echo high >>order' 'priority = 5; resources = { cores = 2; };'
for job in full low high; do run 0 "$sfbatch" submit $job.cfg; done
touch go
run 0 "$sfbatch" wait 24-26
printf 'high\nlow\n' | cmp - order || fail "priority"

# some of an array at once: the others wait, and whoever comes later does not
cat >some.cfg <<'EOF_'
name = "some"; array = "0-3%1";
steps = ( { do = "command"; argv = [ "sh", "-c", "echo + >>some; [ $(wc -l <some) -eq 1 ] || exit 7; while [ ! -e many ]; do sleep 0.02; done; : >some" ]; } );
EOF_
run 0 "$sfbatch" submit --check some.cfg
has out "4 jobs of 1 step, at most 1 at once, no errors"
run 0 "$sfbatch" submit some.cfg
sleeps beside true
run 0 "$sfbatch" submit --wait beside.cfg
run 0 "$sfbatch" show 30
has out "waits for job 27 or another of its array to end: at most 1 run at once"
run 0 "$sfbatch" list
[ "$(grep -c 'at most 1 run at once' out)" -eq 3 ] || fail "three of an array wait"
kill -9 "$(sfd_pid queue)"
touch many
run 0 "$sfbatch" wait 27-31

# of many that end at once all are told of, also by an sfd that is ended meanwhile: it takes its time, and answers
rm told
sed -i 's/^name/array = "1-1000"; name/; s/SF_JOB_ID .*\\" >>/SF_JOB_ID\\" >>/' told.cfg
"$sfbatch" submit --hold told.cfg >ids || fail "submit of an array"
first=$(sed -n 's/^\([0-9]*\).*/\1/p' ids | head -n 1)
run 0 "$sfbatch" cancel "$first-$((first + 999))"
ending=$(sfd_pid queue)
kill "$ending"
run 0 "$sfbatch" submit --hold some.cfg
kill -0 "$ending" || fail "sfd has ended before it has told of all"
n=0
until [ -e told ] && [ "$(wc -l <told)" -ge 1000 ] || [ $n -ge 3000 ]; do n=$((n + 1)); sleep 0.02; done
seq "$first" $((first + 999)) >wanted
sort -n told | cmp - wanted || fail "not all were told of once"
finish

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sfd: jobs wait their turn and say for what, a killed daemon is started again and loses nothing, its socket refuses what it does not understand.
. "${SF_SOURCE_DIR:?run by make check}/tests/cli/sfbatch_lib.sh"
cd "$work" || exit 99
mkdir -m 700 queue
echo 'cores = 1; memory = "1G"; tiles = 2;' >queue/sfd.cfg

# one core: the second job waits for the first, a third that wants two cores for ever
job holds 'echo $$ >$SF_JOB_DIR/pid; while [ ! -e go ]; do sleep 0.05; done' >holds.cfg
job next 'echo $SF_RDU_TILES' >next.cfg
echo 'resources = { tiles = 2; };' >>next.cfg
job wide 'true' >wide.cfg
echo 'resources = { cores = 2; };' >>wide.cfg
for job in holds next wide; do run 0 "$sfbatch" submit $job.cfg; done
until_file queue/jobs/1/pid
is_state 1 "RUNNING null"
is_state 2 "PENDING null"
[ ! -e queue/jobs/2 ] || fail "a job that waits has a folder"
run 0 "$sfbatch" list
has out "waits for 1 core"
has out "never: wants 2 cores of 1"
run 0 "$sfbatch" show 2
has out "waits for 1 core"
has out "sh -c 'echo"
run 0 "$sfbatch" cancel 3
has out "CANCELLED, cancelled on request before it began"

# killed with one job under way and one waiting: whoever asks starts another, which finds both
for i in 1 2 3; do
  daemon=$(sfd_pid queue)
  kill -9 "$daemon"
  is_state 1 "RUNNING null"
  is_state 2 "PENDING null"
  [ "$(sfd_pid queue)" != "$daemon" ] || fail "no other daemon"
done
kill -9 "$(sfd_pid queue)"
touch go
run 0 "$sfbatch" wait 1
run 0 "$sfbatch" submit --wait next.cfg
run 0 "$sfbatch" wait 2
is_state 1 "COMPLETED 0"
run 0 "$sfbatch" logs 2 --step 1
has out "0-1"
no_carriers 1

# submitted from elsewhere, the job sees that environment, umask and limits
mkdir sub
job env 'echo $WORD; umask; ulimit -Sn; pwd' >sub/env.cfg
(umask 0027; ulimit -Sn 99; cd sub && WORD='two words' "$sfbatch" submit --wait env.cfg) >out 2>err
printf '5\ntwo words\n0027\n99\n%s\n' "$work/sub" | cmp - out || fail "environment of a job"

# ended by TERM, with a job under way
rm go queue/jobs/1/pid
run 0 "$sfbatch" submit holds.cfg
until_file queue/jobs/6/pid
daemon=$(sfd_pid queue)
kill "$daemon"
n=0
while kill -0 "$daemon" 2>/dev/null && [ $n -lt 200 ]; do n=$((n + 1)); sleep 0.05; done
[ -z "$(sfd_pid queue)" ] || fail "sfd.lock still names a daemon"
[ ! -e queue/sfd.sock ] || fail "the socket is still there"
touch go
until_file queue/jobs/6/attempt-1/exit.json
is_state 6 "COMPLETED 0"

# a machine that went down: the attempt is of another boot, and nothing lives
if command -v python3 >/dev/null; then
  rm go
  run 0 "$sfbatch" submit holds.cfg
  until_file queue/jobs/7/pid
  kill -9 "$(sfd_pid queue)"
  kill -9 $(carriers 7 | sed 's|/proc/\([0-9]*\)/environ|\1|') 2>/dev/null
  python3 -c 'import sqlite3; db = sqlite3.connect ("queue/store.db"); db.execute ("UPDATE attempt SET boot_id = ? WHERE job = 7", ("another",)); db.commit ()'
  sed -i 's/"boot_id":"[^"]*"/"boot_id":"another"/' queue/jobs/7/attempt-1/shepherd.json
  # What the power takes from a file that was being written.
  : >queue/jobs/7/attempt-1/exit.json
  run 11 "$sfbatch" wait 7
  has err "LOST, the machine went down at step 1 of 1 (command)"

  # the socket
  cat >ask.py <<'EOF'
import os, socket, sys
s = socket.socket (socket.AF_UNIX)
s.settimeout (20)
s.connect ("queue/sfd.sock")
got = b""
try:
    s.sendall (sys.argv[1].encode ().replace (b"%", b"\n") if sys.argv[1] != "huge" else b"x" * (2 << 20))
    while got.count (b"\n") < int (sys.argv[2]):
        more = s.recv (65536)
        if not more:
            break
        got += more
except ConnectionError:
    pass
sys.stdout.write (got.decode () or "closed\n")
EOF
  ask () { python3 ask.py "$1" "$2" >out 2>&1; grep -qF "$3" out || { fail "asked $1, wanted $3"; cat out; }; }
  ask '{"protocol":1,"do":"status","new":[1]}%' 1 '"ok":true'
  ask '{"protocol":2,"do":"status"}%' 1 'protocol 2, wanted 1'
  ask '{"protocol":1,"do":"dance"}%' 1 'found \"dance\"'
  ask '{"protocol":1}%' 1 'key \"do\": found nothing'
  ask 'no JSON%{"protocol":1,"do":"wake"}%' 2 '"ok":true'
  ask '{"protocol":1,"do":"cancel","job":"7"}%' 1 'found a string, wanted an integer'
  ask '{"protocol":1,"do":"cancel","job":7}%' 1 'job 7: LOST, wanted a job that has not ended'
  ask '{"protocol":1,"do":"cancel","job":99}%' 1 'job 99: not found'
  ask huge 1 'closed'
  # held, a job does not start
  run 0 "$sfbatch" submit holds.cfg
  run 0 "$sfbatch" submit next.cfg
  ask '{"protocol":1,"do":"hold","job":9}%' 1 '"ok":true'
  run 0 "$sfbatch" list
  has out "held"
  kill -9 "$(sfd_pid queue)"
  run 0 "$sfbatch" list
  has out "held"
  touch go
  run 0 "$sfbatch" wait 8
  is_state 9 "PENDING null"
  ask '{"protocol":1,"do":"release","job":9}%' 1 '"ok":true'
  run 0 "$sfbatch" wait 9
  # many jobs in one request are one transaction; what cannot be is told of each
  sed 's/^name/array = "1-1000"; name/' next.cfg >many.cfg
  run 0 "$sfbatch" submit --hold many.cfg
  commits () { ask '{"protocol":1,"do":"status"}%' 1 '"ok":true'; sed 's/.*"commits":\([0-9]*\).*/\1/' out; }
  before=$(commits)
  run 2 "$sfbatch" cancel 8-1009
  [ "$(commits)" -eq $((before + 1)) ] || fail "a range: $(commits) commits after $before"
  run 2 "$sfbatch" cancel 8-12 1010
  printf 'sfbatch: job %s\n' '8: COMPLETED, wanted a job that has not ended' '9: COMPLETED, wanted a job that has not ended' \
    '10: CANCELLED, wanted a job that has not ended' '11: CANCELLED, wanted a job that has not ended' \
    '12: CANCELLED, wanted a job that has not ended' '1010: not found; sfbatch list --all shows what there is' | cmp - err || { fail "errors of a range:"; cat err; }
  ask '{"protocol":1,"do":"hold","jobs":[12,99999]}%' 1 '"job":99999'
  ask '{"protocol":1,"do":"hold","jobs":12}%' 1 'wanted an array of at most 10000 ids'
fi

# a daemon that is stopped is named, not waited for again and again
run 0 "$sfbatch" submit --hold next.cfg
held=$(cat out)
stopped=$(sfd_pid queue)
kill -STOP "$stopped"
run 0 env SF_SFD_TIMEOUT=1 "$sfbatch" list
grep -q "sfd: no answer within 1 s; .*; this is what was recorded last" err && grep -q 'PENDING .* next ' out || { fail "list while sfd is stopped:"; cat err out; }
run 8 env SF_SFD_TIMEOUT=1 "$sfbatch" release 1-9
kill -CONT "$stopped"
has err "sfd: no answer within 1 s; if its process $stopped is stopped or hangs, continue or kill it"
batch_line

# following ends, too: with the same error, or by a signal while an answer is waited for
run 0 "$sfbatch" submit --hold next.cfg
other=$(cat out) followers=
for seconds in 3 60; do
  for ids in "$held" "$held $other"; do
    SF_SFD_TIMEOUT=$seconds "$sfbatch" wait $ids >/dev/null 2>"follow-$seconds-${ids#* }" &
    followers="$followers $!"
  done
done
for follower in $followers; do until_caught "$follower"; done
stopped=$(sfd_pid queue)
kill -STOP "$stopped"
# ends CODE PID...
ends () {
  code=$1
  shift
  for follower; do
    wait "$follower"
    found=$?
    [ "$found" -eq "$code" ] || fail "following a stopped sfd ends with $found, wanted $code"
  done
}
set -- $followers
ends 8 "$1" "$2"
kill "$3" "$4"
ends 9 "$3" "$4"
kill -CONT "$stopped"
for ids in "$held" "$other"; do
  grep -q 'sfd: no answer within 3 s' "follow-3-$ids" || { fail "following while sfd is stopped:"; cat "follow-3-$ids"; }
  grep -q 'only the waiting was interrupted' "follow-60-$ids" || { fail "following is interrupted:"; cat "follow-60-$ids"; }
done

# an executor that is there no more is asked for again and again, and nothing ends by that; once it is back, what has ended is seen
has_executor () {
  python3 -c 'import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); db.execute("UPDATE job SET state = \"STARTING\", executor = ? WHERE id = ?", sys.argv[2:]); db.commit()' queue/store.db "$@"
}
if command -v python3 >/dev/null; then
  rm -f go
  "$sfbatch" submit holds.cfg >id || fail "submit"
  id=$(cat id)
  until_file "queue/jobs/$id/pid"
  kill -9 "$(sfd_pid queue)" "$(sed 's/.*"pid":\([0-9]*\).*/\1/' "queue/jobs/$id/attempt-1/shepherd.json")"
  has_executor gone "$id"
  n=0
  until "$sfbatch" show "$id" | grep -q 'waits for gone: executor gone: not found' || [ $n -ge 200 ]; do
    n=$((n + 1))
    sleep 0.02
  done
  [ $n -lt 200 ] || { fail "nothing is said of an executor that is gone"; "$sfbatch" show "$id"; }
  kill -9 "$(sfd_pid queue)"
  has_executor local "$id"
  run 11 "$sfbatch" wait "$id"
  no_carriers "$id"
fi

# until_listens FOLDER: its sfd, at most a minute.
until_listens () {
  n=0
  until [ -S "$1/sfd.sock" ] || [ $n -ge 3000 ]; do n=$((n + 1)); sleep 0.02; done
}

# ended while an executor takes its time to answer, and others wait for that: sfd ends as it should, and they ask the next one
mkdir -m 700 slow-queue slurm
echo 'executor = "slurm";' >slow-queue/sfd.cfg
printf '#!/bin/sh\necho 17\n' >slurm/sbatch
printf '#!/bin/sh\necho asked >>"%s/slurm/asked"; sleep 3\n' "$work" >slurm/squeue
chmod +x slurm/sbatch slurm/squeue
old_path=$PATH
PATH=$work/slurm:$PATH
SF_QUEUE_DIR=$work/slow-queue
"$SF_LIBEXEC_DIR/sfd" --idle 0 2>ended &
ending=$!
until_listens slow-queue
job slow true >slow.cfg
run 0 "$sfbatch" submit slow.cfg
until_file slurm/asked
"$sfbatch" list >listed 2>&1 &
lists=$!
sleep 0.3
kill "$ending"
sleep 0.3
run 0 "$sfbatch" list
wait "$lists" || { fail "list while sfd ends:"; cat listed; }
wait "$ending" || { fail "sfd told to end while an executor answers: exit $?"; cat ended; }
PATH=$old_path
SF_QUEUE_DIR=$work/queue

# one whose folder was removed and made again leaves the socket of the next one alone
mkdir -m 700 again
SF_QUEUE_DIR=$work/again
"$SF_LIBEXEC_DIR/sfd" --idle 0 2>ended &
ending=$!
until_listens again
kill -STOP "$ending"
rm -r again
mkdir -m 700 again
job again true >again.cfg
run 0 "$sfbatch" submit --hold again.cfg
kill -CONT "$ending"
wait "$ending" || { fail "sfd whose folder was removed: exit $?"; cat ended; }
[ -S again/sfd.sock ] || fail "the socket of another sfd was removed"
run 0 "$sfbatch" show 1
SF_QUEUE_DIR=$work/queue
finish

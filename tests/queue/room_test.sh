#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A disk that is full, and one that cannot be written to: a clear error, nothing lost, and the queue goes on by itself when there is room.
# The queue lies on a small filesystem of its own, seen by this test alone.
. "${SF_SOURCE_DIR:?run by make check}/tests/cli/sfbatch_lib.sh"
if [ -z "${SF_ROOM_MOUNTED-}" ]; then
  unshare -m sh -c 'mount -t tmpfs -o size=1m none "$1"' sh "$work" 2>/dev/null || { echo "no filesystem can be mounted here"; exit 77; }
  SF_ROOM_MOUNTED=yes unshare -m "$0"
  exit
fi
mkdir "$work/disk"
mount -t tmpfs -o size=1m,nr_inodes=100 none "$work/disk" || exit 99
trap 'status=$?; end_daemons; cd /; umount "$work/disk"; rm -rf "$work"; exit $status' EXIT
cd "$work" || exit 99
SF_QUEUE_DIR=$work/disk/queue
mkdir -m 700 "$SF_QUEUE_DIR"
echo 'cores = 1;' >"$SF_QUEUE_DIR/sfd.cfg"
job long 'while [ ! -e go ]; do sleep 0.05; done; echo done >>ran' >long.cfg
job next 'echo next >>ran' >next.cfg

# fill: until not one byte more fits, in whatever sfd does meanwhile.
fill () {
  cat /dev/zero >>disk/filler 2>/dev/null
  sleep 0.2
  cat /dev/zero >>disk/filler 2>/dev/null
}

run 0 "$sfbatch" submit long.cfg
run 0 "$sfbatch" submit next.cfg
until_file disk/queue/jobs/1/attempt-1/shepherd.json
is_state 1 "RUNNING null"

# full: submit says so and records nothing
fill
run 11 "$sfbatch" submit next.cfg
batch_line
has err "full"
has err "free some space"

# the job ends, which cannot be recorded; whoever asks is told so, at once and every time
touch go
until_file ran
sleep 0.2
for words in "list" "show 1"; do
  # shellcheck disable=SC2086
  run 0 "$sfbatch" $words
  grep -q COMPLETED "$work/out" && fail "$words: COMPLETED, and no record of it"
done
[ "$(carriers 1 | wc -l)" -ge 1 ] || fail "the shepherd has left without a record"

# room: all goes on, and nothing was lost
rm disk/filler
run 0 "$sfbatch" wait 1
run 0 "$sfbatch" wait 2
is_state 1 "COMPLETED 0"
is_state 2 "COMPLETED 0"
printf 'done\nnext\n' | cmp - ran || fail "what ran"
run 0 "$sfbatch" list --all --json
[ "$(grep -c '"id":' out)" -eq 2 ] || fail "a refused submit left a job"

# sfd cannot write to its store: it says so to whoever asks, and starts what it could not start once it can
rm -f go ran
run 0 "$sfbatch" submit long.cfg
run 0 "$sfbatch" submit --hold next.cfg
until_file disk/queue/jobs/3/attempt-1/shepherd.json
is_state 3 "RUNNING null"
fill
run 11 "$sfbatch" release 4
has err "noted, but not recorded yet"
has err "free some space"
for words in "list" "show 3"; do
  # shellcheck disable=SC2086
  run 0 "$sfbatch" $words
  has err "sfd cannot record what happens"
done
rm disk/filler
touch go
run 0 "$sfbatch" wait 3 4
is_state 4 "COMPLETED 0"
[ "$(grep -c 'trying again every second' disk/queue/sfd.log)" -le 3 ] || fail "sfd.log: the same every second"

# no file can be created: a job that was recorded begins once there is room for its folder
n=0
while touch disk/some-$n 2>/dev/null; do n=$((n + 1)); done
run 0 "$sfbatch" submit next.cfg
n=0
until "$sfbatch" list | grep -q 'waits for room on the disk'; do
  n=$((n + 1))
  [ $n -lt 50 ] || { fail "a job that cannot be started does not wait"; break; }
  sleep 0.1
done
rm disk/some-*
run 0 "$sfbatch" wait 5

# read-only: reading and submitting say so, and all is there afterwards
end_daemons
mount -o remount,ro "$work/disk" || fail "cannot remount"
for words in "list" "submit next.cfg" "show 4"; do
  # shellcheck disable=SC2086
  run 11 "$sfbatch" $words
  batch_line
  has err "Read-only file system"
done
mount -o remount,rw "$work/disk"
run 0 "$sfbatch" submit --wait next.cfg
for id in 1 2 3 4 5 6; do is_state $id "COMPLETED 0"; done
finish

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Memory by cgroup v2: counted by the kernel, its limit, cancel, a shepherd that is killed, nothing left behind. Runs where this process may
# make groups that count memory: beside its own cgroup, or, as root, anywhere. machine_test.sh runs it in a virtual machine.
. "${SF_SOURCE_DIR:?run by make check}/tests/cli/sfbatch_lib.sh"
mount=$(awk '/ - cgroup2 / { print $5; exit }' /proc/self/mountinfo)
own=$(sed -n 's/^0:://p' /proc/self/cgroup)

# Sets groups: a folder of our own there.
make_groups () {
  for above in "$mount${own%/*}" "$mount"; do
    groups=$above/sf-test.$$
    grep -qw memory "$above/cgroup.subtree_control" 2>/dev/null && mkdir "$groups" 2>/dev/null || continue
    mkdir "$groups/sfd" && sh -c 'echo $$ >"$0/cgroup.procs"' "$groups/sfd" 2>/dev/null && return
    rmdir "$groups"/* "$groups"
  done
  return 1
}
[ -n "$mount" ] && make_groups || { echo "no cgroup v2 with memory that is delegated to us"; exit 77; }
trap 'status=$?; end_daemons; remove_groups; rm -rf "$work"; exit $status' EXIT

remove_groups () {
  n=0
  while [ -d "$groups" ] && [ $n -lt 100 ]; do
    kill -9 $(find "$groups" -name cgroup.procs -exec cat {} +) 2>/dev/null
    find "$groups" -depth -type d -exec rmdir {} \; 2>/dev/null
    n=$((n + 1))
    sleep 0.05
  done
}

# start_sfd GROUP: a daemon that begins its life in this group.
start_sfd () {
  rm -f "$SF_QUEUE_DIR/sfd.sock"
  sh -c 'echo $$ >"$0/cgroup.procs" && exec "$1" --idle 0' "$1" "$SF_LIBEXEC_DIR/sfd" 2>>"$SF_QUEUE_DIR/sfd.log" &
  n=0
  until [ -S "$SF_QUEUE_DIR/sfd.sock" ]; do
    n=$((n + 1))
    [ $n -lt 600 ] || { fail "sfd does not begin"; cat "$SF_QUEUE_DIR/sfd.log"; exit 1; }
    sleep 0.05
  done
}

# describe FILE MEMORY COMMAND...
describe () {
  name=$1
  memory=$2
  shift 2
  job "$name" "$@" | sed "s/^steps/resources = { memory = \"$memory\"; };\nsteps/" >"$work/$name.cfg"
}

# submit FILE MEMORY COMMAND...: sets id.
submit () {
  describe "$@"
  id=$("$sfbatch" submit "$work/$1.cfg") || fail "submit $1"
}

# ends ID "STATE exit" [REASON]
ends () {
  "$sfbatch" wait "$1" >"$work/out" 2>"$work/err"
  is_state "$1" "$2"
  "$sfbatch" show "$1" >"$work/out"
  [ -z "${3-}" ] || has out "$3"
}

# by_kernel ID LEAST MOST: what the job took, in MiB; before Linux 5.19 (memory.peak) less may have been seen.
by_kernel () {
  least=$2
  [ -e "$groups/sfd/memory.peak" ] || least=0
  "$sfbatch" show "$1" >"$work/out"
  has out "at most, by the kernel's count (cgroup)"
  awk -v least="$least" -v most="$3" '/^memory/ { good = $2 >= least && $2 <= most } END { exit !good }' "$work/out" || fail "job $1: memory not within $2 and $3 MiB"
}

shepherd () {
  until_file "$SF_QUEUE_DIR/jobs/$1/attempt-1/shepherd.json"
  sed 's/.*"pid":\([0-9]*\).*/\1/' "$SF_QUEUE_DIR/jobs/$1/attempt-1/shepherd.json"
}

# lives MARK: a process that sleeps for so long.
lives () {
  cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' '_' | grep -q "slee[p]_$1_"
}

until_lives () {
  n=0
  until lives "$1"; do
    n=$((n + 1))
    [ $n -lt 300 ] || { fail "no process sleeps for $1"; return; }
    sleep 0.1
  done
}

# none_left ID MARK
none_left () {
  lives "$2" && fail "job $1: a process of it lives"
  [ ! -d "$(sed 's/.*"group":"\([^"]*\)".*/\1/' "$SF_QUEUE_DIR/jobs/$1/attempt-1/shepherd.json")" ] || fail "job $1: its group is there"
}

# take MIB SECONDS: memory, held for so long.
cat >"$work/take" <<'TAKE'
awk -v n="$1" -v s="$2" 'BEGIN { t = "x"; while (length (t) < 1048576) t = t t; for (i = 0; i < n; i++) a[i] = t i; system ("sleep " s) }'
TAKE
# Nobody finds it by its token or its ancestors, and TERM does not end it.
cat >"$work/hide" <<'HIDE'
env -i PATH="$PATH" setsid sh -c "trap '' TERM; sleep $1 & wait; wait" &
HIDE
mark=6$$
mkdir -m 700 "$work/queue" "$work/nested" "$work/small" "$work/alone" "$work/crowd"
for folder in queue nested small alone crowd; do
  printf 'cores = 20; memory = "64G";\n' >"$work/$folder/sfd.cfg"
done
cd "$work" || exit 99

# ---- counted, limited, cancelled, killed ----

start_sfd "$groups/sfd"
submit under 400M "sh take 30 0"
under=$id
submit over 64M "env -i sh take 300 0; true"
over=$id
submit free 0 "sh take 10 0"
free=$id
submit cancelled 64M "trap '' TERM; sh hide ${mark}1; sleep 600 & wait; wait; wait"
cancelled=$id
submit lost 64M "sh hide ${mark}2; sleep 600"
lost=$id
until_lives ${mark}1
until_lives ${mark}2
"$sfbatch" cancel "$cancelled"
kill -9 "$(shepherd "$lost")"
ends "$under" "COMPLETED 0"
by_kernel "$under" 30 399
"$sfbatch" show --json "$under" | grep -q '"by": "cgroup"' || fail "job $under: show --json does not say who counted"
ends "$over" "OUT_OF_MEMORY 7" "used more than 64.0 MiB of memory where 64.0 MiB are allowed during step 1 of 1 (command)"
by_kernel "$over" 60 64
ends "$free" "COMPLETED 0"
by_kernel "$free" 10 1000
ends "$lost" "LOST 11" "its shepherd was killed at step 1 of 1 (command)"
none_left "$lost" "${mark}2"
ends "$cancelled" "CANCELLED 9" "cancelled on request during"
none_left "$cancelled" "${mark}1"

# ---- the daemon is killed as well ----

submit both 64M "sh hide ${mark}3; sleep 600"
both=$id
until_lives ${mark}3
kill -9 "$(sfd_pid "$work/queue")" "$(shepherd "$both")"
lives "${mark}3" || fail "job $both: nothing to end"
start_sfd "$groups/sfd"
ends "$both" "LOST 11"
none_left "$both" "${mark}3"

# ---- a step starts the daemon: what that starts has nothing to do with the step's limit and end ----

SF_QUEUE_DIR=$work/nested
start_sfd "$groups/sfd"
describe inner 400M "sh take 100 0 && echo taken >inner.taken; until [ -e inner.go ]; do sleep 0.1; done"
submit outer 64M "until [ -e outer.go ]; do sleep 0.1; done; kill -9 $(sfd_pid "$work/nested"); $sfbatch submit inner.cfg >inner.id
  until [ -s inner.taken ]; do sleep 0.1; done"
outer=$id
touch outer.go
until_file inner.taken
ends "$outer" "COMPLETED 0"
touch inner.go
inner=$(cat inner.id)
ends "$inner" "COMPLETED 0"
by_kernel "$inner" 90 399
SF_QUEUE_DIR=$work/queue

# ---- shepherds are killed while they make their groups ----

for nap in 0 0 0.01 0.02 0.03 0.05 0.1 0.2; do
  submit early 64M "sleep 600"
  killed=$(shepherd "$id")
  sleep $nap
  kill -9 "$killed"
  ends "$id" "LOST 11"
done
[ "$(find "$groups" -mindepth 1 -type d)" = "$groups/sfd" ] || fail "left behind: $(find "$groups" -mindepth 1 -type d)"

# ---- no memory is left for anybody there: a step that gets on without what was ended, one that does not ----

echo +memory >"$groups/cgroup.subtree_control"
mkdir "$groups/small"
echo 100M >"$groups/small/memory.max"
echo +memory >"$groups/small/cgroup.subtree_control"
mkdir "$groups/small/sfd"
SF_QUEUE_DIR=$work/small
start_sfd "$groups/small/sfd"
submit on 0 "sh take 200 0 || true" "exit 3"
ends "$id" "FAILED 3" "step 2 of 2 (command) exited with code 3"
submit off 0 "sh take 200 0 || true" "sh take 200 0"
ends "$id" "OUT_OF_MEMORY 7" "the machine had no memory left during step 2 of 2 (command)"

# ---- a daemon that is alone goes into a child of its cgroup, one that is not leaves it as it is, and polls ----

mkdir "$groups/alone" "$groups/crowd" 2>/dev/null
SF_QUEUE_DIR=$work/alone
start_sfd "$groups/alone"
submit alone 400M "sh take 30 0"
ends "$id" "COMPLETED 0"
by_kernel "$id" 30 399
SF_QUEUE_DIR=$work/crowd
sh -c 'echo $$ >"$0/cgroup.procs" && exec sleep 600' "$groups/crowd" &
until grep -q . "$groups/crowd/cgroup.procs"; do sleep 0.05; done
start_sfd "$groups/crowd"
submit crowd 64M "sh take 300 600"
ends "$id" "OUT_OF_MEMORY 7" "MiB of memory where 64.0 MiB are allowed during step 1 of 1 (command)"
has out "at most, seen by polling (PSS)"
[ "$(find "$groups/crowd" -mindepth 1 -type d)" = "" ] || fail "crowd: $(find "$groups/crowd" -mindepth 1 -type d)"
finish

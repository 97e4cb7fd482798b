# SPDX-License-Identifier: Apache-2.0
# What the tests of sfbatch share; to be sourced.
. "${SF_SOURCE_DIR:?run by make check}/tests/cli/lib.sh"
sfbatch=$SF_BUILD_DIR/tools/sfbatch/sfbatch
SF_QUEUE_DIR=$work/queue
SF_LIBEXEC_DIR=$SF_BUILD_DIR/tools/shepherd
SF_PROGRAM=$sf
export SF_QUEUE_DIR SF_LIBEXEC_DIR SF_PROGRAM

# sfd_pid FOLDER: the daemon of a queue; nothing when none runs.
sfd_pid () {
  sed -n 's/.*"pid":\([0-9]*\).*/\1/p' "$1/sfd.lock" 2>/dev/null
}

# end_daemons: those of the queues of this test; a sanitizer that has found something fails the test.
end_daemons () {
  for lock in $(find "$work" -name sfd.lock 2>/dev/null); do
    pid=$(sfd_pid "${lock%/sfd.lock}")
    [ -z "$pid" ] || kill "$pid" 2>/dev/null || continue
    n=0
    while [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null && [ $n -lt 200 ]; do
      n=$((n + 1))
      sleep 0.05
    done
    if grep -q Sanitizer "${lock%.lock}.log"; then
      cat "${lock%.lock}.log"
      status=1
    fi
  done
}
trap 'status=$?; end_daemons; rm -rf "$work"; exit $status' EXIT

# job NAME COMMAND... >FILE: a job file whose steps are the shell commands.
job () {
  printf 'name = "%s";\nsteps = (\n' "$1"
  shift
  comma=
  for command; do
    printf '%s  { do = "command"; argv = [ "sh", "-c", "%s" ]; }' "$comma" "$command"
    comma=',
'
  done
  printf '\n);\n'
}

# state ID: "STATE exit" of a job.
state () {
  "$sfbatch" list --all --json | awk -v id="$1" '
    /"id":/ { sub (/,/, ""); this = $2 }
    /"state":/ && this == id { gsub (/[",]/, ""); state = $2 }
    /"exit":/ && this == id { sub (/,/, ""); print state, $2 }'
}

# is_state ID "STATE exit"
is_state () {
  found=$(state "$1")
  [ "$found" = "$2" ] || { fail "job $1: found '$found', wanted '$2'"; "$sfbatch" show "$1"; }
}

# carriers ID [ATTEMPT]: processes that carry the token of the job's attempt, the first without.
carriers () {
  token=$(sed 's/.*"token":"\([^"]*\)".*/\1/' "$SF_QUEUE_DIR/jobs/$1/attempt-${2:-1}/plan.json")
  grep -lzxF "SF_ATTEMPT_TOKEN=$token" /proc/[0-9]*/environ 2>/dev/null
}

# The shepherd itself may take a moment to leave after its record is there.
no_carriers () {
  for i in $(seq 100); do
    left=$(carriers "$1")
    [ -z "$left" ] && return
    sleep 0.1
  done
  fail "job $1: processes left:" $left
}

# until_file PATH: waits for it, at most a minute.
until_file () {
  n=0
  while [ ! -s "$1" ]; do
    n=$((n + 1))
    [ $n -lt 3000 ] || { fail "$1 did not appear"; return; }
    sleep 0.02
  done
}

# until_caught PID: waits until the process has said what becomes of it on SIGINT, at most a minute.
until_caught () {
  n=0
  until [ $((0x$(sed -n 's/^SigCgt:[[:space:]]*//p' "/proc/$1/status") & 2)) -ne 0 ]; do
    n=$((n + 1))
    [ $n -lt 3000 ] || { fail "process $1 does not catch SIGINT"; return; }
    sleep 0.02
  done
}

batch_line () {
  [ "$(wc -l <"$work/err")" -eq 1 ] && grep -q '^sfbatch: ' "$work/err" || { fail "stderr is not one line 'sfbatch: ...':"; sed 's/^/  /' "$work/err"; }
}

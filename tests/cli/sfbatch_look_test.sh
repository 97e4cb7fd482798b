#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sfbatch: looking at jobs: filters, forms for programs, history, top, progress of a step.
. "${SF_SOURCE_DIR:?run by make check}/tests/cli/sfbatch_lib.sh"
cd "$work" || exit 99

# field FILE LINE NAME: of what --parsable printed.
field () {
  awk -F'|' -v line="$2" -v name="$3" '
    NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) column = i }
    NR == line + 1 { print $column }' "$1"
}

# ids: of the jobs that the last command printed as JSON.
ids () {
  sed -n 's/^    "id": \([0-9]*\),$/\1/p' out | tr '\n' ' '
}

job good true >good.cfg
job bad 'exit 7' >bad.cfg
job shot 'kill -9 $$' >shot.cfg
job 'odd|name' true >odd.cfg
for project in vision speech; do
  { printf 'project = "%s";\n' "$project"; cat good.cfg; } >"$project.cfg"
done
for file in good bad shot odd vision speech; do
  "$sfbatch" submit "$file.cfg" >/dev/null 2>&1 || fail "submit $file"
done
"$sfbatch" wait --all >/dev/null 2>&1

# filters, alone and together
run 0 "$sfbatch" list --json --state failed
[ "$(ids)" = "2 3 " ] || fail "state failed: $(ids)"
run 0 "$sfbatch" list --json --state failed,completed --project ""
[ "$(ids)" = "1 2 3 4 " ] || fail "two states of no project: $(ids)"
run 0 "$sfbatch" list --json --project vision
[ "$(ids)" = "5 " ] || fail "project: $(ids)"
run 0 "$sfbatch" list --json --name 'g*d' --state completed --project speech
[ "$(ids)" = "6 " ] || fail "name and project: $(ids)"
run 0 "$sfbatch" list --json --since 1h
[ "$(ids)" = "1 2 3 4 5 6 " ] || fail "since 1h: $(ids)"
run 0 "$sfbatch" list --json --since 2099-01-01
[ "$(ids)" = "" ] || fail "since the future: $(ids)"
run 2 "$sfbatch" list --state done
batch_line
has err "wanted one of PENDING"
run 2 "$sfbatch" list --state ""
batch_line
run 2 "$sfbatch" list --since yesterday
batch_line
run 2 "$sfbatch" history --state running
batch_line

# exits: code:signal for people; for programs what wait returns, and both parts
run 0 "$sfbatch" list
grep -q ' 2  FAILED  *7:0 ' out || fail "exit of a step that failed"
grep -q ' 3  FAILED  *0:9 ' out || fail "exit of a step that was shot"
run 0 "$sfbatch" show 3
grep -q '^exit  *0:9$' out || fail "exit that show prints"
run 0 "$sfbatch" list --parsable
[ "$(field out 3 exit) $(field out 3 exit_code) $(field out 3 exit_signal)" = "137 0 9" ] || fail "parsable exit"
[ "$(field out 4 name) $(field out 4 state)" = 'odd\x7cname COMPLETED' ] || fail "a name with a bar in it"
awk -F'|' 'NR == 1 { n = NF } NF != n { exit 1 }' out || fail "lines of different numbers of fields"

# history: attempts, projects
printf 'retries = { max = 2; delay = "0s"; };\n' | cat - bad.cfg >again.cfg
"$sfbatch" submit --wait again.cfg >/dev/null 2>&1
run 0 "$sfbatch" history
grep -q '^ *7  FAILED  *7:0  *3 ' out || fail "three attempts"
grep -q '^vision  *1  *1 ' out || fail "total of a project"
run 0 "$sfbatch" history --json --name bad
[ "$(grep -c '"number":' out)" = 4 ] || fail "attempts in JSON"
run 0 "$sfbatch" show 7
[ "$(grep -c '^ *[123]  FAILED' out)" = 3 ] || fail "attempts that show prints"

# progress: what the step says of itself, half a line at the end left out
cat >slow.cfg <<'END'
name = "slow";
steps = ( { do = "command"; argv = [ "sh", "-c", "printf '{\"epoch\":3,\"epochs\":4,\"loss\":0.5,\"eta_s\":7}\\n{\"ep' >$SF_PROGRESS; touch said; while [ ! -e go ]; do sleep 0.05; done; echo went" ]; } );
resources = { tiles = 1; };
END
run 0 "$sfbatch" submit slow.cfg
n=0
while [ ! -e said ] && [ $n -lt 500 ]; do n=$((n + 1)); sleep 0.02; done
run 0 "$sfbatch" list --state running
has out "step 1 of 1 (command): epoch 3 of 4, loss 0.5000, 7 s left"
run 0 "$sfbatch" show 8 --json
has out '"epochs": 4'
run 0 "$sfbatch" top --once
has out "1 running, 0 waiting"
has out "command 1/1  ##########----------  50%    0.5000        7.0 s  0      slow"
grep -q '^tiles *8 ' out || fail "the job on its tile"
grep -q ' 7  FAILED .* bad: step 1' out || fail "a job that has ended"
run 0 timeout 20 "$sfbatch" top
has out "1 running"

# what another machine runs takes nothing of this one
has_executor () {
  /usr/bin/python3 -c 'import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); db.execute("UPDATE job SET executor = ? WHERE id = 8", sys.argv[2:]); db.commit()' "$SF_QUEUE_DIR/store.db" "$1"
}
has_executor slurm
run 0 "$sfbatch" top --once
has out "1 running"
grep -q '^cores .* 0 of ' out || fail "cores of another machine"
grep -q '^tiles *\. ' out || fail "tiles of another machine"
has_executor local

# logs --follow: until the end, with what comes meanwhile
"$sfbatch" logs 8 --follow >followed 2>follow.err &
follower=$!
touch go
wait $follower || fail "logs --follow"
grep -qx went followed || fail "what was printed meanwhile"
grep -q 'job 8 (slow): COMPLETED' follow.err || fail "the end of it"

# top on a terminal: leaves on q, with the screen as it was; its lines end where the screen does
if command -v script >/dev/null; then
  job '日本語' true >wide.cfg
  run 0 "$sfbatch" submit --hold wide.cfg
  { sleep 0.5; printf q; } | TERM=xterm LC_ALL=C.UTF-8 COLUMNS=40 LINES=40 timeout 20 script -qec "'$sfbatch' top --interval 0.1" wide.txt >/dev/null || fail "top on a narrow terminal"
  grep -q '日本' wide.txt || fail "a name of wide characters"
  grep -q '語' wide.txt && fail "a line is longer than the screen is wide"
  { sleep 0.5; printf q; } | TERM=xterm timeout 20 script -qec "'$sfbatch' top --interval 0.1" screen.txt >/dev/null || fail "top on a terminal"
  grep -q 'q quits' screen.txt || fail "nothing on the screen"
  # so does the line that tells how far a step is
  rm -f go said
  (
    n=0
    until grep -q '] command  ###' status.txt 2>/dev/null || [ $n -ge 500 ]; do n=$((n + 1)); sleep 0.02; done
    touch go
  ) &
  timeout 60 script -qfec "stty cols 40; '$sfbatch' submit --wait slow.cfg" status.txt >/dev/null </dev/null || fail "submit --wait on a narrow terminal"
  tr '\r' '\n' <status.txt | sed 's/^.\[K//' | grep '] command  ###' >lines || fail "no line tells how far the step is"
  [ "$(awk 'length > 39' lines | wc -l)" -eq 0 ] || { fail "a line is longer than the screen is wide:"; cat lines; }
  TERM=no-such-terminal timeout 20 script -qec "'$sfbatch' top" screen.txt >/dev/null </dev/null && fail "an unknown terminal"
  grep -q 'use --once' screen.txt || fail "what to do about an unknown terminal"
fi
finish

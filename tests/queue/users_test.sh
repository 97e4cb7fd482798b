#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Two users on one machine: what one has in the queue the other cannot read, list, cancel, hold or start, not by the socket either.
# Names that mean something to shells, paths and pages are names here.
. "${SF_SOURCE_DIR:?run by make check}/tests/cli/sfbatch_lib.sh"
cd "$work" || exit 99

# ---- names ----

cat >odd.cfg <<'EOF2'
name = "a'b\"c`touch hurt`$(touch hurt)\n../../<script>alert(1)</script>;touch hurt";
project = "../'\"\n$(touch hurt)";
matrix: { level = [ "../../..", "x'; touch hurt; '", "<b>&\n\"" ]; };
environment = { WORD = "${level}'$(touch hurt)"; };
steps = ( { do = "command"; argv = [ "sh", "-c", "printf %s \"$SF_MATRIX_LEVEL|$WORD\"; pwd >>$SF_JOB_DIR/there" ]; } );
notify = [ "sh", "-c", "printf '%s|%s' \"$SF_JOB_NAME\" \"$SF_JOB_ELEMENT\" >$SF_JOB_DIR/told" ];
EOF2
run 0 "$sfbatch" submit odd.cfg
run 0 "$sfbatch" wait --all
for id in 1 2 3; do
  is_state $id "COMPLETED 0"
  [ "$(cat "queue/jobs/$id/there")" = "$work" ] || fail "job $id ran elsewhere"
  until_file "queue/jobs/$id/told"
  grep -qF ';touch hurt' "queue/jobs/$id/told" || fail "notify of job $id"
  run 0 "$sfbatch" show $id
  cp out shown
  # what show prints is pasted into a shell as it stands
  sed -n '/^# step/,$p' shown | grep -v '^#' >pasted
  SF_JOB_DIR=$work SF_MATRIX_LEVEL=1 WORD=2 sh pasted >out 2>err || fail "the pasted step of job $id"
  run 0 "$sfbatch" list --all
  [ "$(wc -l <out)" -eq 4 ] || fail "a name breaks the line of list"
  run 0 "$sfbatch" list --all --json
  has out '\n../../<script>'
done
run 0 "$sfbatch" logs 1
has out "../../..|../../..'\$(touch hurt)"
[ -z "$(find "$work" /tmp/hurt hurt -name hurt 2>/dev/null)" ] || fail "a name was run"
[ "$(ls queue/jobs | tr '\n' ' ')" = "1 2 3 " ] || fail "folders of jobs: $(ls queue/jobs)"

# a model whose folder has such a name: its PEF, its report
odd=$(printf "it's \"odd\" <b>\$(touch hurt)\n..")
mkdir "$odd"
cp "$SF_SOURCE_DIR/apps/logreg/model.cfg" "$odd/model.cfg"
cat >model.cfg <<'EOF2'
name = "model <i>";
model = "it's \"odd\" <b>$(touch hurt)\n../model.cfg";
steps = ( { do = "compile"; report = true; } );
EOF2
run 0 "$sfbatch" submit --wait model.cfg
[ -z "$(find "$work" -name hurt)" ] || fail "the name of a model was run"
grep -l -e '<b>\$(touch' -e 'model <i>' queue/jobs/4/compile-report/* && fail "a name is markup in the report"
run 0 "$sfbatch" show 4
sed -n '/^# step/,$p' out | grep -v '^#' >pasted
SF_JOB_DIR=$work/queue/jobs/4
export SF_JOB_DIR
(cd "$work" && PATH=${sf%/*}:$PATH sh pasted) >out 2>err || { fail "the pasted compile step"; cat err; }
unset SF_JOB_DIR

# ---- users ----

one=54321 two=54322
as () {
  user=$1
  shift
  setpriv --reuid "$user" --regid "$user" --clear-groups "$@"
}
chmod 755 "$work"
if ! as $two "$sfbatch" --version >/dev/null 2>&1; then
  [ "$failures" -eq 0 ] || finish
  echo "no second user can be had here, or it may not run $sfbatch"
  exit 77
fi
end_daemons
mkdir -m 755 one two
chown $one one
chown $two two
job mine 'echo secret; while [ ! -e stop ]; do sleep 0.05; done' >one/job.cfg
job theirs 'true' >two/job.cfg
one () { SF_QUEUE_DIR=$work/one/queue as $one "$sfbatch" "$@"; }
two () { SF_QUEUE_DIR=$work/${theirs-one}/queue as $two "$sfbatch" "$@"; }
cd one || exit 99
run 0 one submit job.cfg
run 0 one submit --hold job.cfg
until_file queue/jobs/1/attempt-1/shepherd.json
[ -z "$(find queue -perm /077 ! -name '*.sock')" ] || { fail "others may do something with:"; find queue -perm /077; }

refused () {
  run 11 two "$@"
  batch_line
  has err "the queue belongs to user $one, wanted user $two"
}
everything_refused () {
  refused list
  refused show 1
  refused logs 1
  refused cancel 1
  refused hold 1
  refused release 2
  refused retry 1
  refused wait 1
  refused submit ../two/job.cfg
}
everything_refused
for file in store.db store.db-wal sfd.sock jobs/1/attempt-1/environment jobs/1/attempt-1/step-1.log; do
  as $two test -r "queue/$file" && fail "$file can be read"
done
as $two env SF_ATTEMPT_TOKEN=x "$SF_LIBEXEC_DIR/sf-shepherd" "$work/one/queue/jobs/1/attempt-1" 2>/dev/null && fail "a shepherd of another user"

# a folder that was opened by mistake: files are private still, and the socket looks at who asks
chmod 755 queue
chmod 666 queue/sfd.sock
for file in store.db store.db-wal store.lock sfd.lock; do
  as $two test -r "queue/$file" && fail "$file can be read in a folder that is open"
done
cat >../ask.py <<'EOF2'
import socket, sys
for request in sys.argv[1:]:
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(20)
    try:
        s.connect("queue/sfd.sock")
        s.sendall(b'{"protocol":1,%s}\n' % request.encode())
        answer = s.recv(65536)
    except ConnectionError:
        answer = b""
    print(request, answer)
EOF2
if as $two /usr/bin/python3 -c "" 2>/dev/null; then
  as $two /usr/bin/python3 ../ask.py '"do":"status"' '"do":"cancel","job":1' '"do":"release","job":2' >out
  [ "$(grep -c " b''$" out)" -eq 3 ] || { fail "sfd answered another user:"; cat out; }
  as $one /usr/bin/python3 ../ask.py '"do":"status"' >out
  grep -q '"ok":true' out || { fail "sfd did not answer its user"; cat out; }
fi
everything_refused

# each has a queue of his own; nothing has changed in the other
theirs=two
run 0 two submit --wait ../two/job.cfg
run 0 one list --json
has out '"RUNNING"'
has out '"PENDING"'
as $one touch stop
run 0 one wait 1
run 0 one cancel 2
cd "$work" || exit 99

finish

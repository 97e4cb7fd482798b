#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sfbatch: bad job files, bad queues, programs that are missing; each one clear line, the right exit code, nothing half-written.
. "${SF_SOURCE_DIR:?run by make check}/tests/cli/sfbatch_lib.sh"
cd "$work" || exit 99

# bad CODE MESSAGE: job.cfg is refused with it, by --check and by submit, and nothing is recorded.
bad () {
  cat >job.cfg
  for option in --check --wait; do
    run "$1" "$sfbatch" submit $option job.cfg
    has err "sfbatch: $2"
    batch_line
  done
  [ ! -e queue/jobs ] || fail "a bad job left something: $2"
}
step='{ do = "command"; argv = [ "true" ]; }'

bad 3 'job.cfg: steps: found none, wanted at least one' <<EOF_
name = "x";
EOF_
bad 3 'job.cfg:1: name: found none, wanted 1 to 200 characters' <<EOF_
name = ""; steps = ( $step );
EOF_
bad 3 'job.cfg:2: do: found "comand", wanted' <<EOF_
name = "x";
steps = ( { do = "comand"; } );
EOF_
has err 'did you mean "command"?'
bad 3 'job.cfg:2: argv: found nothing, wanted the program and its arguments' <<EOF_
name = "x";
steps = ( { do = "command"; } );
EOF_
bad 3 'job.cfg:2: argv: found "", wanted a program' <<EOF_
name = "x";
steps = ( { do = "command"; argv = [ "" ]; } );
EOF_
bad 3 'job.cfg:3:' <<EOF_
name = "x";
steps = ( $step );
resorces = { cores = 1; };
EOF_
has err 'did you mean "resources"?'
bad 3 'job.cfg:3: unknown key "time_limt"; did you mean "time_limit"?' <<EOF_
name = "x";
steps = ( $step );
resources = { time_limt = "1s"; };
EOF_
bad 3 'job.cfg:3: memory: found "lots", wanted a size such as' <<EOF_
name = "x";
steps = ( $step );
resources = { memory = "lots"; };
EOF_
bad 3 'job.cfg:3: cores: found "0", wanted an integer from 1' <<EOF_
name = "x";
steps = ( $step );
resources = { cores = 0; };
EOF_
bad 3 'job.cfg:2: steps: found a value, wanted groups' <<EOF_
name = "x";
steps = ( 7 );
EOF_
bad 4 "job.cfg:2: model: $work/none.cfg cannot be read; paths are relative to $work" <<EOF_
name = "x";
model = "none.cfg"; steps = ( $step );
EOF_
bad 3 'job.cfg:1' <<EOF_
name = "x
EOF_
printf 'name = "\377"; steps = ( %s );' "$step" | bad 3 'job.cfg: found bytes that are not UTF-8'
run 4 "$sfbatch" submit no-such.cfg
batch_line
run 3 "$sfbatch" submit "$work"
batch_line
echo "name = \"x\"; steps = ( $step );" >good.cfg
if [ "$(id -u)" -ne 0 ]; then
  cp good.cfg unreadable.cfg
  chmod 0 unreadable.cfg
  run 11 "$sfbatch" submit unreadable.cfg
  batch_line
fi

# the queue's folder
touch file
run 2 env SF_QUEUE_DIR="$work/file" "$sfbatch" list
has err "found a file, wanted a folder for the queue"
batch_line
mkdir other
touch other/thing
chmod 755 other
run 2 env SF_QUEUE_DIR="$work/other" "$sfbatch" submit good.cfg
has err "found a folder with other things"
[ "$(ls other)" = thing ] || fail "another folder was written to"
if [ "$(id -u)" -eq 0 ]; then
  mkdir -m 700 theirs
  chown 1 theirs
  run 11 env SF_QUEUE_DIR="$work/theirs" "$sfbatch" list
  has err "the queue belongs to user 1, wanted user 0"
  batch_line
fi
strange=$(printf 'b\377d')
run 2 env SF_QUEUE_DIR="$work/$strange" "$sfbatch" submit good.cfg
has err "found a path that is not UTF-8"
batch_line
[ ! -e "$strange" ] || fail "a folder that no record can name"
mkdir -m 700 damaged
echo "this is no database, whatever its name says, and long enough to be one" >damaged/store.db
run 3 env SF_QUEUE_DIR="$work/damaged" "$sfbatch" list
batch_line
run 4 env SF_QUEUE_DIR=/proc/nothing "$sfbatch" list
long=$work/$(printf '%0200d/%0200d/%0200d' 1 2 3)
run 11 env SF_QUEUE_DIR="$long" "$sfbatch" submit good.cfg
has err 'its path is too long for SQLite, set SF_QUEUE_DIR to a shorter one'
batch_line
run 0 env XDG_STATE_HOME="$work/state" SF_QUEUE_DIR= "$sfbatch" list
[ -e state/spatialflow/queue/store.db ] || fail "no queue below XDG_STATE_HOME"

# a store of the future
if command -v python3 >/dev/null; then
  run 0 env SF_QUEUE_DIR="$work/future" "$sfbatch" list
  python3 -c 'import sqlite3, sys; sqlite3.connect (sys.argv[1]).execute ("PRAGMA user_version = 9")' future/store.db
  run 5 env SF_QUEUE_DIR="$work/future" "$sfbatch" list
  has err "store version 9, wanted at most 3"
  batch_line
fi

# no room: files may not grow past so many blocks, wherever that strikes; then there is room, and the queue is whole
for blocks in 0 1 8 16 24 32; do
  rm -rf full
  SF_QUEUE_DIR=$work/full limited $blocks "$sfbatch" submit good.cfg >out 2>err
  submitted=$?
  run 0 env SF_QUEUE_DIR="$work/full" "$sfbatch" wait --all
  n=$(SF_QUEUE_DIR=$work/full "$sfbatch" list --json | grep -c '"id":')
  [ "$submitted" -eq 0 ] || [ "$submitted" -eq 11 ] || fail "submit with $blocks blocks: exit $submitted, wanted 0 or 11"
  [ "$submitted" -eq 0 ] && wanted=1 || wanted=0
  [ "$n" -eq "$wanted" ] || fail "submit with $blocks blocks: exit $submitted, but $n jobs"
  [ "$n" -eq 1 ] || [ -z "$(ls full/jobs 2>/dev/null)" ] || fail "submit with $blocks blocks left a folder"
done

# a queue that may only be read; root may always write
SF_QUEUE_DIR=$work/read "$sfbatch" list
as=
if [ "$(id -u)" -eq 0 ]; then
  chmod 711 "$work"
  chown -R 65534 read
  as="setpriv --reuid 65534 --clear-groups"
fi
chmod -R a-w read
for verb in list "submit $work/good.cfg"; do
  run 11 env SF_QUEUE_DIR="$work/read" $as "$sfbatch" $verb
  has err "store.lock: cannot open, wanted a queue folder that can be written to"
  batch_line
done
chmod -R u+w read
chmod 700 "$work"

# programs and plugins that are not there
run 4 env SF_LIBEXEC_DIR="$work/empty" "$sfbatch" submit good.cfg
has err "sf-shepherd: not found or not executable"
batch_line
mkdir no-plugins
run 4 env SF_QUEUE_DIR="$work/fresh" SF_PLUGIN_PATH="$work/no-plugins" "$sfbatch" submit good.cfg
batch_line
run 0 env SF_QUEUE_DIR="$work/fresh" "$sfbatch" list --all
[ ! -s out ] || fail "a job was recorded that no daemon can start"
mkdir libexec
run 4 env SF_QUEUE_DIR="$work/fresh" SF_LIBEXEC_DIR="$work/libexec" "$sfbatch" submit good.cfg
has err "sf-shepherd: not found or not executable"
ln -s "$SF_LIBEXEC_DIR/sfd" libexec/sfd
printf '#!/no/such/shell\n' >libexec/sf-shepherd
chmod +x libexec/sf-shepherd
run 4 env SF_LIBEXEC_DIR="$work/libexec" "$sfbatch" submit --wait good.cfg
has err "cannot be started"
is_state 1 "FAILED 4"

# a daemon that cannot be what it has to be: its configuration, its lock
mkdir -m 700 configured
echo 'cores = "many";' >configured/sfd.cfg
run 3 env SF_QUEUE_DIR="$work/configured" "$sfbatch" submit good.cfg
has err "sfd.cfg:1: cores: found a string, wanted an integer"
batch_line
mkdir -m 700 elsewhere
echo '{"boot_id":"another","host":"far-away","pid":1}' >elsewhere/sfd.lock
run 4 env SF_QUEUE_DIR="$work/elsewhere" "$sfbatch" submit good.cfg
has err "sfd.lock: found the sfd of host far-away, wanted none or one of this host"
batch_line
rm elsewhere/sfd.lock
run 0 env SF_QUEUE_DIR="$work/elsewhere" "$sfbatch" submit --wait good.cfg

# a folder whose path is longer than the address of a socket
long=$(printf 'a%.0s' $(seq 90))
run 0 env SF_QUEUE_DIR="$work/$long/$long" "$sfbatch" submit --wait good.cfg
has err "COMPLETED"

# a shepherd that ends at once, without a record
printf '#!/bin/sh\nexit 0\n' >libexec/sf-shepherd
run 11 env SF_LIBEXEC_DIR="$work/libexec" "$sfbatch" submit --wait good.cfg
has err "LOST, its shepherd never started: no step ran"
finish

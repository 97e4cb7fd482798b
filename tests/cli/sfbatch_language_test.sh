#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sfbatch new and submit --check: the language of job files, read without a queue and without writing anything.
. "${SF_SOURCE_DIR:?run by make check}/tests/cli/sfbatch_lib.sh"
mkdir "$work/here" && cd "$work/here" || exit 99

# new: what it writes is what --check takes, and it never writes over anything
run 0 "$sfbatch" new
has out "wrote job.cfg; next: sfbatch submit --check job.cfg"
run 0 "$sfbatch" submit --check job.cfg
has out "job.cfg: 4 steps, no errors"
has out "sf compile "
run 4 "$sfbatch" new
has err "job.cfg: exists, wanted a new file"
batch_line
ln -s nowhere link.cfg
run 4 "$sfbatch" new link.cfg
run 2 "$sfbatch" new x.cfg --data y
batch_line
harm="it's \"a\" \\ \${x}"
mkdir "$harm"
cp "$SF_SOURCE_DIR/apps/digits/model.cfg" "$harm/m.cfg"
run 0 "$sfbatch" new "a \"b\".cfg" --model "$harm/m.cfg"
[ ! -e nowhere ] || fail "new followed a link"
# every line that is commented out is right as well
run 0 "$sfbatch" new all.cfg
sed -e 's|^// \([a-z_]* *= .*\)|\1|' -e '/^models/d' -e 's|^  // , {|, {|' all.cfg >every.cfg
run 0 "$sfbatch" submit --check every.cfg
has out "every.cfg: 40 jobs of 5 steps, no errors"
has out "element      index=0 seed=1 level=o1"
has out "retries      3, after 30 s, 60 s, 120 s; on FAILED TIMEOUT OUT_OF_MEMORY LOST"
has out "after        prepare"
has out "afterok      job 13"

# --check prints what would be submitted
cat >matrix.cfg <<'EOF_'
name = "m ${batch}"; project = "night";
matrix: { batch = [ 1, 32 ]; level = [ "o1", "o3" ]; };
model = "all.cfg";
steps = ( { do = "compile"; batch_size = "${batch}"; level = "${level}"; },
          { do = "command"; argv = [ "echo", "${batch} $${batch} ${HOME}" ]; } );
resources = { cores = 2; tiles = 3; memory = "2K"; time_limit = "1m"; };
EOF_
run 0 "$sfbatch" submit --check matrix.cfg
has out "matrix.cfg: 4 jobs of 2 steps, no errors"
sed -n '3,10p' "$work/out" >first
cat >wanted <<EOF_
name         m 1
element      batch=1 level=o1
project      night
resources    2 cores, 3 RDU tiles, 2048 bytes of memory, 60 s
environment  SF_MATRIX_BATCH=1 SF_MATRIX_LEVEL=o1
cd $work/here
sf compile $work/here/all.cfg --output JOB/m_1.pef --level o1 --batch-size 1 --num-tiles 3
echo '1 \${batch} \${HOME}'
EOF_
diff -u wanted first >&2 || fail "what --check prints"
[ "$(grep -c '^sf compile' "$work/out")" -eq 4 ] || fail "not four jobs"

# what a value may not be is said with file, line and what was meant
echo 'name = "x"; matrix = { seed = [ 1 ]; }; steps = ( { do = "command"; argv = [ "echo", "${sed}" ]; } );' >bad.cfg
run 3 "$sfbatch" submit --check bad.cfg
has err 'bad.cfg:1: ${sed}: unknown name; did you mean ${seed}?'
batch_line
echo 'name = "x"; retires = { max = 1; }; steps = ( { do = "command"; argv = [ "true" ]; } );' >bad.cfg
run 3 "$sfbatch" submit --check bad.cfg
has err 'bad.cfg:1: unknown key "retires"; did you mean "retries"?'

# control characters do not reach the terminal
printf '%s\n' 'name = "a\x1b[31m"; environment = { A = "\x1b[2J"; }; steps = ( { do = "command"; argv = [ "echo", "\x07" ]; } );' >harm.cfg
run 0 "$sfbatch" submit --check harm.cfg
LC_ALL=C grep -q "$(printf '[\007\033]')" "$work/out" && fail "a control character was printed"
has out "echo \$'\\x07'"

# nobody asked for a queue
[ ! -e "$SF_QUEUE_DIR" ] || fail "--check or new made a queue"
finish

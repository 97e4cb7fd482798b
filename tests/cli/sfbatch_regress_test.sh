#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A suite through the queue: golden values are made, held, moved; a broken kernel is named by case and node; what is missing fails.
. "${SF_SOURCE_DIR:?run by make check}/tests/cli/sfbatch_lib.sh"
digits=$SF_SOURCE_DIR/apps/digits/model.cfg

# suite [TEXT...] >FILE: two small cases; TEXT in addition.
suite () {
  cat <<EOF
suite = "small"; golden = "golden/small.json";
models = ( { name = "digits"; model = "$digits"; options = { compile = { arg = [ "width=4", "hidden=8" ]; }; }; } );
matrix = { level = [ "o0", "o3" ]; };
steps = ( { do = "compile"; level = "\${level}"; batch_size = 2; }, { do = "test"; } );
rules = {
  sections = { rule = "equal"; };
  emulated_us = { rule = "max_rel"; limit = 0.001; };
  nmse = { rule = "range_abs"; low = 0.0; high = 100.0; limit = 1e-13; };
  memory_mb = { rule = "range_abs"; low = 0.1; high = 10.0; limit = 1000.0; };
};
EOF
  for text; do echo "$text"; done
}
suite >"$work/small.cfg"
golden=$work/golden/small.json
runs=$SF_QUEUE_DIR/regress/small

# The newest run's results.
results () {
  echo "$(ls -d "$runs"/* | tail -n 1)/results.json"
}

# A new suite: no golden rows, then the newest run's.
run 0 "$sfbatch" regress --check "$work/small.cfg"
has out "2 jobs of 2 steps"
[ ! -e "$SF_QUEUE_DIR/jobs" ] || fail "--check has run something"
run 4 "$sfbatch" golden --why first "$work/small.cfg"
batch_line
run 10 "$sfbatch" regress "$work/small.cfg"
batch_line
has err "2 of 2 cases failed, first digits level=o0: no golden row"
run 0 "$sfbatch" golden --why "first values" "$work/small.cfg"
has out "digits level=o3  sections  none -> "
has out "2 cases changed"
grep -q '"why": "first values"' "$golden" || fail "the reason is not in the golden file"
run 0 "$sfbatch" regress "$work/small.cfg" --output "$work/out folder"
has out "2/2 passed  digits level=o"
has out "suite small: 2 of 2 cases passed"
for file in results.json junit.xml index.html; do
  cmp "$(dirname "$(results)")/$file" "$work/out folder/$file" || fail "$file was not written to --output"
done
/usr/bin/python3 - "$work/out folder" <<'EOF' || fail "results.json and junit.xml are not what they should be"
import json, sys, xml.etree.ElementTree as xml
results = json.load(open(sys.argv[1] + '/results.json'))
assert results['format'] == 'spatialflow-regress' and results['version'] == 1 and results['suite'] == 'small'
cases = results['cases']
assert [c['name'] for c in cases] == ['digits level=o0', 'digits level=o3'] and all(c['state'] == 'passed' for c in cases)
assert cases[0]['parameters'] == {'level': 'o0'} and cases[0]['first_difference'] is None
sections = cases[1]['metrics']['sections']
assert sections['ok'] and sections['value'] == sections['golden'] and sections['rule'] == 'equal'
assert {'nmse', 'emulated_us', 'pcus', 'compile_s', 'memory_mb'} <= set(cases[0]['metrics'])
suite = xml.parse(sys.argv[1] + '/junit.xml').getroot()
assert suite.get('tests') == '2' and suite.get('failures') == '0' and len(suite.findall('testcase')) == 2
EOF

# A golden value that is another is named, and moves only for the case that is asked for.
sections=$(sed -n 's/.*"digits level=o3".*"sections": \([0-9]*\).*/\1/p' "$golden")
sed -i "s/\"sections\": [0-9]*/\"sections\": 999/" "$golden"
run 10 "$sfbatch" regress "$work/small.cfg"
has out "FAILED  digits level=o3"
has out "sections: found $sections, wanted the golden value 999"
run 4 "$sfbatch" golden --why x "$work/small.cfg" 'digitz*'
run 2 "$sfbatch" golden --why ' ' "$work/small.cfg"
run 2 "$sfbatch" golden --why "$(printf '\377')" "$work/small.cfg"
before=$("$sfbatch" list --all | wc -l)
run 4 "$sfbatch" regress "$work/small.cfg" --output /proc/nothing
[ "$("$sfbatch" list --all | wc -l)" -eq "$before" ] || fail "cases were run whose results could not be written"
run 0 "$sfbatch" golden --why "one of them" "$work/small.cfg" '*o3'
has out "digits level=o3  sections  999 -> $sections"
grep -q '"digits level=o0".*"sections": 999' "$golden" || fail "the other case has moved, too"
run 0 "$sfbatch" golden --why "all of them" "$work/small.cfg"
[ "$(grep -c '"why"' "$golden")" -eq 3 ] || fail "the golden file does not tell of three changes"

# A kernel that is broken: the case and the first node that differs are named, and the command repeats it.
export SF_PLUGIN_PATH="$SF_BUILD_DIR/tests/plugins/mutated/.libs:$SF_PLUGIN_PATH" SF_RDU_MUTATION=scale
run 10 "$sfbatch" regress "$work/small.cfg"
batch_line
has err "2 of 2 cases failed, first digits level=o0: train: stage "
/usr/bin/python3 - "$(results)" >"$work/broken" <<'EOF' || fail "the results do not name the node that differs"
import json, sys
cases = json.load(open(sys.argv[1]))['cases']
assert [c['state'] for c in cases] == ['failed', 'failed']
first = cases[1]['first_difference']
assert cases[1]['name'] == 'digits level=o3' and first['op'] and first['error'] > first['limit']
assert 'differ' in cases[1]['log']
print(first['node'])
print(cases[1]['repeat'])
EOF
node=$(sed -n 1p "$work/broken") repeat=$(sed -n 2p "$work/broken")
has out "node $node: "
grep -q "node $node: " "$(dirname "$(results)")/junit.xml" || fail "junit.xml does not name the node"
page=$(dirname "$(results)")/index.html
grep -q 'Broken before: 2' "$page" || fail "the page does not say that both had failed before, by another golden value"
grep -qF "First node that differs: <code class=\"node\">$node</code>" "$page" || fail "the page does not name the node"
run 10 sh -c "$repeat"
has err ", node $node: "
cp "$golden" "$work/before.json"
run 10 "$sfbatch" golden --why "must not be" "$work/small.cfg"
has out "kept: it differs from the reference"
cmp "$golden" "$work/before.json" || fail "values of a broken kernel have become golden"
unset SF_RDU_MUTATION

# The same once more changes nothing: other seconds are no other values.
run 0 "$sfbatch" regress "$work/small.cfg"
run 0 "$sfbatch" golden --why "nothing" "$work/small.cfg"
has out "small.json: 0 cases changed"
cmp "$golden" "$work/before.json" || fail "the golden file was written again"

# A metric that nobody has measured fails even without golden values; a job that ends otherwise is an error.
suite | sed -e 's/golden = .*;/golden = "none";/' -e 's/"o0", "o3"/"o0"/' \
  -e 's/{ do = "test"; }/{ do = "command"; argv = [ "sh", "-c", "rm \\"$SF_JOB_DIR\\"\/metrics-1.json" ]; }/' >"$work/missing.cfg"
run 10 "$sfbatch" regress "$work/missing.cfg"
has err "digits level=o0: emulated_us: no step has measured it; and 2 more"
run 2 "$sfbatch" golden --why x "$work/missing.cfg"
suite | sed -e 's/"o0", "o3"/"o0"/' -e 's/{ do = "test"; }/{ do = "test"; limits = "absent.cfg"; }/' >"$work/error.cfg"
run 10 "$sfbatch" regress "$work/error.cfg"
has out "ERROR   digits level=o0"
has err "FAILED: step 2 of 2 (test)"

# What a step of another version says of the first difference is told as far as it goes.
cat >"$work/odd.cfg" <<'EOF_'
suite = "odd"; golden = "none"; models = ( { name = "odd"; } );
steps = ( { do = "command"; argv = [ "sh", "-c", "echo '{\"format\":\"spatialflow-metrics\",\"version\":1,\"first_difference\":{\"text\":\"node odd: off\"}}' >\"$SF_JOB_DIR/metrics-1.json\"; exit 10" ]; } );
EOF_
run 10 "$sfbatch" regress "$work/odd.cfg"
has err "1 of 1 cases failed, first odd: node odd: off"

# What cannot be read.
suite 'excpet = ();' >"$work/bad.cfg"
run 3 "$sfbatch" regress "$work/bad.cfg"
has err "bad.cfg:11: unknown key \"excpet\""
has err "except"
echo '{ "format":' >"$work/broken.json"
run 3 "$sfbatch" regress "$work/small.cfg" --golden "$work/broken.json"
has err "broken.json:"
run 4 "$sfbatch" regress --continue "$work/small.cfg"

# Interrupted at any moment, also while it submits, and its daemon killed: the jobs go on, and another command waits for them.
cat >"$work/slow.cfg" <<EOF
suite = "slow"; golden = "none";
models = ( { name = "wait"; } );
matrix = { n = [ 1, 2 ]; };
steps = ( { do = "command"; argv = [ "sh", "-c", "until [ -e '$work/go on' ]; do sleep 0.05; done" ]; } );
resources = { time_limit = "2m"; };
EOF
# What a shell starts in the background ignores Ctrl-C.
cat >"$work/foreground.py" <<EOF
import os, signal, sys
for each in signal.SIGINT, signal.SIGHUP:
    signal.signal(each, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])
EOF
for signal in INT HUP; do
  rm -rf "$SF_QUEUE_DIR/regress/slow" "$work/go on"
  /usr/bin/python3 "$work/foreground.py" "$sfbatch" regress "$work/slow.cfg" >"$work/slow.out" 2>"$work/slow.err" &
  waiting=$!
  until ls -d "$SF_QUEUE_DIR"/regress/slow/* >/dev/null 2>&1 || ! kill -0 $waiting 2>/dev/null; do
    sleep 0.01
  done
  kill -$signal $waiting
  wait $waiting
  [ $? -eq 9 ] || fail "SIG$signal: another exit than 9"
  grep -q "2 of 2 cases go on, .*; sfbatch regress --continue .*slow.cfg waits again, sfbatch cancel [0-9]*-[0-9]* ends them" "$work/slow.err" || { fail "what it says when interrupted by SIG$signal:"; cat "$work/slow.err"; }
  kill -KILL "$(sfd_pid "$SF_QUEUE_DIR")"
  (sleep 0.5; touch "$work/go on") &
  run 0 "$sfbatch" regress --continue "$work/slow.cfg"
  has out "suite slow: 2 of 2 cases passed"
done

# Killed as soon as it is written down that it begins: its jobs, if it came to them, are found, also when it did not come to write down which.
rm -rf "$SF_QUEUE_DIR/regress/slow"
before=$("$sfbatch" list --all | wc -l)
"$sfbatch" regress "$work/slow.cfg" >"$work/slow.out" 2>"$work/slow.err" &
waiting=$!
until ls "$SF_QUEUE_DIR"/regress/slow/*/run.json >/dev/null 2>&1 || ! kill -0 $waiting 2>/dev/null; do :; done
kill -KILL $waiting
wait $waiting 2>/dev/null
if [ "$("$sfbatch" list --all | wc -l)" -gt "$before" ]; then
  run 0 "$sfbatch" regress --continue "$work/slow.cfg"
else
  run 4 "$sfbatch" regress --continue "$work/slow.cfg"
  run 0 "$sfbatch" regress "$work/slow.cfg"
fi
has out "suite slow: 2 of 2 cases passed"
for kept in "$SF_QUEUE_DIR"/regress/slow/*/results.json; do rm "$kept"; done
sed -i 's/"job": *[0-9][0-9]*/"job":null/g' "${kept%results.json}run.json"
grep -q '"job":null' "${kept%results.json}run.json" || fail "run.json has no jobs to be forgotten"
before=$("$sfbatch" list --all | wc -l)
run 0 "$sfbatch" regress --continue "$work/slow.cfg"
has out "suite slow: 2 of 2 cases passed"
[ "$("$sfbatch" list --all | wc -l)" -eq "$before" ] || fail "cases were submitted again"
finish

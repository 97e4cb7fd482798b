#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Emulated time on the command line: text, JSON, timeline; of training and evaluation, of other machines, of host launches.
. "${SF_SOURCE_DIR:?run by make check}/tests/cli/lib.sh"
model=$SF_SOURCE_DIR/apps/lenet/model.cfg

run 0 "$sf" compile "$model" -o "$work/a.pef" -O1 --batch-size 32 --trace "$work/compile.json"
run 0 "$sf" run --timing "$work/a.pef"
has out "train on sn10: "
has out " emulated ("
has out " samples/s at batch 32"
has out "eval on sn10: "
has out "fwd "
has out "bwd "
has out "opt "
has out "held back by"
run 0 "$sf" run --timing "$work/a.pef" --entry eval
has out "eval on sn10: "
! grep -q "train on" "$work/out" || fail "--entry eval printed train, too"
run 2 "$sf" run --timing "$work/a.pef" --entry test
has err "--entry test: found no such entry"
one_line
run 2 "$sf" run "$work/a.pef" --json
has err "found no --timing"
one_line

# The parts add up to the whole; shares are shares; both verbs write the same timeline.
run 0 "$sf" run --timing "$work/a.pef" --json --trace "$work/run.json"
cmp "$work/compile.json" "$work/run.json" || fail "compile and run wrote different timelines"
cp "$work/out" "$work/timing.json"
/usr/bin/python3 - "$work/timing.json" "$work/run.json" <<'END' || fail "the JSON of emulated time is not what it should be"
import json, sys
entries = {e["entry"]: e for e in map(json.loads, open(sys.argv[1]))}
assert set(entries) == {"train", "eval"}
for e in entries.values():
    assert e["emulated"] is True and e["batch"] == 32
    at = 0
    for l in e["launches"]:
        assert l["start_cycles"] == at
        at += l["load_cycles"] + l["cycles"]
        assert l["load_cycles"] == 12500  # 10 us at 1.25 GHz; no two sections of LeNet at o1 are alike
        for share in ("memory_share", "pcu_share", "pmu_share", "link_share"):
            assert 0 <= l[share] <= 1, (l["name"], share, l[share])
        for s in l["stages"]:
            assert 0 <= s["first_cycles"] <= s["last_cycles"] <= l["cycles"]
            # From the start of the section to a stage's last iteration it works or waits.
            assert s["busy_cycles"] + s["wait_input_cycles"] + s["wait_output_cycles"] == s["last_cycles"]
    assert at == e["cycles"] == sum(e["phase_cycles"].values())
    assert abs(e["seconds"] - e["cycles"] / 1.25e9) < 1e-12
    assert abs(e["samples_per_second"] - 32 / e["seconds"]) < 1e-3
assert entries["eval"]["phase_cycles"]["bwd"] == 0 < entries["train"]["phase_cycles"]["bwd"]

trace = json.load(open(sys.argv[2]))
names = {m["pid"]: m["args"]["name"] for m in trace["traceEvents"] if m["name"] == "process_name"}
rows = {(m["pid"], m["tid"]): m["args"]["name"] for m in trace["traceEvents"] if m["name"] == "thread_name"}
assert all("emulated" in n for n in names.values())
ends = {}
for s in trace["traceEvents"]:
    if s["ph"] != "X":
        continue
    row = s["pid"], s["tid"]
    assert row in rows and s["dur"] >= 0
    # What stands on one row does not overlap.
    assert s["ts"] >= ends.get(row, 0) - 2e-3, (names[s["pid"]], rows[row], s)
    ends[row] = s["ts"] + s["dur"]
train = max(end for (pid, tid), end in ends.items() if names[pid].startswith("train"))
assert abs(train - entries["train"]["seconds"] * 1e6) < 1, (train, entries["train"]["seconds"])
END

# Another machine, and half of its memory bandwidth: never faster.
sed 's/bytes_per_s = 8000000000L/bytes_per_s = 4000000000L/' "$SF_SOURCE_DIR/etc/arch/tiny.cfg" | grep -v '^name' >"$work/half.cfg"
echo 'name = "half";' >>"$work/half.cfg"
mkdir "$work/ops"
cp "$SF_SOURCE_DIR"/etc/arch/ops/*.cfg "$work/ops"
for arch in tiny "$work/half.cfg"; do
  run 0 "$sf" compile "$SF_SOURCE_DIR/apps/logreg/model.cfg" -o "$work/b.pef" --arch "$arch"
  run 0 "$sf" run --timing "$work/b.pef" --entry train --json
  sed 's/.*"cycles":\([0-9]*\),"seconds".*/\1/' "$work/out" >>"$work/cycles"
done
sort -n -c "$work/cycles" || fail "half of the bandwidth is faster"

# What the RDU cannot do is counted apart.
run 0 "$sf" compile "$SF_SOURCE_DIR/tests/cli/host.cfg" -o "$work/host.pef"
run 0 "$sf" run --timing "$work/host.pef"
has out "host launch"
has out "their own work not emulated"
run 4 "$sf" run "$work/a.pef" --trace "$work/absent/x.json"
one_line
finish

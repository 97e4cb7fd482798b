#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Measured time on the command line: text, JSON, timeline; of training and evaluation, of host launches; what cannot be profiled.
. "${SF_SOURCE_DIR:?run by make check}/tests/cli/lib.sh"

run 0 "$sf" compile "$SF_SOURCE_DIR/apps/lenet/model.cfg" -o "$work/a.pef" -O1 --batch-size 16
run 0 "$sf" run --profile "$work/a.pef" --steps 5
has out "train on rdu: "
has out "eval on rdu: "
has out "mean of the faster 3 of 5 steps"
has out "GFLOP/s; read / triad"
for text in "fwd " "bwd " "opt " "feeding " conv1 conv2 fc1; do has out "$text"; done
[ "$(wc -L <"$work/out")" -le 120 ] || fail "lines of more than 120 columns"
run 0 "$sf" run --profile "$work/a.pef" --steps 3 --entry eval
! grep -q "train on" "$work/out" || fail "--entry eval profiled train, too"

# A cast that a product reads through has no calls, no time and no rates.
run 0 "$sf" compile "$SF_SOURCE_DIR/apps/logreg/model.cfg" -o "$work/bf16.pef" -O3 --precision bf16 --batch-size 8
run 0 "$sf" run --profile "$work/bf16.pef" --steps 3 --threads 1 --json
/usr/bin/python3 - "$work/out" <<'END' || fail "stages without calls"
import json, sys
for e in map(json.loads, open(sys.argv[1])):
    idle = [s for s in e["stages"] if s["calls"] == 0]
    assert idle or e["entry"] != "train", "none in this program: the test wants another one"
    for s in idle:
        assert s["seconds"] == s["flops"] == s["bytes"] == s["flops_per_s"] == s["bytes_per_s"] == s["roof_fraction"] == 0, s
END

# With one thread, so that what else the machine does slows the stages and their roofs alike.
run 0 "$sf" run --profile "$work/a.pef" --threads 1 --json
cp "$work/out" "$work/one.json"
run 0 "$sf" run --profile "$work/a.pef" --threads 3 --steps 4 --json --trace "$work/trace.json"
cp "$work/out" "$work/three.json"
/usr/bin/python3 - "$work/one.json" "$work/three.json" "$work/trace.json" <<'END' || fail "the JSON of the profile is not what it should be"
import json, sys
for path, threads in (sys.argv[1], 1), (sys.argv[2], 3):
    entries = {e["entry"]: e for e in map(json.loads, open(path))}
    assert set(entries) == {"train", "eval"}
    for e in entries.values():
        assert e["emulated"] is False and e["threads"] == threads and e["backend"] == "rdu"
        assert 1 <= e["counted_steps"] <= e["steps"] and e["seconds"] > 0
        # Every moment of a step belongs to a stage or to what is done outside.
        outside = sum(e["outside_seconds"].values())
        shares = sum(s["share"] for s in e["stages"])
        assert abs(shares + outside / e["seconds"] - 1) < 1e-3, (shares, outside, e["seconds"])
        assert abs(sum(s["seconds"] for s in e["stages"]) - sum(e["phase_seconds"].values())) < 1e-9
        times = [s["seconds"] for s in e["stages"]]
        assert times == sorted(times, reverse=True)
        for s in e["stages"]:
            assert s["name"] and s["calls"] >= 1 and 0 <= s["workers"] <= threads + 1e-6, s
            assert s["flops"] >= 0 and s["bytes"] > 0 and s["roof"] in ("flops", "bytes")
            # The peak is measured at another moment, which on a busy machine may be a worse one.
            assert 0 < s["roof_fraction"] and (threads > 1 or s["roof_fraction"] < 2), s
        assert [p["threads"] for p in e["peaks"]] == sorted({1, threads})
        for p in e["peaks"]:
            assert p["f32_flops_per_s"] > 1e8
            assert p["bf16_flops_per_s"] is None or p["bf16_flops_per_s"] > 1e8
            assert p["memory"][-1]["name"] == "memory"
            assert all(m["read_bytes_per_s"] > 1e8 and m["triad_bytes_per_s"] > 1e8 for m in p["memory"])
    # Two flops for each product of conv1: 16 images, 6 channels of 28 x 28, kernels of 5 x 5.
    conv = [s for s in entries["eval"]["stages"] if s["name"].startswith("conv1")]
    assert sum(s["flops"] for s in conv) >= 2 * 16 * 6 * 28 * 28 * 25, conv
    assert entries["eval"]["phase_seconds"]["bwd"] == 0 < entries["train"]["phase_seconds"]["bwd"]

trace = json.load(open(sys.argv[3]))
assert trace["otherData"]["time"] == "measured"
processes = {m["pid"]: m["args"]["name"] for m in trace["traceEvents"] if m["name"] == "process_name"}
rows = {(m["pid"], m["tid"]): m["args"]["name"] for m in trace["traceEvents"] if m["name"] == "thread_name"}
assert sorted(processes.values()) == ["eval on rdu (measured)", "train on rdu (measured)"]
for pid in processes:
    assert sorted(n for (p, _), n in rows.items() if p == pid) == ["steps", "worker 0", "worker 1", "worker 2"]
steps = [s for s in trace["traceEvents"] if s["ph"] == "X" and rows[s["pid"], s["tid"]] == "steps"]
assert len(steps) == 8
ends = {}
for s in trace["traceEvents"]:
    if s["ph"] != "X":
        continue
    row = s["pid"], s["tid"]
    # A worker does one thing at a time, within a step.
    assert s["dur"] >= 0 and s["ts"] >= ends.get(row, 0) - 2e-3, (rows[row], s)
    ends[row] = s["ts"] + s["dur"]
    assert any(t["pid"] == s["pid"] and t["ts"] - 2e-3 <= s["ts"] and ends[row] <= t["ts"] + t["dur"] + 2e-3 for t in steps), s
names = {s["name"] for s in trace["traceEvents"] if s["ph"] == "X"}
assert {"step", "feed", "fetch"} <= names and any(n.startswith("conv1") for n in names), names
END

# Launches on the host stand among the stages.
run 0 "$sf" compile "$SF_SOURCE_DIR/tests/cli/host.cfg" -o "$work/host.pef"
run 0 "$sf" run --profile "$work/host.pef" --entry eval --steps 3
has out "host launch"
run 0 "$sf" run --profile "$work/host.pef" --entry eval --steps 3 --json
has out '"target":"host"'

for isa in portable avx2; do
  SF_ISA=$isa "$sf" run --profile "$work/a.pef" --entry eval --steps 1 >"$work/out" 2>"$work/err" ||
    grep -q "this processor does not have" "$work/err" || fail "--profile with SF_ISA=$isa"
done
run 2 "$sf" run --profile --timing "$work/a.pef"
has err "--profile: found --timing"
one_line
run 2 "$sf" run "$work/a.pef" --steps 3
has err "--steps: found no --profile"
one_line
run 6 "$sf" run --profile "$work/a.pef" --backend cpu
has err "backend cpu: keeps no records"
one_line
run 6 "$sf" run --profile "$work/a.pef" --exact-firing
has err "exact firing"
one_line
run 4 "$sf" run --profile "$work/a.pef" --steps 1 --entry eval --trace "$work/absent/x.json"
one_line
finish

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sf sweep: the rows, their figures against sf compile and sf run --timing, failures in their rows, CSV and JSON.
. "${SF_SOURCE_DIR:?run by make check}/tests/cli/lib.sh"
logreg=$SF_SOURCE_DIR/apps/logreg/model.cfg
cd "$work" || exit 99

# Every combination once, in order; --baseline compares rows that differ in it alone.
run 0 "$sf" sweep "$logreg" --arch tiny,sn10 -O0,-O1,-O3 --batch-size 1,8 --baseline level=o0 --csv t.csv --json t.json
[ "$(wc -l <out)" -eq 13 ] || fail "wanted a title and 12 rows"
[ "$(wc -l <t.csv)" -eq 13 ] || fail "wanted a title and 12 rows as CSV"
has out "speedup"
/usr/bin/python3 - t.csv t.json <<'PY' || fail "CSV and JSON"
import csv, itertools, json, sys
table = list(csv.DictReader(open(sys.argv[1])))
objects = json.load(open(sys.argv[2]))
wanted = list(itertools.product(["1", "8"], ["tiny", "sn10"], ["o0", "o1", "o3"]))
assert [(r["batch_size"], r["arch"], r["level"]) for r in table] == wanted
assert [tuple(o["options"].values()) for o in objects] == wanted
for row, o in zip(table, objects):
    assert row["failure"] == "" and "failure" not in o and row["entry"] == o["entry"] == "train"
    for key in ("sections", "stages", "configs", "pcus", "pmus", "emulated_cycles"):
        assert int(row[key]) == o[key] > 0, key
    base = objects[wanted.index((row["batch_size"], row["arch"], "o0"))]
    assert abs(o["speedup"] - base["emulated_cycles"] / o["emulated_cycles"]) < 1e-9
    assert abs(o["samples_per_s"] * o["emulated_seconds"] / float(row["batch_size"]) - 1) < 1e-9
    assert o["stages"] >= o["sections"] >= o["configs"]
    assert o["options"]["level"] != "o0" or o["stages"] == o["sections"]
PY

# Each row is what sf compile and sf run --timing say.
for level in 0 3; do
  run 0 "$sf" compile "$logreg" -o m.pef --arch tiny --batch-size 8 -O$level
  run 0 "$sf" run --timing --entry train --json m.pef
  cycles=$(sed 's/.*"emulated":true,"cycles":\([0-9]*\).*/\1/' out)
  grep -q "^8,tiny,o$level,train,.*,$cycles," t.csv || fail "-O$level: $cycles cycles, and another number in the sweep"
done

# The ways to write levels; options of passes; rules; inference.
for levels in "-O1 -O3" "-o1,-o3" "-O o1,3" "--level -O1,o3"; do
  # shellcheck disable=SC2086
  run 0 "$sf" sweep "$logreg" --arch tiny --inference $levels --csv -
  [ "$(cut -d, -f2 out | tr '\n' ' ')" = "level o1 o3 " ] || fail "levels $levels"
  [ "$(cut -d, -f3 out | tr '\n' ' ')" = "entry eval eval " ] || fail "entry of $levels"
done
echo 'rules = ( );' >none.cfg
run 0 "$sf" sweep "$logreg" --arch tiny -O1 --rules o1.cfg,none.cfg --set section.max_groups=1,8 --precision bf16 --csv -
[ "$(cut -d, -f1-5 out | tr '\n' ' ')" = "precision,arch,level,rules,section.max_groups bf16,tiny,o1,o1.cfg,1 bf16,tiny,o1,o1.cfg,8 bf16,tiny,o1,none.cfg,1 bf16,tiny,o1,none.cfg,8 " ] || fail "axes"
[ "$(cut -d, -f8 out | sort -u | wc -l)" -eq 3 ] || fail "rules change nothing"

# A combination that fails says why in its row, and the others go on.
run 0 "$sf" sweep "$logreg" --arch absent,tiny -O0,-O3 --csv t.csv --json t.json
[ "$(grep -c 'failed: arch absent' out)" -eq 2 ] || fail "wanted two rows that failed"
[ "$(grep -c '"failure": "arch absent' t.json)" -eq 2 ] || fail "wanted two failures as JSON"
[ "$(wc -l <out)" -eq 5 ] || fail "wanted a title and 4 rows"
run 2 "$sf" sweep "$logreg" --set fuse.ruls=x,y
one_line
has err "all 2 combinations failed, the first one: --set: ruls: unknown option; did you mean rules?"
run 4 "$sf" sweep absent.cfg
one_line

# What cannot be meant is refused before anything is compiled.
for wrong in "-O1,-O2" "--set max_groups=1" "--precision f16" "--batch-size 1,,2" "--batch-size x" "--baseline level=o0" "--baseline x" "--inference --training"; do
  # shellcheck disable=SC2086
  run 2 "$sf" sweep "$logreg" $wrong
  one_line
  [ ! -s out ] || fail "$wrong: printed a table"
done
finish

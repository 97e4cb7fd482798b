# SPDX-License-Identifier: Apache-2.0
"""Holds a report against what other verbs say of the same PEF.

report.py FOLDER TIMING INSPECT: index.html is well formed and without outside links, report.json agrees with `sf run --timing --json`
and `sf inspect --json`, and the page shows its figures.
"""
import json
import math
import sys
import xml.etree.ElementTree as xml

folder, timing_path, inspect_path = sys.argv[1:4]
report = json.load(open(folder + "/report.json", encoding="utf-8"))
timing = [json.loads(line) for line in open(timing_path, encoding="utf-8") if line.strip()]
inspect = json.load(open(inspect_path, encoding="utf-8"))
page = open(folder + "/index.html", encoding="utf-8").read()
failures = []


def equal(what, found, wanted):
    if found != wanted and not (isinstance(wanted, float) and math.isclose(found, wanted, rel_tol=1e-9)):
        failures.append(f"{what}: found {found!r}, wanted {wanted!r}")


# ---- the page ----
doctype, rest = page.split("\n", 1)
equal("doctype", doctype, "<!DOCTYPE html>")
root = xml.fromstring(rest)
ids = {node.get("id") for node in root.iter() if node.get("id")}
for node in root.iter():
    if node.tag in ("script", "link", "iframe", "img", "object"):
        failures.append(f"found <{node.tag}>, wanted a page that needs nothing else")
    for name, value in node.attrib.items():
        if name in ("href", "src") and (not value.startswith("#") or value[1:] not in ids):
            failures.append(f"{name}={value}: wanted a place in the page")
        if "://" in value or "url(" in value and "url(#" not in value:
            failures.append(f"{name}={value}: found an outside link")
text = " ".join(root.itertext())
equal("configs on the page", sum(i.startswith("c") and i[1:].isdigit() for i in ids), len(report["configs"]))
for word in ("where time goes", "memory plan", "Grid", "Buffers", "What the passes decided"):
    if word not in text:
        failures.append(f"the page lacks: {word}")
for node in root.iter("svg"):
    view = node.get("viewBox")
    if view:
        left, top, width, height = map(float, view.split())
        for rect in node.iter("rect"):
            x, y, w, h = (float(rect.get(k)) for k in ("x", "y", "width", "height"))
            if x < left - 1 or y < top - 1 or x + w > left + width + 1 or y + h > top + height + 1:
                failures.append(f"a box at {x},{y} of {w} x {h} lies outside its picture {view}")
                break

# ---- T1, as run --timing prints it ----
equal("entries", [e["name"] for e in report["entries"]], [t["entry"] for t in timing])
for entry, t in zip(report["entries"], timing):
    where = entry["name"]
    for key in ("cycles", "load_cycles", "n_loads", "host_cycles", "seconds", "samples_per_second", "phase_cycles"):
        if key in t:
            equal(f"{where} {key}", entry.get(key), t[key])
    if f"{t['cycles']:,} cycles" not in text:
        failures.append(f"the page does not say {t['cycles']:,} cycles")
    equal(f"{where} launches", len(entry["launches"]), len(t["launches"]))
    for i, (a, b) in enumerate(zip(entry["launches"], t["launches"])):
        for key in ("name", "target", "phase", "start_cycles", "load_cycles", "cycles", "config", "bound", "stage", "memory_bytes",
                    "memory_share", "pcu_share", "pmu_share", "link_share"):
            if key in b:
                equal(f"{where} launch {i} {key}", a.get(key), b[key])
        if b["target"] == "rdu":
            equal(f"{where} launch {i} stages", a["stages"], [s["name"] for s in b["stages"]])
    # where time goes adds up to the whole
    equal(f"{where} sum", entry["load_cycles"] + entry["host_cycles"] + sum(entry["bound_cycles"].values()), t["cycles"])

# ---- the program, as inspect prints it ----
equal("digest", report["pef_digest"], inspect["digest"])
equal("arch", report["arch"]["name"], inspect["arch"]["name"] if isinstance(inspect["arch"], dict) else inspect["arch"])
used = {}
for c, config in enumerate(report["configs"]):
    kinds = [place[0] for place in config["places"]]
    equal(f"config {c} PCUs", kinds.count("PCU"), sum(s["pcus"] for s in config["stages"]))
    equal(f"config {c} PMUs", kinds.count("PMU"), sum(b["pmus"] for b in config["buffers"]))
    equal(f"config {c} places", len({(p[2], p[3]) for p in config["places"] if p[0] != "AGCU"}), kinds.count("PCU") + kinds.count("PMU"))
    for b in config["buffers"]:
        equal(f"config {c} {b['name']} bytes", b["bytes"], b["depth"] * b["token_bytes"])
        if b["bytes"] > b["pmus"] * report["arch"]["pmu_bytes"]:
            failures.append(f"config {c}: buffer {b['name']} is larger than its PMUs")
for tensor in report["memory"]["tensors"]:
    level = tensor["level"]
    used[level] = max(used.get(level, 0), tensor["offset_bytes"] + tensor["bytes"])
for i, level in enumerate(report["memory"]["levels"]):
    equal(f"memory {level['name']}", level["used_bytes"], used.get(i, 0))

# ---- lives do not overlap where addresses do ----
for entry in report["entries"]:
    boxes = [(report["memory"]["tensors"][t], first, last) for t, first, last in entry["lifetimes"]]
    for i, (a, a0, a1) in enumerate(boxes):
        for b, b0, b1 in boxes[:i]:
            if (a["level"] == b["level"] and a0 <= b1 and b0 <= a1 and a["offset_bytes"] < b["offset_bytes"] + b["bytes"]
                    and b["offset_bytes"] < a["offset_bytes"] + a["bytes"]):
                failures.append(f"{entry['name']}: {a['name']} and {b['name']} share memory at one time")

if not any(note["pass"] == "fuse" for note in report["notes"]):
    failures.append("found no note of the pass fuse")
for failure in failures[:20]:
    print("FAILED:", failure)
sys.exit(bool(failures))

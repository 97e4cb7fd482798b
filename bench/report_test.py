# SPDX-License-Identifier: Apache-2.0
"""report_test.py FOLDER: ratios, means and shares of a run whose times are written down here."""
import os
import sys

import report

FOLDER = sys.argv[1]


def party(name, precision, threads, milliseconds):
    return {"name": name, "precision": precision, "threads": threads, "seconds": [milliseconds / 1e3] * 3}


def case(name, family, kind="train", **times):
    """times: of us and of PyTorch, by precision and threads, in ms."""
    parties = [party(who, key[:-1], int(key[-1]), value) for key, pair in times.items() for who, value in zip(("spatialflow", "torch"), pair)]
    return {"case": name, "kind": kind, "family": family, "failed": None, "parties": parties, "idle": 0.0,
            "programs": {precision: {"flops": 2e9, "planned_bytes": 64e6, "peak_bytes": 75e6} for precision in ("f32", "bf16")},
            "profile": {"f32": {"seconds": 0.01, "outside": 0.1, "stages": [{"name": "fwd a", "share": 0.5, "roof": "f32", "of": 0.8}, {"name": "bwd b", "share": 0.4, "roof": "L3", "of": 0.5}]}}}


RESULTS = {
    "machine": {"cpu": "none", "threads": 2, "memory_bytes": 2**34, "system": "none", "load": 0.0,
                "peak": {"1": {"f32": 2.5e11, "bf16": 5e11}, "2": {"f32": 5e11, "bf16": 1e12}}},
    "options": {"rounds": 3, "seconds": 0.1, "threads": [1, 2], "precision": ["f32", "bf16"]},
    "peers": {"torch": "none"},
    "cases": [
        case("train-mlp-b64-sgd", "MLP", f321=(10, 20), f322=(5, 10), bf161=(5, 10), bf162=(4, 8)),
        case("train-mlp-b256-sgd", "MLP", f321=(10, 80), f322=(5, 40), bf161=(5, 40), bf162=(4, 32)),
        case("train-lenet-b64-sgd", "LeNet", f321=(10, 90), f322=(5, 45), bf161=(5, 45), bf162=(4, 36)),
        {**case("epoch-mlp-b64-sgd", "MLP", kind="epoch", f322=(600, 1500)), "programs": {}, "profile": {}}]}
for one in RESULTS["cases"][3]["parties"]:
    one["start"] = [0.04] * 3

# Means of the families MLP (2 and 8) and LeNet (9): 4 and 9; over families 6. Shares: 2 GFLOP in 5 ms of 500; 75 MB of 1.25 x 64 + 20.
WANTED = ("mean over families | 2.5 | 6.00 |", "least of all cases | 1.3 | 2.00 |", "Geometric means: MLP 4.00, LeNet 9.00; over families **6.00**; the least ratio is 2.00.",
          "| train-mlp-b256-sgd, share of the f32 peak, 2 threads | 70% | 80% |", "| bf16 over our f32, 2 threads, least of 1 case bound by products | 1.6 | 1.25 (train-mlp-b256-sgd) |",
          "| 2 threads over 1, f32, least of 1 case bound by products | 1.8 | 2.00 (train-mlp-b256-sgd) |", "| train-mlp-b64-sgd | 2.00 | 5.00 ±0% | 10.0 ±0% | 2.00x ±0% | 400, 80% |",
          "| epoch-mlp-b64-sgd | 2 | 0.600 ±0% | 1.50 ±0% | 2.50x ±0% | 40.0 ±0% | 40.0 ±0% |", "| train-mlp-b64-sgd | f32 | 64 | 100 | 75 | 75% |",
          "| train-mlp-b64-sgd | f32 | 10.0 | 60% | 10% | 40% | `bwd b` 40% at 50% of L3 |")
text = report.text(RESULTS)
for line in WANTED:
    if line not in text:
        sys.exit(f"report: found no {line!r} in\n{text}")

path = os.path.join(FOLDER, "marked.md")
with open(path, "w") as file:
    file.write("<!-- bench: nothing -->\n<!-- end -->\n")
try:
    report.refresh(RESULTS, path)
    sys.exit("report: an unknown marker was accepted")
except RuntimeError as error:
    if "bench: nothing" not in str(error):
        sys.exit(f"report: found {error}, wanted the name of the marker")

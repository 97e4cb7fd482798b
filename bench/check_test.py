# SPDX-License-Identifier: Apache-2.0
"""check_test.py FOLDER: a party whose losses, outputs or update is off fails its case, and by name; one within the limits passes. Epochs of ours
begin with PyTorch's weights."""
import math
import os
import sys

import numpy as np

import cases
import duel
import epoch
import inputs

FOLDER = sys.argv[1]
TRAIN, INFER = (next(case for case in cases.CASES if case.kind == kind) for kind in ("train", "infer"))
WEIGHTS = np.linspace(-1, 1, 12)
GRADIENT = np.cos(np.arange(12))


class Fake:
    """Answers a check as a party does."""

    def __init__(self, losses, precision="f32", **arrays):
        self.losses, self.precision, self.arrays = losses, precision, arrays

    def __str__(self):
        return f"fake {self.precision}"

    def ask(self, do, path):
        np.savez(path, **self.arrays)
        return {"losses": self.losses, "how": ""}


def verdict(case, *parties):
    """What check says of the last one: None when it is content."""
    return duel.check(case, parties, FOLDER)[-1].get("failed")


def trained(loss=1.0, rate=0.01, precision="f32"):
    return Fake([loss, loss / 2], precision, weight=WEIGHTS - rate * GRADIENT)


def inferred(error=0.0, precision="f32"):
    return Fake([], precision, **{"output.0": WEIGHTS + error})


np.savez(f"{FOLDER}/weights.npz", weight=WEIGHTS)
for what, found, wanted in (
        ("equal", verdict(TRAIN, trained(), trained(1 + 1e-4, 0.01005)), None),
        ("loss", verdict(TRAIN, trained(), trained(1 + 3e-4)), "loss is off"),
        ("update", verdict(TRAIN, trained(), trained(rate=0.011)), "update is off"),
        ("bf16", verdict(TRAIN, trained(), trained(1.02, 0.02, "bf16")), None),
        ("bf16 loss", verdict(TRAIN, trained(), trained(1.04, 0.01, "bf16")), "fake bf16: its loss is off"),
        ("outputs", verdict(INFER, inferred(), inferred(2e-4)), None),
        ("output", verdict(INFER, inferred(), inferred(2e-3)), "output is off"),
        ("NaN", verdict(INFER, inferred(), inferred(float("nan"))), "NaN"),
        ("first fails", verdict(INFER, inferred(float("nan")), inferred(), inferred(2e-3)), "output is off"),
        ("zeros", verdict(TRAIN, Fake([1.0], weight=np.zeros(12))), "zeros")):
    if (found is None) != (wanted is None) or wanted and wanted not in found:
        sys.exit(f"{what}: found {found!r}, wanted {wanted!r}")

# Of weights that are all zero the first loss is that of ten equal classes, whatever is fed.
case = next(case for case in cases.CASES if str(case) == "train-logreg-b64-sgd")
np.savez(f"{FOLDER}/zeros.npz", **{"logits.weight": np.zeros((10, 784), np.float32), "logits.bias": np.zeros(10, np.float32)})
inputs.write_idx(os.environ["SF_SOURCE_DIR"], f"{FOLDER}/images", case.batch)
tool = epoch.Tool(duel.compile_case(case, FOLDER, "f32", "sn10")["pef"], 1, case.rate, f"{FOLDER}/zeros.npz")
_, loss = tool.epoch(f"{FOLDER}/images")
if abs(loss - math.log(10)) > 1e-6:
    sys.exit(f"epoch from given weights: found a loss of {loss}, wanted {math.log(10)}")

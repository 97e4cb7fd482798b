# SPDX-License-Identifier: Apache-2.0
"""Losses, in the versions and combinations that ONNX's own node tests leave out. The oracle is PyTorch."""
import itertools

import numpy as np
import torch
import torch.nn.functional as F
from onnx import helper

from case import i64

rng = np.random.default_rng(14)
REDUCTIONS = "none", "sum", "mean"


def wanted(function, scores, labels, weights, reduction, ignore):
    options = {"reduction": reduction, "ignore_index": -100 if ignore is None else ignore}
    if weights is not None:
        options["weight"] = torch.from_numpy(weights.astype(np.float64))
    y = function(torch.from_numpy(scores.astype(np.float64)), torch.from_numpy(labels.astype(np.int64)), **options)
    return y.numpy().astype(scores.dtype)


def write(t):
    weights = np.array([0.2, 1.5, 0.7, 2, 1], np.float32)
    for shape, reduction, w, ignore in itertools.product([(4, 5), (2, 5, 3)], REDUCTIONS, (None, weights), (None, 2, -7)):
        scores = (2 * rng.standard_normal(shape)).astype(np.float32)
        labels = rng.integers(0, 5, shape[:1] + shape[2:])
        labels.flat[0] = 2 if ignore is None else ignore
        likely = F.log_softmax(torch.from_numpy(scores), 1).numpy()
        name = f"{len(shape)}d_{reduction}" + ("" if w is None else "_weights") + ("" if ignore is None else f"_ignore_{abs(ignore)}")
        attrs = {"reduction": reduction} if ignore is None else {"reduction": reduction, "ignore_index": ignore}
        inputs = [labels.astype(np.int32)] + ([] if w is None else [w])
        fixed = [] if w is None else [2]
        y = wanted(F.nll_loss, likely, labels, w, reduction, ignore)
        t.op(f"nll_{name}", "NegativeLogLikelihoodLoss", 12, [likely] + inputs, [y], fixed=fixed, **attrs)
        y = wanted(F.cross_entropy, scores, labels, w, reduction, ignore)
        t.op(f"ce_{name}", "SoftmaxCrossEntropyLoss", 12, [scores] + inputs, [y], fixed=fixed, **attrs)
        t.op(f"ce_{name}_log_prob", "SoftmaxCrossEntropyLoss", 13, [scores] + inputs, [y, likely], **attrs)
    scores, labels = rng.standard_normal((4, 5, 2)).astype(np.float32), rng.integers(0, 5, (4, 2))
    for axis, ignore in (1, None), (1, 3), (2, None):
        likely = F.log_softmax(torch.from_numpy(scores), axis).numpy()
        attrs = {} if ignore is None else {"ignore_index": ignore}
        nodes = [
            helper.make_node("LogSoftmax", ["x"], ["p"], axis=axis),
            helper.make_node("NegativeLogLikelihoodLoss", ["p", "l"], ["y"], **attrs),
        ]
        y = wanted(F.nll_loss, likely, labels, None, "mean", ignore)
        t.write(f"nll_of_log_softmax_{axis}_{ignore}", nodes, 13, {"x": scores, "l": labels}, {"y": y})
    f16 = np.array([[1, 2, 3], [3, 1, 0]], np.float16)
    y = wanted(F.cross_entropy, f16, i64(2, 0), None, "mean", None)
    t.op("ce_f16", "SoftmaxCrossEntropyLoss", 13, [f16, np.array([2, 0], np.int32)], [y])

# SPDX-License-Identifier: Apache-2.0
"""Scalars, tensors without elements and tensors of eight dimensions through operators of many families. The oracle is NumPy."""
import numpy as np
from onnx import TensorProto

from case import i64

rng = np.random.default_rng(19)
SHAPES = {"scalar": (), "one": (1,), "none": (0,), "no_middle": (2, 0, 3), "eight": (1, 2, 1, 2, 1, 2, 1, 2)}


def elementwise(t, name, x):
    y = (x + 1).astype(np.float32)
    t.op(f"relu_{name}", "Relu", 14, [x], [np.maximum(x, np.float32(0))])
    t.op(f"add_{name}", "Add", 14, [x, y], [x + y])
    t.op(f"pow_{name}", "Pow", 15, [x, np.array(2, np.float32)], [x * x], fixed=[1])
    t.op(f"elu_{name}", "Elu", 7, [x], [np.where(x < 0, np.expm1(x), x).astype(np.float32)])
    t.op(f"cast_{name}", "Cast", 13, [x], [x.astype(np.int32)], to=TensorProto.INT32)
    t.op(f"equal_{name}", "Equal", 13, [x, x], [np.ones(x.shape, bool)])
    t.op(f"max_{name}", "Max", 13, [x, y, x], [y])
    t.op(f"clip_{name}", "Clip", 13, [x, np.array(-0.5, np.float32)], [np.maximum(x, np.float32(-0.5))])
    t.op(f"dropout_{name}", "Dropout", 13, [x], [x, np.ones(x.shape, bool)])
    scale = np.array(0.25, np.float32)
    t.op(f"quantise_{name}", "QuantizeLinear", 13, [x, scale], [np.clip(np.rint(x / scale), 0, 255).astype(np.uint8)])


def reduced(t, name, x):
    for op, function in ("ReduceSum", np.sum), ("ReduceProd", np.prod):
        t.op(f"{op}_{name}", op, 18, [x], [np.asarray(function(x, keepdims=True), np.float32)])
    if x.size:
        t.op(f"ReduceMean_{name}", "ReduceMean", 18, [x], [np.asarray(x.mean(keepdims=True))])
        t.op(f"ReduceLogSumExp_{name}", "ReduceLogSumExp", 18, [x], [np.asarray(np.log(np.exp(x).sum(keepdims=True)))])
    if not x.ndim:
        return
    t.op(f"ReduceL1_{name}", "ReduceL1", 18, [x, i64(-1)], [np.abs(x).sum(-1)], keepdims=0)
    t.op(f"ReduceMax_{name}", "ReduceMax", 18, [x, i64(-1)], [x.max(-1, initial=-np.inf)], keepdims=0)
    t.op(f"cumsum_{name}", "CumSum", 14, [x, np.array(0)], [x.cumsum(0)])
    t.op(f"top_none_{name}", "TopK", 11, [x, i64(0)], [x[..., :0], x[..., :0].astype(np.int64)])
    t.op(f"top_{name}", "TopK", 11, [x, i64(x.shape[-1])], [-np.sort(-x, -1), np.argsort(-x, -1, kind="stable")])
    if x.shape[-1]:
        e = np.exp(x)
        t.op(f"softmax_{name}", "Softmax", 13, [x], [e / e.sum(-1, keepdims=True)])
        t.op(f"hardmax_{name}", "Hardmax", 13, [x], [(x == x.max(-1, keepdims=True)).astype(np.float32)])
        t.op(f"softmax_flat_{name}", "Softmax", 11, [x], [(e.reshape(len(x), -1) / e.reshape(len(x), -1).sum(1, keepdims=True)).reshape(x.shape)
                                                       if x.size else x], axis=min(1, x.ndim - 1)) if x.ndim > 1 else None


def write(t):
    for name, shape in SHAPES.items():
        x = rng.standard_normal(shape).astype(np.float32) * np.ones(shape, np.float32)
        elementwise(t, name, np.asarray(x, np.float32))
        reduced(t, name, np.asarray(x, np.float32))

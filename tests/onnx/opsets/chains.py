# SPDX-License-Identifier: Apache-2.0
"""Operators whose 64-bit results nobody sees: nothing of them runs on the host. The oracle is NumPy."""
import numpy as np
from onnx import TensorProto, helper

rng = np.random.default_rng(18)


def write(t):
    x = rng.standard_normal((4, 6)).astype(np.float32)

    def chain(name, nodes, y, **fixed):
        t.write(name, nodes, 18, {"x": x, **fixed}, {"y": y}, fixed=fixed)

    best = helper.make_node("ArgMax", ["x"], ["i"], axis=1, keepdims=0)
    chain("argmax_cast_f32", [best, helper.make_node("Cast", ["i"], ["y"], to=TensorProto.FLOAT)], x.argmax(1).astype(np.float32))
    chain("argmax_cast_i32", [best, helper.make_node("Cast", ["i"], ["y"], to=TensorProto.INT32)], x.argmax(1).astype(np.int32))
    table = rng.standard_normal((6, 3)).astype(np.float32)
    chain("argmax_gather", [best, helper.make_node("Gather", ["table", "i"], ["y"])], table[x.argmax(1)], table=table)
    top = helper.make_node("TopK", ["x", "k"], ["v", "i"])
    order = np.argsort(-x, 1)[:, :2]
    chain("top_k_gather", [top, helper.make_node("Gather", ["table", "i"], ["y"])], table[order], table=table, k=np.array([2], np.int64))
    wide = helper.make_node("Cast", ["b"], ["c"], to=TensorProto.INT64)
    positive = helper.make_node("Greater", ["x", "zero"], ["b"])
    back = helper.make_node("Cast", ["c"], ["y"], to=TensorProto.FLOAT)
    chain("bool_to_i64_to_f32", [positive, wide, back], (x > 0).astype(np.float32), zero=np.array(0, np.float32))
    small = helper.make_node("Cast", ["x"], ["b"], to=TensorProto.INT8)
    chain("i8_to_i64_to_f32", [small, wide, back], x.astype(np.int8).astype(np.float32))

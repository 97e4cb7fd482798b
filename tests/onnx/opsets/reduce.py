# SPDX-License-Identifier: Apache-2.0
"""Reductions and what runs along an axis, in the versions that ONNX's own node tests leave out. The oracle is NumPy."""
import numpy as np

from case import f32, i64

rng = np.random.default_rng(13)
X = rng.standard_normal((3, 2, 4)).astype(np.float32)


def log_sum_exp(x, axis, keepdims):
    m = np.max(x, axis, keepdims=True)
    s = np.log(np.sum(np.exp(x - m), axis, keepdims=True)) + m
    return s if keepdims else np.squeeze(s, axis)


REDUCTIONS = {
    "ReduceSum": np.sum,
    "ReduceMean": np.mean,
    "ReduceProd": np.prod,
    "ReduceMax": np.max,
    "ReduceMin": np.min,
    "ReduceL1": lambda x, axis, keepdims: np.sum(np.abs(x), axis, keepdims=keepdims),
    "ReduceL2": lambda x, axis, keepdims: np.sqrt(np.sum(x * x, axis, keepdims=keepdims)),
    "ReduceSumSquare": lambda x, axis, keepdims: np.sum(x * x, axis, keepdims=keepdims),
    "ReduceLogSum": lambda x, axis, keepdims: np.log(np.sum(x, axis, keepdims=keepdims)),
    "ReduceLogSumExp": log_sum_exp,
}


def reductions(t):
    for op, function in REDUCTIONS.items():
        x = np.abs(X) if op == "ReduceLogSum" else X
        one = function(x, (1,), keepdims=True)
        two = function(x, (0, 2), keepdims=False)
        every = function(x, (0, 1, 2), keepdims=True)
        for opset in (7, 11) if op == "ReduceSum" else (7, 11, 13):
            t.op(op, op, opset, [x], [one], axes=[1])
            t.op(f"{op}_two", op, opset, [x], [two], axes=[0, 2], keepdims=0)
            t.op(f"{op}_all", op, opset, [x], [every])
        for opset in (13, 18, 20) if op == "ReduceSum" else (18, 20):
            t.op(op, op, opset, [x, i64(-2)], [one], fixed=[1])
            t.op(f"{op}_two", op, opset, [x, i64(0, -1)], [two], keepdims=0)
            t.op(f"{op}_all", op, opset, [x], [every])
            t.op(f"{op}_all_of_empty", op, opset, [x, i64()], [every])
            t.op(f"{op}_noop", op, opset, [x, i64()], [x], noop_with_empty_axes=1)
            t.op(f"{op}_noop_absent", op, opset, [x], [x], noop_with_empty_axes=1)


def special(t):
    bits = np.array([[True, False, True], [False, False, True]])
    t.op("max_bool", "ReduceMax", 20, [bits, i64(0)], [bits.max(0, keepdims=True)])
    t.op("min_bool", "ReduceMin", 20, [bits, i64(1)], [bits.min(1)], keepdims=0)
    n = rng.integers(-100, 100, (4, 5)).astype(np.int32)
    t.op("mean_i32", "ReduceMean", 13, [n], [np.trunc(n.sum(1, keepdims=True) / 5).astype(np.int32)], axes=[1])
    t.op("prod_i32", "ReduceProd", 13, [n[:, :3]], [n[:, :3].prod(1, keepdims=True, dtype=np.int32)], axes=[1])
    t.op("max_i8", "ReduceMax", 13, [n.astype(np.int8)], [n.astype(np.int8).max(1, keepdims=True)], axes=[1])
    t.op("l2_i32", "ReduceL2", 13, [np.array([[3, 4], [6, 8]], np.int32)], [np.array([[5], [10]], np.int32)], axes=[1])
    far = f32([1000, 1000.5], [-1000, -1001], [-np.inf, 3], [-np.inf, -np.inf])
    wanted = f32([1000.974077], [-999.686738], [3], [-np.inf])
    t.op("log_sum_exp_far", "ReduceLogSumExp", 18, [far, i64(1)], [wanted])
    t.op("log_sum_exp_scalar", "ReduceLogSumExp", 18, [np.array(2, np.float32)], [np.array(2, np.float32)])
    t.op("sum_scalar", "ReduceSum", 13, [np.array(2, np.float32)], [np.array(2, np.float32)])
    t.op("max_of_none", "ReduceMax", 20, [np.zeros((2, 0), np.float32), i64(1)], [np.full((2, 1), -np.inf, np.float32)])


def arguments(t):
    ties = np.array([[1, 5, 5, 0], [7, 2, 7, 7]], np.float32)
    last = 3 - np.argmax(ties[:, ::-1], 1)
    for opset in 7, 11, 12, 13:
        t.op("argmax", "ArgMax", opset, [ties], [np.argmax(ties, 0)[None]])
        t.op("argmax_axis", "ArgMax", opset, [ties], [np.argmax(ties, 1)], axis=1, keepdims=0)
    t.op("argmax_last", "ArgMax", 12, [ties], [last], axis=-1, keepdims=0, select_last_index=1)
    t.op("argmin_last", "ArgMin", 12, [-ties], [last[:, None]], axis=1, select_last_index=1)
    for dtype in np.int32, np.uint8, np.int8, np.int64:
        limits = np.iinfo(dtype)
        n = np.array([[3, limits.max, limits.min], [limits.max, 0, 1]], dtype)
        word = np.dtype(dtype).name
        t.op(f"argmin_{word}", "ArgMin", 13, [n], [np.argmin(n, 1)[:, None]], axis=1)
        t.op(f"argmax_{word}", "ArgMax", 13, [n], [np.argmax(n, 1)[:, None]], axis=1)


def running(t):
    t.op("cumsum", "CumSum", 11, [X, np.array(-1, np.int32)], [np.cumsum(X, 2)], fixed=[1])
    n = np.array([5, -2, 7], np.int32)
    t.op("cumsum_i32", "CumSum", 14, [n, np.array(0, np.int64)], [np.cumsum(n, dtype=np.int32)])
    t.op("cumsum_back", "CumSum", 14, [n, np.array(0, np.int64)], [np.array([5, 7, 0], np.int32)], exclusive=1, reverse=1)


def tops(t):
    best = -np.sort(-X, 2)
    order = np.argsort(-X, 2, kind="stable")
    t.op("top_k", "TopK", 7, [X], [best[..., :3], order[..., :3]], k=3)
    t.op("top_k", "TopK", 10, [X, i64(2)], [best[..., :2], order[..., :2]], axis=-1)
    t.op("top_k_axis_0", "TopK", 10, [X, i64(3)], [-np.sort(-X, 0), np.argsort(-X, 0)], axis=0)
    t.op("top_k_least", "TopK", 11, [X, i64(2)], [np.sort(X, 2)[..., :2], np.argsort(X, 2)[..., :2]], largest=0, sorted=0, fixed=[1])
    n = np.array([[4, 9, 4, 9, 1]], np.int64)
    t.op("top_k_ties", "TopK", 11, [n, i64(3)], [i64([9, 9, 4]), i64([1, 3, 0])])
    t.op("top_k_ties_least", "TopK", 11, [n.astype(np.int32), i64(3)], [np.array([[1, 4, 4]], np.int32), i64([4, 0, 2])], largest=0)
    t.op("top_k_values", "TopK", 11, [X, i64(1)], [best[..., :1], None])
    t.op("top_k_indices", "TopK", 11, [X, i64(1)], [None, order[..., :1]])


def write(t):
    reductions(t)
    special(t)
    arguments(t)
    running(t)
    tops(t)

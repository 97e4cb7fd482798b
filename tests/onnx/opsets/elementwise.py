# SPDX-License-Identifier: Apache-2.0
"""Elementwise operators, in the versions that ONNX's own node tests leave out. The oracle is NumPy."""
import numpy as np
from onnx import TensorProto, helper

from case import Bf16, f32, i64

rng = np.random.default_rng(11)
X = rng.standard_normal((3, 4)).astype(np.float32)
Y = rng.standard_normal((3, 4)).astype(np.float32)
ROW = rng.standard_normal((1, 4)).astype(np.float32)


def arithmetic(t):
    for opset in 7, 8, 13:
        t.op("max", "Max", opset, [X, Y, X * Y], [np.maximum(np.maximum(X, Y), X * Y)])
        t.op("min", "Min", opset, [X, Y, X * Y], [np.minimum(np.minimum(X, Y), X * Y)])
        t.op("sum", "Sum", opset, [X, Y, X * Y], [X + Y + X * Y])
        t.op("mean", "Mean", opset, [X, Y, X * Y], [(X + Y + X * Y) / 3])
    t.op("sum_broadcast", "Sum", 8, [X, ROW, f32(2)], [X + ROW + 2])
    t.op("mean_broadcast", "Mean", 8, [ROW, X], [(X + ROW) / 2])
    for opset in 7, 13, 14, 21:
        t.op("add", "Add", opset, [X, ROW], [X + ROW])
        t.op("div", "Div", opset, [X, Y], [X / Y])
    a, b = np.array([7, -7, 7, -7, 0], np.int32), np.array([2, 2, -2, -2, 5], np.int32)
    t.op("div_truncates", "Div", 14, [a, b], [np.trunc(a / b).astype(np.int32)])
    t.op("mul_wraps", "Mul", 14, [np.array([100, -100], np.int8), np.array([3, 3], np.int8)], [np.array([44, -44], np.int8)])
    t.op("sub_u16", "Sub", 14, [np.array([1, 9], np.uint16), np.array([2, 2], np.uint16)], [np.array([65535, 7], np.uint16)])
    t.op("abs_i8", "Abs", 13, [np.array([-5, 5, 0], np.int8)], [np.array([5, 5, 0], np.int8)])
    t.op("sign_i64", "Sign", 13, [i64(-5, 0, 2**40)], [i64(-1, 0, 1)])
    t.op("neg_i16", "Neg", 13, [np.array([-5, 300], np.int16)], [np.array([5, -300], np.int16)])
    t.op("round", "Round", 11, [f32(0.5, 1.5, -0.5, 2.4, -2.6)], [f32(0, 2, -0.0, 2, -3)])


def powers(t):
    base = f32(0.5, 2, 3, 1.5)
    for e in 1, 2, 3, 4, 0.5, -0.5, -1, 0, 2.5, 5:
        name = f"pow_by_{e}".replace("-", "minus_").replace(".", "_")
        t.op(name, "Pow", 13, [base, f32(e)], [np.power(base, np.float32(e))], fixed=[1])
    t.op("pow_of_negative", "Pow", 7, [f32(-2, -1, 3), f32(2)], [f32(4, 1, 9)], fixed=[1])
    t.op("pow_broadcasts_exponent", "Pow", 13, [np.array(3, np.float32), np.array([[2]], np.float32)], [np.array([[9]], np.float32)], fixed=[1])
    t.op("pow", "Pow", 7, [base, f32(2, -1, 0.5, 3)], [np.power(base, f32(2, -1, 0.5, 3))])
    n = np.array([2, -3, 0, 1, -1, -1, 5, 2, 0], np.int32)
    e = np.array([10, 3, 0, 99, 7, 100, 2, -1, 70], np.int32)
    t.op("pow_i32", "Pow", 12, [n, e], [np.array([1024, -27, 1, 1, -1, 1, 25, 0, 0], np.int32)])
    t.op("pow_i64_u8", "Pow", 12, [i64(3, 10), np.array([39, 18], np.uint8)], [i64(3**39, 10**18)])
    t.op("pow_i32_by_3", "Pow", 15, [n, i64(3)], [n**3], fixed=[1])
    t.op("pow_i32_f32", "Pow", 12, [np.array([2, 9], np.int32), f32(3, 0.5)], [np.array([8, 3], np.int32)])
    t.op("pow_f16", "Pow", 13, [np.array([2, 3], np.float16), np.array([3, 2], np.int32)], [np.array([8, 9], np.float16)])


def integers(t):
    a = np.array([-7, 7, -7, 7, 5], np.int32)
    b = np.array([3, -3, -3, 3, 5], np.int32)
    for opset in 10, 13:
        t.op("mod", "Mod", opset, [a, b], [np.mod(a, b)])
        t.op("fmod", "Mod", opset, [a, b], [np.fmod(a, b)], fmod=1)
    t.op("fmod_f64", "Mod", 13, [a / 2, b / 1.0], [np.fmod(a / 2, b / 1.0)], fmod=1)
    u = np.array([1, 2, 200, 255], np.uint8)
    n = np.array([1, 7, 2, 8], np.uint8)
    t.op("shift_left", "BitShift", 11, [u, n], [np.array([2, 0, 32, 0], np.uint8)], direction="LEFT")
    t.op("shift_right", "BitShift", 11, [u, n], [np.array([0, 0, 50, 0], np.uint8)], direction="RIGHT")
    for dtype in np.int32, np.uint8, np.int64, np.uint32, np.int16:
        p = rng.integers(0, 200, (3, 4)).astype(dtype)
        q = rng.integers(0, 200, 4).astype(dtype)
        word = np.dtype(dtype).name
        t.op(f"bitwise_and_{word}", "BitwiseAnd", 18, [p, q], [p & q])
        t.op(f"bitwise_or_{word}", "BitwiseOr", 18, [p, q], [p | q])
        t.op(f"bitwise_xor_{word}", "BitwiseXor", 18, [p, q], [p ^ q])
        t.op(f"bitwise_not_{word}", "BitwiseNot", 18, [p], [~p])


def comparisons(t):
    whole = i64(1, 2**40, 3)
    for opset in 7, 11, 13, 19:
        t.op("equal", "Equal", opset, [whole, i64(1, 2**40 + 1, 3)], [np.array([True, False, True])])
    t.op("equal_bool", "Equal", 7, [np.array([True, False]), np.array([True, True])], [np.array([True, False])])
    for opset in 7, 9, 13:
        t.op("less", "Less", opset, [X, Y], [X < Y])
        t.op("greater", "Greater", opset, [X, Y], [X > Y])
    for opset in 12, 16:
        t.op("less_or_equal", "LessOrEqual", opset, [X, ROW], [X <= ROW])
        t.op("greater_or_equal", "GreaterOrEqual", opset, [X, X], [X >= X])
    bits = np.array([True, False, True, False]), np.array([[True], [False]])
    t.op("and", "And", 7, list(bits), [bits[0] & bits[1]])
    t.op("or", "Or", 7, list(bits), [bits[0] | bits[1]])
    t.op("xor", "Xor", 7, list(bits), [bits[0] ^ bits[1]])
    odd = f32(np.nan, np.inf, -np.inf, 1)
    for opset in 10, 20:
        t.op("isinf", "IsInf", opset, [odd], [np.isinf(odd)])
        t.op("isinf_low", "IsInf", opset, [odd], [np.isneginf(odd)], detect_positive=0)
        t.op("isinf_high", "IsInf", opset, [odd], [np.isposinf(odd)], detect_negative=0)
        t.op("isinf_none", "IsInf", opset, [odd], [np.zeros(4, bool)], detect_negative=0, detect_positive=0)
    t.op("isinf_f16", "IsInf", 20, [odd.astype(np.float16)], [np.isinf(odd)])
    for opset in 9, 13, 20:
        t.op("isnan", "IsNaN", opset, [odd], [np.isnan(odd)])


def casts(t):
    x = f32(1.7, -1.7, 0, 100.5, -3)
    for opset in 7, 9, 13, 19, 21:
        t.op("cast_i32", "Cast", opset, [x], [x.astype(np.int32)], to=TensorProto.INT32)
        t.op("cast_bool", "Cast", opset, [x], [x != 0], to=TensorProto.BOOL)
        t.op("cast_i8", "Cast", opset, [x], [x.astype(np.int8)], to=TensorProto.INT8)
    t.op("cast_saturate", "Cast", 19, [x], [x.astype(np.float16)], to=TensorProto.FLOAT16, saturate=0)
    t.op("cast_wraps", "Cast", 13, [i64(2**32 + 5, -1)], [np.array([5, -1], np.int32)], to=TensorProto.INT32)
    t.op("cast_from_bool", "Cast", 13, [np.array([True, False])], [f32(1, 0)], to=TensorProto.FLOAT)
    t.op("cast_u64", "Cast", 13, [np.array([2**63 + 1025], np.uint64)], [np.array([2**63 + 1025], np.uint64).astype(np.float64)], to=TensorProto.DOUBLE)
    t.op("cast_bf16", "Cast", 13, [Bf16([1.5, -2])], [f32(1.5, -2)], to=TensorProto.FLOAT)
    whole = np.array([-1, 5], np.int8)
    there = helper.make_node("Cast", ["x"], ["w"], to=TensorProto.UINT32)
    back = helper.make_node("Cast", ["w"], ["y"], to=TensorProto.FLOAT)
    t.write("cast_through_u32", [there, back], 13, {"x": whole}, {"y": whole.astype(np.uint32).astype(np.float32)})
    t.op("cast_like", "CastLike", 15, [x, i64(0)], [x.astype(np.int64)])
    t.op("cast_like", "CastLike", 19, [x, np.zeros(2, np.float16)], [x.astype(np.float16)], saturate=1)
    t.op("cast_like_bf16", "CastLike", 19, [f32(1.5, -2), Bf16([0])], [Bf16([1.5, -2])])


def write(t):
    arithmetic(t)
    powers(t)
    integers(t)
    comparisons(t)
    casts(t)

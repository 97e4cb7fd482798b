# SPDX-License-Identifier: Apache-2.0
"""Constants, ranges, windows, random numbers, in the versions that ONNX's own node tests leave out. The oracle is NumPy."""
import numpy as np
from onnx import TensorProto, helper, numpy_helper

from case import f32, i64


def node(op, ins, outs, **attrs):
    return helper.make_node(op, ins, outs, **attrs)


def constants(t):
    forms = {
        "value_float": (2.5, np.array(2.5, np.float32)),
        "value_floats": ([1.5, 2], f32(1.5, 2)),
        "value_int": (7, np.array(7, np.int64)),
        "value_ints": ([7, -8], i64(7, -8)),
        "value": (numpy_helper.from_array(np.array([[1, 2]], np.int16)), np.array([[1, 2]], np.int16)),
    }
    for form, (value, y) in forms.items():
        t.write(f"constant_{form}", [node("Constant", [], ["y"], **{form: value})], 12, {}, {"y": y})
    one = numpy_helper.from_array(np.array([3], np.int32))
    t.op("constant_of_shape", "ConstantOfShape", 9, [i64(2, 3)], [np.full((2, 3), 3, np.int32)], value=one)
    t.op("constant_of_shape", "ConstantOfShape", 20, [i64(2, 3)], [np.full((2, 3), 3, np.int32)], value=one, fixed=[0])
    t.op("constant_of_shape_scalar", "ConstantOfShape", 9, [i64()], [np.array(0, np.float32)])


def ranges(t):
    def scalars(dtype, *values):
        return [np.array(v, dtype) for v in values]

    t.op("range_i16", "Range", 11, scalars(np.int16, 10, -3, -4), [np.array([10, 6, 2, -2], np.int16)])
    t.op("range_i64", "Range", 11, scalars(np.int64, 0, 5, 1), [np.arange(5)], fixed=[0, 1, 2])
    t.op("range_f64", "Range", 11, scalars(np.float64, 1, 2, 0.3), [np.arange(1, 2, 0.3)])
    t.op("range_empty", "Range", 11, scalars(np.int32, 5, 2, 1), [np.zeros(0, np.int32)])
    for k in -1, 0, 2:
        t.op(f"eye_like_{k + 1}", "EyeLike", 9, [np.zeros((3, 4), np.float32)], [np.eye(3, 4, k, np.float32)], k=k)
    t.op("eye_like_bool", "EyeLike", 9, [np.zeros((2, 2), np.int64)], [np.eye(2, dtype=bool)], dtype=TensorProto.BOOL)


def windows(t):
    for n in 1, 2, 9:
        turn = 2 * np.pi * np.arange(n)
        for periodic, period in (1, n), (0, max(n - 1, 1)):
            c, c2 = np.cos(turn / period), np.cos(2 * turn / period)
            name = f"{n}_{'periodic' if periodic else 'symmetric'}"
            for op, y in ("HannWindow", 0.5 - 0.5 * c), ("HammingWindow", 25 / 46 - 21 / 46 * c), ("BlackmanWindow", 0.42 - 0.5 * c + 0.08 * c2):
                t.op(f"{op}_{name}", op, 17, [np.array(n, np.int64)], [y], output_datatype=TensorProto.DOUBLE, periodic=periodic)


def within(nodes, low, high):
    """Nodes after which `y` says whether `r` lies within bounds."""
    return nodes + [
        node("Constant", [], ["low"], value_float=low),
        node("Constant", [], ["high"], value_float=high),
        node("GreaterOrEqual", ["r", "low"], ["above"]),
        node("LessOrEqual", ["r", "high"], ["below"]),
        node("And", ["above", "below"], ["y"]),
    ]


def draws(t):
    """Bounds of random numbers and five standard deviations around the moments of 4096 of them."""
    yes = np.array(True)
    square = node("Mul", ["x", "x"], ["s"])
    mean, mean_of_square = (node("ReduceMean", [v], ["r"], keepdims=0) for v in "xs")
    uniform = node("RandomUniform", [], ["x"], shape=[64, 64], low=2.0, high=3.0)
    t.write("uniform_low", within([uniform, node("ReduceMin", ["x"], ["r"], keepdims=0)], 2.0, 2.01), 13, {}, {"y": yes})
    t.write("uniform_high", within([uniform, node("ReduceMax", ["x"], ["r"], keepdims=0)], 2.99, 3.0), 13, {}, {"y": yes})
    t.write("uniform_mean", within([uniform, mean], 2.47, 2.53), 13, {}, {"y": yes})
    normal = node("RandomNormal", [], ["x"], shape=[64, 64], mean=1.0, scale=2.0, seed=3.0)
    t.write("normal_mean", within([normal, mean], 0.84, 1.16), 13, {}, {"y": yes})
    t.write("normal_square", within([normal, square, mean_of_square], 4.4, 5.6), 13, {}, {"y": yes})
    like = {"z": np.full((64, 64), 0.25, np.float32)}
    t.write("uniform_like", within([node("RandomUniformLike", ["z"], ["x"], high=4.0), mean], 1.9, 2.1), 13, like, {"y": yes})
    t.write("normal_like", within([node("RandomNormalLike", ["z"], ["x"]), mean], -0.08, 0.08), 13, like, {"y": yes})
    t.write("bernoulli", within([node("Bernoulli", ["z"], ["x"]), mean], 0.216, 0.284), 15, like, {"y": yes})
    log = {"z": np.log(np.array([[1, 2, 5]], np.float32))}
    drawn = node("Multinomial", ["z"], ["d"], sample_size=4096)
    for i, share in enumerate((1 / 8, 2 / 8, 5 / 8)):
        count = [
            drawn,
            node("Constant", [], ["class"], value=numpy_helper.from_array(np.array(i, np.int32))),
            node("Equal", ["d", "class"], ["hit"]),
            node("Cast", ["hit"], ["x"], to=TensorProto.FLOAT),
            mean,
        ]
        t.write(f"multinomial_{i}", within(count, share - 0.04, share + 0.04), 13, log, {"y": yes})
    ones = {"z": np.ones((64, 64), np.float32), "ratio": np.array(0.25, np.float32), "train": np.array(True)}
    drop = node("Dropout", ["z", "ratio", "train"], ["d", "m"])
    t.write("dropout_mean", within([drop, node("Cast", ["m"], ["n"], to=1), node("Mul", ["d", "n"], ["x"]), mean], 0.95, 1.05), 13, ones, {"y": yes})
    t.write("dropout_kept", within([drop, node("Cast", ["m"], ["x"], to=1), mean], 0.716, 0.784), 13, ones, {"y": yes})


def write(t):
    constants(t)
    ranges(t)
    windows(t)
    draws(t)

# SPDX-License-Identifier: Apache-2.0
"""Quantised operators, in the versions that ONNX's own node tests leave out. Oracles are NumPy and PyTorch's convolutions of f64."""
import numpy as np
import torch
import torch.nn.functional as F
from onnx import TensorProto

from case import Bf16, f32

rng = np.random.default_rng(15)
X = (50 * rng.standard_normal((2, 3, 4))).astype(np.float32)


def quantised(x, scale, zero, dtype):
    limits = np.iinfo(dtype)
    return np.clip(np.rint(x / scale) + zero, limits.min, limits.max).astype(dtype)


def scalar(value, dtype=np.float32):
    return np.array(value, dtype)


def linear(t):
    u8, i8 = scalar(128, np.uint8), scalar(-5, np.int8)
    for opset in 10, 13, 19, 21:
        t.op("quantise", "QuantizeLinear", opset, [X, scalar(0.5)], [quantised(X, 0.5, 0, np.uint8)])
        t.op("quantise_u8", "QuantizeLinear", opset, [X, scalar(0.25), u8], [quantised(X, 0.25, 128, np.uint8)], fixed=[1, 2])
        t.op("quantise_i8", "QuantizeLinear", opset, [X, scalar(0.5), i8], [quantised(X, 0.5, -5, np.int8)])
        q = quantised(X, 0.5, -5, np.int8)
        t.op("dequantise_i8", "DequantizeLinear", opset, [q, scalar(0.5), i8], [(q.astype(np.float32) + 5) * np.float32(0.5)])
        t.op("dequantise", "DequantizeLinear", opset, [q, scalar(0.5)], [q * np.float32(0.5)])
    t.op("quantise_halves", "QuantizeLinear", 10, [f32(0.5, 1.5, 2.5, -3), scalar(1)], [np.array([0, 2, 2, 0], np.uint8)])
    n = np.array([2**24 + 1, -7], np.int32)
    t.op("quantise_i32", "QuantizeLinear", 10, [np.array([9, -7], np.int32), scalar(2), scalar(10, np.uint8)], [np.array([14, 6], np.uint8)])
    t.op("dequantise_i32", "DequantizeLinear", 10, [n, scalar(2)], [f32(2**25, -14)])


def per_axis(t):
    scale, zero = f32(0.5, 1, 2), np.array([1, -2, 3], np.int8)
    line = scale.reshape(3, 1), zero.reshape(3, 1)
    for opset in 13, 19, 21:
        t.op("quantise_axis", "QuantizeLinear", opset, [X, scale, zero], [quantised(X, *line, np.int8)], fixed=[1, 2])
        t.op("quantise_axis_minus_2", "QuantizeLinear", opset, [X, scale, zero], [quantised(X, *line, np.int8)], axis=-2)
        q = quantised(X, *line, np.int8)
        back = ((q.astype(np.float32) - line[1]) * line[0]).astype(np.float32)
        t.op("dequantise_axis", "DequantizeLinear", opset, [q, scale, zero], [back], axis=1)


def later(t):
    half = X.astype(np.float16)
    t.op("quantise_f16", "QuantizeLinear", 19, [half, np.array(0.5, np.float16), scalar(3, np.uint8)], [quantised(half, np.float16(0.5), 3, np.uint8)], saturate=1)
    q = np.array([-128, 5, 127], np.int8)
    t.op("dequantise_f16", "DequantizeLinear", 19, [q, np.array(0.5, np.float16)], [np.array([-64, 2.5, 63.5], np.float16)])
    t.op("dequantise_bf16", "DequantizeLinear", 19, [q, Bf16(0.5)], [Bf16([-64, 2.5, 63.5])])
    for word, dtype in ("i16", np.int16), ("u16", np.uint16):
        zero = scalar(np.iinfo(dtype).max // 2, dtype)
        y = quantised(100 * X, 0.1, int(zero), dtype)
        t.op(f"quantise_{word}", "QuantizeLinear", 21, [100 * X, scalar(0.1), zero], [y])
        t.op(f"dequantise_{word}", "DequantizeLinear", 21, [y, scalar(0.1), zero], [((y.astype(np.int32) - int(zero)) * np.float32(0.1)).astype(np.float32)])
    t.op("quantise_as_asked", "QuantizeLinear", 21, [X, scalar(0.5)], [quantised(X, 0.5, 0, np.int8)], output_dtype=TensorProto.INT8)
    x = (20 * rng.standard_normal((2, 5, 3))).astype(np.float32)
    scale = rng.uniform(0.25, 1, (2, 3, 3)).astype(np.float32)
    zero = rng.integers(-5, 5, (2, 3, 3)).astype(np.int8)
    wide = [np.repeat(v, 2, 1)[:, :5] for v in (scale, zero)]
    y = quantised(x, *wide, np.int8)
    t.op("quantise_blocks", "QuantizeLinear", 21, [x, scale, zero], [y], axis=1, block_size=2, fixed=[1, 2])
    back = ((y.astype(np.float32) - wide[1]) * wide[0]).astype(np.float32)
    t.op("dequantise_blocks", "DequantizeLinear", 21, [y, scale, zero], [back], axis=1, block_size=2)
    t.op("dequantise_blocks_of_one", "DequantizeLinear", 21, [y[:, :3], scale], [y[:, :3] * scale], axis=-2, block_size=1)


def products(t):
    a = rng.integers(0, 255, (2, 3, 4)).astype(np.uint8)
    b = rng.integers(-128, 127, (4, 5)).astype(np.int8)
    za, zb = np.array([[[7], [0], [200]]], np.uint8), np.array([1, -2, 3, 0, 5], np.int8)
    wide = (a.astype(np.int32) - za) @ (b.astype(np.int32) - zb)
    t.op("matmul_integer", "MatMulInteger", 10, [a, b], [a.astype(np.int32) @ b.astype(np.int32)])
    t.op("matmul_integer_zeros", "MatMulInteger", 10, [a, b, za, zb], [wide])
    t.op("matmul_integer_rows", "MatMulInteger", 10, [a[0], b, za.reshape(3), zb], [wide[0]], fixed=[1, 2, 3])
    t.op("matmul_integer_vectors", "MatMulInteger", 10, [a[0, 0], b], [a[0, 0].astype(np.int32) @ b.astype(np.int32)])
    sa, sb, sy, zy = f32(0.5, 0.25, 1).reshape(1, 3, 1), f32(0.5, 1, 0.25, 1, 2), scalar(300), scalar(-3, np.int8)
    y = quantised(wide * (sa * sb), 300, -3, np.int8)
    for opset in 10, 21:
        t.op("qlinear_matmul", "QLinearMatMul", opset, [a, sa, za, b, sb, zb, sy, zy], [y], fixed=[3, 4, 5])


def convolved(x, w, zx, zw, **options):
    wide = torch.from_numpy(x.astype(np.float64) - zx), torch.from_numpy(w.astype(np.float64) - zw)
    function = {3: F.conv1d, 4: F.conv2d, 5: F.conv3d}[x.ndim]
    return function(*wide, **options).numpy().astype(np.int32)


def convolutions(t):
    def pair(x_shape, w_shape):
        return rng.integers(0, 255, x_shape).astype(np.uint8), rng.integers(-128, 127, w_shape).astype(np.int8)

    x, w = pair((2, 4, 7, 6), (6, 2, 3, 2))
    zx, zw = scalar(100, np.uint8), np.array([1, 2, 3, 4, 5, 6], np.int8)
    y = convolved(x, w, 100, zw.reshape(6, 1, 1, 1), stride=(2, 1), padding=1, dilation=(1, 2), groups=2)
    t.op("conv_integer", "ConvInteger", 10, [x, w, zx, zw], [y], strides=[2, 1], pads=[1, 1, 1, 1], dilations=[1, 2], group=2, fixed=[1, 3])
    line = pair((1, 2, 9), (3, 2, 3))
    t.op("conv_integer_1d", "ConvInteger", 10, list(line), [convolved(*line, 0, 0, stride=2)], strides=[2])
    block = pair((2, 2, 5, 4, 4), (2, 1, 3, 2, 2))
    y = convolved(*block, 0, 0, stride=(2, 1, 1), padding=(1, 0, 1), groups=2)
    t.op("conv_integer_3d", "ConvInteger", 10, list(block), [y], strides=[2, 1, 1], pads=[1, 0, 1, 1, 0, 1], group=2)
    image = pair((1, 1, 5, 5), (1, 1, 2, 2))
    for mode, place in ("SAME_UPPER", 0), ("SAME_LOWER", 1):
        padded = np.zeros((1, 1, 6, 6), np.uint8)
        padded[:, :, place : place + 5, place : place + 5] = image[0]
        t.op(f"conv_integer_{mode.lower()}", "ConvInteger", 10, list(image), [convolved(padded, image[1], 0, 0)], auto_pad=mode)
    t.op("conv_integer_valid", "ConvInteger", 10, list(image), [convolved(*image, 0, 0)], auto_pad="VALID")
    sx, sw, sy, zy = scalar(0.02), rng.uniform(0.01, 0.02, 6).astype(np.float32), scalar(2.5), scalar(128, np.uint8)
    bias = rng.integers(-5000, 5000, 6).astype(np.int32)
    wide = convolved(x, w, 100, zw.reshape(6, 1, 1, 1), padding=1, groups=2) + bias.reshape(6, 1, 1)
    y = quantised(wide * (np.float64(sx) * sw.reshape(6, 1, 1)), np.float64(sy), 128, np.uint8)
    t.op("qlinear_conv", "QLinearConv", 10, [x, sx, zx, w, sw, zw, sy, zy, bias], [y], pads=[1, 1, 1, 1], group=2, fixed=[3, 4, 5, 8])


def write(t):
    linear(t)
    per_axis(t)
    later(t)
    products(t)
    convolutions(t)
    x = f32(-3, 0.5, 7, 2)
    scale = np.float32(10 / 255)
    zero = np.rint(3 / scale)
    t.op("dynamic", "DynamicQuantizeLinear", 11, [x], [quantised(x, scale, zero, np.uint8), np.array(scale), np.array(zero, np.uint8)])

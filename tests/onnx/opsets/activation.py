# SPDX-License-Identifier: Apache-2.0
"""Activations, in the versions that ONNX's own node tests leave out. Oracles are NumPy and PyTorch."""
import numpy as np
import torch
import torch.nn.functional as F

from case import Bf16, f32

rng = np.random.default_rng(12)
X = (3 * rng.standard_normal((2, 3, 4))).astype(np.float32)
WIDE = f32(-1e4, -80, -20, -1, -1e-3, 0, 1e-3, 1, 20, 80, 1e4)


def of(function, x, **options):
    return function(torch.from_numpy(x.astype(np.float64)), **options).numpy().astype(x.dtype)


def curves(t):
    for opset in 7, 13:
        t.op("sigmoid", "Sigmoid", opset, [WIDE], [of(torch.sigmoid, WIDE)])
        t.op("tanh", "Tanh", opset, [WIDE], [np.tanh(WIDE)])
        t.op("relu", "Relu", opset, [X], [np.maximum(X, 0)])
    t.op("relu_i32", "Relu", 14, [np.array([-3, 0, 4], np.int32)], [np.array([0, 0, 4], np.int32)])
    t.op("relu_bf16", "Relu", 14, [Bf16([-3, 0, 4])], [Bf16([0, 0, 4])])
    for opset in 7, 16:
        t.op("leaky_relu", "LeakyRelu", opset, [X], [of(F.leaky_relu, X, negative_slope=0.2)], alpha=0.2)
        t.op("leaky_relu_steep", "LeakyRelu", opset, [X], [np.where(X < 0, 2 * X, X)], alpha=2.0)
    slope = f32(0.1, 0.2, 3).reshape(3, 1)
    for opset in 7, 9, 16:
        t.op("prelu", "PRelu", opset, [X, slope], [np.where(X < 0, slope * X, X)], fixed=[1])
    t.op("prelu_i32", "PRelu", 9, [np.array([-3, 2], np.int32), np.array([2], np.int32)], [np.array([-6, 2], np.int32)])
    t.op("elu", "Elu", 7, [WIDE], [of(F.elu, WIDE, alpha=1.5)], alpha=1.5)
    t.op("selu", "Selu", 7, [WIDE], [of(F.selu, WIDE)])
    t.op("celu", "Celu", 12, [WIDE], [of(F.celu, WIDE, alpha=0.7)], alpha=0.7)
    t.op("hard_sigmoid", "HardSigmoid", 7, [X], [np.clip(0.3 * X + 0.4, 0, 1)], alpha=0.3, beta=0.4)
    t.op("hard_swish", "HardSwish", 14, [X], [of(F.hardswish, X)])
    t.op("softplus", "Softplus", 7, [WIDE], [of(F.softplus, WIDE, threshold=1000)])
    t.op("softsign", "Softsign", 7, [WIDE], [of(F.softsign, WIDE)])
    t.op("mish", "Mish", 18, [WIDE], [of(F.mish, WIDE)])
    t.op("thresholded_relu", "ThresholdedRelu", 10, [X], [np.where(X > 2, X, 0)], alpha=2.0)
    t.op("shrink", "Shrink", 9, [X], [np.where(X < -1, X + 0.5, np.where(X > 1, X - 0.5, 0)).astype(np.float32)], lambd=1.0, bias=0.5)
    whole = np.array([-3, -1, 0, 2, 5], np.int32)
    t.op("shrink_i32", "Shrink", 9, [whole], [np.array([-2, 0, 0, 1, 4], np.int32)], lambd=1.5, bias=1.0)
    t.op("gelu", "Gelu", 20, [X], [of(F.gelu, X)])
    t.op("gelu_none", "Gelu", 20, [X], [of(F.gelu, X)], approximate="none")
    cubic = 0.5 * X * (1 + np.tanh(np.sqrt(2 / np.pi) * (X + 0.044715 * X**3)))
    t.op("gelu_tanh", "Gelu", 20, [X], [cubic.astype(np.float32)], approximate="tanh")


def clips(t):
    t.op("clip", "Clip", 7, [X], [np.clip(X, -1, 1)], min=-1.0, max=1.0)
    t.op("clip_low", "Clip", 7, [X], [np.maximum(X, 0)], min=0.0)
    low, high = np.array(-1, np.float32), np.array(1, np.float32)
    for opset in 11, 12, 13:
        t.op("clip", "Clip", opset, [X, low, high], [np.clip(X, -1, 1)], fixed=[1, 2])
        t.op("clip_high", "Clip", opset, [X, None, high], [np.minimum(X, 1)])
    t.op("clip_line", "Clip", 11, [X, f32(-1), f32(1)], [np.clip(X, -1, 1)], fixed=[1, 2])
    t.op("clip_crossed", "Clip", 13, [X, high, low], [np.full_like(X, -1)])
    n = np.array([-5, 0, 2**60], np.int64)
    t.op("clip_i64", "Clip", 12, [n, np.array(-1, np.int64), np.array(2**59 + 1, np.int64)], [np.array([-1, 0, 2**59 + 1], np.int64)], fixed=[1, 2])


def flat(x, axis, function):
    rows = int(np.prod(x.shape[:axis], dtype=np.int64))
    return function(x.reshape(rows, -1), axis=1).reshape(x.shape)


def softmax(x, axis):
    return of(F.softmax, x, dim=axis)


def log_softmax(x, axis):
    return of(F.log_softmax, x, dim=axis)


def hardmax(x, axis):
    first = np.expand_dims(np.argmax(x, axis), axis)
    place = np.arange(x.shape[axis]).reshape([-1 if d == axis % x.ndim else 1 for d in range(x.ndim)])
    return (place == first).astype(x.dtype)


def along(t):
    ties = np.array([[1, 3, 3, 0], [2, 2, 2, 2]], np.float32)
    for name, op, function in ("softmax", "Softmax", softmax), ("log_softmax", "LogSoftmax", log_softmax), ("hardmax", "Hardmax", hardmax):
        for opset in 7, 11:
            t.op(name, op, opset, [X], [flat(X, 1, function)])
            t.op(f"{name}_axis_0", op, opset, [X], [flat(X, 0, function)], axis=0)
            t.op(f"{name}_axis_2", op, opset, [X], [flat(X, 2, function)], axis=2)
        t.op(f"{name}_axis_minus_2", op, 11, [X], [flat(X, 1, function)], axis=-2)
        t.op(name, op, 13, [X], [function(X, 2)])
        t.op(f"{name}_axis_1", op, 13, [X], [function(X, 1)], axis=1)
        t.op(f"{name}_ties", op, 21, [ties], [function(ties, 0)], axis=0)


def dropouts(t):
    t.op("dropout", "Dropout", 7, [X], [X, np.ones_like(X)], ratio=0.3)
    t.op("dropout", "Dropout", 10, [X], [X, np.ones(X.shape, bool)], ratio=0.3)
    for opset in 12, 13:
        t.op("dropout", "Dropout", opset, [X, np.array(0.3, np.float32)], [X, np.ones(X.shape, bool)], fixed=[1])
        t.op("dropout_of_none", "Dropout", opset, [X, np.array(0, np.float32), np.array(True)], [X, np.ones(X.shape, bool)])
    t.op("dropout_alone", "Dropout", 13, [X], [X])


def write(t):
    curves(t)
    clips(t)
    along(t)
    dropouts(t)

# SPDX-License-Identifier: Apache-2.0
"""Normalisations. Oracles are NumPy in f64 and PyTorch."""
import numpy as np
import torch
import torch.nn.functional as F

rng = np.random.default_rng(24)


def f(*shape):
    return np.array(rng.standard_normal(shape), np.float32)


def channels(v, rank):
    return v.reshape(-1, *[1] * (rank - 2))


def normalised(x, mean, var, scale, bias, eps):
    n = x.ndim
    y = (x.astype(np.float64) - channels(mean, n)) / np.sqrt(channels(var, n) + eps)
    return (y * channels(scale, n) + channels(bias, n)).astype(x.dtype)


def batch_norms(t):
    scale, bias, mean, var = f(3), f(3), f(3), np.abs(f(3)) + np.float32(0.5)
    for shape in (4, 3), (2, 3, 5), (2, 3, 4, 5), (2, 3, 2, 3, 4):
        x = f(*shape)
        wanted = normalised(x, mean, var, scale, bias, 1e-3)
        for opset in 7, 9, 14, 15:
            inputs = [x, scale, bias, mean, var]
            t.op(f"batch_norm_{len(shape)}", "BatchNormalization", opset, inputs, [wanted], epsilon=1e-3)
            t.op(f"batch_norm_{len(shape)}_states", "BatchNormalization", opset, inputs, [wanted], fixed=[1, 2, 3, 4], epsilon=1e-3)
    x = f(4)
    one = [np.float32([v]) for v in (2, 0.5, -1, 4)]
    t.op("batch_norm_1", "BatchNormalization", 15, [x, *one], [normalised(x[:, None], one[2], one[3], one[0], one[1], 1e-5)[:, 0]])
    x = f(2, 3, 4, 5)
    now, spread = x.astype(np.float64).mean((0, 2, 3)), x.astype(np.float64).var((0, 2, 3))
    y = normalised(x, now, spread, scale, bias, 1e-5)
    moved = [(0.8 * old + 0.2 * new).astype(np.float32) for old, new in ((mean, now), (var, spread))]
    for opset in 14, 15:
        t.op("batch_norm_training", "BatchNormalization", opset, [x, scale, bias, mean, var], [y, *moved], training_mode=1, momentum=0.8)
    saved = [now.astype(np.float32), spread.astype(np.float32)]
    t.op("batch_norm_training", "BatchNormalization", 9, [x, scale, bias, mean, var], [y, *moved, *saved], momentum=0.8)
    half = x.astype(np.float16)
    t.op("batch_norm_f16", "BatchNormalization", 15, [half, scale, bias, mean, var], [normalised(half, mean, var, scale, bias, 1e-5)])


def group_norms(t):
    for shape in (2, 4, 6), (2, 4, 3, 5), (1, 4, 2, 3, 4):
        x, scale, bias = f(*shape), f(4), f(4)
        n, axes = len(shape), tuple(range(2, len(shape)))
        wanted = F.instance_norm(torch.from_numpy(x), weight=torch.from_numpy(scale), bias=torch.from_numpy(bias), eps=1e-3).numpy()
        for opset in 6, 21:
            t.op(f"instance_norm_{n}", "InstanceNormalization", opset, [x, scale, bias], [wanted], fixed=[1, 2], epsilon=1e-3)
        for groups in 1, 2, 4:
            wanted = F.group_norm(torch.from_numpy(x), groups, torch.from_numpy(scale), torch.from_numpy(bias), 1e-4).numpy()
            t.op(f"group_norm_{n}_{groups}", "GroupNormalization", 21, [x, scale, bias], [wanted], num_groups=groups, epsilon=1e-4)
            per_group = F.group_norm(torch.from_numpy(x), groups, eps=1e-4).numpy()
            each = [np.repeat(v[:groups], 4 // groups) for v in (scale, bias)]
            wanted = per_group * channels(each[0], n) + channels(each[1], n)
            t.op(f"group_norm_{n}_{groups}", "GroupNormalization", 18, [x, scale[:groups], bias[:groups]], [wanted], num_groups=groups, epsilon=1e-4)


def layer_norms(t):
    x = f(2, 3, 4, 5)
    for axis in 1, 2, -1:
        inner = x.shape[axis:]
        over = tuple(range(axis % 4, 4))
        for name, shape in (("whole", inner), ("row", inner[-1:]), ("ones", (1,) * (len(inner) - 1) + inner[-1:])):
            scale, bias = f(*shape), f(*shape)
            mean = x.astype(np.float64).mean(over, keepdims=True)
            rstd = 1 / np.sqrt(x.astype(np.float64).var(over, keepdims=True) + 1e-4)
            y = ((x - mean) * rstd * scale + bias).astype(np.float32)
            stats = [mean.astype(np.float32), rstd.astype(np.float32)]
            t.op(f"layer_norm_{axis}_{name}", "LayerNormalization", 17, [x, scale, bias], [y, *stats], axis=axis, epsilon=1e-4)
    scale = f(5)
    wanted = F.layer_norm(torch.from_numpy(x), (5,), torch.from_numpy(scale)).numpy()
    t.op("layer_norm_no_bias", "LayerNormalization", 17, [x, scale], [wanted], fixed=[1])
    wide = x.astype(np.float64)
    y = F.layer_norm(torch.from_numpy(wide), (5,), torch.ones(5, dtype=torch.float64)).numpy()
    t.op("layer_norm_f64", "LayerNormalization", 17, [wide, np.ones(5)], [y], stash_type=11)
    half = x.astype(np.float16)
    y = F.layer_norm(torch.from_numpy(half.astype(np.float32)), (5,)).numpy().astype(np.float16)
    t.op("layer_norm_f16", "LayerNormalization", 17, [half, np.ones(5, np.float16)], [y])
    for axes in [0, 2, 3], [1], [-1, 0]:
        over = tuple(axes)
        y = (x - x.mean(over, keepdims=True)) / (x.std(over, keepdims=True) + np.float32(1e-9))
        for opset in 9, 13:
            t.op(f"mean_variance_{len(axes)}", "MeanVarianceNormalization", opset, [x], [y], axes=axes)
    t.op("mean_variance", "MeanVarianceNormalization", 13, [x], [(x - x.mean((0, 2, 3), keepdims=True)) / x.std((0, 2, 3), keepdims=True)])


def by_norm(t):
    for shape in (2, 7), (2, 7, 3), (2, 7, 3, 4):
        x = f(*shape)
        for size in 1, 3, 4, 9:
            low, high = (size - 1) // 2, size - 1 - (size - 1) // 2
            square = np.stack([(x[:, max(0, c - low):c + high + 1].astype(np.float64) ** 2).sum(1) for c in range(7)], 1)
            wanted = (x / (2 + 0.5 / size * square) ** 0.6).astype(np.float32)
            for opset in 7, 13:
                t.op(f"lrn_{len(shape)}_{size}", "LRN", opset, [x], [wanted], size=size, alpha=0.5, beta=0.6, bias=2.0)
    x = f(3, 4, 5)
    for p in 1, 2:
        for axis in 0, 1, -1:
            length = np.linalg.norm(x, p, axis, True)
            t.op(f"lp_norm_{p}_{axis}", "LpNormalization", 7, [x], [x / length], p=p, axis=axis)
    x[1] = 0
    t.op("lp_norm_default", "LpNormalization", 7, [x], [F.normalize(torch.from_numpy(x), dim=-1).numpy()])


def write(t):
    batch_norms(t)
    group_norms(t)
    layer_norms(t)
    by_norm(t)

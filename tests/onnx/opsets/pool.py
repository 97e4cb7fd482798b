# SPDX-License-Identifier: Apache-2.0
"""Pools of one to three dimensions. The oracle visits every window; where PyTorch has the pool, it must agree."""
import itertools

import numpy as np
import torch
import torch.nn.functional as F

rng = np.random.default_rng(23)


def f(*shape):
    return np.array(rng.standard_normal(shape), np.float32)


def sizes(shape, kernel, strides, pads, dilations, ceil_mode):
    n, out = len(kernel), []
    for d in range(n):
        padded, reach = shape[2 + d] + pads[d] + pads[n + d], dilations[d] * (kernel[d] - 1) + 1
        windows = (padded - reach + (strides[d] - 1 if ceil_mode else 0)) // strides[d] + 1
        if ceil_mode and (windows - 1) * strides[d] >= shape[2 + d] + pads[d]:
            windows -= 1
        out.append(windows)
    return out


def pooled(x, result, kernel, strides, pads, dilations, ceil_mode):
    """result (list of places inside, whether each of the window is in the padded image) for every window."""
    out = sizes(x.shape, kernel, strides, pads, dilations, ceil_mode)
    n = len(kernel)
    cells = []
    for at in np.ndindex(*out):
        inside, counted = [], 0
        for k in np.ndindex(*kernel):
            place = [at[d] * strides[d] - pads[d] + k[d] * dilations[d] for d in range(n)]
            counted += all(p < x.shape[2 + d] + pads[n + d] for d, p in enumerate(place))
            if all(0 <= p < x.shape[2 + d] for d, p in enumerate(place)):
                inside.append(tuple(place))
        cells.append(result(inside, counted))
    return np.stack(cells, -1).reshape(*x.shape[:2], *out)


def values(x, inside):
    return np.stack([x[(slice(None), slice(None), *place)] for place in inside], -1).astype(np.float64)


def average(x, include_pad, *form):
    return pooled(x, lambda inside, counted: values(x, inside).sum(-1) / (counted if include_pad else len(inside)), *form).astype(x.dtype)


def maximum(x, *form):
    return pooled(x, lambda inside, counted: values(x, inside).max(-1), *form).astype(x.dtype)


def index_of_maximum(x, by_columns, *form):
    spatial = x.shape[2:]
    order = "F" if by_columns else "C"

    def result(inside, counted):
        flat = np.array([np.ravel_multi_index(place, spatial, order=order) for place in inside])
        planes = np.arange(x.shape[0] * x.shape[1]).reshape(x.shape[:2]) * np.prod(spatial)
        return flat[values(x, inside).argmax(-1)] + planes

    return pooled(x, result, *form).astype(np.int64)


def norm(x, p, *form):
    return pooled(x, lambda inside, counted: (np.abs(values(x, inside)) ** p).sum(-1) ** (1 / p), *form).astype(x.dtype)


#       x, kernel, strides, pads, dilations
FORMS = {
    "1d": ((2, 3, 9), [3], [2], [1, 0], [1]),
    "2d": ((2, 3, 7, 8), [3, 2], [2, 3], [0, 1, 2, 0], [1, 1]),
    "3d": ((1, 2, 5, 6, 4), [2, 3, 2], [2, 2, 1], [1, 0, 0, 0, 2, 1], [1, 1, 1]),
    "3d_flat": ((2, 2, 3, 4, 4), [1, 2, 2], [1, 2, 2], [0] * 6, [1, 1, 1]),
}
DILATED = {
    "1d": ((2, 3, 12), [3], [2], [2, 1], [2]),
    "2d": ((2, 3, 9, 8), [2, 3], [2, 1], [1, 2, 2, 1], [3, 2]),
    "3d": ((1, 2, 6, 5, 7), [2, 2, 3], [1, 2, 2], [1, 0, 2, 0, 1, 1], [2, 2, 1]),
}


def attrs_of(kernel, strides, pads, dilations=None):
    attrs = {"kernel_shape": kernel, "strides": strides, "pads": pads}
    return attrs if dilations is None else {**attrs, "dilations": dilations}


def averages(t):
    for (name, (shape, *form)), include, ceil_mode in itertools.product(FORMS.items(), (0, 1), (0, 1)):
        x = f(*shape)
        for opset in 10, 19:
            t.op(f"average_{name}_{include}{ceil_mode}", "AveragePool", opset, [x], [average(x, include, *form, ceil_mode)],
                 count_include_pad=include, ceil_mode=ceil_mode, **attrs_of(*form[:3]))
    for (name, (shape, *form)), include, ceil_mode in itertools.product(DILATED.items(), (0, 1), (0, 1)):
        x = f(*shape)
        t.op(f"average_dilated_{name}_{include}{ceil_mode}", "AveragePool", 19, [x], [average(x, include, *form, ceil_mode)],
             count_include_pad=include, ceil_mode=ceil_mode, **attrs_of(*form))
    x = f(2, 3, 6)
    by_torch = F.avg_pool1d(torch.from_numpy(x), 3, 2, 1, count_include_pad=False).numpy()
    t.op("average_torch", "AveragePool", 7, [x], [by_torch], **attrs_of([3], [2], [1, 1]))
    t.op("average_same", "AveragePool", 11, [x], [average(x, 0, [3], [2], [0, 1], [1], 0)], kernel_shape=[3], strides=[2], auto_pad="SAME_UPPER")
    t.op("average_valid", "AveragePool", 7, [x], [average(x, 0, [4], [3], [0, 0], [1], 0)], kernel_shape=[4], strides=[3], auto_pad="VALID")
    t.op("average_wide_pads", "AveragePool", 11, [x], [average(x, 1, [4], [1], [2, 3], [1], 0)], kernel_shape=[4], pads=[2, 3], count_include_pad=1)


def maxima(t):
    for (name, (shape, *form)), ceil_mode in itertools.product((*FORMS.items(), *(("dilated_" + k, v) for k, v in DILATED.items())), (0, 1)):
        x = f(*shape)
        attrs = {"ceil_mode": ceil_mode, **attrs_of(*form)}
        y = maximum(x, *form, ceil_mode)
        t.op(f"max_{name}_{ceil_mode}", "MaxPool", 10, [x], [y], **attrs)
        for by_columns in 0, 1:
            indices = index_of_maximum(x, by_columns, *form, ceil_mode)
            t.op(f"max_{name}_{ceil_mode}_indices_{by_columns}", "MaxPool", 12, [x], [y, indices], storage_order=by_columns, **attrs)
    x = f(2, 3, 5, 6)
    y, at = F.max_pool2d(torch.from_numpy(x), 3, 2, 1, return_indices=True)
    at = at.numpy() + np.arange(6).reshape(2, 3, 1, 1) * 30
    t.op("max_torch", "MaxPool", 8, [x], [y.numpy(), at], **attrs_of([3, 3], [2, 2], [1, 1, 1, 1]))
    t.op("max_first", "MaxPool", 7, [x], [y.numpy()], **attrs_of([3, 3], [2, 2], [1, 1, 1, 1]))
    ties = np.float32([[[1, 1, 0, 0, 2, 2]]])
    t.op("max_ties", "MaxPool", 11, [ties], [np.float32([[[1, 0, 2]]]), np.int64([[[0, 2, 4]]])], kernel_shape=[2], strides=[2])
    t.op("max_low", "MaxPool", 11, [-1 - np.abs(x)], [maximum(-1 - np.abs(x), [2, 2], [1, 1], [1] * 4, [1, 1], 0)], kernel_shape=[2, 2], pads=[1] * 4)
    for dtype in np.int8, np.uint8:
        u = rng.integers(np.iinfo(dtype).min, np.iinfo(dtype).max, (1, 2, 5, 5)).astype(dtype)
        form = ([3, 2], [2, 1], [1, 0, 0, 1], [1, 1], 0)
        t.op(f"max_{dtype.__name__}", "MaxPool", 12, [u], [maximum(u, *form), index_of_maximum(u, False, *form)], **attrs_of(*form[:3]))


def norms(t):
    for (name, (shape, *form)), p in itertools.product(FORMS.items(), (1, 2, 3)):
        x = f(*shape)
        t.op(f"lp_{name}_{p}", "LpPool", 11, [x], [norm(x, p, *form, 0)], p=p, **attrs_of(*form[:3]))
        t.op(f"lp_{name}_{p}", "LpPool", 18, [x], [norm(x, p, *form, 1)], p=p, ceil_mode=1, **attrs_of(*form))
    for name, (shape, *form) in DILATED.items():
        x = f(*shape)
        t.op(f"lp_dilated_{name}", "LpPool", 18, [x], [norm(x, 2, *form, 0)], **attrs_of(*form))


def whole(t):
    for shape in (2, 3, 5), (2, 3, 4, 5), (2, 3, 2, 3, 4):
        x, axes, name = f(*shape), tuple(range(2, len(shape))), f"{len(shape) - 2}d"
        t.op(f"global_average_{name}", "GlobalAveragePool", 7, [x], [x.mean(axes, keepdims=True)])
        t.op(f"global_max_{name}", "GlobalMaxPool", 7, [x], [x.max(axes, keepdims=True)])
        for p in 1, 2, 3:
            t.op(f"global_lp_{name}_{p}", "GlobalLpPool", 7, [x], [(np.abs(x) ** p).sum(axes, keepdims=True) ** np.float32(1 / p)], p=p)


def back(t):
    x = f(2, 2, 6, 4)
    y, at = F.max_pool2d(torch.from_numpy(x), 2, 2, return_indices=True)
    wanted = F.max_unpool2d(y, at, 2, 2).numpy()
    flat = at.numpy() + np.arange(4).reshape(2, 2, 1, 1) * 24
    t.op("unpool", "MaxUnpool", 9, [y.numpy(), flat], [wanted], kernel_shape=[2, 2], strides=[2, 2])
    wide = np.pad(wanted, [(0, 0), (0, 0), (0, 1), (0, 2)])
    t.op("unpool_wider", "MaxUnpool", 11, [y.numpy(), flat, np.int64(wide.shape)], [wide], kernel_shape=[2, 2], strides=[2, 2], fixed=[2])
    x = f(1, 2, 7)
    y, at = F.max_pool1d(torch.from_numpy(x), 3, 2, 1, return_indices=True)
    flat = at.numpy() + np.arange(2).reshape(1, 2, 1) * 7
    t.op("unpool_1d", "MaxUnpool", 11, [y.numpy(), flat], [F.max_unpool1d(y, at, 3, 2, 1).numpy()], kernel_shape=[3], strides=[2], pads=[1, 1])


def write(t):
    averages(t)
    maxima(t)
    norms(t)
    whole(t)
    back(t)

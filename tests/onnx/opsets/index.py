# SPDX-License-Identifier: Apache-2.0
"""Gathers, scatters and selections, in the versions and forms that the ONNX project's own tests of this machine do not reach."""
import numpy as np
import torch

i64 = np.int64
combine = {"none": lambda a, b: b, "add": np.add, "mul": np.multiply, "max": np.maximum, "min": np.minimum}


def gathers(op, random, generator):
    x = random(3, 4, 5)
    at = generator.integers(-4, 4, (2, 3))
    op("gather", "Gather", 7, [x, at], [np.take(x, at, 1)], axis=1)
    op("gather_i32", "Gather", 21, [x, np.int32(at)], [np.take(x, at, 1)], axis=-2)
    op("gather_one", "Gather", 13, [x, np.array(-2)], [x[:, -2]], axis=1, fixed=(1,))
    op("gather_one_of_rank_2", "Gather", 13, [x, i64([[3]])], [x[:, [[3]]]], axis=1, fixed=(1,))
    op("gather_i64_data", "Gather", 13, [i64(x * 10), at], [np.take(i64(x * 10), at, 1)], axis=1)
    op("gather_bool_data", "Gather", 13, [x > 0, at], [np.take(x > 0, at, 1)], axis=1)
    for axis in (0, 1, 2):
        dim = x.shape[axis]
        at = generator.integers(-dim, dim, (2, 4, 3))
        wanted = torch.gather(torch.from_numpy(x[:2, :, :3] if axis == 1 else x[:, :4, :3] if axis == 0 else x[:2, :4]), axis,
                              torch.from_numpy(at % dim)).numpy()
        op(f"gather_elements_axis_{axis}", "GatherElements", 13, [x, at], [wanted], axis=axis)
    pairs = np.stack([generator.integers(-3, 3, (4, 2)), generator.integers(-4, 4, (4, 2))], -1)
    op("gather_nd", "GatherND", 11, [x, pairs], [x[pairs[..., 0], pairs[..., 1]]])
    data, at = random(2, 3, 4, 5), generator.integers(-4, 4, (2, 3, 6, 1))
    wanted = np.stack([np.stack([data[b, c][at[b, c, :, 0]] for c in range(3)]) for b in range(2)])
    op("gather_nd_batch_2", "GatherND", 12, [data, at], [wanted], batch_dims=2)
    at = generator.integers(0, 3, (2, 1))
    op("gather_nd_no_list", "GatherND", 13, [data, at], [np.stack([data[b, at[b, 0]] for b in range(2)])], batch_dims=1)


def scattered_elements(x, at, updates, axis, reduction):
    y = x.copy()
    for place in np.ndindex(at.shape):
        to = list(place)
        to[axis] = at[place]
        y[tuple(to)] = combine[reduction](y[tuple(to)], updates[place])
    return y


def scattered(x, at, updates, reduction):
    y = x.copy()
    for place in np.ndindex(at.shape[:-1]):
        to = tuple(at[place])
        y[to] = combine[reduction](y[to], updates[place])
    return y


def scatters(op, random, generator):
    x, at, updates = random(3, 4, 5), generator.integers(-4, 4, (2, 3, 5)), random(2, 3, 5)
    unique = np.stack([generator.permutation(4)[:3] for _ in range(10)]).reshape(2, 5, 3).transpose(0, 2, 1)
    op("scatter", "Scatter", 9, [x, unique, updates], [scattered_elements(x, unique, updates, 1, "none")], axis=1)
    op("scatter_elements", "ScatterElements", 11, [x, unique - 4, updates], [scattered_elements(x, unique, updates, 1, "none")], axis=-2)
    for reduction, opset in (("add", 16), ("mul", 16), ("max", 18), ("min", 18)):
        op(f"scatter_elements_{reduction}", "ScatterElements", opset, [x, at, updates],
             [scattered_elements(x, at, updates, 1, reduction)], axis=1, reduction=reduction)
    op("scatter_elements_i32", "ScatterElements", 18, [np.int32(x * 9), np.int32(at), np.int32(updates * 9)],
         [scattered_elements(np.int32(x * 9), at, np.int32(updates * 9), 1, "max")], axis=1, reduction="max")
    pairs, rows = np.stack([generator.integers(-3, 3, 6), generator.integers(-4, 4, 6)], -1), random(6, 5)
    distinct = i64([[0, 1], [-1, -1], [1, 0]])
    op("scatter_nd", "ScatterND", 11, [x, distinct, rows[:3]], [scattered(x, distinct, rows[:3], "none")])
    for reduction, opset in (("add", 16), ("mul", 16), ("max", 18), ("min", 21)):
        op(f"scatter_nd_{reduction}", "ScatterND", opset, [x, pairs, rows], [scattered(x, pairs, rows, reduction)], reduction=reduction)
    blocks = random(2, 4, 5)
    op("scatter_nd_blocks", "ScatterND", 18, [x, i64([[2], [0]]), blocks], [scattered(x, i64([[2], [0]]), blocks, "none")])
    points, values = generator.integers(0, 3, (2, 2, 3)), random(2, 2)
    op("scatter_nd_points", "ScatterND", 18, [x, points, values], [scattered(x, points, values, "add")], reduction="add")


def masks(op, random, generator):
    at = i64([[0, 2, -1], [5, -4, -3]])
    wanted = np.where(np.where(at < 0, at + 3, at)[..., None] == np.arange(3), np.float32(2), np.float32(-1))
    op("one_hot", "OneHot", 9, [at, i64([3]), np.float32([-1, 2])], [wanted])
    op("one_hot_float_depth", "OneHot", 11, [np.float32(at), np.float32(3), np.int32([0, 7])], [np.int32(np.moveaxis(wanted > 0, -1, 1) * 7)], axis=1)
    x = random(2, 4, 5)
    op("where_broadcast", "Where", 9, [x[0, :, :1] > 0, x, np.float32(0.5)], [np.where(x[0, :, :1] > 0, x, np.float32(0.5))])
    op("trilu_f32", "Trilu", 14, [x, np.array(-1)], [np.tril(x, -1)], upper=0)
    op("trilu_bool", "Trilu", 14, [x > 0, np.array(1)], [np.triu(x > 0, 1)], fixed=(1,))
    reverse = random(2, 5, 3)
    turned = reverse.copy()
    turned[0], turned[1, :3] = reverse[0, ::-1], reverse[1, 2::-1]
    op("reverse_sequence", "ReverseSequence", 10, [reverse, i64([5, 3])], [turned], batch_axis=0, time_axis=1)
    across = reverse.transpose(1, 0, 2).copy()
    op("reverse_sequence_default", "ReverseSequence", 21, [across, i64([5, 3])], [turned.transpose(1, 0, 2).copy()])
    keep = np.array([True, False, True, True])
    op("compress_known", "Compress", 9, [x, keep], [x[:, keep]], axis=1, fixed=(1,))
    op("compress", "Compress", 11, [x, keep], [x[:, keep]], axis=-2)
    op("compress_flat", "Compress", 11, [x, keep], [x.flatten()[:4][keep]])


def selections(op, random, generator):
    x = np.float32([[1, 0, 0], [2, 0, 3]])
    op("nonzero", "NonZero", 9, [x], [np.array(np.nonzero(x))])
    op("nonzero_known", "NonZero", 13, [x > 0], [np.array(np.nonzero(x))], fixed=(0,))
    op("nonzero_none", "NonZero", 13, [x * 0], [np.zeros((2, 0), i64)])
    u = generator.integers(0, 4, (3, 3)).astype(np.int32)
    values, first, inverse, counts = np.unique(u, True, True, True)
    op("unique_i32", "Unique", 11, [u], [values, first, inverse, counts])


def write(t):
    op = t.op
    generator = np.random.default_rng(2)

    def random(*shape):
        return generator.standard_normal(shape).astype(np.float32)

    for family in (gathers, scatters, masks, selections):
        family(op, random, generator)

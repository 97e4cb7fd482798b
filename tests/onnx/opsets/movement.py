# SPDX-License-Identifier: Apache-2.0
"""Operators that move elements, in the versions that the ONNX project's own tests of this machine do not reach."""
import itertools

import numpy as np
import torch
import torch.nn.functional as F

i64 = np.int64


def slices(op, x):
    op("slice_1", "Slice", 7, [x], [x[:, 1:-1, -3:]], axes=[1, 2], starts=[1, -3], ends=[-1, 2**63 - 1])
    op("slice_1_default_axes", "Slice", 9, [x], [x[1:2, 0:3]], starts=[1, 0], ends=[2, 3])
    op("slice_steps", "Slice", 21, [x, i64([4, 100]), i64([-100, -200]), i64([-1, 1]), i64([-2, -3])], [x[:, ::-3, 4::-2]], fixed=(1, 2, 3, 4))
    op("slice_empty", "Slice", 13, [x, i64([3]), i64([1]), i64([1])], [x[:, 3:1]])


def splits(op, x):
    op("split_2_sizes", "Split", 7, [x], [x[:, :1], x[:, 1:4]], axis=1, split=[1, 3])
    op("split_2_equal", "Split", 11, [x], [x[:1], x[1:]])
    op("split_18_uneven", "Split", 18, [x], [x[..., :2], x[..., 2:4], x[..., 4:]], axis=-1, num_outputs=3)
    op("split_18_sizes", "Split", 21, [x, i64([4, 0, 1])], [x[..., :4], x[..., 4:4], x[..., 4:]], axis=2)


def pads(op, x):
    low_high = [0, 1, 2, 0, 2, 1]
    widths = list(zip(low_high[:3], low_high[3:]))
    for mode in ("reflect", "edge"):
        op(f"pad_2_{mode}", "Pad", 7, [x], [np.pad(x, widths, mode)], mode=mode, pads=low_high)
    op("pad_2_constant", "Pad", 10, [x], [np.pad(x, widths, constant_values=1.5)], pads=low_high, value=1.5)
    op("pad_11_no_value", "Pad", 11, [x, i64(low_high)], [np.pad(x, widths)], fixed=(1,))
    op("pad_13_negative", "Pad", 13, [x, i64([0, -1, 1, 0, 2, -2]), np.float32(3)],
         [np.pad(x[:, 1:, :-2], [(0, 0), (0, 2), (1, 0)], constant_values=3)], fixed=(1,))
    op("pad_18_axes", "Pad", 18, [x, i64([1, 3, 2, 0]), None, np.int32([-1, 1])], [np.pad(x, [(0, 0), (3, 0), (1, 2)], "reflect")], mode="reflect")
    op("pad_18_integers", "Pad", 18, [np.int32(x * 10), i64([1, 2]), np.int32(7), i64([1])],
         [np.pad(np.int32(x * 10), [(0, 0), (1, 2), (0, 0)], constant_values=7)])
    op("pad_19_wrap", "Pad", 19, [x, i64([0, 3, 1, 1, 9, 0])], [x.take(range(3), 0, mode="wrap").take(range(-3, 13), 1, mode="wrap").take(range(-1, 5), 2, mode="wrap")], mode="wrap")
    op("pad_19_negative_edge", "Pad", 21, [x, i64([-1, 2]), None, i64([2])], [np.pad(x[..., 1:], [(0, 0), (0, 0), (0, 2)], "edge")], mode="edge")
    op("pad_reflect_far", "Pad", 18, [x, i64([0, 0, 9, 0, 0, 7])], [np.pad(x, [(0, 0), (0, 0), (9, 7)], "reflect")], mode="reflect")


def crops(op, x):
    op("center_crop_pad", "CenterCropPad", 18, [x, i64([5, 3, 5])], [np.pad(x[:, :3], [(1, 2), (0, 0), (0, 0)])])
    op("center_crop_pad_axes", "CenterCropPad", 21, [x, np.int32([2, 8])], [np.pad(x[..., 1:3], [(0, 0), (2, 2), (0, 0)])], axes=[-1, 1], fixed=(1,))


def columns_summed(columns, image, block, strides, dilations, pads):
    """Col2Im of any number of dimensions, element by element."""
    n, spatial = columns.shape[0], len(image)
    channels = columns.shape[1] // int(np.prod(block))
    windows = [(image[i] + pads[i] + pads[spatial + i] - dilations[i] * (block[i] - 1) - 1) // strides[i] + 1 for i in range(spatial)]
    columns = columns.reshape([n, channels] + list(block) + windows)
    out = np.zeros([n, channels] + list(image), columns.dtype)
    for place in itertools.product(*map(range, list(block) + windows)):
        at = [place[spatial + i] * strides[i] + place[i] * dilations[i] - pads[i] for i in range(spatial)]
        if all(0 <= a < size for a, size in zip(at, image)):
            out[(slice(None), slice(None), *at)] += columns[(slice(None), slice(None), *place)]
    return out


def folds(op, random):
    x = random(2, 12, 12)
    y = F.fold(torch.from_numpy(x), (7, 9), (2, 3), dilation=(2, 1), padding=(1, 0), stride=(2, 3)).numpy()
    op("col2im", "Col2Im", 18, [x, i64([7, 9]), i64([2, 3])], [y], dilations=[2, 1], pads=[1, 0, 1, 0], strides=[2, 3])
    for name, image, block, strides, dilations, padding in (("1d", [9], [3], [2], [2], [1, 2]),
                                                            ("3d", [4, 5, 3], [2, 3, 1], [2, 1, 1], [1, 2, 1], [1, 0, 0, 0, 1, 0])):
        count = np.prod([(image[i] + padding[i] + padding[len(image) + i] - dilations[i] * (block[i] - 1) - 1) // strides[i] + 1 for i in range(len(image))])
        x = random(2, 3 * int(np.prod(block)), int(count))
        op(f"col2im_{name}", "Col2Im", 18, [x, i64(image), i64(block)], [columns_summed(x, image, block, strides, dilations, padding)],
             fixed=(1, 2), dilations=dilations, pads=padding, strides=strides)


def write(t):
    op = t.op
    generator = np.random.default_rng(1)

    def random(*shape):
        return generator.standard_normal(shape).astype(np.float32)

    x = random(2, 4, 5)
    for family in (slices, splits, pads, crops):
        family(op, x)
    folds(op, random)
    op("tile", "Tile", 7, [x, i64([2, 1, 3])], [np.tile(x, [2, 1, 3])])
    op("tile_none", "Tile", 13, [x, i64([1, 0, 1])], [np.tile(x, [1, 0, 1])])
    op("transpose_default", "Transpose", 21, [x], [x.transpose()])
    op("concat_empty", "Concat", 7, [x, x[:, :0], x[:, 1:]], [np.concatenate([x, x[:, 1:]], 1)], axis=1)
    d = random(1, 8, 2, 3)
    op("depth_to_space", "DepthToSpace", 7, [d], [d.reshape(1, 2, 2, 2, 2, 3).transpose(0, 3, 4, 1, 5, 2).reshape(1, 2, 4, 6)], blocksize=2)
    shuffled = F.pixel_shuffle(torch.from_numpy(d), 2)
    op("depth_to_space_crd", "DepthToSpace", 21, [d], [shuffled.numpy()], blocksize=2, mode="CRD")

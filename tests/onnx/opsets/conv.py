# SPDX-License-Identifier: Apache-2.0
"""Convolutions of one to three dimensions. The oracle is PyTorch, on images padded and cropped by hand."""
import numpy as np
import torch
import torch.nn.functional as F
from torchvision.ops import deform_conv2d

rng = np.random.default_rng(22)
CONV = (None, F.conv1d, F.conv2d, F.conv3d)
TRANSPOSED = (None, F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)


def f(*shape):
    return np.array(rng.standard_normal(shape), np.float32)


def tensor(x):
    return torch.from_numpy(np.asarray(x, np.float64))


def padded(x, pads):
    """Pads [low ..., high ...]; negative ones crop."""
    n = len(pads) // 2
    return F.pad(x, [p for d in reversed(range(n)) for p in (pads[d], pads[n + d])])


def conv(x, w, b, strides, pads, dilations, group):
    y = CONV[len(strides)](padded(tensor(x), pads), tensor(w), None if b is None else tensor(b), strides, 0, dilations, group)
    return y.numpy().astype(np.float32)


def convs(t):
    #        x, w, bias, strides, pads, dilations, group
    forms = {
        "1d": ((2, 3, 9), (4, 3, 3), True, [1], [0, 0], [1], 1),
        "1d_uneven": ((2, 4, 9), (6, 2, 4), True, [2], [3, 1], [2], 2),
        "1d_one": ((1, 2, 1), (3, 2, 1), False, [1], [0, 0], [1], 1),
        "2d_uneven": ((2, 3, 8, 9), (4, 3, 2, 3), True, [2, 1], [0, 2, 1, 1], [1, 2], 1),
        "2d_depthwise": ((2, 4, 6, 6), (8, 1, 3, 3), False, [1, 2], [1, 1, 1, 1], [1, 1], 4),
        "2d_wide_pads": ((1, 1, 3, 3), (1, 1, 2, 2), False, [1, 1], [4, 4, 5, 5], [1, 1], 1),
        "3d": ((2, 3, 5, 6, 7), (4, 3, 3, 2, 3), True, [1, 1, 1], [0] * 6, [1, 1, 1], 1),
        "3d_uneven": ((2, 4, 5, 6, 7), (6, 2, 2, 3, 2), True, [2, 1, 2], [1, 0, 2, 0, 1, 1], [2, 1, 2], 2),
        "3d_flat_kernel": ((1, 2, 4, 5, 5), (3, 2, 1, 3, 3), False, [1, 1, 1], [0, 1, 1, 0, 1, 1], [1, 1, 1], 1),
        "3d_deep_kernel": ((1, 2, 6, 3, 3), (3, 2, 4, 1, 1), True, [3, 1, 1], [1, 0, 0, 2, 0, 0], [1, 1, 1], 1),
    }
    for name, (xs, ws, bias, strides, pads, dilations, group) in forms.items():
        x, w, b = f(*xs), f(*ws), f(ws[0]) if bias else None
        wanted = conv(x, w, b, strides, pads, dilations, group)
        attrs = {"strides": strides, "pads": pads, "dilations": dilations, "group": group}
        inputs = [x, w] + [b] * bias
        t.op(f"conv_{name}", "Conv", 7, inputs, [wanted], **attrs)
        t.op(f"conv_{name}_weights", "Conv", 11, inputs, [wanted], fixed=range(1, len(inputs)), kernel_shape=ws[2:], **attrs)
    for mode in "SAME_UPPER", "SAME_LOWER":
        for size, kernel, stride, dilation in ((8, 3, 2, 1), (5, 2, 1, 1), (9, 4, 1, 2)):
            x, w = f(1, 2, size, size), f(3, 2, kernel, kernel)
            total = max((-(-size // stride) - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
            less, more = total // 2, total - total // 2
            low, high = (less, more) if mode == "SAME_UPPER" else (more, less)
            wanted = conv(x, w, None, [stride] * 2, [low, low, high, high], [dilation] * 2, 1)
            t.op(f"conv_{mode.lower()}_{size}", "Conv", 11, [x, w], [wanted], auto_pad=mode, strides=[stride] * 2, dilations=[dilation] * 2)
    x, w = f(1, 2, 5, 5), f(3, 2, 3, 3)
    t.op("conv_valid", "Conv", 7, [x, w], [conv(x, w, None, [1, 1], [0] * 4, [1, 1], 1)], auto_pad="VALID")
    x, w = (np.array(rng.integers(-2, 3, s), np.float16) for s in ((1, 2, 4, 4), (2, 2, 3, 3)))
    t.op("conv_f16", "Conv", 11, [x, w], [conv(x, w, None, [1, 1], [0] * 4, [1, 1], 1).astype(np.float16)])


def transposed(x, w, b, strides, pads, dilations, group, extra):
    n = len(strides)
    y = TRANSPOSED[n](tensor(x), tensor(w), None, strides, 0, 0, group, dilations)
    y = padded(y, [-p for p in pads[:n]] + [e - p for p, e in zip(pads[n:], extra)])
    if b is not None:
        y = y + tensor(b).reshape(1, -1, *[1] * n)
    return y.numpy().astype(np.float32)


def transposed_convs(t):
    #        x, w, bias, strides, pads, dilations, group, output_padding
    forms = {
        "1d": ((2, 3, 5), (3, 4, 3), True, [2], [1, 0], [1], 1, [0]),
        "1d_groups": ((2, 4, 5), (4, 3, 3), True, [3], [0, 2], [2], 2, [2]),
        "2d": ((2, 3, 4, 5), (3, 2, 3, 3), True, [2, 2], [1, 1, 1, 1], [1, 1], 1, [1, 1]),
        "2d_groups": ((2, 4, 4, 5), (4, 2, 2, 3), False, [2, 3], [0, 1, 1, 2], [1, 2], 2, [1, 0]),
        "2d_far": ((1, 2, 3, 3), (2, 1, 2, 2), True, [1, 2], [0] * 4, [3, 4], 1, [2, 3]),
        "3d": ((2, 3, 3, 4, 2), (3, 2, 2, 3, 2), True, [2, 1, 2], [0, 1, 0, 1, 0, 1], [1, 1, 1], 1, [1, 0, 1]),
        "3d_groups": ((1, 4, 3, 2, 3), (4, 3, 3, 2, 2), True, [1, 2, 3], [1, 0, 1, 0, 1, 0], [2, 1, 1], 2, [0, 1, 2]),
        "3d_flat": ((1, 2, 3, 3, 3), (2, 2, 1, 3, 3), False, [1, 2, 2], [0, 1, 1, 0, 1, 1], [1, 1, 1], 1, [0, 1, 1]),
    }
    for name, (xs, ws, bias, strides, pads, dilations, group, extra) in forms.items():
        x, w, b = f(*xs), f(*ws), f(ws[1] * group) if bias else None
        wanted = transposed(x, w, b, strides, pads, dilations, group, extra)
        attrs = {"strides": strides, "pads": pads, "dilations": dilations, "group": group, "output_padding": extra}
        inputs = [x, w] + [b] * bias
        t.op(f"conv_transpose_{name}", "ConvTranspose", 7, inputs, [wanted], **attrs)
        t.op(f"conv_transpose_{name}_weights", "ConvTranspose", 11, inputs, [wanted], fixed=range(1, len(inputs)), kernel_shape=ws[2:], **attrs)
    x, w = f(1, 2, 3, 4), f(2, 3, 3, 3)
    full = lambda pads, extra: transposed(x, w, None, [2, 2], pads, [1, 1], 1, extra)  # noqa: E731
    # Full size 7 x 9: one column less, at the end (upper) or the beginning.
    t.op("conv_transpose_size", "ConvTranspose", 11, [x, w], [full([0, 1, 0, 0], [0, 0])], output_shape=[7, 8], strides=[2, 2])
    t.op("conv_transpose_size_upper", "ConvTranspose", 11, [x, w], [full([0, 0, 0, 1], [0, 0])], output_shape=[7, 8], strides=[2, 2], auto_pad="SAME_UPPER")
    t.op("conv_transpose_more", "ConvTranspose", 11, [x, w], [full([0, 0, 0, 0], [1, 1])], output_shape=[8, 10], strides=[2, 2])
    t.op("conv_transpose_same", "ConvTranspose", 11, [x, w], [full([0, 0, 1, 1], [0, 0])], strides=[2, 2], auto_pad="SAME_UPPER")
    t.op("conv_transpose_same_lower", "ConvTranspose", 11, [x, w], [full([1, 1, 0, 0], [0, 0])], strides=[2, 2], auto_pad="SAME_LOWER")
    t.op("conv_transpose_valid", "ConvTranspose", 1, [x, w], [full([0] * 4, [0, 0])], strides=[2, 2], auto_pad="VALID")


def deformed_convs(t):
    #        x, w, offset groups, bias, mask, strides, pads, dilations
    forms = {
        "plain": ((2, 3, 5, 6), (4, 3, 3, 3), 1, False, False, [1, 1], [0, 0], [1, 1]),
        "all": ((2, 4, 7, 6), (6, 2, 3, 2), 2, True, True, [2, 1], [1, 2], [1, 2]),
        "one": ((1, 2, 4, 4), (2, 2, 1, 1), 2, True, False, [1, 1], [0, 0], [1, 1]),
        "mask": ((1, 6, 5, 5), (3, 2, 2, 2), 3, False, True, [1, 1], [1, 1], [1, 1]),
    }
    for name, (xs, ws, offset_groups, bias, mask, strides, pads, dilations) in forms.items():
        x, w, b = f(*xs), f(*ws), f(ws[0]) if bias else None
        out = [(xs[2 + d] + 2 * pads[d] - dilations[d] * (ws[2 + d] - 1) - 1) // strides[d] + 1 for d in (0, 1)]
        places = offset_groups * ws[2] * ws[3]
        offset, share = 2 * f(xs[0], 2 * places, *out), f(xs[0], places, *out) if mask else None
        values = [None if v is None else tensor(v) for v in (x, offset, w, b, share)]
        wanted = deform_conv2d(*values[:4], strides, pads, dilations, values[4]).numpy().astype(np.float32)
        attrs = {"strides": strides, "pads": pads + pads, "dilations": dilations, "group": xs[1] // ws[1], "offset_group": offset_groups}
        inputs = [x, w, offset, b, share]
        while inputs[-1] is None:
            inputs.pop()
        t.op(f"deform_conv_{name}", "DeformConv", 19, inputs, [wanted], **attrs)


def write(t):
    deformed_convs(t)
    convs(t)
    transposed_convs(t)

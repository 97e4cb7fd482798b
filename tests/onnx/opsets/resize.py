# SPDX-License-Identifier: Apache-2.0
"""Resizing and sampling: before opset 11 and from 18 on, modes that the ONNX project's own tests leave out, against PyTorch and against the
formulas of the specification evaluated at each element."""
import itertools
import math

import numpy as np
import torch
import torch.nn.functional as F
import torchvision.ops

i64, f32 = np.int64, np.float32


def tent(x):
    return max(0.0, 1 - abs(x))


def cubic(a):
    def weight(x):
        x = abs(x)
        return (a + 2) * x**3 - (a + 3) * x**2 + 1 if x <= 1 else a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a if x < 2 else 0.0

    return weight


def interpolated(x, axis, places, weight=tent, reach=1, shrink=1.0, exclude_outside=False):
    """x along the axis at these places: the weighted mean of the neighbours within reach / shrink, those outside being the edge."""
    dim, out = x.shape[axis], []
    for place in places:
        near = range(math.floor(place - reach / shrink) - 1, math.ceil(place + reach / shrink) + 2)
        terms = [(min(max(i, 0), dim - 1), weight((i - place) * shrink)) for i in near if not exclude_outside or 0 <= i < dim]
        total = sum(w for _, w in terms)
        out.append(sum(np.take(x.astype(np.float64), i, axis) * w for i, w in terms) / total)
    return np.stack(out, axis).astype(x.dtype)


def halves(n, scale):
    return [(i + 0.5) / scale - 0.5 for i in range(n)]


def both(x, height, width, **options):
    return interpolated(interpolated(x, 2, height, **options), 3, width, **options)


def early(op, x):
    up = f32([1, 1, 2, 3])
    op("upsample_7_nearest", "Upsample", 7, [x], [x.repeat(2, 2).repeat(3, 3)], scales=[1.0, 1.0, 2.0, 3.0])
    linear = both(x, [i / 2 for i in range(8)], [i / 3 for i in range(15)])
    op("upsample_7_linear", "Upsample", 7, [x], [linear], scales=[1.0, 1.0, 2.0, 3.0], mode="linear")
    op("upsample_9_linear", "Upsample", 9, [x, up], [linear], mode="linear", fixed=(1,))
    op("resize_10_linear", "Resize", 10, [x, up], [linear], mode="linear")
    half = f32([1, 1, 0.6, 0.6])
    op("resize_10_nearest_down", "Resize", 10, [x, half], [x[:, :, [0, 2]][..., [0, 2, 4]]])
    op("resize_10_nearest_uneven", "Resize", 10, [x, f32([1, 1, 1.5, 1])], [x[:, :, [0, 0, 1, 2, 2, 3]]])


def transforms(op, x):
    to = dict(fixed=(3,), mode="linear")
    torch_x = torch.from_numpy(x)
    sizes = i64([2, 3, 7, 4])
    for align in (False, True):
        wanted = F.interpolate(torch_x, (7, 4), mode="bilinear", align_corners=align).numpy()
        mode = "align_corners" if align else "pytorch_half_pixel"
        op(f"resize_linear_{mode}", "Resize", 13, [x, None, None, sizes], [wanted], coordinate_transformation_mode=mode, **to)
        wanted = F.interpolate(torch_x, (7, 4), mode="bicubic", align_corners=align).numpy()
        op(f"resize_cubic_{mode}", "Resize", 21, [x, None, None, sizes], [wanted], coordinate_transformation_mode=mode, mode="cubic", cubic_coeff_a=-0.75)
    volume = np.arange(2 * 3 * 4 * 5, dtype=f32).reshape(1, 2, 3, 4, 5) ** 1.5
    wanted = F.interpolate(torch.from_numpy(volume), (5, 3, 10), mode="trilinear").numpy()
    op("resize_trilinear", "Resize", 11, [volume, f32([]), f32([]), i64([1, 2, 5, 3, 10])], [wanted], mode="linear", fixed=(1, 2, 3))
    line = F.interpolate(torch_x[0], 9, mode="linear").numpy()
    op("resize_one_dimension", "Resize", 18, [x[0], None, None, i64([9])], [line], mode="linear", axes=[-1])
    op("resize_integers", "Resize", 13, [np.uint8(x * 20 + 90), None, f32([1, 1, 2, 2])], [np.uint8(x * 20 + 90).repeat(2, 2).repeat(2, 3)],
         coordinate_transformation_mode="asymmetric", nearest_mode="floor")
    rounded = {"floor": math.floor, "ceil": math.ceil, "round_prefer_floor": lambda v: math.ceil(v - 0.5), "round_prefer_ceil": lambda v: math.floor(v + 0.5)}
    for name, rounding in rounded.items():
        at = [min(max(rounding(place), 0), 4) for place in halves(10, 2)]
        op(f"resize_nearest_{name}", "Resize", 19, [x, None, f32([2.0])], [x[..., at]], nearest_mode=name, axes=[3])
    op("resize_tf_half_pixel_for_nn", "Resize", 11, [x, None, f32([1, 1, 1, 2])], [x[..., [min(math.floor((i + 0.5) / 2), 4) for i in range(10)]]],
         coordinate_transformation_mode="tf_half_pixel_for_nn", nearest_mode="floor")
    outside = [[0.3 * 3 + i * (1.2 - 0.3) * 3 / 4 for i in range(5)], [-0.2 * 4 + i * (0.7 + 0.2) * 4 / 2 for i in range(3)]]
    wanted = both(x, outside[0], outside[1])
    wanted[:, :, np.array(outside[0]) > 3] = 10
    wanted[..., np.array(outside[1]) < 0] = 10
    roi = f32([0.3, -0.2, 1.2, 0.7])
    op("resize_crop_axes", "Resize", 18, [x, roi, None, i64([5, 3])], [wanted], axes=[2, 3], mode="linear",
         coordinate_transformation_mode="tf_crop_and_resize", extrapolation_value=10.0)


def late(op, x):
    down = f32([0.6, 0.6])
    places = [halves(2, f32(0.6)), halves(3, f32(0.6))]
    for mode, weight, reach in (("linear", tent, 1), ("cubic", cubic(-0.75), 2)):
        for exclude in (0, 1):
            wanted = both(x, *places, weight=weight, reach=reach, shrink=0.6, exclude_outside=bool(exclude))
            op(f"resize_antialias_{mode}_{exclude}", "Resize", 18, [x, None, down], [wanted], axes=[2, 3], mode=mode, antialias=1, exclude_outside=exclude)
        wanted = both(x, *places, weight=weight, reach=reach, exclude_outside=True)
        op(f"resize_exclude_{mode}", "Resize", 18, [x, None, f32([1, 1, 0.6, 0.6])], [wanted], mode=mode, exclude_outside=1)
    torch_x = torch.from_numpy(x)
    wanted = F.interpolate(torch_x, (2, 3), mode="bilinear", antialias=True).numpy()
    op("resize_antialias_linear_torch", "Resize", 18, [x, None, None, i64([2, 3])], [wanted], axes=[2, 3], mode="linear", antialias=1, exclude_outside=1)
    wanted = F.interpolate(torch_x, (2, 9), mode="bicubic", antialias=True).numpy()
    op("resize_antialias_cubic_torch", "Resize", 19, [x, None, None, i64([2, 9])], [wanted], axes=[2, 3], mode="cubic", antialias=1, exclude_outside=1,
         cubic_coeff_a=-0.5)
    for policy, scale in (("not_larger", 7 / 5), ("not_smaller", 8 / 4)):
        size = [int(scale * n + 0.5) for n in (4, 5)]
        wanted = both(x, halves(size[0], scale), halves(size[1], scale))
        op(f"resize_{policy}", "Resize", 18, [x, None, None, i64([8, 7])], [wanted], axes=[2, 3], mode="linear", keep_aspect_ratio_policy=policy)
    scale = f32(0.7)
    outs = [int(4 * scale), int(5 * scale)]
    places = [[n / 2 * (1 - out / (n * scale)) + (i + 0.5) / scale - 0.5 for i in range(out)] for n, out in zip((4, 5), outs)]
    op("resize_half_pixel_symmetric", "Resize", 19, [x, None, f32([1, 1, 0.7, 0.7])], [both(x, *places)], mode="linear",
         coordinate_transformation_mode="half_pixel_symmetric")


def published(op):
    """Values that the specification's own tests of opsets 18 and 19 give."""
    x, by = np.arange(1, 17, dtype=f32).reshape(1, 1, 4, 4), f32([1, 1, 0.6, 0.6])
    for mode, scaled, sized in (("linear", [[2.875, 4.5], [9.375, 11]], [[2.3636363, 3.590909, 4.818182], [7.2727275, 8.5, 9.727273], [12.181818, 13.409091, 14.636364]]),
                                ("cubic", [[2.5180721, 4.2858863], [9.589329, 11.357142]],
                                 [[1.7750092, 3.1200073, 4.4650054], [7.1550016, 8.5, 9.844998], [12.534994, 13.8799925, 15.224991]])):
        op(f"resize_published_scales_{mode}", "Resize", 18, [x, None, by], [f32([[scaled]])], mode=mode, antialias=1)
        op(f"resize_published_sizes_{mode}", "Resize", 18, [x, None, None, i64([1, 1, 3, 3])], [f32([[sized]])], mode=mode, antialias=1)
    symmetric = dict(mode="linear", coordinate_transformation_mode="half_pixel_symmetric")
    op("resize_published_down", "Resize", 19, [f32([[[[1, 2, 3, 4]]]]), None, f32([1, 1, 1, 0.6])], [f32([[[[1.6666667, 3.3333333]]]])], **symmetric)
    rows = [[1, 1.15986395, 1.5, 1.84013605, 2], [1.56521738, 1.72508133, 2.06521738, 2.40535343, 2.56521738],
            [2.43478262, 2.59464657, 2.93478262, 3.27491867, 3.43478262], [3, 3.15986395, 3.5, 3.84013605, 4]]
    op("resize_published_up", "Resize", 19, [f32([[[[1, 2], [3, 4]]]]), None, f32([1, 1, 2.3, 2.94])], [f32([[rows]])], **symmetric)


def grids(op, x, random):
    torch_x, grid = torch.from_numpy(x), (random(2, 6, 7, 2) * 1.3).astype(f32)
    for mode, padding, align in itertools.product(("bilinear", "nearest", "bicubic"), ("zeros", "border", "reflection"), (0, 1)):
        if mode == "bicubic" and padding != "zeros":
            continue  # PyTorch pads neighbours where the specification pads the place
        wanted = F.grid_sample(torch_x, torch.from_numpy(grid), mode, padding, bool(align)).numpy()
        names = {"bilinear": "linear", "bicubic": "cubic"}
        for opset, name in ((16, mode), (20, names.get(mode, mode))):
            op(f"grid_sample_{mode}_{padding}_{align}", "GridSample", opset, [x, grid], [wanted], mode=name, padding_mode=padding, align_corners=align)
    volume, grid = random(2, 2, 3, 4, 5), random(2, 2, 3, 4, 3)
    for mode, padding in (("bilinear", "zeros"), ("nearest", "border"), ("bilinear", "reflection")):
        wanted = F.grid_sample(torch.from_numpy(volume), torch.from_numpy(grid), mode, padding, False).numpy()
        op(f"grid_sample_volume_{mode}_{padding}", "GridSample", 20, [volume, grid], [wanted], mode="linear" if mode == "bilinear" else mode,
             padding_mode=padding)
    for shape, align in itertools.product(((2, 3, 4, 5), (2, 1, 3, 4, 2)), (0, 1)):
        theta = random(2, len(shape) - 2, len(shape) - 1)
        wanted = F.affine_grid(torch.from_numpy(theta), shape, bool(align)).numpy()
        op(f"affine_grid_{len(shape)}_{align}", "AffineGrid", 20, [theta, i64(shape)], [wanted], align_corners=align)


def regions(op, x):
    rois, batch = f32([[0.1, 0.2, 3.3, 3.1], [1.2, 0.7, 3.9, 3.1], [-2.1, 1.3, 7.2, 9.1], [2, 2, 2.2, 2.1]]), i64([1, 0, 0, 1])
    boxes = np.concatenate([batch[:, None].astype(f32), rois], 1)
    torch_x, torch_boxes = torch.from_numpy(x), torch.from_numpy(boxes)
    for samples, aligned in itertools.product((0, 2, 3), (False, True)):
        wanted = torchvision.ops.roi_align(torch_x, torch_boxes, (2, 3), 0.8, samples, aligned).numpy()
        attributes = dict(output_height=2, output_width=3, sampling_ratio=samples, spatial_scale=0.8)
        if aligned:
            op(f"roi_align_{samples}", "RoiAlign", 16, [x, rois, batch], [wanted], **attributes)
        else:
            op(f"roi_align_{samples}", "RoiAlign", 10, [x, rois, batch], [wanted], **attributes)
            op(f"roi_align_{samples}_output", "RoiAlign", 21, [x, rois, batch], [wanted], coordinate_transformation_mode="output_half_pixel", **attributes)
    wanted = torchvision.ops.roi_pool(torch_x, torch_boxes, (2, 3), 0.8).numpy()
    op("max_roi_pool", "MaxRoiPool", 7, [x, boxes], [wanted], pooled_shape=[2, 3], spatial_scale=0.8)


def write(t):
    op = t.op
    generator = np.random.default_rng(3)

    def random(*shape):
        return generator.standard_normal(shape).astype(f32)

    x = random(2, 3, 4, 5)
    for family in (early, transforms, late):
        family(op, x)
    published(op)
    grids(op, x, random)
    regions(op, x)

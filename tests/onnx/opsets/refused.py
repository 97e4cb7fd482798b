# SPDX-License-Identifier: Apache-2.0
"""Models that are refused, each with what the message has to say."""
import numpy as np
from onnx import TensorProto, helper

from case import f32, i64

X = np.ones((2, 3), np.float32)
N = np.ones((2, 3), np.int32)
Q = np.ones((2, 3), np.uint8)


def numbers(t):
    t.refused("mod_float", "attribute fmod is 0 for f32", "Mod", 13, [X, X], [X])
    t.refused("shift_nowhere", "attribute direction is 'UP', wanted 'LEFT' or 'RIGHT'", "BitShift", 11, [Q, Q], [Q], direction="UP")
    t.refused("shift_unsaid", "attribute direction is absent", "BitShift", 11, [Q, Q], [Q])
    t.refused("cast_string", "STRING", "Cast", 13, [X], [X], to=TensorProto.STRING)
    t.refused("cast_f8", "attribute to", "Cast", 19, [X], [X], to=17)
    t.refused("unknown_attribute", "attribute beta", "LeakyRelu", 16, [X], [X], beta=1.0)
    t.refused("not_yet", "came with opset 18", "BitwiseNot", 17, [N], [N])
    t.refused("no_broadcast", "do not broadcast", "Add", 14, [X, np.ones(4, np.float32)], [X])


def shapes(t):
    t.refused("softmax_axis", "axis 2, wanted one of -2 .. 1", "Softmax", 13, [X], [X], axis=2)
    t.refused("gelu_form", "wanted 'none' or 'tanh'", "Gelu", 20, [X], [X], approximate="erf")
    t.refused("dropout_all", "ratio is 1, wanted", "Dropout", 7, [X], [X], ratio=1.0)
    t.refused("clip_row", "input 1 is [3], wanted a scalar", "Clip", 13, [X, X[0]], [X])
    t.refused("top_k_more", "k is 4, wanted 0 .. 3", "TopK", 11, [X, i64(4)], [X, None])
    t.refused("argmax_of_none", "no elements along axis", "ArgMax", 13, [np.zeros((2, 0), np.float32)], [np.zeros((1, 0), np.int64)], axis=1)
    t.refused("reduce_axis", "axis 5", "ReduceSum", 11, [X], [X], axes=[5])


def losses(t):
    loss = np.array(0, np.float32)
    t.refused("loss_labels", "scores are [2,3] and labels [3]", "NegativeLogLikelihoodLoss", 13, [X, i64(0, 1, 2)], [loss])
    t.refused("loss_reduction", "attribute reduction is 'max'", "SoftmaxCrossEntropyLoss", 13, [X, i64(0, 1)], [loss], reduction="max")


def moved(t):
    image = np.ones((1, 4, 4, 4), np.float32)
    t.refused("transpose_perm", "perm: 3 entries, wanted 2", "Transpose", 13, [X], [X], perm=[1, 0, 2])
    t.refused("slice_step", "step 0 along axis 1", "Slice", 13, [X, np.int64([0]), np.int64([1]), np.int64([1]), np.int64([0])], [X])
    t.refused("split_sum", "do not add up to the 3 elements along axis 1", "Split", 13, [X, np.int64([1, 1])], [X, X], axis=1)
    t.refused("split_unequal", "3 elements along axis 1", "Split", 13, [X], [X, X], axis=1)
    t.refused("pad_entries", "3 pads, wanted 4", "Pad", 13, [X, np.int64([1, 1, 1])], [X])
    t.refused("pad_wrap", "mode wrap", "Pad", 18, [X, np.int64([1, 1, 1, 1])], [X], mode="wrap")
    t.refused("pad_everything", "elements along an axis, wanted at most", "Pad", 18, [X, np.int64([0, 2**31, 0, 0])], [X], mode="edge")
    t.refused("tile_rank", "1 repeats, wanted 2", "Tile", 13, [X, np.int64([2])], [X])
    t.refused("blocks", "4 channels", "DepthToSpace", 13, [image], [image], blocksize=3)
    t.refused("col2im_blocks", "image of 2 dimensions and block of 1", "Col2Im", 18, [X[None], np.int64([4, 4]), np.int64([2])], [image])


def indexed(t):
    at = np.int64([[0, 1], [2, 0]])
    t.refused("gather_far", "index 3 into dimension 1 of 3", "Gather", 13, [X, np.int64(3)], [X[:, 0]], axis=1)
    t.refused("gather_elements_rank", "indices of rank 1, wanted data's rank 2", "GatherElements", 13, [X, np.int64([0])], [X])
    t.refused("gather_elements_outside", "is -1, wanted 0 to", "GatherElements", 13, [X, np.int64([[0, 1], [2, 3]])], [X[:, :2]], axis=1)
    t.refused("gather_nd_outside", "is -1, wanted 0 to", "GatherND", 13, [X, np.int64([[1, 3]])], [X[0, :1]])
    t.refused("gather_nd_tuples", "tuples of 3", "GatherND", 13, [X, np.int64([[0, 0, 0]])], [X])
    t.refused("scatter_nd_outside", "is -1, wanted 0 to", "ScatterND", 16, [X, np.int64([[-4]]), X[:1]], [X])
    t.refused("scatter_reduction", "reduction mean", "ScatterElements", 18, [X, at, X[:, :2]], [X], axis=1, reduction="mean")
    t.refused("one_hot_depth", "depth 0", "OneHot", 11, [at, np.int64(0), np.float32([0, 1])], [X])
    t.refused("reverse_length", "is -1, wanted 0 to", "ReverseSequence", 10, [X, np.int64([2, 3, 1])], [X])
    t.refused("nonzero_count", "found 6 elements that are not 0, wanted 5", "NonZero", 13, [X], [np.zeros((2, 5), np.int64)])


def resized(t):
    image, grid = np.ones((1, 1, 2, 2), np.float32), np.zeros((1, 2, 2, 2), np.float32)
    volume = np.ones((1, 1, 2, 2, 2), np.float32)
    t.refused("resize_mode", "mode spline, wanted one of nearest, linear, cubic", "Resize", 13, [image, None, np.float32([1, 1, 2, 2])], [image], mode="spline")
    t.refused("resize_neither", "0 scales and 0 sizes, wanted 4", "Resize", 13, [image], [image])
    t.refused("resize_scale", "scale -1 of dimension 2", "Resize", 13, [image, None, np.float32([1, 1, -1, 1])], [image])
    t.refused("upsample_cubic", "mode cubic", "Upsample", 9, [image, np.float32([1, 1, 2, 2])], [image], mode="cubic")
    t.refused("grid_cubic_volume", "2 with mode cubic", "GridSample", 20, [volume, np.zeros((1, 2, 2, 2, 3), np.float32)], [volume], mode="cubic")
    t.refused("grid_padding", "padding_mode wrap", "GridSample", 16, [image, grid], [image], padding_mode="wrap")
    t.refused("roi_columns", "wanted [N,C,H,W] and [regions,4]", "RoiAlign", 16, [image, X, np.int64([0, 0])], [image])


def quantised(t):
    t.refused("scale_shape", "a scale or zero point is [2]", "DequantizeLinear", 13, [Q, f32(1, 2)], [X], axis=1)
    t.refused("scale_blocks", "a scale or zero point of blocks is [2], wanted [2,2]", "DequantizeLinear", 21, [Q, f32(1, 2)], [X], axis=1, block_size=2)
    t.refused("int4", "attribute output_dtype", "QuantizeLinear", 21, [X, f32(1)], [Q], output_dtype=22)
    t.refused("int32", "its integers are i32", "QuantizeLinear", 21, [X, f32(1)], [N], output_dtype=6)
    image = np.ones((1, 2, 3, 3), np.uint8)
    t.refused("conv_channels", "with 1 groups, wanted", "ConvInteger", 10, [image, np.ones((1, 3, 1, 1), np.uint8)], [image])
    t.refused("conv_stays", "attribute strides has 0", "ConvInteger", 10, [image, image], [image], strides=[1, 0])
    t.refused("conv_groups", "with 4611686018427387904 groups", "ConvInteger", 10, [image, np.ones((1, 2, 1, 1), np.uint8)], [image], group=2**62)
    t.refused("conv_window", "a window that fits", "ConvInteger", 10, [image, np.ones((1, 2, 5, 1), np.uint8)], [image])
    t.refused("conv_strides", "attribute strides has 1 entries, wanted 2", "ConvInteger", 10, [image, image], [image], strides=[1])
    t.refused("conv_dilations", "attribute dilations has 0", "ConvInteger", 10, [image, image], [image], dilations=[0, 1])


def generated(t):
    t.refused("range_still", "a delta that is not 0", "Range", 11, [np.array(v, np.float32) for v in (0, 1, 0)], [f32(0)])
    t.refused("range_long", "at most 16777216 numbers", "Range", 11, [np.array(v, np.int64) for v in (0, 2**62, 1)], [i64(0)])
    t.refused("mel_many", "wanted positive numbers", "MelWeightMatrix", 17, [np.array(v) for v in (2**20, 8, 8000)] + [np.array(v, np.float32) for v in (0, 100)], [X])
    t.refused("dft_long", "a matrix of at most 67108864 elements", "DFT", 17, [np.ones((1, 2, 1), np.float32), np.array(2**40)], [X])
    t.refused("eye_line", "input of 1 dimensions, wanted 2", "EyeLike", 9, [f32(0)], [f32(0)])
    t.refused("window_less", "size is -1", "HannWindow", 17, [np.array(-1)], [f32(0)])
    t.refused("constant_words", "strings are not supported", "Constant", 13, [], [f32(0)], value_string="a")
    big = helper.make_tensor("v", TensorProto.FLOAT, [2], [1, 2])
    t.refused("fill_by_two", "a value of 2 elements", "ConstantOfShape", 9, [i64(2)], [f32(1, 2)], value=big)
    real, spectrum = np.ones((1, 4, 2), np.float32), np.ones((1, 3, 2), np.float32)
    t.refused("dft_sides", "onesided is 1 for complex samples", "DFT", 17, [real], [spectrum], onesided=1)
    t.refused("dft_axis", "an axis before the last", "DFT", 17, [real], [spectrum], axis=2)
    t.refused("stft_frame", "frame of 9, step 1", "STFT", 17, [real, np.array(1), None, np.array(9)], [spectrum])
    t.refused("mel_order", "edges in order", "MelWeightMatrix", 17, [np.array(v) for v in (4, 8, 8000)] + [np.array(v, np.float32) for v in (900, 100)], [X])


def write(t):
    numbers(t)
    shapes(t)
    losses(t)
    quantised(t)
    moved(t)
    indexed(t)
    resized(t)
    generated(t)

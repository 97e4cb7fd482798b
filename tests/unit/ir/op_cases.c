/* SPDX-License-Identifier: Apache-2.0 */
/* One node per row: an op, its inputs and attributes, and what its shape rule must say, worked out by hand. */
#include "tests/unit/ir/op_cases.h"

#include "tests/support/sftest.h"

#define S(...)                                                                                     \
  {                                                                                                \
    sizeof ((int64_t[]){ __VA_ARGS__ }) / 8, { __VA_ARGS__ }                                       \
  }
#define SCALAR   { 0, { 0 } }
#define F(...)   { SF_F32, S (__VA_ARGS__) }
#define H(...)   { SF_BF16, S (__VA_ARGS__) }
#define D(...)   { SF_F64, S (__VA_ARGS__) }
#define I(...)   { SF_I32, S (__VA_ARGS__) }
#define B(...)   { SF_BOOL, S (__VA_ARGS__) }
#define RNG      I (3)
#define LIST(name_, ...)                                                                           \
  {                                                                                                \
    .name = name_, .type = SF_ATTR_INTS, .ints = (const int64_t[]){ __VA_ARGS__ },                 \
    .n_ints = sizeof ((int64_t[]){ __VA_ARGS__ }) / 8                                              \
  }
#define INT(name_, v_)  { .name = name_, .type = SF_ATTR_INT, .i = v_ }
#define FLT(name_, v_)  { .name = name_, .type = SF_ATTR_FLOAT, .f = v_ }
#define YES(name_)      { .name = name_, .type = SF_ATTR_BOOL, .i = 1 }
#define TYPE(v_)        { .name = "dtype", .type = SF_ATTR_DTYPE, .i = v_ }
#define STR(name_, v_)  { .name = name_, .type = SF_ATTR_STRING, .s = v_ }

/* clang-format off */
const IrOpCase ir_good_cases[] = {
  { "neg_int", "neg", "i32 [2]", 1, { I (2) }, { { 0 } } },
  { "exp", "exp", "bf16 [2,3]", 1, { H (2, 3) }, { { 0 } } },
  { "not", "not", "bool [4]", 1, { B (4) }, { { 0 } } },
  { "add_broadcast", "add", "f32 [4,5,3]", 2, { F (4, 1, 3), F (5, 1) }, { { 0 } } },
  { "add_empty", "add", "f32 [0,3]", 2, { F (0, 1), F (3) }, { { 0 } } },
  { "add_scalar", "add", "f32 [2]", 2, { { SF_F32, SCALAR }, F (2) }, { { 0 } } },
  { "mul_mixed", "mul", "f32 [2]", 2, { H (2), F (2) }, { { 0 } } },
  { "mul_halves", "mul", "f32 [2]", 2, { H (2), { SF_F16, S (2) } }, { { 0 } } },
  { "div_f64", "div", "f64 [2]", 2, { D (2), H (1) }, { { 0 } } },
  { "sub_int", "sub", "i32 [2,2]", 2, { I (2, 1), I (2) }, { { 0 } } },
  { "pow", "pow", "f32 [2]", 2, { F (2), F (2) }, { { 0 } } },
  { "max", "max", "f32 [2,3]", 2, { F (2, 3), F (3) }, { { 0 } } },
  { "lt", "lt", "bool [2,3]", 2, { F (2, 3), F (3) }, { { 0 } } },
  { "xor", "xor", "bool [2,3]", 2, { B (2, 1), B (3) }, { { 0 } } },
  { "select", "select", "f32 [4,2,3]", 3, { B (4, 1, 1), F (2, 1), H (3) }, { { 0 } } },
  { "cast", "cast", "bf16 [2]", 1, { F (2) }, { TYPE (SF_BF16) } },
  { "relu", "relu", "f32 [2,3]", 1, { F (2, 3) }, { { 0 } } },
  { "relu_bwd", "relu_bwd", "f32 [2,3]", 2, { F (2, 3), F (2, 3) }, { { 0 } } },
  { "gelu", "gelu", "f32 [7]", 1, { F (7) }, { STR ("approximate", "tanh") } },
  { "gelu_bwd", "gelu_bwd", "f32 [7]", 2, { F (7), F (7) }, { { 0 } } },
  { "reduce_sum_all", "reduce_sum", "f32 []", 1, { F (2, 3) }, { { 0 } } },
  { "reduce_sum_negative_axis", "reduce_sum", "f32 [2,4]", 1, { F (2, 3, 4) }, { LIST ("axes", -2) } },
  { "reduce_sum_scalar", "reduce_sum", "f32 []", 1, { { SF_F32, SCALAR } }, { { 0 } } },
  { "reduce_max_keep", "reduce_max", "f32 [2,1,1]", 1, { F (2, 3, 4) }, { LIST ("axes", 2, 1), YES ("keepdims") } },
  { "reduce_min_empty", "reduce_min", "f32 [3]", 1, { F (0, 3) }, { LIST ("axes", 0) } },
  { "reduce_prod", "reduce_prod", "f32 [3]", 1, { F (2, 3) }, { LIST ("axes", 0) } },
  { "argmax_last", "argmax", "i32 [1,3]", 1, { F (2, 3) }, { INT ("axis", 0), YES ("keepdims"), YES ("last") } },
  { "mod", "mod", "f32 [2,3]", 2, { F (2, 3), H (3) }, { { 0 } } },
  { "shift_left", "shift_left", "i32 [2,3]", 2, { I (2, 1), I (3) }, { { 0 } } },
  { "bit_not", "bit_not", "i32 [2]", 1, { I (2) }, { { 0 } } },
  { "matmul_int", "matmul", "i32 [2,5]", 2, { I (2, 3), I (3, 5) }, { { 0 } } },
  { "argmax", "argmax", "i32 [2]", 1, { F (2, 3) }, { INT ("axis", -1) } },
  { "reduce_mean", "reduce_mean", "bf16 [3]", 1, { H (2, 3) }, { LIST ("axes", 0) } },
  { "softmax", "softmax", "f32 [2,3]", 1, { F (2, 3) }, { { 0 } } },
  { "softmax_bwd", "softmax_bwd", "f32 [2,3]", 2, { F (2, 3), F (2, 3) }, { { 0 } } },
  { "log_softmax", "log_softmax", "f32 [2,3]", 1, { F (2, 3) }, { INT ("axis", 0) } },
  { "log_softmax_bwd", "log_softmax_bwd", "f32 [2,3]", 2, { F (2, 3), F (2, 3) }, { { 0 } } },
  { "reshape_unknown", "reshape", "f32 [4,3]", 1, { F (2, 6) }, { LIST ("shape", -1, 3) } },
  { "reshape_empty", "reshape", "f32 [0,7]", 1, { F (3, 0) }, { LIST ("shape", 0, 7) } },
  { "transpose", "transpose", "f32 [4,2,3]", 1, { F (2, 3, 4) }, { LIST ("perm", -1, 0, 1) } },
  { "slice", "slice", "f32 [2,0]", 1, { F (5, 3) }, { LIST ("starts", 1, 3), LIST ("ends", 5, 3), LIST ("steps", 3, 1) } },
  { "concat", "concat", "f32 [2,6]", 3, { F (2, 1), H (2, 0), F (2, 5) }, { INT ("axis", -1) } },
  { "pad", "pad", "f32 [5,3]", 1, { F (2, 3) }, { LIST ("low", 1, 0), LIST ("high", 2, 0), FLT ("value", 1) } },
  { "broadcast", "broadcast", "f32 [4,2,3]", 1, { F (2, 1) }, { LIST ("shape", 4, 2, 3) } },
  { "matmul", "matmul", "f32 [7,2,5]", 2, { F (7, 2, 3), F (3, 5) }, { { 0 } } },
  { "matmul_turned", "matmul", "f32 [2,5]", 2, { F (3, 2), H (5, 3) }, { YES ("transpose_a"), YES ("transpose_b") } },
  { "matmul_empty_k", "matmul", "f32 [2,5]", 2, { F (2, 0), F (0, 5) }, { { 0 } } },
  { "linear", "linear", "f32 [4,7,5]", 3, { F (4, 7, 3), F (5, 3), F (5) }, { { 0 } } },
  { "linear_no_bias", "linear", "bf16 [5]", 2, { H (3), H (5, 3) }, { { 0 } } },
  { "attention", "attention", "f32 [2,3,4,6]", 4, { F (2, 3, 4, 5), F (2, 3, 7, 5), F (2, 3, 7, 6), F (4, 7) }, { { 0 } } },
  { "attention_causal", "attention", "f32 [1,2,4,5]", 3, { F (1, 2, 4, 5), F (1, 2, 4, 5), F (1, 2, 4, 5) }, { YES ("causal") } },
  { "attention_bwd", "attention_bwd", "f32 [2,3,4,5], f32 [2,3,7,5], f32 [2,3,7,6]", 4,
    { F (2, 3, 4, 6), F (2, 3, 4, 5), F (2, 3, 7, 5), F (2, 3, 7, 6) }, { { 0 } } },
  { "unfold", "unfold", "f32 [2,12,12]", 1, { F (2, 3, 5, 4) }, { LIST ("kernel", 2, 2) } },
  { "fold", "fold", "f32 [2,3,5,4]", 1, { F (2, 12, 12) }, { LIST ("size", 5, 4), LIST ("kernel", 2, 2) } },
  { "conv2d", "conv2d", "f32 [2,4,3,5]", 3, { F (2, 3, 7, 9), F (4, 3, 3, 3), F (4) }, { LIST ("strides", 2, 2), LIST ("pads", 0, 1, 0, 1) } },
  { "conv2d_groups", "conv2d", "f32 [2,8,3,3]", 2, { F (2, 4, 7, 7), F (8, 1, 3, 3) }, { INT ("groups", 4), LIST ("dilations", 2, 2) } },
  { "conv2d_empty", "conv2d", "f32 [0,4,3,3]", 2, { F (0, 3, 3, 3), F (4, 3, 1, 1) }, { { 0 } } },
  { "conv2d_dx", "conv2d_dx", "f32 [2,3,7,9]", 2, { F (2, 4, 3, 5), F (4, 3, 3, 3) }, { LIST ("size", 7, 9), LIST ("strides", 2, 2), LIST ("pads", 0, 1, 0, 1) } },
  { "conv2d_dw", "conv2d_dw", "f32 [4,3,3,3]", 2, { F (2, 4, 3, 5), F (2, 3, 7, 9) }, { LIST ("kernel", 3, 3), LIST ("strides", 2, 2), LIST ("pads", 0, 1, 0, 1) } },
  { "max_pool2d", "max_pool2d", "f32 [1,2,3,3]", 1, { F (1, 2, 6, 7) }, { LIST ("kernel", 2, 2) } },
  { "max_pool2d_ceil", "max_pool2d", "f32 [1,2,3,4]", 1, { F (1, 2, 6, 7) }, { LIST ("kernel", 2, 2), YES ("ceil_mode") } },
  { "max_pool2d_ceil_clipped", "max_pool2d", "f32 [1,1,2,2]", 1, { F (1, 1, 3, 3) },
    { LIST ("kernel", 2, 2), LIST ("pads", 1, 1, 1, 1), YES ("ceil_mode") } },
  { "max_pool2d_bwd", "max_pool2d_bwd", "f32 [1,2,6,7]", 2, { F (1, 2, 3, 3), F (1, 2, 6, 7) }, { LIST ("kernel", 2, 2) } },
  { "avg_pool2d", "avg_pool2d", "f32 [1,2,3,4]", 1, { F (1, 2, 6, 7) }, { LIST ("kernel", 2, 2), LIST ("pads", 0, 1, 0, 0) } },
  { "avg_pool2d_bwd", "avg_pool2d_bwd", "f32 [1,2,6,7]", 1, { F (1, 2, 3, 3) }, { LIST ("kernel", 2, 2), LIST ("size", 6, 7) } },
  { "global_avg_pool", "global_avg_pool", "f32 [2,3,1,1]", 1, { F (2, 3, 4, 5) }, { { 0 } } },
  { "gather", "gather", "f32 [2,4,5,3]", 2, { F (2, 9, 3), I (4, 5) }, { INT ("axis", 1) } },
  { "cumsum", "cumsum", "f32 [2,3]", 1, { F (2, 3) }, { INT ("axis", -1), YES ("exclusive") } },
  { "sort", "sort", "f32 [2,3], i32 [2,3]", 1, { F (2, 3) }, { { 0 } } },
  { "sort_int", "sort", "i32 [2,3], i32 [2,3]", 1, { I (2, 3) }, { INT ("axis", 0), YES ("descending") } },
  { "scatter", "scatter", "f32 [2,9,3]", 3, { F (2, 9, 3), I (4, 5), F (2, 4, 5, 3) }, { INT ("axis", 1) } },
  { "scatter_mixed", "scatter", "f32 [2,3]", 3, { H (2, 3), I (4), F (4, 3) }, { STR ("reduce", "add") } },
  { "unfold_int", "unfold", "i32 [2,12,12]", 1, { I (2, 3, 5, 4) }, { LIST ("kernel", 2, 2) } },
  { "det", "det", "f32 [7,2]", 1, { F (7, 2, 3, 3) }, { { 0 } } },
  { "nonzero", "nonzero", "i32 [2,5]", 1, { F (2, 3) }, { INT ("n", 5) } },
  { "unique", "unique", "f32 [4], i32 [4], i32 [6], i32 [4]", 1, { F (2, 3) }, { INT ("n", 4) } },
  { "unique_axis", "unique", "f32 [2,1], i32 [1], i32 [3], i32 [1]", 1, { F (2, 3) }, { INT ("n", 1), INT ("axis", -1), YES ("has_axis") } },
  { "nms", "nms", "i32 [9,3]", 2, { F (2, 5, 4), F (2, 3, 5) }, { INT ("n", 9), FLT ("iou", 0.5) } },
  { "roi_align", "roi_align", "f32 [9,3,2,1]", 3, { F (2, 3, 5, 4), F (9, 4), I (9) }, { INT ("output_height", 2), STR ("mode", "max") } },
  { "gather_scalar", "gather", "f32 [3]", 2, { F (2, 3), { SF_I32, SCALAR } }, { { 0 } } },
  { "scatter_add", "scatter_add", "f32 [2,9,3]", 2, { I (4, 5), F (2, 4, 5, 3) }, { INT ("axis", 1), INT ("size", 9) } },
  { "embedding", "embedding", "f32 [2,3,8]", 2, { F (10, 8), I (2, 3) }, { { 0 } } },
  { "embedding_bwd", "embedding_bwd", "f32 [10,8]", 2, { F (2, 3, 8), I (2, 3) }, { INT ("rows", 10) } },
  { "iota", "iota", "i32 [2,3]", 0, { F (1) }, { LIST ("shape", 2, 3), INT ("axis", -1) } },
  { "rng_uniform", "rng_uniform", "f32 [2,3]", 1, { RNG }, { LIST ("shape", 2, 3), INT ("stream", 7) } },
  { "dropout", "dropout", "f32 [2,3]", 2, { F (2, 3), RNG }, { INT ("stream", 7) } },
  { "dropout_bwd", "dropout_bwd", "f32 [2,3]", 2, { F (2, 3), RNG }, { INT ("stream", 7) } },
  { "batch_norm", "batch_norm", "f32 [2,3,4], f32 [3], f32 [3], f32 [3], f32 [3]", 5, { F (2, 3, 4), F (3), F (3), F (3), F (3) }, { { 0 } } },
  { "batch_norm_bf16", "batch_norm", "bf16 [2,3], f32 [3], f32 [3], f32 [3], f32 [3]", 5, { H (2, 3), F (3), F (3), F (3), F (3) }, { { 0 } } },
  { "batch_norm_bwd", "batch_norm_bwd", "bf16 [2,3,4], f32 [3], f32 [3]", 5, { H (2, 3, 4), H (2, 3, 4), F (3), F (3), F (3) }, { { 0 } } },
  { "batch_norm_infer", "batch_norm_infer", "f32 [2,3,4]", 5, { F (2, 3, 4), F (3), F (3), F (3), F (3) }, { { 0 } } },
  { "layer_norm", "layer_norm", "bf16 [2,3,4], f32 [2], f32 [2]", 3, { H (2, 3, 4), F (3, 4), F (3, 4) }, { INT ("axis", -2) } },
  { "layer_norm_bwd", "layer_norm_bwd", "f32 [2,3,4], f32 [4], f32 [4]", 5, { F (2, 3, 4), F (2, 3, 4), F (4), F (2, 3), F (2, 3) }, { { 0 } } },
  { "layer_norm_dx", "layer_norm_dx", "f32 [2,3,4]", 5, { H (2, 3, 4), H (2, 3, 4), F (4), F (2, 3), F (2, 3) }, { { 0 } } },
  { "softmax_ce", "softmax_ce", "f32 []", 2, { F (4, 5), I (4) }, { { 0 } } },
  { "softmax_ce_bf16", "softmax_ce", "f32 []", 2, { H (2, 4, 5), I (2, 4) }, { { 0 } } },
  { "softmax_ce_f64", "softmax_ce", "f64 []", 2, { D (4, 5), I (4) }, { { 0 } } },
  { "softmax_ce_bwd", "softmax_ce_bwd", "bf16 [4,5]", 3, { { SF_F32, SCALAR }, H (4, 5), I (4) }, { { 0 } } },
  { "mse", "mse", "f32 []", 2, { H (4, 5), H (4, 5) }, { { 0 } } },
  { "all_reduce", "all_reduce", "f32 [2]", 1, { F (2) }, { { 0 } } },
  { "all_gather", "all_gather", "f32 [2,12]", 1, { F (2, 3) }, { INT ("axis", -1), INT ("ranks", 4) } },
  { "send", "send", "", 1, { F (2, 3) }, { INT ("peer", 1) } },
  { "recv", "recv", "f32 [2,3]", 0, { F (1) }, { INT ("peer", 1), LIST ("shape", 2, 3) } },
};
const size_t ir_n_good_cases = G_N_ELEMENTS (ir_good_cases);

const IrOpCase ir_bad_cases[] = {
  { "unknown_op", "conv2", "n: op 'conv2': not in the op table; did you mean 'conv2d'?", 1, { F (2) }, { { 0 } } },
  { "too_few", "add", "n (add): 1 inputs, wanted 2", 1, { F (2) }, { { 0 } } },
  { "too_many", "linear", "n (linear): 4 inputs, wanted 2 to 3", 4, { F (3), F (5, 3), F (5), F (5) }, { { 0 } } },
  { "not_float", "exp", "n (exp): x is i32, wanted a float dtype; cast it", 1, { I (2) }, { { 0 } } },
  { "not_number", "add", "n (add): a is bool, wanted a float or integer dtype; cast it", 2, { B (2), B (2) }, { { 0 } } },
  { "not_bool", "and", "n (and): b is i32, wanted bool; cast it", 2, { B (2), I (2) }, { { 0 } } },
  { "mixed", "add", "n (add): a is f32 and b is i32, wanted one dtype; cast one of them", 2, { F (2), I (2) }, { { 0 } } },
  { "broadcast_binary", "mul", "n (mul): a [2,3] and b [2] do not broadcast, wanted equal dimensions or 1", 2, { F (2, 3), F (2) }, { { 0 } } },
  { "attr_unknown", "conv2d", "n (conv2d): attribute 'stride' is not known; did you mean 'strides'?", 2, { F (1, 1, 3, 3), F (1, 1, 3, 3) }, { LIST ("stride", 1, 1) } },
  { "attr_none", "relu", "n (relu): attribute 'slope' is not known, wanted one of: none", 1, { F (2) }, { FLT ("slope", 1) } },
  { "attr_type", "softmax", "n (softmax): attribute axis is of type list of int, wanted int", 1, { F (2) }, { LIST ("axis", 0) } },
  { "attr_missing", "cast", "n (cast): attribute dtype is missing, wanted one of type dtype; set it", 1, { F (2) }, { { 0 } } },
  { "attr_twice", "softmax", "n (softmax): attribute axis is given twice; give it once", 1, { F (2) }, { INT ("axis", 0), INT ("axis", 0) } },
  { "attr_huge", "reshape", "n (reshape): attribute shape entry 0 is 2199023255552, wanted within 2^40", 1, { F (2) }, { LIST ("shape", (int64_t) 1 << 41) } },
  { "axis_range", "softmax", "n (softmax): attribute axis is 2, wanted -2 to 1 for rank 2", 1, { F (2, 3) }, { INT ("axis", 2) } },
  { "axis_scalar", "softmax", "n (softmax): input has rank 0, wanted rank 1 or more for attribute axis", 1, { { SF_F32, SCALAR } }, { { 0 } } },
  { "axes_twice", "reduce_sum", "n (reduce_sum): attribute axes names axis 1 twice; name it once", 1, { F (2, 3) }, { LIST ("axes", 1, -1) } },
  { "bits_of_floats", "bit_and", "n (bit_and): a is f32, wanted an integer dtype; cast it", 2, { F (2), F (2) }, { { 0 } } },
  { "bits_of_bools", "bit_not", "n (bit_not): x is bool, wanted an integer dtype; cast it", 1, { B (2) }, { { 0 } } },
  { "bits_of_two", "shift_right", "n (shift_right): b is bool, wanted an integer dtype; cast it", 2, { I (2), B (2) }, { { 0 } } },
  { "matmul_mixed_sorts", "matmul", "n (matmul): a is f32 and b is i32, wanted one dtype; cast one of them", 2, { F (2, 2), I (2, 2) }, { { 0 } } },
  { "matmul_bool", "matmul", "n (matmul): a is bool, wanted a float or integer dtype; cast it", 2, { B (2, 2), B (2, 2) }, { { 0 } } },
  { "argmax_empty", "argmax", "n (argmax): x has no elements along axis 0, wanted one or more", 1, { F (0, 3) }, { INT ("axis", 0) } },
  { "gelu_word", "gelu", "n (gelu): attribute approximate is 'fast', wanted 'none' or 'tanh'", 1, { F (2) }, { STR ("approximate", "fast") } },
  { "reshape_count", "reshape", "n (reshape): x [2,3] does not reshape to [7], wanted equal element counts", 1, { F (2, 3) }, { LIST ("shape", 7) } },
  { "reshape_rest", "reshape", "n (reshape): x has 6 elements, wanted a multiple of 4 for the -1 in attribute shape", 1, { F (2, 3) }, { LIST ("shape", -1, 4) } },
  { "reshape_two", "reshape", "n (reshape): attribute shape has more than one -1, wanted at most one", 1, { F (2, 3) }, { LIST ("shape", -1, -1) } },
  { "reshape_zero", "reshape", "n (reshape): attribute shape has -1 beside 0, wanted a number; write the dimension", 1, { F (0, 3) }, { LIST ("shape", -1, 0) } },
  { "transpose_twice", "transpose", "n (transpose): attribute perm names axis 1 twice, wanted each once", 1, { F (2, 3) }, { LIST ("perm", 1, 1) } },
  { "transpose_short", "transpose", "n (transpose): attribute perm has 1 entries, wanted 2", 1, { F (2, 3) }, { LIST ("perm", 0) } },
  { "slice_end", "slice", "n (slice): dimension 0 is cut 1 to 3, wanted 0 <= start <= end <= 2", 1, { F (2) }, { LIST ("starts", 1), LIST ("ends", 3), LIST ("steps", 1) } },
  { "concat_shape", "concat", "n (concat): x1 has shape [3,3], wanted that of x0 [2,3] except along axis 1", 2, { F (2, 3), F (3, 3) }, { INT ("axis", 1) } },
  { "pad_negative", "pad", "n (pad): attribute low entry 0 is -1, wanted 0 to 1099511627776", 1, { F (2) }, { LIST ("low", -1), LIST ("high", 0) } },
  { "broadcast_down", "broadcast", "n (broadcast): x [2,3] does not broadcast to [3], wanted equal dimensions or 1", 1, { F (2, 3) }, { LIST ("shape", 3) } },
  { "broadcast_huge", "broadcast", "n (broadcast): attribute shape: shape [1099511627776,2] has more than 2^40 elements; make it smaller", 1, { F (1) }, { LIST ("shape", (int64_t) 1 << 40, 2) } },
  { "matmul_rank", "matmul", "n (matmul): a has shape [3] of rank 1, wanted rank 2 or more", 2, { F (3), F (3, 2) }, { { 0 } } },
  { "matmul_k", "matmul", "n (matmul): a [2,3] has k = 3 and b [4,5] has k = 4, wanted one k", 2, { F (2, 3), F (4, 5) }, { { 0 } } },
  { "matmul_leading", "matmul", "n (matmul): leading dimensions of a [2,2,3] and b [3,3,5] do not broadcast, wanted equal or 1", 2, { F (2, 2, 3), F (3, 3, 5) }, { { 0 } } },
  { "linear_in", "linear", "n (linear): w has shape [5,4], wanted [out,3] for x [2,3]", 2, { F (2, 3), F (5, 4) }, { { 0 } } },
  { "linear_bias", "linear", "n (linear): b has shape [3], wanted [5]", 3, { F (2, 3), F (5, 3), F (3) }, { { 0 } } },
  { "attention_mask", "attention", "n (attention): mask has shape [5,7], wanted one that broadcasts to [B,H,S,T] [2,3,4,7]", 4, { F (2, 3, 4, 5), F (2, 3, 7, 5), F (2, 3, 7, 6), F (5, 7) }, { { 0 } } },
  { "conv_rank", "conv2d", "n (conv2d): x has shape [2,3,8] of rank 3, wanted rank 4 [N,C,H,W]", 2, { F (2, 3, 8), F (4, 3, 3, 3) }, { { 0 } } },
  { "conv_channels", "conv2d", "n (conv2d): w has shape [4,2,3,3], wanted [O,3,KH,KW] for x [2,3,8,8] and groups 1", 2, { F (2, 3, 8, 8), F (4, 2, 3, 3) }, { { 0 } } },
  { "conv_groups", "conv2d", "n (conv2d): attribute groups is 2, wanted a divisor of C = 3 and O = 4", 2, { F (2, 3, 8, 8), F (4, 3, 3, 3) }, { INT ("groups", 2) } },
  { "conv_small", "conv2d", "n (conv2d): window reaches over 5 elements, wanted at most the 4 of padded dimension W; add padding", 2, { F (2, 3, 8, 4), F (4, 3, 5, 5) }, { { 0 } } },
  { "conv_stride", "conv2d", "n (conv2d): attribute strides entry 1 is 0, wanted 1 to 1073741824", 2, { F (2, 3, 8, 8), F (4, 3, 3, 3) }, { LIST ("strides", 1, 0) } },
  { "conv_pads", "conv2d", "n (conv2d): attribute pads has 2 entries, wanted 4", 2, { F (2, 3, 8, 8), F (4, 3, 3, 3) }, { LIST ("pads", 1, 1) } },
  { "conv_dx_dy", "conv2d_dx", "n (conv2d_dx): dy has shape [2,4,3,5], wanted [2,4,5,7]", 2, { F (2, 4, 3, 5), F (4, 3, 3, 3) }, { LIST ("size", 7, 9) } },
  { "pool_pads", "max_pool2d", "n (max_pool2d): attribute pads entry 0 is 2, wanted at most 1 so that no window is all padding", 1, { F (1, 1, 4, 4) }, { LIST ("kernel", 2, 2), LIST ("pads", 2, 0, 0, 0) } },
  { "cumsum_rank", "cumsum", "n (cumsum): input has rank 0, wanted rank 1 or more for attribute axis", 1, { { SF_F32, SCALAR } }, { INT ("axis", 0) } },
  { "sort_bool", "sort", "n (sort): x is bool, wanted a float or integer dtype; cast it", 1, { B (2) }, { { 0 } } },
  { "scatter_index", "scatter", "n (scatter): i is f32, wanted i32; cast it", 3, { F (2), F (2), F (2) }, { { 0 } } },
  { "scatter_shape", "scatter", "n (scatter): u has shape [2,3], wanted [4,3]", 3, { F (2, 3), I (4), F (2, 3) }, { { 0 } } },
  { "scatter_reduce", "scatter", "n (scatter): attribute reduce is 'avg', wanted 'set', 'add', 'mul', 'max' or 'min'", 3, { F (2), I (4), F (4) }, { STR ("reduce", "avg") } },
  { "scatter_sorts", "scatter", "n (scatter): x is f32 and u is i32, wanted one dtype; cast one of them", 3, { F (2), I (4), I (4) }, { { 0 } } },
  { "det_square", "det", "n (det): x has shape [2,3], wanted square matrices [..,n,n]", 1, { F (2, 3) }, { { 0 } } },
  { "nonzero_n", "nonzero", "n (nonzero): attribute n is -1, wanted 0 to 2^31 - 1", 1, { F (2, 3) }, { INT ("n", -1) } },
  { "unique_n", "unique", "n (unique): attribute n is missing, wanted one of type int; set it", 1, { F (2, 3) }, { { 0 } } },
  { "unique_rank", "unique", "n (unique): input has rank 0, wanted rank 1 or more for attribute axis", 1, { { SF_F32, SCALAR } }, { INT ("n", 1), YES ("has_axis") } },
  { "nms_scores", "nms", "n (nms): scores has shape [2,3,6], wanted [2,3,5]", 2, { F (2, 5, 4), F (2, 3, 6) }, { INT ("n", 9) } },
  { "nms_limit", "nms", "n (nms): attribute max_per_class is -1, wanted 0 or more", 2, { F (2, 5, 4), F (2, 3, 5) }, { INT ("n", 9), INT ("max_per_class", -1) } },
  { "roi_mode", "roi_align", "n (roi_align): attribute mode is 'mean', wanted 'avg' or 'max'", 3, { F (2, 3, 5, 4), F (9, 4), I (9) }, { STR ("mode", "mean") } },
  { "roi_size", "roi_align", "n (roi_align): attribute output_width is 0, wanted 1 to 2^30", 3, { F (2, 3, 5, 4), F (9, 4), I (9) }, { INT ("output_width", 0) } },
  { "gather_index", "gather", "n (gather): i is f32, wanted i32; cast it", 2, { F (2), F (2) }, { { 0 } } },
  { "scatter_shape", "scatter_add", "n (scatter_add): u has shape [5,3], wanted [4,3]", 2, { I (4), F (5, 3) }, { INT ("size", 9) } },
  { "dropout_p", "dropout", "n (dropout): attribute p is 1, wanted 0 or more and less than 1", 2, { F (2), RNG }, { INT ("stream", 0), FLT ("p", 1) } },
  { "rng_shape", "dropout", "n (dropout): rng has shape [2], wanted [3]", 2, { F (2), I (2) }, { INT ("stream", 0) } },
  { "batch_norm_param", "batch_norm", "n (batch_norm): gamma has shape [4], wanted [3]", 5, { F (2, 3, 4), F (4), F (3), F (3), F (3) }, { { 0 } } },
  { "layer_norm_param", "layer_norm", "n (layer_norm): gamma has shape [4], wanted [3,4]", 3, { F (2, 3, 4), F (4), F (4) }, { INT ("axis", 1) } },
  { "labels_shape", "softmax_ce", "n (softmax_ce): labels has shape [5], wanted [4]", 2, { F (4, 5), I (5) }, { { 0 } } },
  { "labels_dtype", "softmax_ce", "n (softmax_ce): labels is f32, wanted i32; cast it", 2, { F (4, 5), F (4) }, { { 0 } } },
  { "mse_shape", "mse", "n (mse): t has shape [4], wanted [4,5]", 2, { F (4, 5), F (4) }, { { 0 } } },
};
/* clang-format on */
const size_t ir_n_bad_cases = G_N_ELEMENTS (ir_bad_cases);

SfGraph *
ir_case_graph (const IrOpCase *c, SfValue *values)
{
  SfGraph *graph = sf_graph_new ("t");
  for (int i = 0; i < c->n_inputs; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *name = g_strdup_printf ("in%d", i);
      values[i] = sf_graph_input (graph, name, c->inputs[i].dtype, c->inputs[i].shape, &error);
      SF_CHECK_NO_ERROR (error);
    }
  return graph;
}

char *
ir_case_add (SfGraph *graph, const IrOpCase *c, const SfValue *values, SfNode *node)
{
  g_autoptr (GError) error = NULL;
  size_t n_attrs = 0;
  while (n_attrs < G_N_ELEMENTS (c->attrs) && c->attrs[n_attrs].name != NULL)
    n_attrs++;
  sf_graph_set_scope (graph, "n");
  *node = sf_graph_add (graph, c->op, values, (size_t) c->n_inputs, c->attrs, n_attrs, NULL,
                        &error);
  if (*node == SF_NONE)
    return g_strdup (error->message);
  GString *text = g_string_new (NULL);
  for (size_t k = 0; k < sf_node_n_outputs (graph, *node); k++)
    {
      SfValue out = sf_node_output (graph, *node, k);
      g_autofree char *shape = sf_shape_text (sf_value_shape (graph, out));
      g_string_append_printf (text, "%s%s %s", k > 0 ? ", " : "",
                              sf_dtype_name (sf_value_dtype (graph, out)), shape);
    }
  return g_string_free (text, FALSE);
}

# SPDX-License-Identifier: Apache-2.0
"""trained.py FILE: a model with a loss of its own, through activations, a dropout, reductions and class weights."""
import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

CURVES = "Elu Selu Celu Softplus Mish Softsign HardSwish HardSigmoid LeakyRelu Gelu ThresholdedRelu Shrink Softmax LogSoftmax".split()
WIDTH = 16

rng = np.random.default_rng(20)
nodes, fixed = [], []


def node(op, inputs, output, **attrs):
    nodes.append(helper.make_node(op, inputs, [output], **attrs))
    return output


def number(name, value, dtype=np.float32):
    fixed.append(numpy_helper.from_array(np.array(value, dtype), name))
    return name


def weight(name, rows, columns):
    return number(name, 0.3 * rng.standard_normal((rows, columns)))


h = node("MatMul", ["x", weight("w", 8, WIDTH)], "h")
for op in CURVES:
    y = node(op, [h], op)
    h = node("Add", [h, node("MatMul", [y, weight(f"w_{op}", WIDTH, WIDTH)], f"{op}_out")], f"{op}_sum")
h = node("PRelu", [h, number("slope", [0.2] * WIDTH)], "p")
h = node("Dropout", [h, number("ratio", 0.1), number("training", True, bool)], "d")
axis = number("axis", [1], np.int64)
parts = [node("CumSum", [h, axis], "c"), node("ReduceLogSumExp", [h, axis], "l"), node("ReduceL2", [h, axis], "n")]
h = node("Clip", [node("Sum", parts, "s"), number("low", -9), number("high", 9)], "k")
logits = node("MatMul", [h, weight("w_out", WIDTH, 5)], "logits")
node("SoftmaxCrossEntropyLoss", [logits, "labels", number("classes", [1, 2, 0.5, 1, 1])], "cost")
inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [4, 8]), helper.make_tensor_value_info("labels", TensorProto.INT32, [4])]
outputs = [helper.make_tensor_value_info("cost", TensorProto.FLOAT, []), helper.make_tensor_value_info("logits", TensorProto.FLOAT, [4, 5])]
model = helper.make_model(helper.make_graph(nodes, "trained", inputs, outputs, fixed), opset_imports=[helper.make_opsetid("", 20)])
model.ir_version = 8
save(model, sys.argv[1])

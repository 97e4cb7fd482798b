# SPDX-License-Identifier: Apache-2.0
"""Writes models with inputs and the outputs they have to give, in the layout of the ONNX backend tests."""
import os

import numpy as np
from onnx import TensorProto, helper, numpy_helper

DOMAIN = "ai.onnx.preview.training"


class Bf16:
    """Numbers that lie in a bf16 tensor; each has to be one of bf16."""

    def __init__(self, values):
        self.values = np.asarray(values, np.float32)
        self.shape = self.values.shape

    def proto(self, name):
        bits = self.values.view(np.uint32)
        assert not (bits & 0xFFFF).any(), "no bf16 number"
        words = (bits >> 16).astype(np.uint16)
        return helper.make_tensor(name, TensorProto.BFLOAT16, self.shape, words.tobytes(), raw=True)


def proto(value, name):
    return value.proto(name) if isinstance(value, Bf16) else numpy_helper.from_array(np.array(value, order="C"), name)


def info(value, name):
    return helper.make_tensor_value_info(name, proto(value, name).data_type, value.shape)


class Folder:
    """Tests that share a prefix: operator families."""

    def __init__(self, path):
        self.path = path
        self.names = set()

    def write(self, name, graph_nodes, opset, inputs, outputs, fixed=(), domain=""):
        """Inputs and outputs by name; those named in `fixed` are initialisers."""
        assert name not in self.names, name
        self.names.add(name)
        fed = [k for k in inputs if k not in fixed]
        graph = helper.make_graph(
            graph_nodes,
            name,
            [info(inputs[k], k) for k in fed],
            [info(v, k) for k, v in outputs.items()],
            [proto(inputs[k], k) for k in fixed],
        )
        imports = [helper.make_opsetid("", opset)]
        if domain:
            imports.append(helper.make_opsetid(domain, 1))
        model = helper.make_model(graph, opset_imports=imports)
        model.ir_version = 8
        folder = os.path.join(self.path, name, "test_data_set_0")
        os.makedirs(folder)
        with open(os.path.join(self.path, name, "model.onnx"), "wb") as file:
            file.write(model.SerializeToString())
        for kind, values in (("input", [(k, inputs[k]) for k in fed]), ("output", list(outputs.items()))):
            for i, (k, v) in enumerate(values):
                with open(os.path.join(folder, f"{kind}_{i}.pb"), "wb") as file:
                    file.write(proto(v, k).SerializeToString())

    def op(self, name, op, opset, inputs, outputs, fixed=(), domain="", **attrs):
        """One operator; None: an optional input or output that is left out. `fixed` holds places of initialisers."""
        ins = ["" if v is None else f"x{i}" for i, v in enumerate(inputs)]
        outs = ["" if v is None else f"y{i}" for i, v in enumerate(outputs)]
        node = helper.make_node(op, ins, outs, domain=domain, **attrs)
        self.write(
            f"{name}_{opset}",
            [node],
            opset,
            {k: v for k, v in zip(ins, inputs) if k},
            {k: v for k, v in zip(outs, outputs) if k},
            [f"x{i}" for i in fixed],
            domain,
        )
        with open(os.path.join(self.path, f"{name}_{opset}", "operator"), "w") as file:
            file.write(f"{op} {opset} {domain}")

    def refused(self, name, reason, op, opset, inputs, outputs, **attrs):
        """As op, of a model that is refused with words that hold `reason`."""
        self.op(name, op, opset, inputs, outputs, **attrs)
        with open(os.path.join(self.path, f"{name}_{opset}", "reason"), "w") as file:
            file.write(reason)


def f32(*values):
    return np.array(values, np.float32)


def i64(*values):
    return np.array(values, np.int64)

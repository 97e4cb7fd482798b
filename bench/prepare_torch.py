# SPDX-License-Identifier: Apache-2.0
"""prepare_torch.py CASE FOLDER: the initial weights of a case's model as FOLDER/weights.npz, and of an inference FOLDER/model.onnx with them.
All parties begin with these weights; statistics of batch norms fit them."""
import os
import sys

import numpy as np
import torch
from torch import nn

import cases
import inputs
import torch_models


def settle(model, batches):
    """Lets batch norms see the batches."""
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = None
    model.train()
    with torch.no_grad():
        for batch in batches if norms else ():
            model(batch)
    for norm in norms:
        norm.momentum = 0.1


def prepare(case, folder):
    torch.manual_seed(1)
    model = case.model
    module = getattr(torch_models, model.module)()
    batches = [torch.from_numpy(next(iter(batch.values()))) for batch in inputs.read_batches(os.path.join(folder, "inputs.npz"))]
    settle(module, batches)
    states = {name: value.numpy() for name, value in module.state_dict().items() if not name.endswith("num_batches_tracked")}
    np.savez(os.path.join(folder, "weights.npz"), **states)
    if case.kind == "infer":
        # With gradients on: without, PyTorch takes paths of its own through attention, which it cannot export.
        torch.onnx.export(module.eval(), batches[0], os.path.join(folder, "model.onnx"), opset_version=14,
                          input_names=[model.input], output_names=["output"])


prepare(next(case for case in cases.CASES if str(case) == sys.argv[1]), sys.argv[2])

# SPDX-License-Identifier: Apache-2.0
"""models.py FOLDER [NAME...]: exports real models from PyTorch, with random weights, as tests that `sf onnx-test` runs: FOLDER/NAME/model.onnx,
an input, and the output that PyTorch has for it. `models.py --list small|large` prints the names: small ones have the structure of the large."""
import os
import sys
import warnings

import numpy as np
import onnx.numpy_helper
import torch
import torchvision
from torch import nn
from torchvision.models import convnext, densenet, vision_transformer

import image_models
import sequence_models

warnings.filterwarnings("ignore")
vision = torchvision.models


def image(size, batch=1):
    return lambda: (torch.randn(batch, 3, size, size),)


def tokens(vocabulary, length, batch=1):
    return lambda: (torch.randint(0, vocabulary, (batch, length)),)


def sentence_pairs(vocabulary, length, batch=2):
    """Tokens, a mask of what is no padding, and the number of the sentence."""

    def draw():
        mask = torch.ones(batch, length, dtype=torch.int64)
        mask[-1, length * 3 // 4:] = 0
        segments = (torch.arange(length) >= length // 2).long().expand(batch, length).contiguous()
        return torch.randint(0, vocabulary, (batch, length)), mask, segments

    return draw


def headless(model):
    """Segmentation models return a dictionary."""

    class Only(nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, x):
            return self.model(x)["out"]

    return Only()


def small_swin():
    return vision.SwinTransformer(patch_size=[4, 4], embed_dim=16, depths=[2, 2], num_heads=[2, 4], window_size=[4, 4], num_classes=10)


def small_convnext():
    row = convnext.CNBlockConfig
    return vision.ConvNeXt([row(16, 32, 1), row(32, 64, 2), row(64, None, 1)], num_classes=10)


# name: (what builds it, what draws its input, opset)
LARGE = {
    "resnet18": (vision.resnet18, image(224), 13),
    "resnet50": (vision.resnet50, image(224), 17),
    "mobilenet_v2": (vision.mobilenet_v2, image(224), 11),
    "mobilenet_v3_small": (vision.mobilenet_v3_small, image(224), 14),
    "mobilenet_v3_large": (vision.mobilenet_v3_large, image(224), 17),
    "efficientnet_b0": (vision.efficientnet_b0, image(224), 12),
    "densenet121": (vision.densenet121, image(224), 15),
    "vgg16": (vision.vgg16, image(224), 11),
    "squeezenet1_1": (vision.squeezenet1_1, image(224), 16),
    "shufflenet_v2_x1_0": (vision.shufflenet_v2_x1_0, image(224), 11),
    "inception_v3": (lambda: vision.inception_v3(init_weights=False, aux_logits=False), image(299), 13),
    "vit_b_16": (vision.vit_b_16, image(224), 17),
    "swin_t": (vision.swin_t, image(224), 13),
    "convnext_tiny": (vision.convnext_tiny, image(224), 14),
    "deeplabv3_resnet50": (lambda: headless(vision.segmentation.deeplabv3_resnet50(weights_backbone=None)), image(224), 12),
    "gpt2": (sequence_models.Decoder, tokens(50257, 128), 14),
    "bert_base": (sequence_models.Encoder, sentence_pairs(30522, 128), 17),
    "lstm": (sequence_models.Lstm, tokens(10000, 35, batch=4), 13),
}

SMALL = {
    "small_resnet18": (vision.resnet18, image(32, batch=2), 11),
    "small_mobilenet_v2": (lambda: vision.mobilenet_v2(width_mult=0.25), image(64), 17),
    "small_mobilenet_v3": (vision.mobilenet_v3_small, image(64), 12),
    "small_densenet": (lambda: densenet.DenseNet(8, (2, 3, 2), 16, num_classes=10), image(64), 11),
    "small_squeezenet": (vision.squeezenet1_1, image(64), 13),
    "small_shufflenet": (vision.shufflenet_v2_x0_5, image(64), 15),
    "small_vit": (lambda: vision_transformer.VisionTransformer(32, 8, 2, 4, 64, 128, num_classes=10), image(32, batch=2), 14),
    "small_swin": (small_swin, image(32), 17),
    "small_convnext": (small_convnext, image(64), 16),
    "small_gpt": (lambda: sequence_models.Decoder(2, 64, 4, 211, 64), tokens(211, 24, batch=2), 14),
    "small_bert": (lambda: sequence_models.Encoder(2, 64, 4, 211, 64), sentence_pairs(211, 16), 12),
    "small_unet": (image_models.Unet, image(32), 13),
    "small_stn": (image_models.SpatialTransformer, image(8, batch=2), 16),
    "small_gru": (sequence_models.Tagger, tokens(101, 11, batch=2), 15),
    "small_transformer": (sequence_models.Translator, lambda: tokens(101, 7, 2)() + tokens(101, 5, 2)(), 14),
    "small_pool": (sequence_models.MaskedPool, lambda: sentence_pairs(101, 12)()[:2], 13),
    "small_lstm": (lambda: sequence_models.Lstm(2, 32, 101), tokens(101, 9, batch=3), 17),
}


def settle(model, draw):
    """No weights of zeros, as some heads begin with; statistics of batch norms that fit the weights, and then are moved: using them wrongly shows."""
    for weight in model.parameters():
        if weight.dim() > 1 and not weight.any():
            nn.init.normal_(weight, std=0.02)
    norms = [module for module in model.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    for norm in norms:
        norm.momentum = None
    if norms:
        model.train()
        for module in model.modules():
            if isinstance(module, nn.Dropout):
                module.eval()
        model(torch.cat([draw()[0] for _ in range(4)]))
    for norm in norms:
        norm.running_mean += 0.3 * norm.running_var.sqrt() * torch.randn_like(norm.running_mean)
        norm.running_var *= torch.empty_like(norm.running_var).uniform_(0.7, 1.5)
        nn.init.uniform_(norm.weight, 0.8, 1.2)
        nn.init.normal_(norm.bias, std=0.1)
    return model.eval()


def write(path, value, name):
    with open(path, "wb") as file:
        file.write(onnx.numpy_helper.from_array(value.detach().numpy(), name).SerializeToString())


def export(folder, name):
    build, draw, opset = {**LARGE, **SMALL}[name]
    torch.manual_seed(1)
    with torch.no_grad():
        model = settle(build(), draw)
    inputs = draw()
    # With gradients on: without, PyTorch takes paths of its own through its encoder layers, which it cannot export.
    outputs = model(*inputs)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    data = os.path.join(folder, name, "test_data_set_0")
    os.makedirs(data, exist_ok=True)
    inputs_of, outputs_of = [f"in{i}" for i in range(len(inputs))], [f"out{i}" for i in range(len(outputs))]
    torch.onnx.export(model, inputs, os.path.join(folder, name, "model.onnx"), opset_version=opset, input_names=inputs_of, output_names=outputs_of)
    for i, value in enumerate(inputs):
        write(f"{data}/input_{i}.pb", value, inputs_of[i])
    for i, value in enumerate(outputs):
        assert torch.isfinite(value).all() and value.min() < value.max(), f"{name}: PyTorch's own output says nothing"
        write(f"{data}/output_{i}.pb", value, outputs_of[i])


def main():
    if sys.argv[1] == "--list":
        print("\n".join({"small": SMALL, "large": LARGE}[sys.argv[2]]))
        return
    for name in sys.argv[2:] or SMALL:
        export(sys.argv[1], name)


main()

# SPDX-License-Identifier: Apache-2.0
"""The starter models in PyTorch, and the cases that are compared: model, optimizer, rate."""
import os
import sys
import tempfile
import warnings

import numpy as np
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

import digits
import spatialflow

torch.set_num_threads(1)
HIDDEN, WIDTH, FEATURES = 64, 8, 32
NIGHTLY = os.environ.get("SF_NIGHTLY") == "yes"


class FeedForward(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2, self.logits = nn.Linear(784, HIDDEN), nn.Linear(HIDDEN, HIDDEN), nn.Linear(HIDDEN, 10)

    def forward(self, x):
        return self.logits(F.relu(self.fc2(F.relu(self.fc1(x.flatten(1))))))


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.logits = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2).flatten(1)
        return self.logits(F.relu(self.fc2(F.relu(self.fc1(x)))))


class ConvBatchNorm(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(1, WIDTH, 3, padding=1, bias=False), nn.BatchNorm2d(WIDTH)
        self.conv2, self.bn2 = nn.Conv2d(WIDTH, WIDTH, 3, padding=1, bias=False), nn.BatchNorm2d(WIDTH)
        self.conv3, self.bn3 = nn.Conv2d(WIDTH, 2 * WIDTH, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(2 * WIDTH)
        self.logits = nn.Linear(2 * WIDTH, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 2)
        x = F.relu(self.bn2(self.conv2(x)) + x)
        x = F.relu(self.bn3(self.conv3(x)))
        return self.logits(x.mean((2, 3)))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(FEATURES), nn.LayerNorm(FEATURES)
        self.self_attn = nn.MultiheadAttention(FEATURES, 4, batch_first=True)
        self.linear1, self.linear2 = nn.Linear(FEATURES, 4 * FEATURES), nn.Linear(4 * FEATURES, FEATURES)

    def forward(self, x):
        y = self.norm1(x)
        x = x + self.self_attn(y, y, y, need_weights=False)[0]
        return x + self.linear2(F.gelu(self.linear1(self.norm2(x))))


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.position = nn.Embedding(17, FEATURES), nn.Embedding(64, FEATURES)
        self.block = nn.ModuleList([Block(), Block()])
        self.norm, self.logits = nn.LayerNorm(FEATURES), nn.Linear(FEATURES, 10)

    def forward(self, x):
        x = self.embed(x) + self.position.weight
        for block in self.block:
            x = block(x)
        return self.logits(self.norm(x).mean(1))


def resnet18():
    """torchvision's, with eps and momentum of its norms as a file in ONNX holds them: in f32."""
    model = torchvision.models.resnet18(num_classes=10)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps, module.momentum = float(np.float32(module.eps)), 1 - float(np.float32(1 - module.momentum))
    return model


class Case:
    """A model with its optimizer: in PyTorch, and as arguments of `sf compile`. How much of it is run: points of points.py, of which every
    so manieth is looked at; steps, runs and seeds of free.py; steps of double.py."""

    n_points, every, every_cpu, n_steps, n_runs, seeds, n_double = 200, 1, 1 if NIGHTLY else 20, 100, 5, (1, 2, 3), 200

    def __init__(self, name, module, optimizer, options, lr, batch, arguments, rows):
        self.name, self.module, self.optimizer, self.options = name, module, optimizer, options
        self.lr, self.batch, self.arguments, self.rows = lr, batch, arguments, rows

    def __str__(self):
        return f"{self.name}+{self.optimizer.__name__.lower()}"

    def compile(self):
        return spatialflow.compile_model(self.name, self.batch, self.arguments, *self.optimizer_options())

    def optimizer_options(self):
        return self.optimizer.__name__.lower(), {"lr": self.lr, **self.options}

    def adam(self, before, exp_avg, exp_avg_sq, step):
        """A parameter as torch.optim.Adam or AdamW defines it by its moments after step number `step`, in f64."""
        beta1, beta2, epsilon = 0.9, 0.999, 1e-8
        first, second = (np.asarray(value, float) for value in (exp_avg, exp_avg_sq))
        root = np.sqrt(second / (1 - beta2**step)) + epsilon
        return before * (1 - self.lr * self.options.get("weight_decay", 0)) - self.lr * first / (1 - beta1**step) / root

    def data(self, n_steps, seed):
        """n_steps batches (x, labels) of the digits."""
        x = self.rows()
        for at in digits.batches(len(x), self.batch, n_steps, seed):
            yield x[at], digits.labels[at]


class Smooth(Case):
    """A model without rectifiers and maxima, none of which can go the other way: a single run of it says what several would."""

    n_runs = 1


class Exported(Case):
    """A model that comes through ONNX, exported in training mode, and gets its loss from us. PyTorch in f64 takes seconds for a step of it."""

    n_points, every, every_cpu, n_steps, n_runs, seeds, n_double = (200, 1, 1, 100, 5, (1, 2, 3), 10) if NIGHTLY else (61, 30, 60, 3, 5, (1,), 2)

    def compile(self):
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # counters of batches, which nobody reads, are left out
            path = os.path.join(folder, self.name + ".onnx")
            torch.onnx.export(self.module(), torch.from_numpy(self.rows()[: self.batch]), path, training=torch.onnx.TrainingMode.TRAINING, do_constant_folding=False)
            return spatialflow.compile_file(path, *self.optimizer_options(), loss=b"softmax_ce")


def images():
    return digits.large().astype(np.float32)


def channels():
    return images()[:, None]


def colours():
    """[n,3,32,32], the channels scaled apart."""
    return (digits.large(32)[:, None] * np.array([1, 0.7, 0.4])[:, None, None]).astype(np.float32)


# resnet18: torchvision trains it with momentum 0.9 and a rate of 0.1 for 256 images; the rate goes with the batch.
CASES = [
    Case("ffn_mnist", FeedForward, torch.optim.SGD, {}, 0.1, 32, [f"hidden={HIDDEN}"], images),
    Case("lenet", LeNet, torch.optim.SGD, {"momentum": 0.9}, 0.01, 32, [], channels),
    Case("cnn_bn", ConvBatchNorm, torch.optim.Adam, {}, 0.005, 32, [f"width={WIDTH}"], channels),
    Exported("resnet18", resnet18, torch.optim.SGD, {"momentum": 0.9}, 0.01, 32, [], colours),
    Smooth("encoder", Encoder, torch.optim.AdamW, {"weight_decay": 0.01}, 0.002, 16, [f"features={FEATURES}", "dropout=0"], digits.tokens),
]


class Peer:
    """One training run in PyTorch."""

    def __init__(self, case, seed, dtype=torch.float32):
        torch.manual_seed(seed)
        self.case, self.dtype = case, dtype
        self.model = case.module().to(dtype)
        self.optimizer = case.optimizer(self.model.parameters(), lr=case.lr, **case.options)

    def take_states(self, other):
        """Stands where `other` stands."""
        self.model.load_state_dict({name: value.to(self.dtype) if value.is_floating_point() else value for name, value in other.model.state_dict().items()})
        self.optimizer.load_state_dict(other.optimizer.state_dict())

    def states(self):
        """Parameters, statistics and optimizer state by the names that Spatialflow gives them."""
        found = {}
        for name, value in self.model.state_dict().items():
            if not name.endswith("num_batches_tracked"):
                found[name] = value.detach().numpy().copy()
        for name, value in self.model.named_parameters():
            for key, state in self.optimizer.state.get(value, {}).items():
                if key != "step" and state is not None:
                    found[f"{name}.{key}"] = state.detach().numpy().copy()
        return found

    def step(self, x, labels):
        x = torch.from_numpy(x)
        x = x.to(self.dtype) if x.is_floating_point() else x.long()
        self.optimizer.zero_grad()
        loss = F.cross_entropy(self.model(x), torch.from_numpy(labels).long())
        loss.backward()
        self.optimizer.step()
        return loss.item()


def scale_of(name, values):
    """The range of a state. A statistic begins as a constant: its size counts, where that is larger."""
    size = float(np.abs(values).max())
    scale = float(values.max() - values.min()) or size or 1.0
    return max(scale, size) if ".running_" in name else scale


def error_of(name, ours, theirs):
    """Largest difference of a state in units of its range, beyond one unit in the last place of f32."""
    error = np.abs(np.asarray(ours, float) - theirs)
    if ours.dtype == np.float32:
        error = np.maximum(error - np.abs(theirs) * 2.0**-23, 0)
    return float(error.max()) / scale_of(name, theirs)


def each_case(test):
    """Runs test (case) for all cases, or those named on the command line; returns how many failed."""
    return sum(not test(case) for case in CASES if len(sys.argv) == 1 or case.name in sys.argv[1:])

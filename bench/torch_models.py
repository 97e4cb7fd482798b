# SPDX-License-Identifier: Apache-2.0
"""The models of the cases in PyTorch, with the same names of parameters as in their model files."""
import torch
import torch.nn.functional as F
import torchvision
from torch import nn


class LogReg(nn.Module):
    def __init__(self):
        super().__init__()
        self.logits = nn.Linear(784, 10)

    def forward(self, x):
        return self.logits(x.flatten(1))


class Mlp(nn.Module):
    def __init__(self, hidden=512):
        super().__init__()
        self.fc1, self.fc2, self.logits = nn.Linear(784, hidden), nn.Linear(hidden, hidden), nn.Linear(hidden, 10)

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


class Cnn(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(1, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32)
        self.conv2, self.bn2 = nn.Conv2d(32, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64)
        self.conv3, self.bn3 = nn.Conv2d(64, 128, 3, padding=1, bias=False), nn.BatchNorm2d(128)
        self.logits = nn.Linear(128, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 2)
        x = F.relu(self.bn2(self.conv2(x)))
        x = F.relu(self.bn3(self.conv3(x)))
        return self.logits(x.mean((2, 3)))


def resnet18():
    """torchvision's, with the stem for 32x32 pictures."""
    model = torchvision.models.resnet18(num_classes=10)
    model.conv1, model.maxpool = nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.Identity()
    return model


def resnet50():
    return torchvision.models.resnet50()


class Block(nn.Module):
    """A pre-norm block of a transformer; causal: number of tokens, each of which sees only those before it."""

    def __init__(self, features, heads, causal=0):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(features), nn.LayerNorm(features)
        self.self_attn = nn.MultiheadAttention(features, heads, batch_first=True)
        self.linear1, self.linear2 = nn.Linear(features, 4 * features), nn.Linear(4 * features, features)
        self.register_buffer("mask", torch.ones(causal, causal, dtype=torch.bool).triu(1) if causal else None, persistent=False)

    def forward(self, x):
        y = self.norm1(x)
        x = x + self.self_attn(y, y, y, need_weights=False, attn_mask=self.mask)[0]
        return x + self.linear2(F.gelu(self.linear1(self.norm2(x))))


class Encoder(nn.Module):
    def __init__(self, vocabulary=1000, length=128, features=256, heads=4, blocks=4):
        super().__init__()
        self.embed, self.position = nn.Embedding(vocabulary, features), nn.Embedding(length, features)
        self.block = nn.ModuleList(Block(features, heads) for _ in range(blocks))
        self.norm, self.logits = nn.LayerNorm(features), nn.Linear(features, 10)

    def forward(self, x):
        x = self.embed(x) + self.position.weight
        for block in self.block:
            x = block(x)
        return self.logits(self.norm(x).mean(1))


def gpt():
    return Block(768, 12, causal=256)

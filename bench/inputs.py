# SPDX-License-Identifier: Apache-2.0
"""What the models are fed: the digits of apps/digits, enlarged and set on a grey ground that is nowhere zero; tokens as rare as words are."""
import gzip
import json
import os
import struct

import numpy as np

N_BATCHES = 4
VOCABULARY, LENGTH = 1000, 128


def digits(source):
    """[n,8,8] in 0 to 1, and [n] labels."""

    def read(name, header):
        with gzip.open(os.path.join(source, "apps", "digits", "data", name)) as file:
            return np.frombuffer(file.read()[header:], np.uint8)

    return read("train-images-idx3-ubyte.gz", 16).reshape(-1, 8, 8) / 16, read("train-labels-idx1-ubyte.gz", 8).astype(np.int32)


def enlarged(pictures, size, rng):
    """[n,size,size] in 0 to 1: interpolated linearly, on noise."""
    at = np.linspace(0, pictures.shape[-1] - 1, size)
    weights = np.maximum(0, 1 - np.abs(at[:, None] - np.arange(pictures.shape[-1])))
    return np.clip(0.9 * (weights @ pictures @ weights.T) + 0.1 * rng.random_sample((len(pictures), size, size)), 1 / 255, 1)


class Rows:
    """Draws the arrays of a batch."""

    def __init__(self, source, seed):
        self.pictures, self.labels = digits(source)
        self.rng = np.random.RandomState(seed)

    def _square(self, batch, size, channels):
        at = self.rng.randint(len(self.labels), size=batch)
        planes = enlarged(self.pictures[at], size, self.rng)[:, None] * np.array([1, 0.7, 0.4])[:channels, None, None]
        return {"image": planes.astype(np.float32), "label": self.labels[at]}

    def images(self, batch):
        return self._square(batch, 28, 1)

    def colours(self, batch):
        return self._square(batch, 32, 3)

    def pictures224(self, batch):
        return self._square(batch, 224, 3)

    def tokens(self, batch):
        drawn = self.rng.zipf(1.2, (batch, LENGTH)) % VOCABULARY
        return {"tokens": drawn.astype(np.int32), "label": (drawn.sum(1) % 10).astype(np.int32)}

    def activations(self, batch):
        x = self.rng.standard_normal((batch, 256, 768)).astype(np.float32)
        return {"x": x, "y": np.roll(x, 1, axis=1) * np.float32(0.5)}


def write_batches(source, kind, batch, path):
    """N_BATCHES batches as <input>.<number> of an .npz."""
    rows = Rows(source, seed=batch)
    np.savez(path, **{f"{name}.{i}": value for i in range(N_BATCHES) for name, value in getattr(rows, kind)(batch).items()})


def read_batches(path):
    """[{input: array}]"""
    found = [{} for _ in range(N_BATCHES)]
    with np.load(path) as file:
        for key in file.files:
            name, number = key.rsplit(".", 1)
            found[int(number)][name] = file[key]
    return found


def as_safetensors(path):
    """The arrays of f32 of an .npz in the format of our checkpoints, beside it; returns the path."""
    written, table, data = path[:-len("npz")] + "safetensors", {}, b""
    with np.load(path) as file:
        for name in file.files:
            value = file[name].astype("<f4")
            table[name] = {"dtype": "F32", "shape": value.shape, "data_offsets": [len(data), len(data) + value.nbytes]}
            data += value.tobytes()
    head = json.dumps(table).encode()
    with open(written, "wb") as file:
        file.write(struct.pack("<Q", len(head)) + head + data)
    return written


IDX = {"image": ("train-images-idx3-ubyte", 3), "label": ("train-labels-idx1-ubyte", 1)}


def write_idx(source, folder, rows):
    """A training split of `rows` 28x28 images as idx files."""
    draw, drawn = Rows(source, seed=1), []
    for begin in range(0, rows, 5000):
        batch = draw.images(min(5000, rows - begin))
        drawn.append({"image": (batch["image"][:, 0] * 255).round(), "label": batch["label"]})
    os.makedirs(folder, exist_ok=True)
    for key, (name, rank) in IDX.items():
        values = np.concatenate([batch[key] for batch in drawn]).astype(np.uint8)
        with open(os.path.join(folder, name), "wb") as file:
            file.write(struct.pack(f">HBB{rank}I", 0, 8, rank, *values.shape) + values.tobytes())


def read_idx(folder):
    """What write_idx wrote, decoded: images [n,1,28,28] in 0 to 1."""
    bytes_of = {key: np.fromfile(os.path.join(folder, name), np.uint8)[4 + 4 * rank:] for key, (name, rank) in IDX.items()}
    return {"image": bytes_of["image"].reshape(-1, 1, 28, 28).astype(np.float32) / 255, "label": bytes_of["label"].astype(np.int32)}

# SPDX-License-Identifier: Apache-2.0
"""The UCI handwritten digits that the tree ships, as the starter models want them."""
import gzip
import os

import numpy as np

folder = os.path.join(os.environ["SF_SOURCE_DIR"], "apps", "digits", "data")


def read(name, header):
    with gzip.open(os.path.join(folder, name)) as file:
        return np.frombuffer(file.read()[header:], np.uint8)


images = read("train-images-idx3-ubyte.gz", 16).reshape(-1, 8, 8)
labels = read("train-labels-idx1-ubyte.gz", 8).astype(np.int32)


def large(size=28):
    """[n,size,size], 0 to 1: interpolated linearly, so that no two neighbours of a window are equal by construction."""
    at = np.linspace(0, 7, size)
    weights = np.maximum(0, 1 - np.abs(at[:, None] - np.arange(8)))
    return weights @ (images / 16) @ weights.T


def tokens():
    """[n,64]: a token per pixel."""
    return images.reshape(-1, 64).astype(np.int32)


def batches(rows, batch, n_steps, seed):
    """n_steps times the row numbers of a batch, epochs shuffled."""
    rng, order = np.random.RandomState(seed), np.zeros(0, int)
    for _ in range(n_steps):
        if len(order) < batch:
            order = rng.permutation(rows)
        yield order[:batch]
        order = order[batch:]

# SPDX-License-Identifier: Apache-2.0
"""Updates of ai.onnx.preview.training, in the forms that ONNX's own node tests leave out. The oracle is the pseudo code of the specification
in NumPy."""
import numpy as np

from case import DOMAIN

rng = np.random.default_rng(17)


def tensors(n):
    return [rng.uniform(0.1, 2, shape).astype(np.float32) for shape in ((3,), (2, 2)) for _ in range(n)]


def grouped(values, n):
    """x1 g1 .. x2 g2 .. to x1 x2 g1 g2 .."""
    return [values[j * n + i] for i in range(n) for j in range(len(values) // n)]


def adagrad(x, g, h, r, step):
    g = 0.01 * x + g
    h = h + g * g
    return x - r / (1 + step * 0.5) * g / (np.sqrt(h) + 1e-3), h


def adam(x, g, v, h, r, step):
    g = 0.01 * x + g
    v = 0.8 * v + 0.2 * g
    h = 0.9 * h + 0.1 * g * g
    if step > 0:
        r = r * np.sqrt(1 - 0.9**step) / (1 - 0.8**step)
    return 0.95 * (x - r * v / (np.sqrt(h) + 1e-3)), v, h


def momentum(x, g, v, r, step, nesterov):
    g = 0.01 * x + g
    v = 0.8 * v + (0.7 if step > 0 else 1) * g
    return x - r * (g + 0.8 * v if nesterov else v), v


def write(t):
    r = np.array(0.1, np.float32)
    for step in 0, 5:
        count = np.array(step, np.int64)

        def put(name, op, n, function, attrs, *more):
            values = tensors(n)
            new = [y.astype(np.float32) for i in (0, n) for y in function(*values[i : i + n], 0.1, step, *more)]
            t.op(f"{name}_{step}", op, 1, [r, count] + grouped(values, n), grouped(new, n - 1), domain=DOMAIN, **attrs)

        put("adagrad", "Adagrad", 3, adagrad, {"norm_coefficient": 0.01, "epsilon": 1e-3, "decay_factor": 0.5})
        put("adam", "Adam", 4, adam, {"norm_coefficient": 0.01, "norm_coefficient_post": 0.05, "alpha": 0.8, "beta": 0.9, "epsilon": 1e-3})
        for mode in "standard", "nesterov":
            attrs = {"norm_coefficient": 0.01, "alpha": 0.8, "beta": 0.7, "mode": mode}
            put(mode, "Momentum", 3, momentum, attrs, mode == "nesterov")

# SPDX-License-Identifier: Apache-2.0
"""RNN, GRU, LSTM. The oracle follows the specification's equations step by step; PyTorch's layers have to agree with it."""
import itertools

import numpy as np
import torch

rng = np.random.default_rng(25)
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
DEFAULTS = {"RNN": ["Tanh"], "GRU": ["Sigmoid", "Tanh"], "LSTM": ["Sigmoid", "Tanh", "Tanh"]}
CURVES = {
    "Relu": lambda x, a, b: np.maximum(x, 0),
    "Tanh": lambda x, a, b: np.tanh(x),
    "Sigmoid": lambda x, a, b: 1 / (1 + np.exp(-x)),
    "Affine": lambda x, a, b: a * x + b,
    "LeakyRelu": lambda x, a, b: np.where(x < 0, a * x, x),
    "ThresholdedRelu": lambda x, a, b: np.where(x >= a, x, 0),
    "ScaledTanh": lambda x, a, b: a * np.tanh(b * x),
    "HardSigmoid": lambda x, a, b: np.clip(a * x + b, 0, 1),
    "Elu": lambda x, a, b: np.where(x < 0, a * (np.exp(x) - 1), x),
    "Softsign": lambda x, a, b: x / (1 + np.abs(x)),
    "Softplus": lambda x, a, b: np.log(1 + np.exp(x)),
}
ARGUMENTS = {"Affine": (1, 0), "LeakyRelu": (0.01,), "ThresholdedRelu": (1,), "ScaledTanh": (1, 1), "HardSigmoid": (0.2, 0.5), "Elu": (1,)}


def f(*shape):
    return np.array(rng.standard_normal(shape), np.float32)


def curves_of(kind, directions, attrs):
    """The activations of each direction; alphas and betas go to those that take one, in order."""
    alphas, betas = iter(attrs.get("activation_alpha", [])), iter(attrs.get("activation_beta", []))
    curves = []
    for name in attrs.get("activations", DEFAULTS[kind] * directions):
        given = list(ARGUMENTS.get(name, ()))
        for i, values in zip(range(len(given)), (alphas, betas)):
            given[i] = next(values, given[i])
        a, b = (given + [0, 0])[:2]
        limit = attrs.get("clip", np.inf)
        curves.append(lambda x, a=a, b=b, g=CURVES[name], limit=limit: g(np.clip(x, -limit, limit), a, b))
    each = len(DEFAULTS[kind])
    return [curves[d * each:(d + 1) * each] for d in range(directions)]


def step(kind, curves, x, h, c, w, r, b, p, attrs):
    size = h.shape[-1]
    wb, rb = np.split(b, 2)

    def gate(i, state=h, peep=0):
        at = slice(i * size, (i + 1) * size)
        return x @ w[at].T + wb[at] + state @ r[at].T + rb[at] + peep

    if kind == "RNN":
        return curves[0](gate(0)), c
    if kind == "GRU":
        z, reset = curves[0](gate(0)), curves[0](gate(1))
        at = slice(2 * size, 3 * size)
        if attrs.get("linear_before_reset"):
            new = curves[1](x @ w[at].T + wb[at] + reset * (h @ r[at].T + rb[at]))
        else:
            new = curves[1](gate(2, reset * h))
        return (1 - z) * new + z * h, c
    pi, po, pf = np.split(p, 3)
    i = curves[0](gate(0, peep=pi * c))
    forget = 1 - i if attrs.get("input_forget") else curves[0](gate(2, peep=pf * c))
    c = forget * c + i * curves[1](gate(3))
    return curves[0](gate(1, peep=po * c)) * curves[2](c), c


def layer(kind, x, w, r, b=None, lens=None, h0=None, c0=None, p=None, **attrs):
    """Y, Y_h, Y_c for X of layout 0, in f64."""
    steps, batch, _ = x.shape
    directions, _, size = r.shape
    gates = GATES[kind]
    lens = np.full(batch, steps) if lens is None else lens
    b = np.zeros((directions, 2 * gates * size)) if b is None else b
    p = np.zeros((directions, 3 * size)) if p is None else p
    y = np.zeros((steps, directions, batch, size))
    last = np.zeros((2, directions, batch, size))
    for d, curves in enumerate(curves_of(kind, directions, attrs)):
        backwards = d == 1 or attrs.get("direction") == "reverse"
        for n in range(batch):
            h = np.zeros(size) if h0 is None else h0[d, n].astype(np.float64)
            c = np.zeros(size) if c0 is None else c0[d, n].astype(np.float64)
            order = range(lens[n])
            for at in reversed(order) if backwards else order:
                h, c = step(kind, curves, x[at, n].astype(np.float64), h, c, w[d], r[d], b[d], p[d], attrs)
                y[at, d, n] = h
            last[:, d, n] = h, c
    return [v.astype(np.float32) for v in (y, *last)][:3 if kind == "LSTM" else 2]


def weights(kind, directions, inputs, size):
    gates = GATES[kind]
    return f(directions, gates * size, inputs), f(directions, gates * size, size), f(directions, 2 * gates * size)


def add(t, name, kind, opset, x, w, r, *rest, fixed=(), wanted=None, **attrs):
    """rest: b, lens, h0, c0, p, as far as they go."""
    wanted = wanted or layer(kind, x, w, r, *rest, **attrs)
    inputs = [x, w, r, *rest]
    if attrs.get("direction") is None and r.shape[0] == 2:
        attrs["direction"] = "bidirectional"
    t.op(f"{kind.lower()}_{name}", kind, opset, inputs, wanted, fixed=fixed, hidden_size=r.shape[2], **attrs)


def forms(t, kind):
    x = f(4, 3, 2)
    lens = np.int32([4, 2, 0])
    for direction, opset in itertools.product(("forward", "reverse", "bidirectional"), (7, 14)):
        directions = 2 if direction == "bidirectional" else 1
        w, r, b = weights(kind, directions, 2, 5)
        states = [f(directions, 3, 5)] + [f(directions, 3, 5)] * (kind == "LSTM")
        add(t, direction, kind, opset, x, w, r, b, None, *states, direction=direction, fixed=[1, 2, 3])
        add(t, f"{direction}_lens", kind, opset, x, w, r, b, lens, *states, direction=direction)
        add(t, f"{direction}_lens_known", kind, opset, x, w, r, b, np.int32([3, 4, 1]), direction=direction, fixed=[4])
    w, r, b = weights(kind, 2, 2, 5)
    states = [f(2, 3, 5) for _ in range(2 if kind == "LSTM" else 1)]
    y, *last = layer(kind, x, w, r, b, None, *states)
    turned = [y.transpose(2, 0, 1, 3), *[v.transpose(1, 0, 2) for v in last]]
    batch_first = [v.transpose(1, 0, 2) for v in states]
    t.op(f"{kind.lower()}_layout", kind, 14, [x.transpose(1, 0, 2), w, r, b, None, *batch_first], turned, layout=1, direction="bidirectional", hidden_size=5)
    add(t, "clip", kind, 14, 3 * x, w, r, b, clip=0.7)
    add(t, "only_last", kind, 14, x, w, r, b, wanted=[None, layer(kind, x, w, r, b)[1]])
    add(t, "zero_state", kind, 14, x, w, r, b, None, np.zeros((2, 3, 5), np.float32), fixed=[5])


def curves(t):
    x = f(4, 3, 2)
    w, r, b = weights("RNN", 1, 2, 5)
    for name in CURVES:
        n = len(ARGUMENTS.get(name, ()))
        attrs = {k: v for k, v in (("activation_alpha", [0.3]), ("activation_beta", [0.6])) if n > (k == "activation_beta")}
        add(t, f"{name.lower()}", "RNN", 14, x, w, r, b, activations=[name])
        if n:
            add(t, f"{name.lower()}_given", "RNN", 14, x, w, r, b, activations=[name], **attrs)
    w, r, b = weights("LSTM", 2, 2, 5)
    names = ["HardSigmoid", "Tanh", "Elu", "Sigmoid", "ScaledTanh", "LeakyRelu"]
    add(t, "curves", "LSTM", 14, x, w, r, b, activations=names, activation_alpha=[0.3, 0.5, 0.9, 0.1], activation_beta=[0.4, 1.2])


def special(t):
    x = f(4, 3, 2)
    w, r, b = weights("GRU", 2, 2, 5)
    add(t, "linear_before_reset", "GRU", 7, x, w, r, b, linear_before_reset=1)
    add(t, "linear_before_reset_no_bias", "GRU", 14, x, w, r, linear_before_reset=1)
    w, r, b = weights("LSTM", 2, 2, 5)
    states = f(2, 3, 5), f(2, 3, 5)
    add(t, "peepholes", "LSTM", 7, x, w, r, b, np.int32([4, 1, 3]), *states, f(2, 15))
    add(t, "input_forget", "LSTM", 14, x, w, r, b, None, *states, f(2, 15), input_forget=1)


def by_torch(t):
    """PyTorch orders the gates of GRU r z n and of LSTM i f g o."""
    x = f(6, 3, 4)
    order = {"RNN": [0], "GRU": [1, 0, 2], "LSTM": [0, 3, 1, 2]}
    for kind in GATES:
        module = getattr(torch.nn, kind)(4, 5, bidirectional=True)
        y, last = module(torch.from_numpy(x))
        last = last if kind == "LSTM" else (last,)

        def part(name):
            both = [getattr(module, f"{name}_l0{end}").detach().numpy() for end in ("", "_reverse")]
            return np.stack([np.concatenate([v.reshape(GATES[kind], 5, -1)[g] for g in order[kind]]) for v in both])

        b = np.concatenate([part("bias_ih")[..., 0], part("bias_hh")[..., 0]], 1)
        wanted = [y.detach().numpy().reshape(6, 3, 2, 5).transpose(0, 2, 1, 3).copy(), *[v.detach().numpy() for v in last]]
        attrs = {"linear_before_reset": 1} if kind == "GRU" else {}
        add(t, "torch", kind, 14, x, part("weight_ih"), part("weight_hh"), b, wanted=wanted, fixed=[1, 2, 3], **attrs)


def write(t):
    torch.manual_seed(26)
    for kind in GATES:
        forms(t, kind)
    curves(t)
    special(t)
    by_torch(t)

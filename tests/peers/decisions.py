# SPDX-License-Identifier: Apache-2.0
"""What a network decides: whether a rectifier lets an element through, which element of its window a max-pool takes.

Where f64 decides by a margin that is lost in f32's rounding, an f32 step may decide otherwise and is as right: the loss has a kink there, and the gradient
jumps from one side's to the other's. So it is held against PyTorch's f64 step on the side on which it stands. Which decisions may fall otherwise is
known from PyTorch alone: those whose margin in f64 is at most MARGIN times the largest error of its own f32 in that tensor. Which of them did is found
from what each does to the step; that the f64 step with these few forced is then ours, is the test's to see.
"""
import contextlib
from unittest import mock

import numpy as np
import torch
import torch.nn.functional as F

MARGIN, SAMPLE, SMALL, NOISE, DIGITS = 2, 4096, 0.3, 0.1, 12
relu, max_pool2d = F.relu, F.max_pool2d


class Watched:
    """What one pass decides from: the input of every rectifier, the input and the windows of every max-pool, in order; `choices` are imposed
    on it: for the number of a call a list of (where, what), where being all elements that one decision is for."""

    def __init__(self, choices=()):
        self.calls, self.choices = [], {}
        for call, where, what in choices:
            self.choices.setdefault(call, []).append((where, what))

    def _forced(self, values):
        for where, what in self.choices.get(len(self.calls), []):
            values.view(-1)[list(where)] = torch.tensor(what)
        return values

    def relu(self, x, inplace=False):
        x = x.contiguous()
        seen = x.detach()
        passes = self._forced(x > 0)
        x = x - (2 * x * (passes & (x < 0))).detach()  # What passes is above 0: a max-pool that follows takes it.
        self.calls.append((seen, None))
        return x * passes

    def max_pool2d(self, x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
        assert dilation == 1 and not ceil_mode and not return_indices
        x = x.contiguous()
        values, at = max_pool2d(x, kernel_size, stride, padding, return_indices=True)
        at = self._forced(at)
        self.calls.append((x.detach(), (kernel_size, stride or kernel_size, padding)))
        return x.flatten(2).gather(2, at.flatten(2)).view(values.shape)


@contextlib.contextmanager
def watched(choices=()):
    """Within it F.relu and F.max_pool2d tell what they decide, and do so as `choices` say."""
    found = Watched(choices)
    with mock.patch.object(F, "relu", found.relu), mock.patch.object(F, "max_pool2d", found.max_pool2d):
        yield found


def _windows(x, kernel, stride, padding):
    """[n,c,windows,elements] of x, and where in its channel each element lies; outside is never the largest."""
    def unfold(values, outside):
        values = F.pad(values, (padding,) * 4, value=outside).unfold(2, kernel, stride).unfold(3, kernel, stride)
        return values.reshape(*values.shape[:2], -1, kernel * kernel)

    height, width = x.shape[2:]
    return unfold(x, -np.inf), unfold(torch.arange(height * width).view(1, 1, height, width), -1)[0, 0]


def undecided(exact, rounded):
    """Lists the decisions of the pass `exact`, in f64, that its f32 twin `rounded` cannot tell: (call, where, what it is, what it might be), those
    with the smallest margin first. Windows that compare the same two values, as overlapping ones and those on a blank margin, decide alike. Equal elements of a window are no such decision: they are computed alike, and the first is taken."""
    found = []
    for call, ((x, pool), (y, _)) in enumerate(zip(exact.calls, rounded.calls)):
        error = float((x - y).abs().max()) or 1.0
        if pool is None:
            x, passes = x.view(-1), (x > 0).view(-1)
            for where in ((x.abs() <= MARGIN * error) & (x != 0)).nonzero().view(-1).tolist():
                found.append((abs(float(x[where])) / error, call, (where,), (bool(passes[where]),), (not passes[where],)))
            continue
        values, places = _windows(x, *pool)
        values = values.view(-1, values.shape[-1])
        largest, first = values.max(-1, keepdim=True)
        gaps, alike = (largest - values) / (2 * error), {}
        for window, element in ((gaps <= MARGIN) & (gaps > 0)).nonzero().tolist():
            at, pair = places[window % len(places)], (float(largest[window, 0]), float(values[window, element]))
            made = alike.setdefault(tuple(round(value, DIGITS) for value in pair), (float(gaps[window, element]), {}))[1]
            made.setdefault(window, (int(at[first[window, 0]]), int(at[element])))
        for gap, made in alike.values():
            found.append((gap, call, tuple(made), *zip(*made.values())))
    return [decision for _, *decision in sorted(found)]


def _sample(states, scales):
    """Some elements of every state, in units of its scale."""
    parts = []
    for name, scale in scales.items():
        values = np.asarray(states[name], float).reshape(-1)
        parts.append(values[:: -(-len(values) // SAMPLE)] / scale)
    return np.concatenate(parts)


def _above(values, noise):
    """The values without those that are rounding: over a whole model these outweigh the effect of a decision on a single channel."""
    return np.where(np.abs(values) > noise, values, 0)


def _cover(left, effects):
    """The effects that, one after the other, leave least of `left`, until none leaves less; what is left."""
    chosen, effects = [], dict(effects)
    while effects:
        best = min(effects, key=lambda choice: np.square(left - effects[choice]).sum())
        if np.square(left - effects[best]).sum() >= np.square(left).sum():
            break
        left = left - effects.pop(best)
        chosen.append(best)
    return chosen, left


def explain(candidates, step, difference, scales, limit):
    """Yields sets of choices, few as a rule, whose effects on the states add up to `difference` but for `limit` or a small part: looked
    for among the first of `candidates`, then among more of them. step (choices) takes the step in f32 and returns the states; all are forced there."""
    usual = [(call, where, value) for call, where, value, _ in candidates]
    base, difference, effects, last = _sample(step(usual), scales), _above(_sample(difference, scales), NOISE * limit), {}, []
    chosen = last
    for call, where, _, value in candidates:
        choice = (call, where, value)
        effects[choice] = _above(_sample(step(usual + [choice]), scales) - base, NOISE * limit)
        chosen, left = _cover(difference, effects)
        if chosen != last and np.abs(left).max() <= max(limit, SMALL * np.abs(difference).max()):
            yield chosen
            last = chosen
    if chosen != last:
        yield chosen

# SPDX-License-Identifier: Apache-2.0
"""Runs left to themselves from the same weights over the same batches: the distance of our f32 run from PyTorch's f64 run stays within
3 times the distance of PyTorch's own f32 run (plus 1e-6), for the loss and for all parameters together.

Models with rectifiers and maxima amplify: one that goes the other way moves the weights of LeNet by 2e-6, and all of a deep model by 1e-2 ten steps
later, whoever computed it; whether and when that happens is luck of a single run, in PyTorch also of the BLAS that is installed. Case.n_runs runs
start from the same weights moved by at most a unit in the last place of f32, the same for us and for PyTorch, and the root mean square of their
distances counts."""
import sys

import numpy as np
import torch

import models
import spatialflow

FACTOR, SLACK = 3, 1e-6


def starts(case, seed):
    """The f32 states that the runs begin with."""
    found, rng = [models.Peer(case, seed).states()], np.random.RandomState(seed)
    for _ in range(1, case.n_runs):
        found.append({name: (value * (1 + (rng.random_sample(value.shape) - 0.5) * 2.0**-23)).astype(value.dtype) for name, value in found[0].items()})
    return found


def load(peer, states):
    """Sets the weights and statistics of a PyTorch run."""
    peer.model.load_state_dict({name: torch.from_numpy(value).to(peer.dtype) for name, value in states.items()}, strict=False)


def distance(read, exact):
    """Root mean square over all elements of all parameters, relative to that of the exact ones; read (name) gives a parameter."""
    error = sum(float(np.square(read(name) - value).sum()) for name, value in exact.items())
    return (error / sum(float(np.square(value).sum()) for value in exact.values())) ** 0.5


def run(case, pef, seed):
    """Squared distances [run, step, of the loss and of the parameters]: ours, PyTorch's. Several runs are not measured at every step."""
    exact = models.Peer(case, seed, torch.float64)
    load(exact, starts(case, seed)[0])
    peers, sessions = [models.Peer(case, seed) for _ in range(case.n_runs)], [spatialflow.Session(pef) for _ in range(case.n_runs)]
    for states, peer, session in zip(starts(case, seed), peers, sessions):
        load(peer, states)
        for name, value in states.items():
            session.write(name, value)
    ours, theirs = np.zeros((2, case.n_runs, case.n_steps, 2))
    for index, batch in enumerate(case.data(case.n_steps, seed)):
        loss = exact.step(*batch)
        reference = {name: value.detach().numpy() for name, value in exact.model.named_parameters()}
        measured = case.n_runs == 1 or index < 10 or index % 5 == 4
        for which, (session, peer) in enumerate(zip(sessions, peers)):
            ours[which, index, 0] = (session.step(batch, index + 1, case.lr) - loss) ** 2
            theirs[which, index, 0] = (peer.step(*batch) - loss) ** 2
            if measured:
                parameters = dict(peer.model.named_parameters())
                ours[which, index, 1] = distance(session.read, reference) ** 2
                theirs[which, index, 1] = distance(lambda name: parameters[name].detach().numpy(), reference) ** 2
    return ours, theirs


def within(case, seed, ours, theirs):
    """Holds the largest distances so far against each other: at a single step either may be exact by luck."""
    ours, theirs = (np.maximum.accumulate(np.sqrt(np.mean(squares, 0)), 0) for squares in (ours, theirs))
    ratio = ours / (FACTOR * theirs + SLACK)
    good = bool((ratio <= 1).all())
    runs = f", {case.n_runs} runs" if case.n_runs > 1 else ""
    print(f"{case}: seed {seed}{runs}, {case.n_steps} steps: loss off by {ours[-1, 0]:.1e} (PyTorch {theirs[-1, 0]:.1e}), parameters by {ours[-1, 1]:.1e} "
          f"(PyTorch {theirs[-1, 1]:.1e}); at worst {ratio.max():.2f} of what is allowed{'' if good else ': FAILED'}", flush=True)
    return good


def test(case):
    pef = case.compile()
    return all([within(case, seed, *run(case, pef, seed)) for seed in case.seeds])


sys.exit(models.each_case(test) > 0)

# SPDX-License-Identifier: Apache-2.0
"""The cpu backend in f64 follows PyTorch in f64 over 200 steps: the loss within 1e-7 of itself, every parameter and statistic within 1e-7
of its range."""
import sys

import torch

import models
import spatialflow

LIMIT = 1e-7


def test(case):
    session = spatialflow.Session(case.compile(), "cpu", f64=True)
    peer, worst = models.Peer(case, 1, torch.float64), (0.0, "", 0)
    for name, value in peer.states().items():
        session.write(name, value)
    for index, batch in enumerate(case.data(case.n_double, seed=1)):
        x, labels = batch
        loss = peer.step(x, labels)
        worst = max(worst, (abs(session.step(batch, index + 1, case.lr) - loss) / abs(loss), "loss", index + 1))
    for name, value in peer.states().items():
        worst = max(worst, (models.error_of(name, session.read(name), value), name, case.n_double))
    ok = worst[0] <= LIMIT
    print(f"{case}: {case.n_double} steps in f64, worst {worst[0]:.1e} at {worst[1]}, step {worst[2]}{'' if ok else f': FAILED: wanted {LIMIT:.0e}'}", flush=True)
    return ok


sys.exit(models.each_case(test) > 0)

# SPDX-License-Identifier: Apache-2.0
"""Epochs over 60,000 images: `sf train` from files against a PyTorch loop over decoded images in memory, in turns."""
import json
import os
import subprocess
import time

import duel
import inputs
import machine
import party

IMAGES = 60000
MAX_ROUNDS = 3
LOSS_LIMIT = 0.03  # of the epoch's mean loss: orders of rows differ, which moves LeNet's by half a per cent


def files(folder):
    """The images, written once."""
    path = os.path.join(folder, f"images{IMAGES}")
    if not os.path.exists(path):
        inputs.write_idx(os.environ["SF_SOURCE_DIR"], path + ".new", IMAGES)
        os.rename(path + ".new", path)
    return path


class Tool:
    """`sf train` as a party; each epoch is a process of its own."""

    name, precision = "spatialflow", "f32"

    def __init__(self, pef, threads, rate, weights=None):
        """`weights`: a file with those that PyTorch begins with; without, ours begin as the model file says."""
        self.threads, self.words = threads, ["train", pef, "--threads", str(threads), "--lr", str(rate)]
        if weights and os.path.exists(weights):
            self.words += ["--init-checkpoint", inputs.as_safetensors(weights)]

    def epoch(self, data):
        """(seconds, mean loss)"""
        told = json.loads(machine.tool(*self.words, "--data", data, "--json").splitlines()[-1])
        return IMAGES / told["rows_per_second"], told["train_loss"]

    def start(self, data):
        """Seconds of a process that takes one step."""
        begin = time.perf_counter()
        machine.tool(*self.words, "--data", data, "--num-iterations", "1")
        return time.perf_counter() - begin


class Loop:
    """PyTorch's process."""

    name, precision = "torch", "f32"

    def __init__(self, peer, task, log):
        self.threads, self.peer = task["threads"], peer
        self.party = party.Party("torch", peer.script, peer.python, peer.with_threads(self.threads), task, log)
        self.party.hear()
        self.party.ask(do="check", path=log + ".npz")

    def epoch(self, data):
        answer = self.party.ask(do="epoch", folder=data)
        return answer["seconds"], answer["loss"]

    def start(self, data):
        begin = time.perf_counter()
        subprocess.run([self.peer.python, "-W", "ignore", "-c", "import torch"], env=self.peer.environment, check=True)
        return time.perf_counter() - begin


def parties(case, given, peers, folder):
    """All that take part, PyTorch before us."""
    compiled, torch = duel.compile_case(case, folder, "f32", given.arch), peers.get("torch")
    for threads in given.threads:
        if torch and torch.python:
            task = {"case": str(case), "threads": threads, "precision": "f32", "folder": folder, "arch": given.arch}
            yield Loop(torch, task, os.path.join(folder, f"torch-{threads}.log"))
        if "spatialflow" in peers:
            yield Tool(compiled["pef"], threads, case.rate, os.path.join(folder, "weights.npz"))


def check(case, losses):
    """Mean losses of the first epoch, by party."""
    reference = next(iter(losses.values()))
    for name, loss in losses.items():
        if not abs(loss - reference) <= LOSS_LIMIT * reference:
            raise RuntimeError(f"{case}: {name}: found a mean loss of {loss:.3f}, wanted {reference:.3f} within {LOSS_LIMIT:.0%}")


def run(case, given, peers, until):
    """What is known of a case afterwards, for results.json; no round begins after `until`."""
    folder, taking = os.path.join(given.output, "work", str(case)), []
    result = {"case": str(case), "kind": "epoch", "family": case.model.family, "failed": None, "programs": {}, "parties": []}
    try:
        data = files(os.path.join(given.output, "work"))
        duel.prepare(case, peers, folder)
        taking = list(parties(case, given, peers, folder))
        rounds = []
        while not rounds or (len(rounds) < min(given.rounds, MAX_ROUNDS) and time.monotonic() < until):
            rounds.append([(one.epoch(data), one.start(data)) for one in taking])
        check(case, {f"{one.name}, {one.threads} threads": loss for one, ((_, loss), _) in zip(taking, rounds[0])})
        for one, turns in zip(taking, zip(*rounds)):
            result["parties"].append({"name": one.name, "precision": "f32", "threads": one.threads, "seconds": [seconds for (seconds, _), _ in turns],
                                      "start": [start for _, start in turns], "loss": turns[0][0][1]})
    except (RuntimeError, OSError, ValueError, KeyError, StopIteration) as error:
        result["failed"] = f"{type(error).__name__}: {error}"
    for one in taking:
        if isinstance(one, Loop):
            one.party.end()
    return result

# SPDX-License-Identifier: Apache-2.0
"""Spatialflow as a party: a session through the C API."""
import os
import sys

import numpy as np

import party

sys.path.append(os.path.join(os.environ["SF_SOURCE_DIR"], "tests", "peers"))
import spatialflow  # noqa: E402


class Worker:
    def __init__(self, task):
        self.case = task.case
        self.session = spatialflow.Session(spatialflow.open_file(task.path(f"{self.case.kind}-{task.precision}-{task.arch}.pef")), n_threads=task.threads, entry=self.case.entry)
        self.batches = [[batch[name].reshape(shape) for name, shape, _ in self.session.inputs] for batch in task.batches()]
        self.weights = task.weights() or {name: self.session.read(name) for name in self.session.states}
        if not self.case.model.exported or self.case.kind == "train":
            self._start()
        self.arch = task.arch

    def about(self):
        return {"how": f"o3 for {self.arch}"}

    def _start(self):
        for name, shape in self.session.states.items():
            self.session.write(name, self.weights.get(name, np.zeros(shape)))


class Trainer(Worker):
    def check(self):
        losses, found = [], None
        for i, batch in enumerate(self.batches[:party.CHECK_STEPS]):
            losses.append(self.session.step(batch, i + 1, self.case.rate))
            found = found or {name: self.session.read(name) for name in self.session.states if name in self.weights}
        self._start()
        return losses, found

    def steps(self):
        return [self.session.bind(batch, party.IDLE_RATE) for batch in self.batches]


class Inferrer(Worker):
    def check(self):
        return [], {f"output.{i}": self.session.infer(batch) for i, batch in enumerate(self.batches)}

    def steps(self):
        return [self.session.bind(batch) for batch in self.batches]


party.serve(lambda task: (Trainer if task.case.kind == "train" else Inferrer)(task))

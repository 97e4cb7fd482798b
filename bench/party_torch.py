# SPDX-License-Identifier: Apache-2.0
"""PyTorch as a party: every way that it has is tried for a moment, the fastest is taken."""
import copy
import itertools
import os
import time

import torch
import torch.nn.functional as F

import inputs
import party
import torch_models


def blas():
    """The name of the BLAS library that was loaded."""
    with open("/proc/self/maps") as file:
        names = {os.path.basename(os.path.realpath(line.split()[-1])) for line in file if "blas" in line and "/" in line}
    return ", ".join(sorted(name for name in names if "openblas" in name) or sorted(names))


class Worker:
    def __init__(self, task):
        torch.set_num_threads(task.threads)
        self.task, self.case = task, task.case
        self.bf16 = task.precision == "bf16"
        self.model = getattr(torch_models, self.case.model.module)()
        weights = task.weights()
        self.model.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()}, strict=False)
        self.batches = [self._tensors(batch) for batch in task.batches()]
        self.chosen = self.made = self.images = None

    def about(self):
        return {"how": ", ".join([blas(), *self.chosen])}

    @staticmethod
    def _tensors(batch):
        """Tensors of {name: array}; labels as cross_entropy wants them."""
        return [torch.from_numpy(value).long() if name == "label" else torch.from_numpy(value) for name, value in batch.items()]

    def _choose(self):
        """Takes the fastest way that works."""
        found = {}
        for way in self.ways():
            try:
                found[way] = party.timed(self.make(way, party.IDLE_RATE), 0.04, least=1)[1]
            except RuntimeError as error:
                print(f"{way}: {error}")
        if not found:
            raise RuntimeError("no way of running it works; the log says why")
        self.chosen = min(found, key=found.get)

    def _formats(self):
        return [("channels_last",), ()] if self.case.model.images else [()]

    def _laid_out(self, module, way):
        """The module and the batches as a way has them."""
        module, batches = copy.deepcopy(module), self.batches
        if "channels_last" in way:
            module = module.to(memory_format=torch.channels_last)
            batches = [[batch[0].to(memory_format=torch.channels_last), *batch[1:]] for batch in batches]
        return module, batches

    def steps(self):
        """A callable per batch."""
        if self.made is None:
            self.made = self.make(self.chosen, party.IDLE_RATE)
        return self.made


class Trainer(Worker):
    def ways(self):
        """Settings to choose from."""
        more = [(), ("foreach",)] + ([("compile",)] if hasattr(torch, "compile") else [])
        return [a + b for a, b in itertools.product(self._formats(), more)]

    def make(self, way, rate):
        self.module, batches = self._laid_out(self.model.train(), way)
        kind, options = {"sgd": (torch.optim.SGD, {}), "adamw": (torch.optim.AdamW, {"weight_decay": 0.01})}[self.case.optimizer]
        optimizer = kind(self.module.parameters(), lr=rate, foreach="foreach" in way, **options)
        loss_of = F.mse_loss if self.case.model.loss == "mse" else F.cross_entropy
        forward = torch.compile(self.module) if "compile" in way else self.module

        def step(x, y):
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.bf16):
                loss = loss_of(forward(x), y)
            loss.backward()
            optimizer.step()
            return loss

        self.step = step
        return [lambda batch=batch: step(*batch) for batch in batches]

    def epoch(self, folder):
        """(seconds, mean loss) of a pass over decoded images in memory, in another order each time."""
        if self.images is None:
            self.images = self._tensors(inputs.read_idx(folder))
            self.make(self.chosen, self.case.rate)
        x, y = self.images
        begin, total = time.perf_counter(), 0.0
        order = torch.randperm(len(y))[:len(y) // self.case.batch * self.case.batch].view(-1, self.case.batch)
        for at in order:
            total += self.step(x[at], y[at]).detach()
        return time.perf_counter() - begin, float(total) / len(order)

    def check(self):
        self._choose()
        steps = self.make(self.chosen, self.case.rate)
        losses, found = [], None
        for step in steps[:party.CHECK_STEPS]:
            losses.append(float(step()))
            found = found or {name: value.numpy().copy() for name, value in self.module.state_dict().items() if not name.endswith("num_batches_tracked")}
        return losses, found


class Inferrer(Worker):
    def ways(self):
        """Settings to choose from: autocast or a model of bfloat16; as it is, or frozen."""
        kinds = [("autocast",), ("bfloat16",), ("bfloat16", "frozen")] if self.bf16 else [(), ("frozen",)]
        return [a + b for a, b in itertools.product(self._formats(), kinds)]

    def make(self, way, rate):
        module, batches = self._laid_out(self.model.eval(), way)
        if "bfloat16" in way:
            module, batches = module.to(torch.bfloat16), [[batch[0].to(torch.bfloat16) if batch[0].is_floating_point() else batch[0]] for batch in batches]
        if "frozen" in way:
            with torch.no_grad():
                module = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(module, batches[0][0])))

        def step(x):
            with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16, enabled="autocast" in way):
                return module(x)

        return [lambda x=batch[0]: step(x) for batch in batches]

    def check(self):
        self._choose()
        return [], {f"output.{i}": step().float().numpy() for i, step in enumerate(self.steps())}


party.serve(lambda task: (Inferrer if task.case.kind == "infer" else Trainer)(task))

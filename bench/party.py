# SPDX-License-Identifier: Apache-2.0
"""A party: a process that runs steps of a case when it is asked to, and waits without using the CPU otherwise. It reads a JSON object a line on
its standard input and answers each with one: {"do": "check"}, which comes first, {"do": "run", "seconds": s}, {"do": "memory"}; PyTorch also
{"do": "epoch", "folder": of idx files}."""
import json
import os
import subprocess
import sys
import threading
import time

import numpy as np

import cases
import inputs

CHECK_STEPS = 2  # losses; a third would tell more about chaos than about errors
PATIENCE = 120  # seconds that an answer may take
IDLE_RATE = 1e-6  # of timed training steps: all rounds see nearly the same weights


class Task:
    """What a party is told on its command line: case, threads, precision, folder with inputs.npz and weights.npz."""

    def __init__(self, **told):
        self.told = told
        self.case = next(case for case in cases.CASES if str(case) == told["case"])
        self.threads, self.precision, self.folder, self.arch = told["threads"], told["precision"], told["folder"], told["arch"]

    def batches(self):
        return inputs.read_batches(self.path("inputs.npz"))

    def weights(self):
        """{name: array}, None: everyone has to take his own."""
        if not os.path.exists(self.path("weights.npz")):
            return None
        with np.load(self.path("weights.npz")) as file:
            return {name: file[name] for name in file.files}

    def path(self, name):
        return os.path.join(self.folder, name)


def timed(steps, seconds, least=2):
    """Runs the callables round-robin for about so long: (number of steps, median seconds of one). Short steps are timed in groups, `least` at least."""
    count = 0

    def group(n):
        nonlocal count
        begin = time.perf_counter()
        for _ in range(n):
            steps[count % len(steps)]()
            count += 1
        return (time.perf_counter() - begin) / n

    begin, n, last = time.perf_counter(), 1, group(1)
    while time.perf_counter() - begin < seconds / 5:  # warm
        last = group(1)
    n = max(1, int(5e-4 / last))
    found, begin, first = [], time.perf_counter(), count
    while len(found) < least or time.perf_counter() - begin < seconds:
        found.append(group(n))
    return count - first, float(np.median(found))


def peak_bytes():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))


def serve(make):
    """The process of a party: make (task) gives an object with check (), then about () and steps ()."""
    channel = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever libraries print goes to the log

    def answer(**values):
        channel.write(json.dumps(values) + "\n")
        channel.flush()

    try:
        task = Task(**json.loads(sys.argv[1]))
        worker = make(task)
        answer(ready=True)
        for line in sys.stdin:
            asked = json.loads(line)
            if asked["do"] == "check":
                losses, arrays = worker.check()
                np.savez(asked["path"], **arrays)
                answer(losses=losses, **worker.about())
            elif asked["do"] == "run":
                steps, median = timed(worker.steps(), asked["seconds"])
                answer(steps=steps, seconds=median)
            elif asked["do"] == "epoch":
                seconds, loss = worker.epoch(asked["folder"])
                answer(seconds=seconds, loss=loss)
            elif asked["do"] == "memory":
                answer(bytes=peak_bytes())
    except Exception as error:  # the other side says which case has no number, and why
        answer(error=f"{type(error).__name__}: {error}")
        raise


class Party:
    """The side that asks."""

    def __init__(self, name, script, python, environment, task, log):
        self.name, self.log = name, log
        self.threads, self.precision = task["threads"], task["precision"]
        with open(log, "wb") as errors:
            self.process = subprocess.Popen([python, "-B", "-W", "ignore", script, json.dumps(task)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            stderr=errors, env=environment, text=True)

    def __str__(self):
        return f"{self.name} {self.precision}, {self.threads} thread{'s'[:self.threads != 1]}"

    def hear(self):
        begin, watch = time.monotonic(), threading.Timer(PATIENCE, self.process.kill)
        watch.start()
        line = self.process.stdout.readline()
        watch.cancel()
        ended = f"no answer in {PATIENCE} s" if time.monotonic() - begin >= PATIENCE else f"ended; see {os.path.basename(self.log)}"
        answer = json.loads(line) if line else {"error": ended}
        if "error" in answer:
            raise RuntimeError(f"{self}: {answer['error']}")
        return answer

    def ask(self, **wanted):
        try:
            self.process.stdin.write(json.dumps(wanted) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # hear () says why, or that it has ended
        return self.hear()

    def cpu_seconds(self):
        """CPU time that the process has used so far."""
        with open(f"/proc/{self.process.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end(self):
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass  # it has ended already
        self.process.stdout.close()
        self.process.wait()

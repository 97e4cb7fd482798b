# SPDX-License-Identifier: Apache-2.0
"""One case: its files are made, its parties are started, checked against each other, and measured in turns."""
import json
import os
import subprocess
import time

import numpy as np

import inputs
import machine
import party
import stages

# How far the losses of the first steps, the first update and the outputs may be off those of the reference, the first party of f32: the loss as a part of itself,
# the others by the root mean square of the difference, as a part of their own. A rectifier of ResNet-18's last 4x4 images that f32 cannot tell moves its
# update by 2e-3, PyTorch's from f64 as well as ours (tests/peers/points.py sorts these out). bf16 keeps 8 bits of everything inside: its updates are not held
# against anything, and the outputs of ResNet-50, 53 convolutions deep, are off by 0.15 in PyTorch as well.
LIMITS = {"f32": {"loss": 2e-4, "output": 5e-4, "update": 2e-2}, "bf16": {"loss": 3e-2, "output": 2e-1}}
BYTES = {"bool": 1, "i8": 1, "u8": 1, "i16": 2, "u16": 2, "f16": 2, "bf16": 2, "i32": 4, "u32": 4, "f32": 4, "i64": 8, "u64": 8, "f64": 8}
PAUSE = 0.02  # seconds that the last party has to fall asleep
MIN_ROUNDS = 3


def compile_case(case, folder, precision, arch, onnx=False):
    """Writes the PEF; returns what the program says of itself."""
    model, path = case.model, os.path.join(folder, f"{case.kind}-{precision}-{arch}.pef")
    source = os.path.join(folder, "model.onnx") if onnx else os.path.join(os.environ["SF_SOURCE_DIR"], model.file)
    arguments = [source, "-o", path, "-O3", "--arch", arch, "--precision", precision]
    if not onnx:
        arguments += ["--batch-size", str(case.batch), *(word for argument in model.arguments for word in ("--arg", argument))]
    if case.kind == "infer":
        arguments += ["--inference"]
    else:
        arguments += ["--optimizer", case.optimizer] + (["--optimizer-option", "weight_decay=0.01"] if case.optimizer == "adamw" else [])
    machine.tool("compile", *arguments)
    program = json.loads(machine.tool("inspect", path, "--json"))
    return {"pef": path, "flops": flops(program, case.entry), "planned_bytes": planned_bytes(program)}


def flops(program, name):
    """Of a step, as the program counts them."""
    entry = next(entry for entry in program["entries"] if entry["name"] == name)
    return sum(launch["repeat"] * sum(stage["flops"] for stage in program["configs"][launch["config"]]["stages"])
               for launch in entry["launches"] if launch["target"] == "rdu")


def planned_bytes(program):
    """The ends of the plans of all memory levels, added up; states are part of them."""
    ends = {}
    for tensor in program["tensors"]:
        end = tensor["offset_bytes"] + BYTES[tensor["dtype"]] * int(np.prod(tensor["shape"], dtype=np.int64))
        ends[tensor["level"]] = max(ends.get(tensor["level"], 0), end)
    return sum(ends.values())


def peak_bytes(case, pef):
    """Largest memory of a process of ours that takes a few steps and does nothing else."""
    lines = [json.loads(line) for line in machine.tool("bench", pef, "--steps", "3", "--json").splitlines()]
    return next(line["peak_memory_bytes"] for line in lines if line["entry"] == case.entry)


def prepare(case, peers, folder):
    """Inputs, and with PyTorch the weights and, of an inference, a file in ONNX."""
    os.makedirs(folder, exist_ok=True)
    inputs.write_batches(os.environ["SF_SOURCE_DIR"], case.model.data, case.batch, os.path.join(folder, "inputs.npz"))
    for name in ("weights.npz", "model.onnx"):
        if os.path.exists(os.path.join(folder, name)):
            os.remove(os.path.join(folder, name))
    torch = peers.get("torch")
    if torch is None or torch.python is None:
        return False
    script = os.path.join(machine.FOLDER, "prepare_torch.py")
    done = subprocess.run([torch.python, "-B", "-W", "ignore", script, str(case), folder], env=torch.environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"prepare_torch.py: {done.stderr.strip()}")
    return True


def start(case, given, peers, folder):
    """The parties, begun side by side."""
    wanted = []
    for name, peer in peers.items():
        for precision in given.precision:
            for threads in given.threads:
                if peer.python and (name != "onnxruntime" or (case.kind == "infer" and precision == "f32")):
                    wanted.append((name, peer, precision, threads))
    # The reference first: PyTorch in f32 where it is.
    wanted.sort(key=lambda item: (item[2] != "f32", ["torch", "onnxruntime", "spatialflow"].index(item[0]), -item[3]))
    for name, peer, precision, threads in wanted:
        task = {"case": str(case), "threads": threads, "precision": precision, "folder": folder, "arch": given.arch}
        yield party.Party(name, peer.script, peer.python, peer.with_threads(threads), task, os.path.join(folder, f"{name}-{precision}-{threads}.log"))


def relative(value, other):
    """Root mean square of the difference, of that of `other`."""
    return float(np.linalg.norm(value - other) / (np.linalg.norm(other) or 1))


def distances(kind, weights, mine, reference):
    """{what of LIMITS: how far} of two answers (losses, arrays)."""
    if kind == "infer":
        return {"output": max(relative(mine[1][name].reshape(value.shape), value) for name, value in reference[1].items())}
    losses = [abs(a - b) / abs(b) for a, b in zip(mine[0], reference[0])]
    updates = [np.concatenate([(arrays[name] - weights.get(name, 0)).ravel() for name in reference[1] if ".running_" not in name])
               for arrays in (mine[1], reference[1])]
    return {"loss": max(losses), "update": relative(*updates)}


def answers_of(party_asked, folder):
    """(losses, {name: array}) of a few steps or of all batches, and a word about how."""
    path = os.path.join(folder, "check.npz")
    answer = party_asked.ask(do="check", path=path)
    losses = answer["losses"]
    arrays = load(path)
    os.remove(path)
    if not all(np.isfinite(value).all() and np.any(value) for value in [np.asarray(losses or 1), *arrays.values()]):
        raise RuntimeError(f"{party_asked}: found infinities, NaNs or nothing but zeros among its losses, outputs and weights")
    return losses, arrays, answer["how"]


def load(path):
    """{name: array} of an .npz; nothing where there is none."""
    if not os.path.exists(path):
        return {}
    with np.load(path) as file:
        return {name: file[name] for name in file.files}


def check(case, parties, folder):
    """For each party how it runs and what it is off by, or why it cannot take part: {"how", "off"} or {"failed"}. The first that can is the reference."""
    weights, reference, found = load(os.path.join(folder, "weights.npz")), None, []
    for one in parties:
        try:
            answer = answers_of(one, folder)
            first, wanted = reference or (one, answer)
            off = distances(case.kind, weights, answer, wanted)
            for what, limit in LIMITS[one.precision].items():
                if what in off and off[what] > limit:
                    raise RuntimeError(f"{one}: its {what} is off that of {first} by {off[what]:.1e}, wanted at most {limit:.0e}")
            reference = first, wanted
            found.append({"how": answer[2], "off": off})
        except RuntimeError as error:
            found.append({"failed": str(error)})
    return found


def idle(parties):
    """The largest part of a CPU that a session of ours uses while all wait."""
    ours = [one for one in parties if one.name == "spatialflow"]
    time.sleep(0.1)
    before = [one.cpu_seconds() for one in ours]
    time.sleep(0.5)
    return max((one.cpu_seconds() - then for one, then in zip(ours, before)), default=0) / 0.5


def measure(parties, rounds, seconds, until):
    """Seconds of a step, [party][round]; no new round begins after the moment `until`, when there are enough."""
    found = [[] for _ in parties]
    for number in range(rounds):
        if number >= MIN_ROUNDS and time.monotonic() > until:
            break
        # Every other round the other way round: nobody always follows the same one.
        for index in range(len(parties))[:: 1 if number % 2 == 0 else -1]:
            time.sleep(PAUSE)
            found[index].append(parties[index].ask(do="run", seconds=seconds)["seconds"])
    return found


def take_turns(parties, case, given, folder, until):
    """What results.json says of each party, and why some could not take part."""
    checked = check(case, parties, folder)
    taking = [one for one, about in zip(parties, checked) if "failed" not in about]
    if not taking:
        return [], 0, "; ".join(word["failed"] for word in checked)
    resting = idle(taking)
    times = measure(taking, given.rounds, given.seconds, until)
    about = [about for about in checked if "failed" not in about]
    found = [{"name": one.name, "precision": one.precision, "threads": one.threads, **word, "seconds": seconds, "peak_bytes": one.ask(do="memory")["bytes"]}
             for one, word, seconds in zip(taking, about, times)]
    return found, resting, "; ".join(word["failed"] for word in checked if "failed" in word)


def run(case, given, peers, until):
    """What is known of a case afterwards, for results.json; `until` is when its turns should end."""
    folder = os.path.join(given.output, "work", str(case))
    result, parties = {"case": str(case), "kind": case.kind, "family": case.model.family, "failed": None, "programs": {}, "parties": []}, []
    try:
        prepared = prepare(case, peers, folder)
        onnx = case.kind == "infer" and case.model.exported and prepared
        if not onnx and case.model.file is None:
            raise RuntimeError("the model comes from PyTorch, which is missing")
        for precision in given.precision:
            compiled = compile_case(case, folder, precision, given.arch, onnx)
            result["programs"][precision] = {**compiled, "peak_bytes": peak_bytes(case, compiled["pef"])}
        result["profile"], result["peaks"] = stages.run(case, result["programs"], given)
        parties = list(start(case, given, peers, folder))
        for one in parties:
            one.hear()
        result["parties"], result["idle"], result["failed"] = take_turns(parties, case, given, folder, until)
    except (RuntimeError, OSError, ValueError, KeyError, StopIteration) as error:
        result["failed"] = f"{type(error).__name__}: {error}"
    for one in parties:
        one.end()
    return result

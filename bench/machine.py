# SPDX-License-Identifier: Apache-2.0
"""The machine that measures: what it is, and which parties it has."""
import dataclasses
import glob
import json
import os
import platform
import subprocess

FOLDER = os.path.dirname(os.path.abspath(__file__))
SF = os.path.join(os.environ["SF_BUILD_DIR"], "bin", "sf")
PATIENCE = 180  # seconds that a program may take


def describe():
    """{what: value}"""
    with open("/proc/cpuinfo") as file:
        model = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), platform.machine())
    with open("/proc/meminfo") as file:
        memory = next(int(line.split()[1]) * 1024 for line in file if line.startswith("MemTotal"))
    return {"cpu": model, "threads": len(os.sched_getaffinity(0)), "memory_bytes": memory, "system": f"{platform.system()} {platform.release()}",
            "load": os.getloadavg()[0]}


def profile(pef, entry, threads, *options):
    """What `sf run --profile` says of an entry."""
    return json.loads(tool("run", "--profile", pef, "--json", "--entry", entry, "--threads", str(threads), *options).splitlines()[0])


def peaks_of(told):
    """{threads: {precision: operations a second}} of a profile."""
    return {str(peak["threads"]): {precision: peak[f"{precision}_flops_per_s"] for precision in ("f32", "bf16") if peak[f"{precision}_flops_per_s"]} for peak in told["peaks"]}


def keep_greatest(peaks, others):
    """Whatever else the machine does can only make peaks smaller."""
    for threads, rates in others.items():
        mine = peaks.setdefault(threads, {})
        mine.update({precision: max(rate, mine.get(precision, 0)) for precision, rate in rates.items()})


def peaks(threads, folder):
    """The host's, as measured beside a few steps of a small model."""
    path, found = os.path.join(folder, "logreg.pef"), {}
    tool("compile", os.path.join(os.environ["SF_SOURCE_DIR"], "apps", "logreg", "model.cfg"), "-o", path, "--inference")
    for n in threads:
        keep_greatest(found, peaks_of(profile(path, "eval", n, "--steps", "5")))
    return {str(n): found[str(n)] for n in threads}


def kernels(threads):
    """Lines of bench/kernels; None when it was not built."""
    program = os.path.join(os.environ["SF_BUILD_DIR"], "bench", "kernels")
    return [line for n in threads for line in [*run(program, "--threads", str(n)).splitlines(), ""]] if os.path.exists(program) else None


def run(*words):
    """What a program prints."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"{' '.join(words)}: not done after {PATIENCE} s") from None
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


def tool(*arguments):
    """What `sf` prints."""
    return run(SF, *arguments)


@dataclasses.dataclass
class Peer:
    python: str
    script: str
    environment: dict
    about: str

    def with_threads(self, n):
        """The environment of a process with n threads."""
        return {**self.environment, "OMP_NUM_THREADS": str(n)}


def openblas():
    """Environment that gives PyTorch the OpenMP build of OpenBLAS, with kernels for AVX-512; and a word about it."""
    found = {"OPENBLAS_CORETYPE": "SkylakeX"} if " avx512f " in open("/proc/cpuinfo").read() else {}
    folders = [os.environ["SF_BENCH_OPENBLAS"]] if "SF_BENCH_OPENBLAS" in os.environ else glob.glob("/usr/lib/*/openblas-openmp")
    if not folders:
        return found, "whatever BLAS is installed; the Debian package libopenblas0-openmp would be its best"
    return {**found, "LD_LIBRARY_PATH": folders[0]}, f"BLAS of {os.path.basename(folders[0])}"


def _import(python, module, environment):
    """The version of a module; None where there is none."""
    done = subprocess.run([python, "-W", "ignore", "-c", f"import {module}; print({module}.__version__)"], capture_output=True, text=True, env=environment)
    return done.stdout.strip() if done.returncode == 0 else None


def peers(wanted):
    """{name: Peer} of those that are here; the others with a word about what is missing and no python."""
    python, base, found = os.environ["SF_PYTHON"], dict(os.environ), {}
    if "spatialflow" in wanted:
        found["spatialflow"] = Peer(python, "party_spatialflow.py", base, tool("--version").split()[-1])
    if "torch" in wanted:
        extra, word = openblas()
        environment = {**base, **extra}
        version = _import(python, "torch", environment)
        found["torch"] = Peer(version and python, "party_torch.py", environment,
                              f"{version}, {word}" if version else f"missing: {python} cannot import torch; install python3-torch")
    if "onnxruntime" in wanted:
        other = os.environ.get("SF_BENCH_ONNXRUNTIME_PYTHON", python)
        version = _import(other, "onnxruntime", base)
        found["onnxruntime"] = Peer(version and other, "party_onnxruntime.py", base,
                                    version if version else f"missing: {other} cannot import onnxruntime; install it where SF_BENCH_ONNXRUNTIME_PYTHON names a python")
    for peer in found.values():
        peer.script = os.path.join(FOLDER, peer.script)
    return found

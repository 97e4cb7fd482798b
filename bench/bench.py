# SPDX-License-Identifier: Apache-2.0
"""Steps of training and inference: Spatialflow, PyTorch and ONNX Runtime, each in a process of its own, take turns over the same data from the
same weights. Their losses and outputs have to agree, or a party has no figure and the run fails."""
import argparse
import json
import os
import signal
import sys
import time

import cases
import duel
import epoch
import machine
import report
import tables

KERNELS_SECONDS = 60  # kept of the time of a run for bench/kernels


def options():
    parser = argparse.ArgumentParser(prog="bench/run", description=__doc__, epilog="Example: bench/run 'train-mlp-*' --rounds 5 --threads 2")
    parser.add_argument("cases", nargs="*", metavar="CASE", help="names of cases, * and ? allowed; --list prints them (default: all)")
    parser.add_argument("--list", action="store_true", help="print the names of the cases")
    parser.add_argument("--quick", action="store_true", help="a small choice of cases, f32, all threads, no kernels: about a minute")
    parser.add_argument("--minutes", type=float, help="what a run may take: the rounds of each case end when its part is over, after three at least (default: 10; 1 with --quick)")
    parser.add_argument("--rounds", type=int, default=9, help="rounds of turns at most (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=0.1, help="length of a turn (default: %(default)s)")
    parser.add_argument("--threads", help="numbers of threads, separated by commas (default: 1 and all that this process may use)")
    parser.add_argument("--precision", help="f32, bf16 or both, separated by commas (default: both)")
    parser.add_argument("--parties", default="spatialflow,torch,onnxruntime", help="who takes part (default: %(default)s)")
    parser.add_argument("--arch", default="sn10", help="machine to compile for (default: %(default)s)")
    parser.add_argument("--output", default=os.path.join(os.environ["SF_BUILD_DIR"], "bench", "results"), help="folder of the results (default: %(default)s)")
    parser.add_argument("--write", metavar="FILE.md", help="put the tables between the markers of a document, too")
    given = parser.parse_args()
    everything = sorted({1, len(os.sched_getaffinity(0))})
    given.minutes = given.minutes or (1 if given.quick else 10)
    given.threads = [int(n) for n in given.threads.split(",")] if given.threads else everything[-1:] if given.quick else everything
    given.precision = given.precision.split(",") if given.precision else ["f32"] if given.quick else ["f32", "bf16"]
    given.parties = given.parties.split(",")
    return given


def measure(chosen, given, peers, results):
    """Case after case; results.json is whole after each."""
    begin, whole = time.monotonic(), not given.quick and not given.cases
    end = begin + 60 * given.minutes - (KERNELS_SECONDS if whole else 0)
    for number, case in enumerate(chosen):
        now = time.monotonic()
        until = now + max(0, end - now) / (len(chosen) - number)
        found = (epoch if case.kind == "epoch" else duel).run(case, given, peers, until)
        machine.keep_greatest(results["machine"]["peak"], found.pop("peaks", {}))
        results["cases"].append(found)
        print(f"[{number + 1}/{len(chosen)}, {time.monotonic() - begin:.0f} s] {report.line(found)}", flush=True)
        save(results, given)
    if whole:
        results["kernels"] = kernels(given)
    results["seconds"] = time.monotonic() - begin
    save(results, given)


def kernels(given):
    """Lines of bench/kernels, or what is wrong with it."""
    try:
        return machine.kernels(given.threads)
    except RuntimeError as error:
        return [str(error)]


def save(results, given):
    with open(os.path.join(given.output, "results.json"), "w") as file:
        json.dump(results, file, indent=1)


def main():
    given = options()
    chosen = cases.chosen(given.cases, given.quick)
    if given.list:
        print("\n".join(map(str, chosen)))
        return 0
    if not chosen:
        sys.exit(f"bench/run: {' '.join(given.cases)}: found no such case; bench/run --list prints them")
    os.makedirs(given.output, exist_ok=True)
    peers = machine.peers(given.parties)
    results = {"machine": {**machine.describe(), "peak": machine.peaks(given.threads, given.output)}, "options": vars(given), "peers": {name: peer.about for name, peer in peers.items()}, "cases": []}
    print("\n".join(tables.machine(results)), flush=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        measure(chosen, given, peers, results)
        interrupted = False
    except KeyboardInterrupt:
        interrupted = True
        print("interrupted: the tables have what was measured so far")
    report.write(results, given.output, *([given.write] if given.write else []))
    failed = [found["case"] for found in results["cases"] if found["failed"]]
    print(f"\n{given.output}: results.json, results.md, results.svg")
    if failed:
        print(f"FAILED: {', '.join(failed)}")
    return 1 if failed or interrupted else 0


sys.exit(main())

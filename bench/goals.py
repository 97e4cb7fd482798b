# SPDX-License-Identifier: Apache-2.0
"""What is wanted of the figures, and what was found, in one table."""
from figures import by_family, digits3, middle, ours_of, over_families, party_of, peak_of, plural, ratios

OVER_PEERS = {("train", "f32"): (2.5, 1.3), ("train", "bf16"): (2.5, 1.3), ("infer", "f32"): (1.3, 1.0)}  # geometric mean over families, each case
NAMES = {"train": "training step", "infer": "inference"}
PEAK_SHARE = {"train-mlp-b256-sgd": 0.7, "train-resnet18-b32-sgd": 0.7, "train-encoder-b8-adamw": 0.7, "train-gpt-b1-adamw": 0.6, "train-cnn-b64-sgd": 0.6}
BF16_OVER_F32, TWO_OVER_ONE = 1.6, 1.8  # of the cases of PEAK_SHARE
EPOCH_RATIO = {"epoch-mlp-b64-sgd": 2.6, "epoch-mlp-b256-sgd": 1.9, "epoch-lenet-b64-sgd": 3.5, "epoch-lenet-b256-sgd": 3.2}
START_SECONDS = 0.05
STAGE_SHARE = 0.75  # of its roof, for a stage


def allowed_bytes(program):
    """Peak memory that a process may have."""
    return 1.25 * program["planned_bytes"] + 20e6


def over_peers(results, precision, threads):
    for (kind, wanted_of), (mean, each) in OVER_PEERS.items():
        families = by_family(results, kind, precision, threads) if precision == wanted_of else {}
        if families:
            what = f"{NAMES[kind]}, {precision}, {plural(threads)}, times as fast as the faster peer"
            yield f"{what}: mean over families", f"{mean}", f"{over_families(families):.2f}"
            yield f"{what}: least of all cases", f"{each}", f"{min(min(values) for values in families.values()):.2f}"


def peak_shares(results, threads):
    """Of f32's peak, over whole steps."""
    for found in results["cases"]:
        ours, peak = ours_of(found, "f32", threads), peak_of(results, "f32", threads)
        if found["case"] in PEAK_SHARE and ours and peak:
            share = found["programs"]["f32"]["flops"] / middle(ours["seconds"])[0] / peak
            yield f"{found['case']}, share of the f32 peak, {plural(threads)}", f"{PEAK_SHARE[found['case']]:.0%}", f"{share:.0%}"


def against_ourselves(results, what, wanted, mine, other):
    """The least ratio of our own times, of (precision, threads) over others."""
    found = {case["case"]: middle(ratios(ours_of(case, *mine), ours_of(case, *other)))[0]
             for case in results["cases"] if case["case"] in PEAK_SHARE and ours_of(case, *mine) and ours_of(case, *other)}
    if found:
        case = min(found, key=found.get)
        yield f"{what}, least of {plural(len(found), 'case')} bound by products", f"{wanted}", f"{found[case]:.2f} ({case})"


def epochs(results, threads):
    for found in results["cases"]:
        ours, other = ours_of(found, "f32", threads), party_of(found, "torch", "f32", threads)
        if found["case"] in EPOCH_RATIO and ours:
            if other:
                yield f"{found['case']}, {plural(threads)}, times as fast as PyTorch", f"{EPOCH_RATIO[found['case']]}", f"{middle(ratios(ours, other))[0]:.2f}"
            yield f"{found['case']}, {plural(threads)}, process start to first step", f"{START_SECONDS * 1e3:.0f} ms", f"{digits3(middle(ours['start'])[0] * 1e3)} ms"


def memory(results):
    """The case that comes nearest to what is allowed, or goes furthest beyond."""
    shares = {f"{found['case']}, {precision}": program["peak_bytes"] / allowed_bytes(program)
              for found in results["cases"] for precision, program in found["programs"].items() if "peak_bytes" in program}
    if shares:
        most = max(shares, key=shares.get)
        yield "peak memory, of 1.25 x (states + planned) + 20 MB", "100%", f"{shares[most]:.0%} ({most})"


def rows(results):
    """(what, wanted, found) as text."""
    threads = sorted(results["options"]["threads"], reverse=True)
    most, least = threads[0], threads[-1]
    for precision in results["options"]["precision"]:
        for n in threads:
            yield from over_peers(results, precision, n)
    for n in threads:
        yield from peak_shares(results, n)
    for n in threads:
        yield from against_ourselves(results, f"bf16 over our f32, {plural(n)}", BF16_OVER_F32, ("bf16", n), ("f32", n))
    if most != least:
        for precision in results["options"]["precision"]:
            yield from against_ourselves(results, f"{plural(most)} over {least}, {precision}", TWO_OVER_ONE, (precision, most), (precision, least))
    yield from epochs(results, most)
    yield from memory(results)
    idle = [found["idle"] for found in results["cases"] if "idle" in found]
    if idle:
        yield "CPU that a session uses while it waits", "0%", f"{max(idle):.0%}"

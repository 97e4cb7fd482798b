# SPDX-License-Identifier: Apache-2.0
"""The tables that results.json makes, as Markdown."""
import goals
from figures import TITLES, by_family, digits3, fastest, geometric, markdown, middle, ours_of, over_families, party_of, peak_of, plural, ratios, spread

LOSERS = 3  # stages named in a row of `profile`


def machine(results):
    about, options = results["machine"], results["options"]
    lines = [f"{about['cpu']}, {plural(about['threads'])}, {about['memory_bytes'] / 2**30:.0f} GiB, {about['system']}; load before the run {about['load']:.2f}"]
    lines += [f"- {TITLES[name]}: {word}" for name, word in results["peers"].items()]
    lines += [f"- peak of {plural(n)}: " + ", ".join(f"{rate / 1e9:.0f} GFLOP/s {precision}" for precision, rate in peak.items()) for n, peak in about["peak"].items()]
    if about["load"] > 0.3 * about["threads"]:
        lines.append("- **the machine was busy before the run: measure again when it is idle**")
    if "seconds" in results:
        lines += ["", f"Up to {plural(options['rounds'], 'round')} of turns of {options['seconds']} s, {results['seconds'] / 60:.0f} minutes in all."]
    return lines


def wanted(results):
    return markdown(["", "wanted", "found"], *goals.rows(results))


def steps(results, kind):
    """A table for each precision and number of threads."""
    lines = []
    for precision in results["options"]["precision"]:
        for threads in sorted(results["options"]["threads"], reverse=True):
            lines += steps_of(results, kind, precision, threads)
    return lines


def steps_of(results, kind, precision, threads):
    cases = [found for found in results["cases"] if found["kind"] == kind and ours_of(found, precision, threads)]
    peers = [name for name in ("torch", "onnxruntime") if any(party_of(found, name, precision, threads) for found in cases)]
    peak = peak_of(results, precision, threads)
    rows = []
    for found in cases:
        ours, other, flops = ours_of(found, precision, threads), fastest(found, precision, threads), found["programs"][precision]["flops"]
        rate = flops / middle(ours["seconds"])[0]
        others = [party_of(found, name, precision, threads) for name in peers]
        rows.append([found["case"], digits3(flops / 1e9), spread(ours["seconds"], 1e3), *(spread(one["seconds"], 1e3) if one else "-" for one in others),
                     spread(ratios(ours, other), unit="x") if other else "-", f"{rate / 1e9:.0f}" + (f", {rate / peak:.0%}" if peak else "")])
    if not rows:
        return []
    head = ["case", "GFLOP", "Spatialflow, ms", *(f"{TITLES[name]}, ms" for name in peers), "ratio", "GFLOP/s" + (", of peak" if peak else "")]
    return [f"### {goals.NAMES[kind].capitalize()}, {precision}, {plural(threads)}", "", *markdown(head, *rows), "", *means(results, kind, precision, threads)]


def means(results, kind, precision, threads):
    """Geometric means of the ratios, per family and over families."""
    families = by_family(results, kind, precision, threads)
    if not families:
        return []
    words = ", ".join(f"{name} {geometric(values):.2f}" for name, values in families.items())
    return [f"Geometric means: {words}; over families **{over_families(families):.2f}**; the least ratio is {min(min(values) for values in families.values()):.2f}.", ""]


def own(results):
    """Our own times over each other: threads, precisions."""
    threads, lines = sorted(results["options"]["threads"], reverse=True), []
    pairs = [(f"bf16 over f32, {plural(n)}", ("bf16", n), ("f32", n)) for n in threads] if len(results["options"]["precision"]) > 1 else []
    if len(threads) > 1:
        pairs += [(f"{plural(threads[0])} over {threads[-1]}, {precision}", (precision, threads[0]), (precision, threads[-1])) for precision in results["options"]["precision"]]
    rows = []
    for found in results["cases"]:
        both = [(ours_of(found, *mine), ours_of(found, *other)) for _, mine, other in pairs]
        if any(mine and other for mine, other in both):
            rows.append([found["case"], *(spread(ratios(mine, other), unit="x") if mine and other else "-" for mine, other in both)])
    return markdown(["case", *(title for title, _, _ in pairs)], *rows)


def epochs(results):
    """Seconds of an epoch, and of the way to the first step."""
    rows = []
    for found in results["cases"]:
        for ours in found["parties"] if found["kind"] == "epoch" else ():
            other = party_of(found, "torch", "f32", ours["threads"])
            if ours["name"] == "spatialflow":
                rows.append([found["case"], str(ours["threads"]), spread(ours["seconds"]), spread(other["seconds"]) if other else "-",
                             spread(ratios(ours, other), unit="x") if other else "-", spread(ours["start"], 1e3), spread(other["start"], 1e3) if other else "-"])
    return markdown(["case", "threads", "Spatialflow, s", "PyTorch, s", "ratio", "`sf train` for one step, ms", "`import torch`, ms"], *rows)


def memory(results):
    """Peak memory of a process that does nothing else, and what may be said of it; CPU use of sessions that wait."""
    rows = []
    for found in results["cases"]:
        for precision, program in found["programs"].items():
            if "peak_bytes" in program:
                sizes = program["planned_bytes"], goals.allowed_bytes(program), program["peak_bytes"]
                rows.append([found["case"], precision, *(f"{size / 1e6:.0f}" for size in sizes), f"{sizes[2] / sizes[1]:.0%}"])
    idle = [found["idle"] for found in results["cases"] if "idle" in found]
    return markdown(["case", "precision", "planned, MB", "allowed, MB", "peak, MB", "of what is allowed"], *rows) + (
        ["", f"While all waited no session of ours used more than {max(idle):.0%} of a CPU."] if idle else [])


def short(name):
    """The first of the layers that a stage is made of, and how many more there are."""
    first, *others = name.split("+")
    return f"{first} +{len(others)}" if others else first


def profile(results):
    """What keeps a step of ours from its roofs."""
    rows = []
    for found in results["cases"]:
        for precision, seen in found.get("profile", {}).items():
            stages = [stage for stage in seen["stages"] if stage["roof"]]
            slow = [stage for stage in stages if stage["of"] < goals.STAGE_SHARE]
            lost = sorted(slow, key=lambda stage: stage["share"] * (stage["of"] - 1))[:LOSERS]
            rows.append([found["case"], precision, digits3(seen["seconds"] * 1e3), f"{sum(stage['share'] * min(stage['of'], 1) for stage in stages):.0%}", f"{seen['outside']:.0%}",
                         f"{sum(stage['share'] for stage in slow):.0%}",
                         "; ".join(f"`{short(stage['name'])}` {stage['share']:.0%} at {stage['of']:.0%} of {stage['roof']}" for stage in lost)])
    return markdown(["case", "precision", "ms", "at the roofs", "outside", f"below {goals.STAGE_SHARE:.0%}", "which lose the most"], *rows)


def kernels(results):
    return results.get("kernels") or ["bench/kernels was not run; `make bench` builds it."]


def failed(results):
    return [f"- {found['case']}: {found['failed']}" for found in results["cases"] if found["failed"]]


# Name of a section (of a marker in a file, too), its title, its lines.
SECTIONS = {
    "machine": ("Machine", machine),
    "wanted": ("Wanted and found", wanted),
    "training": ("Training", lambda results: steps(results, "train")),
    "inference": ("Inference", lambda results: steps(results, "infer")),
    "own": ("bf16 and threads", own),
    "epochs": ("An epoch of 60,000 images", epochs),
    "memory": ("Peak memory", memory),
    "profile": ("Stages and their roofs", profile),
    "kernels": ("Kernels", kernels),
    "failed": ("Failed", failed),
}

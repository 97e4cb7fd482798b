# SPDX-License-Identifier: Apache-2.0
"""Tables and a plot of what was measured. `report.py results.json FOLDER` makes them again."""
import json
import os
import shutil
import subprocess
import sys

import numpy as np

TITLES = {"spatialflow": "Spatialflow", "torch": "PyTorch", "onnxruntime": "ONNX Runtime"}
WANTED = {"train": (1.3, 2.5), "infer": (1.0, 1.3)}


def middle(values):
    """(median, half of the distance of the quartiles as part of it)"""
    low, median, high = np.percentile(values, [25, 50, 75])
    return float(median), float((high - low) / 2 / median)


def digits3(value):
    """Three digits of a number, without an exponent."""
    return f"{value:.{max(0, 2 - int(np.floor(np.log10(abs(value)))))}f}" if value else "0"


def spread(values, scale=1, unit=""):
    """A median with its spread as text."""
    median, part = middle(values)
    return f"{digits3(median * scale)}{unit} ±{part:.0%}"


def party_of(found, name, precision, threads):
    return next((one for one in found["parties"] if (one["name"], one["precision"], one["threads"]) == (name, precision, threads)), None)


def rivals(found, precision, threads):
    """The others with that precision; those in f32 where there are none."""
    return [one for one in found["parties"] if one["name"] != "spatialflow" and (one["precision"], one["threads"]) == (precision, threads)]


def ratios(ours, theirs):
    """Their time over ours, round by round."""
    return np.array(theirs["seconds"]) / np.array(ours["seconds"])


def fastest(found, precision, threads):
    return min(rivals(found, precision, threads), key=lambda one: middle(one["seconds"])[0], default=None)


def geometric(values):
    return float(np.exp(np.mean(np.log(values)))) if values else float("nan")


def head(results):
    machine = results["machine"]
    lines = [f"{machine['cpu']}, {machine['threads']} threads, {machine['memory_bytes'] / 2**30:.0f} GiB, {machine['system']}; load before the run {machine['load']:.2f}"]
    lines += [f"- {TITLES[name]}: {about}" for name, about in results["peers"].items()]
    lines += [f"- peak of {n} thread{'' if n == '1' else 's'}: " + ", ".join(f"{rate / 1e9:.0f} GFLOP/s {precision}" for precision, rate in peak.items()) for n, peak in machine["peak"].items()]
    if machine["load"] > 0.3 * machine["threads"]:
        lines.append("- **the machine was busy before the run: measure again when it is idle**")
    return "\n".join(lines)


def line(found):
    """A case in one line while the run goes on."""
    if found["failed"]:
        return f"{found['case']}: FAILED: {found['failed']}"
    seconds, unit = (1, " s") if found["kind"] == "epoch" else (1e3, " ms")
    words = []
    for one in found["parties"]:
        if one["name"] == "spatialflow":
            other = fastest(found, one["precision"], one["threads"])
            ratio = f" ({spread(ratios(one, other), unit='x')} {TITLES[other['name']]})" if other else ""
            words.append(f"{one['precision']} {one['threads']}t {spread(one['seconds'], seconds, unit)}{ratio}")
    return f"{found['case']}: " + "; ".join(words)


def table(results, kind, precision, threads):
    """Lines of a table; none when nothing was measured."""
    peers = [name for name in ("torch", "onnxruntime") if any(party_of(found, name, precision, threads) for found in results["cases"] if found["kind"] == kind)]
    peak = results["machine"].get("peak", {}).get(str(threads), {}).get(precision)
    rows = []
    for found in results["cases"]:
        ours = party_of(found, "spatialflow", precision, threads)
        if found["kind"] != kind or ours is None:
            continue
        others = [party_of(found, name, precision, threads) for name in peers]
        rate = found["programs"][precision]["flops"] / middle(ours["seconds"])[0]
        row = [found["case"], digits3(found["programs"][precision]["flops"] / 1e9), spread(ours["seconds"], 1e3)]
        row += [spread(other["seconds"], 1e3) if other else "-" for other in others]
        row.append(spread(ratios(ours, fastest(found, precision, threads)), unit="x") if any(others) else "-")
        row.append(f"{rate / 1e9:.0f}" + (f", {rate / peak:.0%}" if peak else ""))
        rows.append(row)
    if not rows:
        return []
    names = ["case", "GFLOP", "Spatialflow, ms", *(f"{TITLES[name]}, ms" for name in peers), "ratio", "GFLOP/s" + (", of peak" if peak else "")]
    title = f"### {'Training step' if kind == 'train' else 'Inference'}, {precision}, {threads} thread{'s'[:threads != 1]}"
    return [title, "", *markdown([names, *rows]), "", *means(results, kind, precision, threads), ""]


def markdown(rows):
    return [f"| {' | '.join(row)} |" for row in (rows[0], ["---"] * len(rows[0]), *rows[1:])]


def means(results, kind, precision, threads):
    """Geometric means of the ratios, per family and over families."""
    families = {}
    for found in results["cases"]:
        ours, other = party_of(found, "spatialflow", precision, threads), fastest(found, precision, threads)
        if found["kind"] == kind and ours and other:
            families.setdefault(found["family"], []).append(middle(ratios(ours, other))[0])
    if not families:
        return []
    of_family = {name: geometric(values) for name, values in families.items()}
    each, mean = WANTED[kind]
    low = min(value for values in families.values() for value in values)
    return [f"Geometric means: {', '.join(f'{name} {value:.2f}' for name, value in of_family.items())}; over families **{geometric(list(of_family.values())):.2f}** "
            f"(wanted {mean}); the least ratio is {low:.2f} (wanted {each})."]


def own(results, title, mine, other):
    """A table of our own times of one kind over those of another: (precision, threads) each."""
    rows = []
    for found in results["cases"]:
        a, b = party_of(found, "spatialflow", *mine), party_of(found, "spatialflow", *other)
        if a and b:
            rows.append([found["case"], spread(ratios(a, b), unit="x")])
    return [f"### {title}", "", *markdown([["case", "ratio"], *rows]), ""] if rows else []


def memory(results):
    """Peak memory of a process that does nothing else, and what may be said of it; CPU use of parties that wait."""
    rows = []
    for found in results["cases"]:
        for precision, program in found["programs"].items():
            allowed = 1.25 * program["planned_bytes"] + 20e6
            rows.append([found["case"], precision, *(f"{size / 1e6:.0f}" for size in (program["planned_bytes"], program["peak_bytes"])), f"{program['peak_bytes'] / allowed:.0%}"])
    return ["### Peak memory of `sf bench`, MB", "", "Planned: the program's plan of memory, states included. Allowed: 1.25 x planned + 20 MB.", "",
            *markdown([["case", "precision", "planned", "peak", "of what is allowed"], *rows]), ""] if rows else []


def waiting(results):
    """What parties use of a CPU while nobody asks them anything."""
    most = max((found["idle"] for found in results["cases"] if "idle" in found), default=None)
    return [] if most is None else [f"While all waited no party used more than {most:.0%} of a CPU.", ""]


def epochs(results):
    """Seconds of an epoch, and of the way to the first step."""
    rows = []
    for found in results["cases"]:
        for ours in found["parties"] if found["kind"] == "epoch" else ():
            other = party_of(found, "torch", "f32", ours["threads"])
            if ours["name"] == "spatialflow":
                rows.append([found["case"], str(ours["threads"]), spread(ours["seconds"]), spread(other["seconds"]) if other else "-",
                             spread(ratios(ours, other), unit="x") if other else "-", spread(ours["start"], 1e3), spread(other["start"], 1e3) if other else "-"])
    names = ["case", "threads", "Spatialflow, s", "PyTorch, s", "ratio", "`sf train` for one step, ms", "`import torch`, ms"]
    return ["### An epoch of 60,000 images", "", *markdown([names, *rows]), ""] if rows else []


def text(results):
    threads, lines = sorted(results["options"]["threads"], reverse=True), ["# Measured", "", head(results), ""]
    lines += [f"{results['options']['rounds']} rounds, turns of {results['options']['seconds']} s; medians, and half the distance of the quartiles. Ratio: the faster peer's time over ours, "
              "in the same round. GFLOP: what the program itself counts for a step.", ""]
    for kind in ("train", "infer"):
        for precision in results["options"]["precision"]:
            for n in threads:
                lines += table(results, kind, precision, n)
    if len(results["options"]["precision"]) > 1:
        for n in threads:
            lines += own(results, f"bf16 against our f32, {n} thread{'s'[:n != 1]}", ("bf16", n), ("f32", n))
    if len(threads) > 1:
        lines += own(results, f"{threads[0]} threads against {threads[-1]}, f32", ("f32", threads[0]), ("f32", threads[-1]))
    lines += epochs(results) + memory(results) + waiting(results)
    failed = [f"- {found['failed']}" for found in results["cases"] if found["failed"]]
    return "\n".join(lines + (["### Failed", "", *failed, ""] if failed else []))


def plot(results, folder):
    """A bar per case and precision, at the largest number of threads; left out without gnuplot."""
    threads, rows, none = max(results["options"]["threads"]), [], [float("nan")] * 3
    for found in results["cases"]:
        row = []
        for precision in results["options"]["precision"]:
            ours, other = party_of(found, "spatialflow", precision, threads), fastest(found, precision, threads)
            row.append(list(np.percentile(ratios(ours, other), [50, 25, 75])) if ours and other else none)
        if row != [none] * len(row):
            rows.append((found["case"], row))
    shown = [i for i in range(len(results["options"]["precision"])) if any(row[i] != none for _, row in rows)]
    if not shown or not shutil.which("gnuplot"):
        return
    with open(os.path.join(folder, "results.dat"), "w") as file:
        for name, row in rows:
            file.write(" ".join([name, *(f"{value:.4f}" for i in shown for value in row[i])]) + "\n")
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "ratios.gp")
    named = " ".join(results["options"]["precision"][i] for i in shown)
    subprocess.run(["gnuplot", "-e", f"threads={threads}; precisions='{named}'", script], cwd=folder, check=True)


def write(results, folder):
    with open(os.path.join(folder, "results.md"), "w") as file:
        file.write(text(results))
    plot(results, folder)


if __name__ == "__main__":
    with open(sys.argv[1]) as given:
        write(json.load(given), sys.argv[2])

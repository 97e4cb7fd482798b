# SPDX-License-Identifier: Apache-2.0
"""report.py RESULTS.json FOLDER [FILE.md]: tables and a plot of what was measured; in FILE.md they replace what stands between
<!-- bench: SECTION --> and <!-- end -->."""
import json
import os
import re
import shutil
import subprocess
import sys

import numpy as np

from figures import TITLES, fastest, ours_of, ratios, spread
from tables import SECTIONS

MARKED = re.compile(r"(<!-- bench: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def line(found):
    """A case in one line while the run goes on."""
    seconds, unit = (1, " s") if found["kind"] == "epoch" else (1e3, " ms")
    words = [f"FAILED: {found['failed']}"] if found["failed"] else []
    for one in found["parties"]:
        if one["name"] == "spatialflow":
            other = fastest(found, one["precision"], one["threads"])
            ratio = f" ({spread(ratios(one, other), unit='x')} {TITLES[other['name']]})" if other else ""
            words.append(f"{one['precision']} {one['threads']}t {spread(one['seconds'], seconds, unit)}{ratio}")
    return f"{found['case']}: " + "; ".join(words)


def text(results):
    lines = ["# Measured", "", "Medians, and half the distance of the quartiles. Ratio: the faster peer's time over ours, in the same round. GFLOP: what the program itself counts for a step.", ""]
    for title, make in SECTIONS.values():
        made = make(results)
        if made:
            lines += [f"## {title}", "", *made, ""]
    return "\n".join(lines)


def refresh(results, path):
    """Puts the tables between the markers of a file."""
    with open(path) as file:
        old = file.read()
    unknown = [name for _, name, _ in MARKED.findall(old) if name not in SECTIONS]
    if unknown:
        raise RuntimeError(f"{path}: found a marker \"bench: {unknown[0]}\", wanted one of {', '.join(SECTIONS)}")
    new = MARKED.sub(lambda found: found[1] + "\n".join(SECTIONS[found[2]][1](results) or ["None."]).rstrip() + "\n" + found[3], old)
    with open(path, "w") as file:
        file.write(new)


def plot(results, folder):
    """A bar per case and precision, at the largest number of threads; left out without gnuplot."""
    threads, rows, none = max(results["options"]["threads"]), [], [float("nan")] * 3
    for found in results["cases"]:
        row = []
        for precision in results["options"]["precision"]:
            ours, other = ours_of(found, precision, threads), fastest(found, precision, threads)
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


def write(results, folder, *files):
    with open(os.path.join(folder, "results.md"), "w") as file:
        file.write(text(results))
    for path in files:
        refresh(results, path)
    plot(results, folder)


if __name__ == "__main__":
    with open(sys.argv[1]) as given:
        write(json.load(given), *sys.argv[2:])

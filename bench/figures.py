# SPDX-License-Identifier: Apache-2.0
"""Medians, ratios and their text, of what results.json holds."""
import numpy as np

TITLES = {"spatialflow": "Spatialflow", "torch": "PyTorch", "onnxruntime": "ONNX Runtime"}


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


def plural(n, word="thread"):
    return f"{n} {word}{'s'[:int(n) != 1]}"


def party_of(found, name, precision, threads):
    return next((one for one in found["parties"] if (one["name"], one["precision"], one["threads"]) == (name, precision, threads)), None)


def ours_of(found, precision, threads):
    return party_of(found, "spatialflow", precision, threads)


def ratios(ours, theirs):
    """Their time over ours, round by round."""
    return np.array(theirs["seconds"]) / np.array(ours["seconds"])


def fastest(found, precision, threads):
    """The fastest of the others with that precision; None: there are none."""
    others = [one for one in found["parties"] if one["name"] != "spatialflow" and (one["precision"], one["threads"]) == (precision, threads)]
    return min(others, key=lambda one: middle(one["seconds"])[0], default=None)


def by_family(results, kind, precision, threads):
    """{family: [ratio of each of its cases]}"""
    families = {}
    for found in results["cases"]:
        ours, other = ours_of(found, precision, threads), fastest(found, precision, threads)
        if found["kind"] == kind and ours and other:
            families.setdefault(found["family"], []).append(middle(ratios(ours, other))[0])
    return families


def geometric(values):
    return float(np.exp(np.mean(np.log(values))))


def over_families(families):
    """The geometric mean of the families' geometric means."""
    return geometric([geometric(values) for values in families.values()])


def peak_of(results, precision, threads):
    """Operations a second; None: not known."""
    return results["machine"].get("peak", {}).get(str(threads), {}).get(precision)


def markdown(*rows):
    """A table; nothing when there is nothing below its heads."""
    return [f"| {' | '.join(row)} |" for row in (rows[0], ["---"] * len(rows[0]), *rows[1:])] if len(rows) > 1 else []

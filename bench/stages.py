# SPDX-License-Identifier: Apache-2.0
"""Where the time of our steps goes, by `sf run --profile`."""
import machine


def seen(profile):
    """What results.json keeps of a profile: its stages, their shares of the step, and of which roof they have how much."""
    stages = [{"name": f"{stage['phase']} {stage['name']}", "share": stage["share"], "roof": stage.get("limit"), "of": stage.get("roof_fraction"), "workers": stage["workers"]}
              for stage in profile["stages"]]
    return {"seconds": profile["seconds"], "outside": sum(profile["outside_seconds"].values()) / profile["seconds"], "stages": stages}


def run(case, programs, given):
    """({precision: seen}, peaks of the host as measured beside it)"""
    found, peaks = {}, {}
    for precision, program in programs.items():
        profile = machine.profile(program["pef"], case.entry, max(given.threads))
        found[precision] = seen(profile)
        machine.keep_greatest(peaks, machine.peaks_of(profile))
    return found, peaks

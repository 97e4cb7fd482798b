# SPDX-License-Identifier: Apache-2.0
"""reasons.py FOLDER RESULTS: whether every test of `refused` was refused, with the words that it asks for."""
import json
import os
import sys

folder, results = sys.argv[1:]
wrong = 0
with open(results) as file:
    tests = json.load(file)["tests"]
for name in sorted(os.listdir(folder)):
    with open(os.path.join(folder, name, "reason")) as file:
        wanted = file.read()
    found = tests[name].get("reason") or "no refusal"
    if wanted not in found:
        print(f"FAILED: {name}: found '{found}', wanted '{wanted}'")
        wrong += 1
print(f"{len(tests)} refusals, {wrong} wrong")
sys.exit(wrong > 0 or not tests)

# SPDX-License-Identifier: Apache-2.0
"""flags.py ROWS FOLDER:RESULTS...: holds where the frontend's table says that operators run against tests of one operator each.

ROWS is what `operators --json` prints, RESULTS what `sf onnx-test --backend rdu --json` wrote. An operator said to run on the device has no
launch on the host in any test, unless its note says when, or the values are wide, u32 or empty; one said to run on the host has some."""
import collections
import json
import os
import sys

import onnx

WIDE = {onnx.TensorProto.INT64, onnx.TensorProto.UINT64, onnx.TensorProto.DOUBLE, onnx.TensorProto.UINT32}


def single_operator(path):
    """(operator, domain, opset, whether wide, u32 or empty values are fed or given back); None for a model of several nodes."""
    model = onnx.load(path)
    if len(model.graph.node) != 1 or model.functions:
        return None
    node = model.graph.node[0]
    opsets = {"" if entry.domain == "ai.onnx" else entry.domain: entry.version for entry in model.opset_import}
    domain = "" if node.domain == "ai.onnx" else node.domain
    types = [value.type.tensor_type for value in list(model.graph.input) + list(model.graph.output)]
    excused = any(t.elem_type in WIDE or any(d.dim_value == 0 for d in t.shape.dim) for t in types)
    excused = excused or any(t.data_type in WIDE or 0 in t.dims for t in model.graph.initializer)
    return node.op_type, domain, opsets[domain], excused


def main():
    with open(sys.argv[1], encoding="utf-8") as text:
        rows = json.load(text)
    tests, launches, excused_launches = collections.Counter(), {}, set()
    for part in sys.argv[2:]:
        folder, results = part.split(":")
        with open(results, encoding="utf-8") as text:
            results = json.load(text)["tests"]
        for test, result in results.items():
            single = single_operator(os.path.join(folder, test, "model.onnx"))
            if single is None or result["result"] != "passed":
                continue
            op, domain, opset, excused = single
            row = next((i for i, r in enumerate(rows) if (r["op"], r["domain"]) == (op, domain) and r["from"] <= opset <= r["to"]), None)
            if row is None:
                continue
            tests[row] += 1
            if result["host_launches"] > 0 and excused:
                excused_launches.add(row)
            elif result["host_launches"] > 0:
                launches[row] = f"{test} ({result['host_ops']})"
    wrong = 0
    for row in sorted(tests):
        name, note = f"{rows[row]['op']} {rows[row]['from']}-{rows[row]['to']}", rows[row]["note"]
        if not rows[row]["host"] and row in launches and "host" not in note:
            print(f"{name}: is said to run on the device, but has launches on the host in {launches[row]}")
            wrong += 1
        if rows[row]["host"] and row not in launches and row not in excused_launches:
            print(f"{name}: is said to run on the host, but no test of it does")
            wrong += 1
    print(f"{len(tests)} of {len(rows)} rows in {sum(tests.values())} tests, {wrong} wrong")
    sys.exit(wrong > 0)


main()

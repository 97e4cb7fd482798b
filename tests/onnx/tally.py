# SPDX-License-Identifier: Apache-2.0
"""tally.py RESULTS...: looks at what `sf onnx-test --json` wrote.

  --at-least KEY N  fails when fewer than N tests have the property KEY ("passed", "narrow_on_device")
  --host OPS        fails when a test that passed runs another op than these on the host
  --count NAME      where tests are counted one by one (GTEST_OUTPUT), writes them as NAME.xml: those on the list of what is known not to pass
                    count as not run, unless they pass"""
import argparse
import json
import os
import sys
import xml.etree.ElementTree as ET


def write_xml(name, tests):
    folder = os.environ.get("GTEST_OUTPUT", "")
    if not folder.startswith("xml:"):
        return
    root = ET.Element("testsuites")
    suite = ET.SubElement(root, "testsuite", name=name)
    for test, result in sorted(tests.items()):
        passed, listed = result["result"] == "passed", "listed" in result
        case = ET.SubElement(suite, "testcase", name=test, classname=name, status="notrun" if listed and not passed else "run")
        if passed and listed:
            ET.SubElement(case, "failure", message="passed, but is on the list of those that do not")
        elif not passed and not listed:
            ET.SubElement(case, "failure", message=f"{result['result']}: {result['reason']}")
    ET.ElementTree(root).write(os.path.join(folder[len("xml:"):], name + ".xml"))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--at-least", nargs=2, action="append", default=[], metavar=("KEY", "N"))
    parser.add_argument("--host", metavar="OPS", help="ops that may run on the host, separated by commas")
    parser.add_argument("--count", metavar="NAME", help="of the file with the single tests")
    parser.add_argument("results", nargs="+")
    arguments = parser.parse_args()
    results = []
    for path in arguments.results:
        with open(path, encoding="utf-8") as text:
            results.append(json.load(text))
    if arguments.count:
        write_xml(arguments.count, {test: result for part in results for test, result in part["tests"].items()})
    ok = True
    for test, result in sorted((item for part in results for item in part["tests"].items())):
        others = set(result.get("host_ops", "").split()) - set((arguments.host or "").split(","))
        if arguments.host and result["result"] == "passed" and others:
            print(f"{test}: runs on the host: {', '.join(sorted(others))}, wanted at most {arguments.host}: FAILED")
            ok = False
    for key, floor in arguments.at_least:
        found = sum(part[key] for part in results)
        print(f"{key}: {found}, wanted at least {floor}" + ("" if found >= int(floor) else ": FAILED"))
        ok = ok and found >= int(floor)
    sys.exit(not ok)


main()

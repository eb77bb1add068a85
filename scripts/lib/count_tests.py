#!/usr/bin/env python3
"""Count what ctest ran: count_tests.py JUNIT.XML

Prints "pass COUNT NAME" and "fail COUNT NAME" lines. A program written with
libcheck counts each of its checks, any other program counts as one; one that
ended badly after its checks (a leak, a signal) is one more failure.
"""

import re
import sys
import xml.etree.ElementTree as tree

CHECKS = re.compile(r"Checks: (\d+), Failures: (\d+), Errors: (\d+)")


def count(case):
    bad_end = (case.get("status") == "fail"
               or case.find("failure") is not None)
    output = case.findtext("system-out") or ""
    rows = [tuple(map(int, row)) for row in CHECKS.findall(output)]
    checks = sum(row[0] for row in rows)
    failed = sum(row[1] + row[2] for row in rows)
    if bad_end and failed == 0:
        failed, checks = 1, checks + 1
    if not bad_end and checks == 0:
        checks = 1
    return checks - failed, failed


def main(path):
    try:
        cases = tree.parse(path).getroot().iter("testcase")
    except (OSError, tree.ParseError) as error:
        print(f"fail 1 no results: {error}")
        return
    for case in cases:
        passed, failed = count(case)
        if passed:
            print(f"pass {passed} {case.get('name')}")
        if failed:
            print(f"fail {failed} {case.get('name')}")


if __name__ == "__main__":
    main(sys.argv[1])

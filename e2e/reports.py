"""Readers of TAP 14 and JUnit XML that know nothing of confab."""
import json
import re
import xml.etree.ElementTree as etree

# ---- a TAP reader that knows nothing of us ----

def read_tap(text):
    """{plan, version, bail, points: [{ok, n, name, skip, yaml, sub}]}; what
    is not TAP 14 raises."""
    lines = text.split("\n")
    doc = {"points": [], "plan": None, "bail": None, "version": None}
    sub, i = [], 0
    while i < len(lines):
        line = lines[i]
        i += 1
        point = re.fullmatch(r"(not )?ok (\d+)(?: - (.*?))?"
                             r"(?: # (SKIP)\b ?(.*))?", line)
        if point:
            name = re.sub(r"\\(.)", r"\1", point[3] or "")
            doc["points"].append({"ok": not point[1], "n": int(point[2]),
                                  "name": name, "skip": point[5],
                                  "yaml": None, "sub": sub})
            sub = []
        elif re.match(r"    (not )?ok |    1\.\.", line):
            sub.append(line[4:])
        elif line == "  ---":
            block = []
            while lines[i] != "  ...":
                block.append(lines[i][2:])
                i += 1
            i += 1
            doc["points"][-1]["yaml"] = yaml(block)
        elif line.startswith("1.."):
            doc["plan"] = int(line[3:])
        elif line.startswith("TAP version "):
            doc["version"] = int(line[12:])
        elif line.startswith("Bail out!"):
            doc["bail"] = line[9:].strip()
        elif line and not line.startswith("#"):
            raise ValueError(f"no TAP: {line!r}")
    return doc


def yaml(block):
    """Maps of scalars and lists of scalars, as a YAML reader takes them."""
    try:
        import yaml as reader
        return reader.safe_load("\n".join(block))
    except ImportError:
        pass
    doc, key = {}, None
    for line in block:
        if line.startswith("  - "):
            doc[key].append(json.loads(line[4:]))
            continue
        key, _, value = line.partition(":")
        value = value.strip()
        doc[key] = [] if not value else json.loads(value) \
            if value[0] in '"0123456789' else value
    return doc


# ---- JUnit: what each element may have (the XSD of Jenkins' plugin, plus
# file and line, which pytest, GitLab and GitHub know) ----

COUNTS = {"tests", "failures", "errors", "skipped", "time"}
SCHEMA = {
    "testsuites": ({"name"} | COUNTS, set(), {"testsuite"}),
    "testsuite": ({"name"} | COUNTS, set(), {"properties", "testcase"}),
    "properties": (set(), set(), {"property"}),
    "property": ({"name", "value"}, set(), set()),
    "testcase": ({"classname", "name", "file", "line", "time"}, set(),
                 {"failure", "error", "skipped", "system-out"}),
    "failure": ({"message", "type"}, set(), set()),
    "error": ({"message", "type"}, set(), set()),
    "skipped": ({"message"}, set(), set()),
    "system-out": (set(), set(), set()),
}


def read_junit(path):
    """(root element, what is wrong with the document)"""
    root = etree.parse(path).getroot()
    wrong = []

    def visit(element):
        need, may, inside = SCHEMA[element.tag]
        if not need <= set(element.attrib) <= need | may:
            wrong.append((element.tag, element.attrib))
        for key in COUNTS & set(element.attrib):
            if not re.fullmatch(r"\d+(\.\d{3})?", element.get(key)):
                wrong.append((element.tag, key, element.get(key)))
        for child in element:
            if child.tag not in inside:
                wrong.append((element.tag, child.tag))
            visit(child)

    def count(element):
        cases = list(element.iter("testcase"))
        for key, tag in (("failures", "failure"), ("errors", "error"),
                         ("skipped", "skipped")):
            n = sum(case.find(tag) is not None for case in cases)
            if int(element.get(key)) != n:
                wrong.append((element.tag, key, element.get(key), n))
        if int(element.get("tests")) != len(cases):
            wrong.append((element.tag, "tests"))

    visit(root)
    for element in [root, *root.iter("testsuite")]:
        count(element)
    return root, wrong

#!/usr/bin/env python3
"""Rules that a look at the text can prove.

rules.py RULE [--root DIR] FILE...   prints "file:line: what; how to mend".
Exit 1 when something was found. RULE is one of the keys of RULES.
"""

import os
import re
import sys

import layers

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
FILE_LINES = 600
FUNCTION_LINES = 70
SHORT_LINES = 40
SHORT_SHARE = 0.90
COLUMNS = 80

BANNED = {
    "strcpy": "use buf_append() or memcpy() with a known length",
    "strcat": "use buf_append()",
    "sprintf": "use snprintf() or buf_printf()",
    "vsprintf": "use vsnprintf() or buf_printf()",
    "gets": "use fgets()",
    "strtok": "use strtok_r() or struct span",
    "atoi": "use a checked parser of base/text.h",
    "atol": "use a checked parser of base/text.h",
    "atoll": "use a checked parser of base/text.h",
    "alloca": "use mem.h",
    "rand": "use base/rng.h",
    "srand": "use base/rng.h",
    "random": "use base/rng.h",
}
# Called by the machine they would make a run that cannot be repeated.
BANNED_PURE = {name: "the core gets time and chance from its environment"
               for name in ("time", "clock_gettime", "gettimeofday",
                            "getrandom", "getenv", "usleep", "nanosleep")}
SLEEPS = re.compile(r"\b(u?sleep|nanosleep)\s*\(")


def code_of(text):
    """Text with comments, strings and characters blanked, lines kept."""
    pattern = (r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"'
               r"|'(?:\\.|[^'\\\n])*'")

    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))

    return re.sub(pattern, blank, text, flags=re.S)


def without_comments(text):
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))

    return re.sub(r"/\*.*?\*/", blank, text, flags=re.S)


def includes(text):
    for number, line in enumerate(without_comments(text).split("\n"), 1):
        found = INCLUDE.match(line)
        if found:
            yield number, found.group(1) == "<", found.group(2)


def resolve(root, path, name):
    """The file that a quoted include means, relative to root; or None."""
    folders = [os.path.dirname(path)] + layers.ROOTS
    for folder in folders:
        candidate = os.path.normpath(os.path.join(folder, name))
        if os.path.isfile(os.path.join(root, candidate)):
            return candidate
    return None


def check_include(root, path, number, name):
    mine = layers.layer_of(path)
    target = resolve(root, path, name)
    if target is None:
        yield number, f'no file for "{name}"; write it as "folder/file.h"'
        return
    theirs = layers.layer_of(target)
    if theirs == mine or theirs in layers.LAYERS[mine]:
        return
    yield number, (f"{mine} includes {theirs} ({name}); includes point down: "
                   "move the code or declare what you need below")


def rule_layers(root, path, text):
    mine = layers.layer_of(path)
    if mine in layers.FREE:
        return
    if mine is None:
        yield 1, "in no known folder; list it in scripts/lib/layers.py"
        return
    for number, system, name in includes(text):
        if not system:
            yield from check_include(root, path, number, name)


def rule_doors(root, path, text):
    if layers.layer_of(path) in layers.FREE:
        return
    for number, _, name in includes(text):
        for header, doors in layers.DOORS.items():
            if not layers.matches(name, [header]):
                continue
            if not layers.matches(path, doors):
                where = ", ".join(doors) or "the tests"
                yield number, f"{name} belongs in {where} alone; go through it"


def rule_pure(root, path, text):
    if not layers.is_pure(path):
        return
    for number, _, name in includes(text):
        if (layers.matches(name, layers.PURE_HEADERS)
                and not layers.matches(name, layers.PURE_ALLOWED)):
            yield number, (f"{name} in the machine, which knows no clock, "
                           "socket, file or thread; take it by an interface")
    yield from calls(text, BANNED_PURE)


def calls(text, names):
    pattern = re.compile(
        r"(?<![\w.>])(" + "|".join(sorted(names)) + r")\s*\(")
    for number, line in enumerate(code_of(text).split("\n"), 1):
        for found in pattern.finditer(line):
            name = found.group(1)
            yield number, f"{name}() is banned; {names[name]}"


def rule_banned(root, path, text):
    yield from calls(text, BANNED)


def functions(text):
    """(first line, length) of each function body, braces in column 0."""
    start = 0
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("{"):
            start = number
        elif line.startswith("}"):
            if start:
                yield start, number - start
            start = 0


def rule_lengths(root, path, text):
    lines = text.count("\n")
    if lines > FILE_LINES:
        yield FILE_LINES, f"{lines} lines, at most {FILE_LINES}; split it"
    for start, length in functions(text):
        if length > FUNCTION_LINES:
            yield start, (f"function of {length} lines, at most "
                          f"{FUNCTION_LINES}; name its steps")


def rule_columns(root, path, text):
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > COLUMNS:
            yield number, f"{len(line)} columns, at most {COLUMNS}; break it"
        if line != line.rstrip():
            yield number, "blanks at the end of the line; remove them"
        if "\t" in line:
            yield number, "a tab; use spaces"


# Written so that this file does not convict itself.
UNFINISHED = re.compile("TO" + "DO|FIX" + "ME|\\bXX" + "X\\b|not "
                        + "implemented|for " + "now|place" + "holder|\\bst"
                        + "ub")


def rule_words(root, path, text):
    for number, line in enumerate(text.split("\n"), 1):
        found = UNFINISHED.search(line)
        if found:
            yield number, f'"{found.group(0)}"; finish it or say it otherwise'


MACHINE = re.compile("/(w[o]rk|f[a]rm)/[a-z.]+|/(r[o]ot|h[o]me)/|/tmp/c/")
HOSTS = re.compile(r"https?://[A-Za-z0-9.-]+")
HARMLESS = re.compile(r"//(127\.|localhost|\[?::1|[a-z.]*example\b|www\.w3\.)")


def rule_paths(root, path, text):
    scripts = path.startswith(("scripts/", ".ci/")) or path.endswith(
        (".cmake", ".json", "CMakeLists.txt"))
    for number, line in enumerate(text.split("\n"), 1):
        found = MACHINE.search(line)
        if found and not path.endswith("rules.py"):
            yield number, f"{found.group(0)}: a path of one machine; pass it in"
        for host in HOSTS.findall(line) if scripts else []:
            if not HARMLESS.search(host):
                yield number, f"{host}: name packages, never their hosts"


def rule_sleeps(root, path, text):
    if layers.layer_of(path) not in layers.FREE:
        return
    for number, line in enumerate(code_of(text).split("\n"), 1):
        if SLEEPS.search(line):
            yield number, "a test that sleeps; wait for the event instead"


RULES = {
    "layers": rule_layers,
    "doors": rule_doors,
    "pure": rule_pure,
    "banned": rule_banned,
    "lengths": rule_lengths,
    "columns": rule_columns,
    "words": rule_words,
    "paths": rule_paths,
    "sleeps": rule_sleeps,
}


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8",
              errors="replace") as file:
        return file.read()


def short_share(root, paths):
    """The share of functions under SHORT_LINES over all files together."""
    sizes = [length for path in paths for _, length in
             functions(read(root, path))]
    short = sum(1 for size in sizes if size < SHORT_LINES)
    return len(sizes), (short / len(sizes) if sizes else 1.0)


def main(argv):
    rule, root, paths = argv[1], os.getcwd(), argv[2:]
    if paths[:1] == ["--root"]:
        root, paths = paths[1], paths[2:]
    found = 0
    for path in paths:
        for number, what in RULES[rule](root, path, read(root, path)):
            print(f"{path}:{number}: {what}")
            found += 1
    if rule == "lengths":
        count, share = short_share(root, paths)
        if share < SHORT_SHARE:
            print(f"all: {share:.1%} of {count} functions are under "
                  f"{SHORT_LINES} lines, at least {SHORT_SHARE:.0%}; "
                  "name the steps of the longest")
            found += 1
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))

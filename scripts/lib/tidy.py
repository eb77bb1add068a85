#!/usr/bin/env python3
"""clang-tidy over the C files that changed since they were last clean.

tidy.py [--root DIR] BUILD FILE...   BUILD holds compile_commands.json.
What a file was clean with (itself, the headers of ours that it includes, the
settings) is hashed into BUILD/tidy; the same again is not run again.
"""

import concurrent.futures
import hashlib
import json
import os
import subprocess
import sys

import rules

JOBS = min(os.cpu_count() or 2, 8)


def closure(root, path, seen):
    """All files of ours that path includes, itself first."""
    if path in seen:
        return seen
    seen[path] = rules.read(root, path)
    for _, system, name in rules.includes(seen[path]):
        target = None if system else rules.resolve(root, path, name)
        if target:
            closure(root, target, seen)
    return seen


def key_of(root, path, settings):
    digest = hashlib.sha256(settings)
    for name, text in sorted(closure(root, path, {}).items()):
        digest.update(f"{name}\0{text}\0".encode("utf-8", "replace"))
    return digest.hexdigest()


def run_tidy(root, build, path):
    done = subprocess.run(
        ["clang-tidy", "-p", build, "--quiet", os.path.join(root, path)],
        cwd=root, text=True, capture_output=True, check=False)
    lines = [line for line in done.stdout.splitlines() if line]
    if done.returncode != 0 and not lines:
        lines = done.stderr.splitlines()
    return done.returncode, "\n".join(lines).replace(root + "/", "")


def check_one(root, build, path, settings):
    stamp = os.path.join(build, "tidy", key_of(root, path, settings))
    if os.path.exists(stamp):
        return path, 0, ""
    code, output = run_tidy(root, build, path)
    if code == 0:
        with open(stamp, "w", encoding="utf-8"):
            pass
    return path, code, output


def compiled_files(root, build):
    with open(os.path.join(build, "compile_commands.json"),
              encoding="utf-8") as file:
        return {os.path.relpath(row["file"], root) for row in json.load(file)}


def main(argv):
    root, args = os.getcwd(), argv[1:]
    if args[:1] == ["--root"]:
        root, args = os.path.abspath(args[1]), args[2:]
    build = os.path.abspath(args[0])
    os.makedirs(os.path.join(build, "tidy"), exist_ok=True)
    known = compiled_files(root, build)
    paths = [path for path in args[1:] if path in known]
    settings = rules.read(root, ".clang-tidy").encode()
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        jobs = [pool.submit(check_one, root, build, path, settings)
                for path in paths]
        for job in jobs:
            _, code, output = job.result()
            if code != 0:
                print(output)
                failed += 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))

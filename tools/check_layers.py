#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An #include points at the same layer or a lower one; back ends never see each other; headers of
other projects are seen by the files named here alone. check_layers.py [FOLDER]"""
import pathlib
import re
import sys

import tree

LAYERS = ["support", "ir", "passes", "mask", "plan", "backend", "api"]
ABOVE = {"tools", "python", "tests", "bench", "examples"}

# Headers of other projects, and the one place that may include them. The first match decides.
FOREIGN = [
    (r"fmt/", r"src/support/format\.(h|cpp)"),
    (r"xxh", r"src/support/hash\.cpp"),
    (r"llvm-c/", r"src/backend/cpu/jit/llvm\.cpp"),
    (r"(llvm|clang|mlir)/", None),
    (r"(torch|ATen|c10|Python\.h|nanobind|xla)\b", r"python/.*"),
    (r"(nlohmann|CLI)/", r"(tools|bench|examples)/.*"),
    (r"benchmark/", r"bench/.*"),
    (r"(gtest|gmock)/", r"tests/.*"),
]


def place(path):
    """(layer number, back end) of a path below src, or None for what is no layer's."""
    parts = path.split("/")
    if parts[0] not in LAYERS:
        return None
    backend = parts[1] if parts[0] == "backend" and len(parts) > 2 else ""
    return LAYERS.index(parts[0]), backend


def problem_of(file, quoted, name):
    """What is wrong with `#include "name"` (quoted) or <name> in `file`, or None."""
    public = file.startswith("include/")
    if name.startswith("flexion/"):
        return None if not quoted else "write <flexion/...>"
    for pattern, allowed in FOREIGN:
        if not quoted and re.match(pattern, name):
            if allowed and re.fullmatch(allowed, file):
                return None
            return f"only {allowed or 'no file'} may include it"
    if not quoted:
        return None
    if public:
        return "an installed header includes installed headers alone"
    if not file.startswith("src/"):
        return None
    here, there = place(file[len("src/"):]), place(name)
    if name.split("/")[0] in ABOVE:
        return "src/ does not know what is above it"
    if here is None or there is None:
        return None
    if there[0] > here[0]:
        return f"{LAYERS[here[0]]} is below {LAYERS[there[0]]}"
    if there[1] and there[1] != here[1]:
        if here[1]:
            return "back ends do not see each other"
        if LAYERS[here[0]] == "backend" and not file.endswith((".def", ".cpp")):
            return "the verbs' headers do not see a back end"
    return None


def check(root):
    problems = []
    for path in tree.files(root):
        if path.suffix not in {".h", ".cpp", ".def", ".cuh", ".cu", ".in"}:
            continue
        lines = (root / path).read_text().splitlines()
        for number, line in enumerate(lines, 1):
            found = re.match(r'\s*#\s*include\s+(["<])([^">]+)[">]', line)
            if not found:
                continue
            problem = problem_of(path.as_posix(), found[1] == '"', found[2])
            if problem:
                problems.append(f"{path}:{number}: {found[2]}: {problem}")
    return problems


if __name__ == "__main__":
    sys.exit(tree.report(check(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else tree.ROOT)))

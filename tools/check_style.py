#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What clang-format does not see: the licence line, a sentence under it that says what the file is
for, 100 columns, no promise of later work. check_style.py [FOLDER]"""
import pathlib
import re
import sys

import tree

COLUMNS = 100
FORMATTED = {".h", ".cpp", ".def"}  # clang-format breaks their lines; tables have long ones
LICENCE = "SPDX-License-Identifier: Apache-2.0"
PROMISE = re.compile(r"\b(TO" "DO|FIX" "ME|XX" r"X|HA" r"CK)\b")  # in halves: it reads itself too
COMMENT = ("//", "#", '"""')


def check_file(path, lines):
    lines = lines[1:] if lines and lines[0].startswith("#!") else lines
    if not lines or LICENCE not in lines[0]:
        yield 1, f"the first line is not {LICENCE}"
    elif path.name != "CMakeLists.txt" and not (len(lines) > 1 and lines[1].startswith(COMMENT)):
        yield 2, "no sentence under the licence line says what the file is for"
    for number, line in enumerate(lines, 1):
        if len(line) > COLUMNS and path.suffix not in FORMATTED:
            yield number, f"{len(line)} columns, at most {COLUMNS}"
        if PROMISE.search(line):
            yield number, "a promise of later work"
        if line != line.rstrip():
            yield number, "blanks at the end of the line"


def check(root):
    problems = []
    for path in tree.files(root):
        if tree.is_code(path):
            lines = (root / path).read_text().splitlines()
            problems += [f"{path}:{number}: {what}" for number, what in check_file(path, lines)]
    return problems


if __name__ == "__main__":
    sys.exit(tree.report(check(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else tree.ROOT)))

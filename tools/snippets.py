#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Takes the examples out of Markdown so that they are compiled and run: snippets.py OUT FILE...

A ```cpp block with a main() becomes OUT/program_N.cpp; the ```cpp {body} blocks become functions of
OUT/bodies.cpp, each run once; the lines of ```sh blocks that begin with `flexion ` become
OUT/commands.sh; the ```python blocks are run by tests/python/test_snippets.py. Other blocks are
prose. By #line, compilers speak of the Markdown file."""
import pathlib
import re
import sys

BLOCK = re.compile(r"^```(cpp|sh|python)( \{body\})?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BODIES = """#include <flexion/flexion.h>
namespace fx = flexion;
{functions}
int main() {{
{calls}
}}
"""


def blocks(path):
    """(language, is a body, first line, text) of each block."""
    text = path.read_text()
    for found in BLOCK.finditer(text):
        yield found[1], bool(found[2]), text.count("\n", 0, found.start(3)) + 1, found[3]


def extract(paths):
    """Contents by file name."""
    programs, functions, calls, commands = [], [], [], []
    for path in paths:
        for language, body, line, text in blocks(path):
            where = f'#line {line} "{path}"\n'
            if language == "python":
                continue
            if language == "sh":
                commands += [each for each in text.splitlines() if each.startswith("flexion ")]
            elif body:
                calls.append(f"    body_{len(calls)}();")
                functions.append(f"static void body_{len(functions)}() {{\n{where}{text}}}")
            elif "int main(" in text:
                programs.append(where + text)
    files = {f"program_{i}.cpp": text for i, text in enumerate(programs)}
    files["bodies.cpp"] = BODIES.format(functions="\n".join(functions), calls="\n".join(calls))
    files["commands.sh"] = "set -ex\n" + "\n".join(commands) + "\n"
    return files


def main(out, *paths):
    out = pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    for name, text in extract([pathlib.Path(path) for path in paths]).items():
        file = out / name
        if not file.exists() or file.read_text() != text:  # keep times: nothing to compile again
            file.write_text(text)


if __name__ == "__main__":
    main(*sys.argv[1:])

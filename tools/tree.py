# SPDX-License-Identifier: Apache-2.0
"""The files of the project, for the checks beside this one."""
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
CODE = {".h", ".cpp", ".def", ".cuh", ".cu", ".py", ".cmake", ".sh"}


def files(root=ROOT):
    """Every file that is or could be committed, relative to `root`, sorted."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root, capture_output=True, text=True)
    if listed.returncode == 0:
        names = [pathlib.Path(name) for name in listed.stdout.split("\0") if name]
    else:  # an unpacked archive
        names = [path.relative_to(root) for path in root.rglob("*")]
        names = [name for name in names if name.parts[0] not in {"build", "dist", ".git"}]
    return sorted({name for name in names if (root / name).is_file()})


def is_code(path):
    return path.suffix in CODE or path.name == "CMakeLists.txt"


def report(problems):
    """Prints the problems; the exit status."""
    for problem in problems:
        print(problem)
    return 1 if problems else 0

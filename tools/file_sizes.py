#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""No file past 800 lines (device kernels 1000), no folder past 15 files; prints the median length
of the files of each part. file_sizes.py [FOLDER]"""
import collections
import pathlib
import statistics
import sys

import tree

MOST_LINES = 800
MOST_LINES_OF_A_KERNEL = 1000  # .cuh: a device skeleton is read as one
MOST_FILES = 15


def part_of(path):
    """src/support, tests, ...: the first two parts of a path below src, else the first."""
    parts = path.parts[:-1]
    return "/".join(parts[:2] if parts[:1] == ("src",) else parts[:1]) or "."


def check(root):
    """(problems, lines per part)"""
    problems, lengths, folders = [], collections.defaultdict(list), collections.Counter()
    for path in tree.files(root):
        folders[path.parent.as_posix()] += 1
        if not tree.is_code(path):
            continue
        lines = len((root / path).read_text().splitlines())
        lengths[part_of(path)].append((lines, path))
        most = MOST_LINES_OF_A_KERNEL if path.suffix == ".cuh" else MOST_LINES
        if lines > most:
            problems.append(f"{path}: {lines} lines, at most {most}")
    for folder, count in sorted(folders.items()):
        if count > MOST_FILES:
            problems.append(f"{folder}: {count} files, at most {MOST_FILES}")
    return problems, lengths


def main(root):
    problems, lengths = check(root)
    print(f"{'part':20} {'files':>5} {'median':>6}  longest")
    for part, files in sorted(lengths.items()):
        longest = max(files)
        median = statistics.median(lines for lines, _ in files)
        print(f"{part:20} {len(files):5} {median:6.0f}  {longest[0]} {longest[1]}")
    everything = [lines for files in lengths.values() for lines, _ in files]
    print(f"{'all':20} {len(everything):5} {statistics.median(everything):6.0f}")
    return tree.report(problems)


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else tree.ROOT))

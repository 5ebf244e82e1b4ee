#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Counts the instructions of every matrix loop in a cubin: sass_loops.py [--order] FILE.cubin...

Needs nvdisasm (CUDA toolkit, or the pip package nvidia-cuda-nvdisasm). One line per loop that
holds HGMMA: its length, and the counts that matter. `--order` prints the opcodes in order, runs
folded: what stands before and after the waits (WARPGROUP.DEPBAR) decides whether exponentials
overlap.
"""
import collections
import os
import re
import shutil
import subprocess
import sys

COUNTED = ["HGMMA", "MUFU", "FFMA", "FMUL", "FADD", "FMNMX", "FSEL", "FSETP", "ISETP", "IADD3",
           "IMAD", "I2FP", "F2FP", "LDS", "LDG", "LDL", "STL", "R2UR", "SHFL", "BRA"]


def instructions(cubin):
    """(label or address, opcode, branch target or None) in order; labels are resolved."""
    tool = os.environ.get("NVDISASM") or shutil.which("nvdisasm")
    if not tool:
        sys.exit("nvdisasm was not found; set NVDISASM or install nvidia-cuda-nvdisasm")
    text = subprocess.run([tool, cubin], check=True, capture_output=True, text=True).stdout
    labels, result = {}, []
    for line in text.splitlines():
        if m := re.match(r"^(\.L_x_\d+):", line):
            labels[m[1]] = len(result)
        elif m := re.match(r"^\s+/\*[0-9a-f]{4,}\*/\s+(?:@!?U?P\w+\s+)?([A-Z][\w.]*)(.*)", line):
            target = re.search(r"`\((\.L_x_\d+)\)", m[2])
            result.append((m[1], target[1] if target and m[1].startswith("BRA") else None))
    return result, labels


def matrix_loops(cubin):
    code, labels = instructions(cubin)
    loops = []
    for at, (_, target) in enumerate(code):
        start = labels.get(target, at + 1) if target else at + 1
        if start <= at and any(op.startswith("HGMMA") for op, _ in code[start:at + 1]):
            loops.append((start, at))
    # An outer loop overlaps the inner ones, not always whole: slow paths stand at the end.
    inner = [a for a in loops if not any(b != a and b[0] <= a[1] and a[0] <= b[1] and
                                         b[1] - b[0] < a[1] - a[0] for b in loops)]
    return [[op for op, _ in code[start:end + 1]] for start, end in inner]


def main():
    order = "--order" in sys.argv
    for cubin in [a for a in sys.argv[1:] if not a.startswith("--")]:
        for ops in matrix_loops(cubin):
            counts = collections.Counter(op.split(".")[0] for op in ops)
            print(cubin, len(ops), " ".join(f"{n}={counts[n]}" for n in COUNTED if counts[n]))
            if order:
                folded = []
                for op in ops:
                    name = op if op.startswith("WARPGROUP") else op.split(".")[0]
                    if folded and folded[-1][0] == name:
                        folded[-1][1] += 1
                    else:
                        folded.append([name, 1])
                print("  " + " ".join(n if c == 1 else f"{n}*{c}" for n, c in folded))


if __name__ == "__main__":
    main()

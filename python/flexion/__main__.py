# SPDX-License-Identifier: Apache-2.0
"""The flexion command, which is a program of its own in the package: python -m flexion."""
import os
import pathlib
import sys


def main():
    program = pathlib.Path(__file__).parent / "bin" / "flexion"
    os.execv(program, ["flexion", *sys.argv[1:]])


if __name__ == "__main__":
    main()

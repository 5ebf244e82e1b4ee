#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of the flexion command as its users meet it: command_test.py PATH_OF_FLEXION."""

import json
import math
import os
import random
import struct
import subprocess
import sys
import tempfile
import unittest
import zipfile

FLEXION = sys.argv.pop(1)
CAUSAL = """flexion.ir 1
mask_mod causal(%b: i32, %h: i32, %q: i32, %k: i32) {
  %4 = ge.i32 %q, %k
  return %4
}
"""


def npy(values, shape):
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {tuple(shape)}, }}"
    header = header.ljust(117) + "\n"
    return (
        b"\x93NUMPY\x01\x00"
        + struct.pack("<H", len(header))
        + header.encode()
        + struct.pack(f"<{len(values)}f", *values)
    )


def floats(archive, name):
    data = archive.read(name + ".npy")
    start = 10 + struct.unpack("<H", data[8:10])[0]
    return struct.unpack(f"<{(len(data) - start) // 4}f", data[start:])


class Command(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = lambda name: os.path.join(self.folder.name, name)

    def run_flexion(self, *arguments, status=0, **environment):
        result = subprocess.run(
            [FLEXION, *arguments],
            capture_output=True,
            text=True,
            timeout=300,
            env={**os.environ, "FLEXION_CACHE_DIR": self.path("cache"), **environment},
        )
        self.assertEqual(result.returncode, status, result.stdout + result.stderr)
        return result

    def write_arrays(self, file, heads, length, dim):
        arrays = {name: [random.gauss(0, 1) for _ in range(heads * length * dim)] for name in "qkv"}
        with zipfile.ZipFile(self.path(file), "w") as archive:
            for name, values in arrays.items():
                archive.writestr(name + ".npy", npy(values, (heads, length, dim)))
        return arrays

    def test_usage_errors_exit_with_2(self):
        for arguments in (
            [],
            ["nonsense"],
            ["mask", "causal"],
            ["mask", "causal", "-q", "x"],
            ["bench", "--dtype", "i8"],
        ):
            self.assertIn("help", self.run_flexion(*arguments, status=2).stderr)

    def test_wrong_specs_say_what_is_known(self):
        cases = {
            "cusal": "known names: causal, window:W",
            "window": "window takes 1 numbers (window:W), got 0",
            "causal:3": "causal takes 0 numbers",
            "causal&": "expected the name of a mask",
            "(causal": "expected a )",
            "window:1.5": "expected a whole number",
            "missing.flex": "cannot read missing.flex",
        }
        for spec, message in cases.items():
            self.assertIn(message, self.run_flexion("mask", spec, "-q", "64", status=1).stderr)
        self.assertIn(
            "applied one after the other",
            self.run_flexion("emit", "--score", "alibi|alibi", status=1).stderr,
        )

    def test_mask_counts(self):
        result = json.loads(
            self.run_flexion(
                "mask", "causal", "-q", "1000", "-k", "1000", "--block", "64", "--json"
            ).stdout
        )
        self.assertEqual((result["blocks"], result["full"], result["partial"]), (256, 105, 31))
        self.assertGreater(result["ms"], 0)
        self.assertGreater(result["peak_bytes"], 0)
        union = json.loads(
            self.run_flexion("mask", "~causal|causal", "-q", "1024", "--json").stdout
        )
        self.assertEqual(union["full"], 64)

    def test_mask_picture_and_svg(self):
        text = self.run_flexion(
            "mask", "window:256&causal", "-q", "1024", "--picture", "--svg", self.path("m.svg")
        ).stdout
        self.assertIn("\u2588", text)
        with open(self.path("m.svg"), encoding="utf-8") as file:
            self.assertIn("<svg", file.read())

    def test_emit_stages(self):
        self.assertIn("flexion.ir 1", self.run_flexion("emit", "alibi", "--stage", "ir").stdout)
        for target in ("cpu:portable", "cpu:avx2", "cpu:avx512", "cpu:avx512_bf16"):
            source = self.run_flexion(
                "emit", "softcap:30", "--mask", "causal", "--target", target
            ).stdout
            self.assertIn("define", source)
        self.assertIn(
            "zmm",
            self.run_flexion("emit", "alibi", "--target", "cpu:avx512", "--stage", "asm").stdout,
        )
        self.assertIn(
            "expected cpu", self.run_flexion("emit", "alibi", "--target", "tpu", status=1).stderr
        )

    def test_check(self):
        with open(self.path("causal.flex"), "w", encoding="utf-8") as file:
            file.write(CAUSAL)
        self.assertIn("mask_mod causal", self.run_flexion("check", self.path("causal.flex")).stdout)
        counts = json.loads(
            self.run_flexion("mask", self.path("causal.flex"), "-q", "256", "--json").stdout
        )
        self.assertEqual((counts["full"], counts["partial"]), (1, 2))
        with open(self.path("bad.flex"), "w", encoding="utf-8") as file:
            file.write(CAUSAL.replace("ge", "gee"))
        self.assertIn("gee", self.run_flexion("check", self.path("bad.flex"), status=1).stderr)

    def test_run_on_arrays(self):
        heads, length, dim = 2, 37, 8
        arrays = self.write_arrays("in.npz", heads, length, dim)
        self.run_flexion(
            "run", self.path("in.npz"), "--mask", "causal", "--out", self.path("out.npz")
        )
        with zipfile.ZipFile(self.path("out.npz")) as archive:
            out, lse = floats(archive, "out"), floats(archive, "lse")

        def row(name, h, i):
            return arrays[name][(h * length + i) * dim : (h * length + i + 1) * dim]

        for h in range(heads):
            for i in range(length):
                scores = [
                    sum(a * b for a, b in zip(row("q", h, i), row("k", h, j))) / math.sqrt(dim)
                    for j in range(i + 1)
                ]
                top = max(scores)
                weights = [math.exp(s - top) for s in scores]
                self.assertAlmostEqual(lse[h * length + i], top + math.log(sum(weights)), places=4)
                for d in range(dim):
                    want = sum(w * row("v", h, j)[d] for j, w in enumerate(weights)) / sum(weights)
                    self.assertAlmostEqual(out[(h * length + i) * dim + d], want, places=4)
        self.assertIn(
            "no array 'q'", self.run_flexion("run", self.path("out.npz"), status=1).stderr
        )

    def bench(self, *arguments):
        common = "--seq 300 --heads 2 --seconds 0.05 --mask causal --threads 1 --json".split()
        result = json.loads(self.run_flexion("bench", *common, *arguments).stdout)
        for key in (
            "backend direction dtype head_dim seq score mask threads isa ms gflops peak_gflops "
            "fraction_of_peak compile_ms scratch_bytes error"
        ).split():
            self.assertIn(key, result)
        self.assertLess(result["error"], 1e-4)
        self.assertGreater(result["compile_ms"], 0)
        return result

    def test_bench_prints_json(self):
        self.assertEqual(self.bench("--score", "alibi")["direction"], "forward")

    def test_bench_of_the_backward_pass(self):
        backward = ["--direction", "backward", "--score", "relative"]
        self.assertEqual(self.bench(*backward)["direction"], "backward")
        self.bench(*backward, "--buffer-gradients")

    def test_cache(self):
        path = self.run_flexion("cache", "path").stdout.strip()
        self.assertTrue(path.startswith(self.path("cache")), path)
        self.write_arrays("in.npz", 1, 5, 4)
        self.run_flexion("run", self.path("in.npz"), "--out", self.path("out.npz"))
        listed = self.run_flexion("cache", "list").stdout
        self.assertRegex(listed, r"[1-9]\d* kernels")
        self.run_flexion("cache", "clear")
        self.assertRegex(self.run_flexion("cache", "list").stdout, r"\b0 kernels")

    def test_info_lists_the_environment(self):
        text = self.run_flexion("info", FLEXION_NUM_THREADS="1").stdout
        for word in (
            "back end cpu",
            "FLEXION_CACHE_DIR",
            "* FLEXION_NUM_THREADS",
            "softcap:C",
            "document:N",
        ):
            self.assertIn(word, text)


if __name__ == "__main__":
    unittest.main()

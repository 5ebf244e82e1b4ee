# SPDX-License-Identifier: Apache-2.0
"""The training example learns the same from fused and from dense attention."""
import importlib.util
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def load():
    path = ROOT / "examples" / "training" / "train.py"
    spec = importlib.util.spec_from_file_location("training_example", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_losses_are_those_of_dense_attention():
    example = load()
    files = example.repository()
    fused = example.train(example.flexion_attention, files, steps=3)
    dense = example.train(example.dense_attention, files, steps=3)
    assert fused == pytest.approx(dense, abs=1e-4)
    assert fused[-1] < fused[0]
    assert example.svg({"dense attention": dense, "Flexion": fused}).startswith("<svg")

# SPDX-License-Identifier: Apache-2.0
"""The bench: its rows and fields. Its peers compile for seconds, so Flexion runs alone here."""

import json

import pytest

from flexion import bench

FIELDS = ["direction", "dtype", "head_dim", "seq", "variant", "threads", "flexion_ms", "flex_ms",
          "sdpa_ms", "flexion_first_s", "flex_first_s", "error"]  # fmt: skip


def test_rows():
    rows = list(bench.rows())
    assert len(rows) == len(set(rows))
    assert {row.direction for row in rows} == set(bench.DIRECTIONS)
    assert sum(row.direction == "forward" for row in rows) == 2 * 2 * 2 * 5
    assert list(bench.chosen(bench.parse(["--seq", "521", "--dtype", "bf16"])))


@pytest.mark.parametrize("direction, chosen", [
    ("small", ["--seq", "64", "--dtype", "f32", "--head-dim", "64"]),
    ("decode", ["--seq", "8192"]), ("first", ["--variant", "softcap"]),
    ("mask", ["--variant", "causal"]), ("host", ["--variant", "kept"]),
    ("training", ["--seq", "2048", "--variant", "document", "--dtype", "f32", "--head-dim", "64"]),
])  # fmt: skip
def test_json(direction, chosen, capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(bench, "medians", lambda competitors, *rest: {n: 1e-3 for n in competitors})
    arguments = ["--peers", "none", "--json", "--direction", direction, *chosen]
    assert bench.main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines
    for line in lines:
        fields = json.loads(line)
        assert list(fields)[: len(FIELDS)] == FIELDS
        assert fields["direction"] == direction and fields["note"] == ""
        assert (fields["host_ms"] is not None) == (direction == "host")
        if direction in ("decode", "first", "training"):
            assert fields["error"] < (2e-2 if fields["dtype"] == "bf16" else 1e-5)

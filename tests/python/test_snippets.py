# SPDX-License-Identifier: Apache-2.0
"""The Python in the documents runs."""

import importlib.util
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SPEC = importlib.util.spec_from_file_location("snippets", ROOT / "tools" / "snippets.py")
snippets = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(snippets)


@pytest.mark.parametrize("name", ["README.md", "docs/python.md"])
def test_document(name, capsys):
    path, namespace, count = ROOT / name, {}, 0
    for language, _, line, text in snippets.blocks(path):
        if language == "python":
            exec(compile("\n" * (line - 1) + text, str(path), "exec"), namespace)
            count += 1
    assert count > 0

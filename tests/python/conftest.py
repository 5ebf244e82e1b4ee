# SPDX-License-Identifier: Apache-2.0
"""Set-up of the Python tests: a seed, printed and overridable, and torch as a reference."""

import os
import pathlib
import random
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent / "support"))
SEED = int(os.environ.get("FLEXION_TEST_SEED") or random.SystemRandom().randrange(2**31))


def pytest_report_header():
    return f"FLEXION_TEST_SEED={SEED}"


@pytest.fixture(autouse=True)
def seeded(request):
    """Each test has its own stream, the same whichever tests run beside it."""
    seed = (SEED * 1_000_003 + hash_of(request.node.nodeid)) % 2**31
    random.seed(seed)
    try:
        import torch
    except ImportError:
        return
    torch.manual_seed(seed)
    from torch.nn.attention import flex_attention as torch_flex

    torch_flex._FLEX_ATTENTION_DISABLE_COMPILE_DEBUG = (
        True  # torch's eager function, without Dynamo
    )


def hash_of(text):
    """As hash(), the same in each process."""
    value = 0
    for byte in text.encode():
        value = (value * 131 + byte) % 2**31
    return value

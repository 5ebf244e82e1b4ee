# SPDX-License-Identifier: Apache-2.0
"""The same calls on NumPy arrays and other objects with __dlpack__; without torch too."""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

import flexion


def dense(q, k, v, bias=0.0, keep=None):
    scores = np.einsum("bhqd,bhkd->bhqk", q, k).astype(np.float64) / np.sqrt(q.shape[-1]) + bias
    if keep is not None:
        scores = np.where(keep, scores, -np.inf)
    scores = np.exp(scores - scores.max(-1, keepdims=True))
    return np.einsum("bhqk,bhkd->bhqd", scores / scores.sum(-1, keepdims=True), v)


def arrays(L=60, dtype=np.float32):
    random = np.random.default_rng(7)
    return [random.standard_normal((2, 4, L, 16)).astype(dtype) for _ in range(3)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
def test_attention(dtype):
    q, k, v = arrays(dtype=dtype)
    out = flexion.flex_attention(q, k, v)
    assert isinstance(out, np.ndarray) and out.dtype == dtype
    wide = [x.astype(np.float64) for x in (q, k, v)]
    np.testing.assert_allclose(
        out, dense(*wide), rtol=0, atol=3e-3 if dtype == np.float16 else 1e-5
    )


def test_captured_arrays_and_masks():
    q, k, v = arrays()
    slopes = flexion.Buffer(np.linspace(0.1, 0.4, 4, dtype=np.float32))
    table = np.arange(60, dtype=np.int64) // 13
    document = flexion.Buffer(table)
    block_mask = flexion.create_block_mask(
        lambda b, h, q, k: (q >= k) & (document[q] == document[k]),
        None,
        None,
        60,
        60,
        BLOCK_SIZE=16,
    )
    out, aux = flexion.flex_attention(
        q, k, v, lambda s, b, h, q, k: s + slopes[h] * (k - q), block_mask,
        return_aux=flexion.AuxRequest(lse=True, max_scores=True),
    )  # fmt: skip
    i = np.arange(60)
    keep = (i[:, None] >= i) & (table[:, None] == table)
    bias = np.linspace(0.1, 0.4, 4)[:, None, None] * (i - i[:, None])
    np.testing.assert_allclose(out, dense(q, k, v, bias, keep), rtol=0, atol=1e-5)
    assert isinstance(aux.lse, np.ndarray) and aux.max_scores.shape == (2, 4, 60)


def test_views_and_functions():
    q, k, v = (x.transpose(0, 2, 1, 3).copy().transpose(0, 2, 1, 3) for x in arrays())
    tanh = flexion.function("tanh")
    out = flexion.flex_attention(
        q, k[:, :, ::2], v[:, :, ::2], lambda s, b, h, q, k: 3 * tanh(s / 3)
    )
    scores = np.einsum("bhqd,bhkd->bhqk", q, k[:, :, ::2]) / 4
    weights = np.exp(3 * np.tanh(scores / 3))
    expected = weights @ v[:, :, ::2] / weights.sum(-1, keepdims=True)
    np.testing.assert_allclose(out, expected, rtol=0, atol=1e-5)


def test_dlpack_objects():
    class Foreign:
        def __init__(self, array):
            self.array = array

        def __dlpack__(self, **options):
            return self.array.__dlpack__(**options)

        def __dlpack_device__(self):
            return self.array.__dlpack_device__()

    q, k, v = arrays()
    out = flexion.flex_attention(*map(Foreign, (q, k, v)))
    np.testing.assert_array_equal(out, flexion.flex_attention(q, k, v))


def test_refused():
    q, k, v = arrays()
    with pytest.raises(ValueError, match="Hq=4 and Hkv=2"):
        flexion.flex_attention(q, k[:, :2], v[:, :2])
    with pytest.raises(TypeError, match="one dtype"):
        flexion.flex_attention(q, k.astype(np.float64), v)
    with pytest.raises(ValueError, match="larger length"):
        block_mask = flexion.create_block_mask(lambda b, h, q, k: q >= k, None, None, 80, 80)
        flexion.flex_attention(q, k, v, block_mask=block_mask)


def test_without_torch():
    """This file, and tables, pictures and copies of masks, where torch cannot be imported."""
    if os.environ.get("FLEXION_TEST_NO_TORCH"):
        pytest.skip("is what runs")
    code = """
import sys
sys.modules["torch"] = None
import copy, pickle
import numpy as np
import flexion, operator, pytest
mask = flexion.create_block_mask(lambda b, h, q, k: q >= k, 2, None, 300, 300)
assert isinstance(mask.kv_indices, np.ndarray) and mask.shape == (2, 1, 300, 300)
assert mask.q_num_blocks.tolist()[0][0] == [2, 2, 1] and len(mask.as_tuple()) == 17
assert "torch" not in repr(mask) and str(mask).startswith("BlockMask(shape=(2, 1, 300, 300)")
assert copy.deepcopy(mask)[0].shape == (1, 1, 300, 300)
tables = mask.kv_num_blocks, mask.kv_indices
again = flexion.BlockMask.from_kv_blocks(*tables, seq_lengths=(300, 300))
assert (again.q_indices == mask.q_indices).all()
assert flexion.create_mask(mask.mask_mod, 1, 1, 4, 4).sum() == 10
with pytest.raises(ValueError, match="needs torch"):
    flexion.create_block_mask(mask.mask_mod, 1, 1, 4, 4, device="cuda")
sys.exit(pytest.main(sys.argv[1:]))
"""
    environment = {**os.environ, "FLEXION_TEST_NO_TORCH": "1"}
    file = pathlib.Path(__file__)
    done = subprocess.run(
        [sys.executable, "-c", code, str(file), "-q", "-p", "no:cacheprovider"],
        env=environment, cwd=file.parent, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "......." in done.stdout

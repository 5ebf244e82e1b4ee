# SPDX-License-Identifier: Apache-2.0
"""What is refused: the types of torch's errors, and messages of their sense."""

import pytest
import torch

import flexion
from flexion.flex_attention import _WARNINGS_SHOWN, _create_empty_block_mask
from reference import inputs


def causal(b, h, q, k):
    return q >= k


def mask(B=1, H=1, q_len=96, kv_len=96):
    return flexion.create_block_mask(causal, B, H, q_len, kv_len)


def nested():
    q = torch.nested.nested_tensor([torch.randn(4, 8), torch.randn(3, 8)], layout=torch.jagged)
    return q, q, q


CASES = {
    "nested": (nested, {}, NotImplementedError, "NestedTensor"),
    "one dimension": (lambda: [torch.randn(8)] * 3, {}, ValueError, "at least 2 dimensional"),
    "embedding": (
        lambda: [torch.randn(1, 1, 8, 16), torch.randn(1, 1, 8, 17), torch.randn(1, 1, 8, 16)],
        {}, ValueError, "same embedding dimension but got E=16 and E=17",
    ),
    "three dimensions": (
        lambda: [torch.randn(4, 8, 16)] * 3, {}, NotImplementedError, "must be 4D tensors",
    ),
    "heads": (
        lambda: inputs(Hq=4, Hkv=2), {}, ValueError,
        "Hq=4 and Hkv=2. Try setting enable_gqa=True",
    ),
    "gqa ratio": (
        lambda: inputs(Hq=4, Hkv=3), {"enable_gqa": True}, ValueError,
        "multiple of kv heads for GQA but got Hq=4 and Hkv=3",
    ),
    "batch without mask": (
        lambda: inputs(B=2, Bkv=1), {}, ValueError, "block_mask=None, Bq=2, and Bkv=1",
    ),
    "batch of mask": (
        lambda: inputs(B=2, Bkv=1), {"block_mask": mask}, ValueError, "B_block_mask=1",
    ),
    "batches that do not broadcast": (
        lambda: inputs(B=4, Bkv=2), {"block_mask": lambda: mask(4)}, RuntimeError,
        "must broadcast. Got Bq=4 and Bkv=2",
    ),
    "keys and values": (
        lambda: [*inputs()[:2], inputs(S=50)[2]], {}, ValueError, "key and value",
    ),
    "sliced mask": (
        inputs, {"block_mask": lambda: mask()[0]}, RuntimeError,
        "Cannot use mask_mod from a sliced BlockMask",
    ),
    "shorter mask": (
        inputs, {"block_mask": lambda: mask(q_len=64)}, ValueError,
        r"block_mask.shape=\(1, 1, 64, 96\) but got q_len=96 and kv_len=96.*smaller length",
    ),
    "longer mask": (
        inputs, {"block_mask": lambda: mask(kv_len=128)}, ValueError, r"larger length.*_adjust",
    ),
    "both results": (
        inputs, {"return_lse": True, "return_aux": flexion.AuxRequest}, ValueError,
        "Cannot specify both return_lse and return_aux",
    ),
    "backend and legacy": (
        inputs, {"kernel_options": lambda: {"BACKEND": "TRITON", "FORCE_USE_FLEX_ATTENTION": True}},
        RuntimeError, "BACKEND cannot be combined with legacy FORCE_USE_FLEX_ATTENTION",
    ),
    "backend": (
        inputs, {"kernel_options": lambda: {"BACKEND": "CUTE"}}, ValueError,
        "Invalid BACKEND value 'CUTE'. Must be one of .*TRITON_DECODE",
    ),
    "flash and max": (
        inputs,
        {
            "kernel_options": lambda: {"BACKEND": "FLASH"},
            "return_aux": lambda: flexion.AuxRequest(max_scores=True),
        },
        NotImplementedError, "max scores",
    ),
    "internal option": (
        inputs, {"kernel_options": lambda: {"OUTPUT_LOGSUMEXP": True}}, AssertionError,
        "OUTPUT_LOGSUMEXP must not be in kernel_options",
    ),
    "lists": (lambda: [[1.0]] * 3, {}, TypeError, "NumPy arrays or have __dlpack__, got list"),
    "arrays and tensors": (
        lambda: [inputs()[0], *[t.numpy() for t in inputs()[1:]]], {}, TypeError, "torch tensors",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_refused(case):
    make, options, error, message = case
    options = {k: v() if callable(v) else v for k, v in options.items()}
    with pytest.raises(error, match=message):
        flexion.flex_attention(*make(), **options)


def test_devices():
    q = torch.randn(1, 1, 8, 16)
    with pytest.raises(ValueError, match="same device type, but got query.device: cpu"):
        flexion.flex_attention(q, q.to("meta"), q)
    block_mask = mask(q_len=8, kv_len=8)
    block_mask._device = torch.device("cuda", 0)
    with pytest.raises(RuntimeError, match="same device but got cpu and cuda:0"):
        flexion.flex_attention(q, q, q, block_mask=block_mask)


def test_mask_that_reads_what_it_was_not_made_for():
    lengths, widths = torch.tensor([50, 96]), torch.tensor([1, 2, 3, 4])
    by_batch = flexion.create_block_mask(lambda b, h, q, k: k < lengths[b], None, None, 96, 96)
    by_head = flexion.create_block_mask(
        lambda b, h, q, k: (q - k).abs() < widths[h], 2, None, 96, 96
    )
    q, k, v = inputs()
    with pytest.raises(ValueError, match=r"\bB\b"):
        flexion.flex_attention(q, k, v, block_mask=by_batch)
    with pytest.raises(ValueError, match=r"\bH\b"):
        flexion.flex_attention(q, k, v, block_mask=by_head)
    one = flexion.flex_attention(q[:1], k[:1], v[:1], block_mask=by_batch)
    assert one.shape == (1, 4, 96, 32)


def test_mods_that_cannot_be_traced_name_the_line():
    q, k, v = inputs()
    sum_of = torch.zeros(4)

    def branches(score, b, h, q_idx, k_idx):
        return score if q_idx >= k_idx else score * 2

    def writes(score, b, h, q_idx, k_idx):
        sum_of[h] = score
        return score

    def text(score, b, h, q_idx, k_idx):
        return "score"

    for mod, message in ((branches, "where"), (writes, "sum_of|writ"), (text, "str")):
        with pytest.raises(flexion.TraceError, match=message) as raised:
            flexion.flex_attention(q, k, v, score_mod=mod)
        assert "test_errors.py" in str(raised.value)


def test_mask_capture_that_requires_grad():
    bound = torch.tensor(50.0, requires_grad=True)
    block_mask = flexion.create_block_mask(lambda b, h, q, k: k < bound, 1, 1, 96, 96)
    q, k, v = inputs()
    with pytest.raises(AssertionError, match="Captured buffers from mask mod that require grad"):
        flexion.flex_attention(q, k, v, block_mask=block_mask)
    with torch.no_grad():
        flexion.flex_attention(q, k, v, block_mask=block_mask)


def test_return_lse_warns_once():
    q, k, v = inputs()
    _WARNINGS_SHOWN.discard("deprecated_return_lse")
    with pytest.warns(FutureWarning, match="return_lse is deprecated"):
        flexion.flex_attention(q, k, v, return_lse=True)
    assert "deprecated_return_lse" in _WARNINGS_SHOWN


def test_hints_are_accepted():
    q, k, v = inputs()
    expected = flexion.flex_attention(q, k, v)
    for options in ({"BACKEND": "TRITON", "USE_TMA": True, "BLOCK_M": 64}, {"fwd_num_warps": 8},
                    {"FORCE_USE_FLEX_ATTENTION": True, "SKIP_MASK_SCORE": 1}):  # fmt: skip
        assert torch.equal(flexion.flex_attention(q, k, v, kernel_options=options), expected)


def test_empty_block_mask_fits_all_lengths():
    q, k, v = inputs(L=70, S=90)
    block_mask = _create_empty_block_mask(q, k)
    assert block_mask.shape == (1, 1, 1, 1)
    expected = flexion.flex_attention(q, k, v)
    assert torch.equal(flexion.flex_attention(q, k, v, block_mask=block_mask), expected)

# SPDX-License-Identifier: Apache-2.0
"""PagedAttention beside torch's."""

import pytest
import torch
from torch.nn.attention.experimental._paged_attention import PagedAttention as TorchPaged

import flexion
from reference import dense, inputs

STATE = ["page_table", "capacity", "physical_to_logical", "empty_pages"]


def pair(n_pages=12, page_size=16, batches=4):
    return [
        each(n_pages, page_size, batches, "cpu") for each in (flexion.PagedAttention, TorchPaged)
    ]


def assert_same(ours, torchs, but=None):
    for name in STATE:
        if name == but:
            continue
        a, b = getattr(ours, name), getattr(torchs, name)
        assert torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b, name


def test_reserve_and_erase():
    ours, torchs = pair()
    for batch, length in ((0, 17), (2, 1), (0, 20), (0, 90), (3, 16), (1, 33)):
        for each in (ours, torchs):
            each.reserve(torch.tensor([batch]), torch.tensor([length]))
        assert_same(ours, torchs)
    for each in (ours, torchs):
        with pytest.raises(AssertionError, match="requested 3 pages but there are only 1 empty"):
            each.reserve(torch.tensor([1]), torch.tensor([90]))
        each.erase(torch.tensor([0]))
    stale = "physical_to_logical"  # torch writes to a copy there, and forgets the pages' sequence
    assert_same(ours, torchs, stale)
    assert (ours.physical_to_logical[0] == -1).all()
    ours.reserve(torch.tensor(1), 60)  # numbers and 0-dim tensors too
    torchs.reserve(torch.tensor([1]), torch.tensor([60]))
    assert_same(ours, torchs, stale)


def cached(paged, k, v, order):
    """Caches that hold k, v [B, H, S, D], assigned sequence by sequence in pieces."""
    B, H, S, D = k.shape
    tokens = paged.n_pages * paged.page_size
    caches = [torch.full((1, H, tokens, x.shape[3]), float("nan")) for x in (k, v)]
    for length in (S // 2, S):
        for b in order:
            paged.reserve(torch.tensor([b]), torch.tensor([length]))
    for b in order:
        positions = torch.arange(S)[None]
        paged.assign(torch.tensor([b]), positions, k[b : b + 1], v[b : b + 1], *caches)
    for cache in caches:  # pages that nobody has are never read
        assert cache.isnan().any()
    return caches


def test_attention_over_pages():
    q, k, v = inputs(B=3, Hq=2, L=40, S=64, E=16)
    slopes = torch.rand(2)
    alibi = lambda s, b, h, q, k: s + slopes[h] * (k - q)
    lengths = torch.tensor([64, 30, 50])
    mask_mod = lambda b, h, q, k: (k < lengths[b]) & (q + 24 >= k)
    block_mask = flexion.create_block_mask(mask_mod, 3, None, 40, 64, "cpu", (16, 16))
    expected = dense(q, k, v, alibi, mask_mod)[0]
    ours, torchs = pair(n_pages=16, batches=3)
    caches = cached(ours, k, v, [2, 0, 1])
    cached(torchs, k, v, [2, 0, 1])
    assert_same(ours, torchs)
    for kv_len in (None, torch.tensor([64, 64, 64])):
        converted = ours.convert_logical_block_mask(block_mask, kv_len=kv_len)
        reference = torchs.convert_logical_block_mask(block_mask, kv_len=kv_len)
        assert torch.equal(converted.kv_num_blocks, reference.kv_num_blocks)
        assert torch.equal(converted.to_dense(), reference.to_dense())
        assert converted.seq_lengths == reference.seq_lengths == (40, 256)
        for mask in (converted, reference):
            score_mod = ours.get_score_mod(alibi, kv_len)
            out = flexion.flex_attention(q, *caches, score_mod, mask)
            torch.testing.assert_close(out, expected, rtol=1e-5, atol=1e-5)
    short = torch.tensor([10, 10, 10])
    bounded = ours.convert_logical_block_mask(block_mask, kv_len=short)
    out = flexion.flex_attention(q, *caches, ours.get_score_mod(alibi, short), bounded)
    inside = lambda b, h, q, k: mask_mod(b, h, q, k) & (k < 10)
    torch.testing.assert_close(out, dense(q, k, v, alibi, inside)[0], rtol=1e-5, atol=1e-5)


def test_pages_without_a_sequence():
    paged, _ = pair(batches=2)
    paged.reserve(torch.tensor([0]), torch.tensor([32]))
    mask_mod = paged.get_mask_mod(None)
    assert not bool(mask_mod(1, 0, 0, 3)) and bool(
        mask_mod(0, 0, 0, int(paged.page_table[0, 0]) * 16)
    )
    assert paged.get_score_mod(None)(torch.tensor(1.0), 1, 0, 0, 3) == -float("inf")
    logical = flexion.create_block_mask(flexion.noop_mask, 2, None, 8, 64, "cpu", (8, 16))
    converted = paged.convert_logical_block_mask(logical)
    assert converted.full_kv_num_blocks.flatten().tolist() == [2, 0]
    q, cache = torch.randn(2, 1, 8, 16), torch.randn(1, 1, 192, 16)
    out = flexion.flex_attention(q, cache, cache, paged.get_score_mod(None), converted)
    assert out[0].abs().max() > 0 and (out[1] == 0).all()


def test_refused():
    paged, _ = pair()
    block_mask = flexion.create_block_mask(flexion.noop_mask, 1, 1, 64, 64, "cpu", 32)
    with pytest.raises(RuntimeError, match="same column block size as page_size"):
        paged.convert_logical_block_mask(block_mask)
    val, cache = torch.zeros(1, 2, 4, 8), torch.zeros(1, 2, 192, 8)
    good = [torch.tensor([0]), torch.zeros(1, 4, dtype=torch.int64), val, val, cache, cache]
    for position, value, message in (
        (0, torch.tensor([0, 1]), "batch size"),
        (1, torch.zeros(1, 5, dtype=torch.int64), "length"),
        (2, val.clone().requires_grad_(), "must not require gradient"),
        (4, cache[:, :1], "heads"),
        (4, cache[..., :4], "hidden dim"),
        (5, cache[..., :4], "hidden dim"),
    ):
        bad = [*good]
        bad[position] = value
        with pytest.raises(RuntimeError, match=message):
            paged.assign(*bad)

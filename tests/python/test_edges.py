# SPDX-License-Identifier: Apache-2.0
"""Rows without keys, poison where nothing may read, lengths of zero, and sizes past 2^31."""

import os

import pytest
import torch

import flexion
from reference import dense, inputs

LSE = flexion.AuxRequest(lse=True)


def test_fully_masked_rows():
    q, k, v = (x.requires_grad_() for x in inputs(L=130))
    block_mask = flexion.create_block_mask(
        lambda b, h, q, k: (q >= 40) & (q < 110) & (q >= k), None, None, 130, 130, BLOCK_SIZE=32
    )
    out, (lse, _) = flexion.flex_attention(q, k, v, block_mask=block_mask, return_aux=LSE)
    dead = torch.ones(130, dtype=torch.bool)
    dead[40:110] = False
    assert (out[:, :, dead] == 0).all() and lse[:, :, dead].isneginf().all()
    assert out[:, :, ~dead].abs().min() > 0 and lse[:, :, ~dead].isfinite().all()
    (out.sum() + torch.where(lse.isneginf(), 0.0, lse).sum()).backward()
    assert (q.grad[:, :, dead] == 0).all()
    for x in (q, k, v):
        assert x.grad.isfinite().all() and x.grad.abs().max() > 0
    everything = flexion.create_block_mask(lambda b, h, q, k: q < 0, None, None, 130, 130)
    assert (flexion.flex_attention(q, k, v, block_mask=everything) == 0).all()


@pytest.mark.parametrize("poison", [float("nan"), float("inf")])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16], ids=str)
def test_poison_in_blocks_that_no_query_visits(poison, dtype):
    q, k, v = inputs(L=200, S=300, dtype=dtype)
    block_mask = flexion.create_block_mask(
        lambda b, h, q, k: k < 128, None, None, 200, 300, BLOCK_SIZE=64
    )
    expected = flexion.flex_attention(q, k, v, block_mask=block_mask)
    k[:, :, 128:], v[:, :, 128:] = poison, poison
    assert torch.equal(flexion.flex_attention(q, k, v, block_mask=block_mask), expected)
    leaves = [x.requires_grad_() for x in (q, k, v)]
    flexion.flex_attention(*leaves, block_mask=block_mask).float().sum().backward()
    for x in leaves:
        assert x.grad.isfinite().all()
    assert (k.grad[:, :, 128:] == 0).all() and (v.grad[:, :, 128:] == 0).all()


def test_poison_that_a_score_mod_makes_on_masked_lanes():
    q, k, v = inputs(L=100)
    block_mask = flexion.create_block_mask(lambda b, h, q, k: q >= k, None, None, 100, 100)
    mod = lambda s, b, h, q, k: s + torch.where(q >= k, 0.0, float("nan"))
    logs = lambda s, b, h, q, k: s + torch.log((q - k + 1) * 1.0)
    torch.testing.assert_close(
        flexion.flex_attention(q, k, v, mod, block_mask),
        flexion.flex_attention(q, k, v, None, block_mask), rtol=1e-6, atol=1e-6,
    )  # fmt: skip
    assert flexion.flex_attention(q, k, v, logs, block_mask).isfinite().all()


def test_gathers_out_of_range_on_masked_lanes():
    q, k, v = inputs(L=100)
    table = torch.randn(60)
    block_mask = flexion.create_block_mask(lambda b, h, q, k: k < 60, None, None, 100, 100)
    for index in (lambda k: k, lambda k: k - 59, lambda k: k * 100_000 * (k > 59) + k * (k < 60)):
        mod = lambda s, b, h, q, k: s + table[index(k)]
        padded = torch.cat([table, torch.zeros(10)])
        golden = flexion.flex_attention(
            q, k[:, :, :60].contiguous(), v[:, :, :60].contiguous(),
            lambda s, b, h, q, k: s + (table[index(k)]),
        )  # fmt: skip
        out = flexion.flex_attention(q, k, v, mod, block_mask)
        torch.testing.assert_close(out, golden, rtol=1e-5, atol=1e-5)
        assert padded.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16], ids=str)
def test_additive_mask_of_the_lowest_value(dtype):
    q, k, v = inputs(L=70, dtype=dtype)
    lowest = torch.finfo(dtype).min
    additive = torch.zeros(70, 70, dtype=dtype)
    additive[torch.ones(70, 70).triu(1).bool()] = lowest
    additive[5] = lowest  # a row with nothing left: uniform, not NaN
    out = flexion.flex_attention(q, k, v, lambda s, b, h, q, k: s + additive[q, k])
    assert out.isfinite().all()
    if dtype != torch.float16:  # whose lowest value scores still differ from
        uniform = v[:, :, :].float().mean(2)
        torch.testing.assert_close(out[:, :, 5].float(), uniform, rtol=2e-2, atol=2e-2)
    expected = dense(q, k, v, None, lambda b, h, q, k: q >= k)[0]
    rows = [i for i in range(70) if i != 5]
    torch.testing.assert_close(out[:, :, rows], expected[:, :, rows], rtol=2e-2, atol=2e-2)


@pytest.mark.parametrize("L, S", [(0, 5), (5, 0), (0, 0)])
def test_lengths_of_zero(L, S):
    q, k, v = torch.randn(2, 3, L, 16), torch.randn(2, 3, S, 16), torch.randn(2, 3, S, 8)
    leaves = [x.requires_grad_() for x in (q, k, v)]
    out, (lse, _) = flexion.flex_attention(*leaves, return_aux=LSE)
    assert out.shape == (2, 3, L, 8) and (out == 0).all() and lse.isneginf().all()
    out.sum().backward()
    assert all((x.grad == 0).all() for x in leaves)
    empty = torch.randn(0, 3, 4, 16)
    assert flexion.flex_attention(empty, empty, empty).shape == (0, 3, 4, 16)


def test_one_by_one_is_exact():
    q, k, v = inputs(B=1, Hq=1, L=1, E=16)
    out, (lse, _) = flexion.flex_attention(q, k, v, return_aux=LSE)
    assert torch.equal(out, v)
    torch.testing.assert_close(lse[0, 0, 0], (q[0, 0, 0] @ k[0, 0, 0]) / 4, rtol=1e-6, atol=1e-6)


def test_masks_that_agree_on_a_prefix_give_the_same_bits():
    q, k, v = inputs(L=200)
    a = flexion.create_block_mask(lambda b, h, q, k: q >= k, None, None, 200, 200)
    b = flexion.create_block_mask(lambda b, h, q, k: (q >= k) | (q > 128), None, None, 200, 200)
    x, y = (flexion.flex_attention(q, k, v, block_mask=each) for each in (a, b))
    assert torch.equal(x[:, :, :129], y[:, :, :129]) and not torch.equal(x, y)


def test_mask_captures_are_read_at_each_call():
    q, k, v = inputs(L=100)
    bound = torch.tensor(70)
    block_mask = flexion.create_block_mask(lambda b, h, q, k: k < bound, None, None, 100, 100)
    before = flexion.flex_attention(q, k, v, block_mask=block_mask)
    bound.fill_(20)  # the blocks stay; inside them the mask is another
    after = flexion.flex_attention(q, k, v, block_mask=block_mask)
    expected = flexion.flex_attention(q, k[:, :, :20], v[:, :, :20])
    assert not torch.equal(before, after)
    torch.testing.assert_close(after, expected, rtol=1e-5, atol=1e-5)


def test_one_mod_with_a_flag_that_flips():
    q, k, v = inputs(L=50)
    flag = True
    mod = lambda s, b, h, q, k: s * 2 if flag else s
    doubled = flexion.flex_attention(q, k, v, mod)
    flag = False
    plain = flexion.flex_attention(q, k, v)
    torch.testing.assert_close(flexion.flex_attention(q, k, v, mod), plain, rtol=1e-5, atol=1e-6)
    assert not torch.equal(doubled, flexion.flex_attention(q, k, v, mod))


def test_offsets_past_2_31():
    need = 6 * 2**30  # 4.3 GB of keys and values, and room beside
    pages = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if pages < need or not os.environ.get("FLEXION_TEST_LONG"):
        pytest.skip(f"needs FLEXION_TEST_LONG=1 and {need >> 30} GiB, {pages >> 30} GiB are free")
    heads = 2**31 // (64 * 64) // 2 + 2
    k = torch.zeros(2, heads, 64, 64, dtype=torch.bfloat16)
    assert k.numel() > 2**31
    k[-1, -1] = torch.randn(64, 64)
    last = k[-1:, -1:]
    q = torch.randn(2, heads, 1, 64, dtype=torch.bfloat16)
    out = flexion.flex_attention(q, k, k)
    expected = flexion.flex_attention(q[-1:, -1:], last, last)
    assert torch.equal(out[-1:, -1:], expected) and (out[0, 0] == 0).all()

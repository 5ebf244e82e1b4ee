# SPDX-License-Identifier: Apache-2.0
"""The forward pass: ours and torch's eager result against torch's in f64, by category."""

import pytest
import torch
from torch._higher_order_ops.flex_attention import _permute_strides as torch_strides

import flexion
from reference import DTYPES, assert_close_to, dense, doubled, inputs
from variants import mask_mods, score_mods


def check(q, k, v, score_mod=None, block_mask=None, mask_mod=None, what="out", **options):
    """Out and lse of a call, with both references of mask_mod (the block mask's when not given)."""
    if block_mask is not None and mask_mod is None:
        mask_mod = block_mask.mask_mod
    scale = options.get("scale")
    golden, golden_lse, _ = dense(*doubled([q, k, v]), score_mod, mask_mod, scale)
    torchs, torchs_lse, _ = dense(q, k, v, score_mod, mask_mod, scale)
    out, aux = flexion.flex_attention(
        q, k, v, score_mod, block_mask, return_aux=flexion.AuxRequest(lse=True), **options
    )
    assert out.dtype == q.dtype and aux.max_scores is None
    assert_close_to(golden, out, torchs, q.dtype, what)
    wide = torch.float32  # lse has f32 whatever the inputs are
    assert_close_to(golden_lse, aux.lse, torchs_lse, wide, f"lse of {what}")
    plain = flexion.flex_attention(q, k, v, score_mod, block_mask, **options)
    assert torch.equal(plain, out)
    return out


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", score_mods())
def test_score_mods(name, dtype):
    check(*inputs(Hq=8, L=60, E=16, dtype=dtype), score_mods()[name], what=name)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", mask_mods())
def test_mask_mods(name, dtype):
    q, k, v = inputs(Hq=8, L=100, E=16, dtype=dtype)
    mask_mod = mask_mods()[name]
    block_mask = flexion.create_block_mask(mask_mod, 2, 8, 100, 100, BLOCK_SIZE=32)
    check(q, k, v, None, block_mask, what=name)


@pytest.mark.parametrize("size", [32, 128, 256, (128, 256), (256, 128), (96, 48)], ids=str)
def test_block_sizes(size):
    q, k, v = inputs(L=200)
    for name in ("causal", "causal_document", "dense_table"):
        block_mask = flexion.create_block_mask(mask_mods()[name], 1, 1, 200, 200, BLOCK_SIZE=size)
        check(q, k, v, score_mods()["rel_bias"], block_mask, what=name)


@pytest.mark.parametrize("L, S", [(1, 1), (1, 200), (3, 77), (128, 65), (65, 200), (200, 31)])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_lengths(L, S, dtype):
    q, k, v = inputs(Hq=8, L=L, S=S, dtype=dtype)
    check(q, k, v, score_mods()["alibi"])
    check(q, k, v, None, flexion.create_block_mask(mask_mods()["offset"], None, None, L, S))


@pytest.mark.parametrize(
    "E, Ev", [(17, 17), (24, 24), (94, 94), (121, 121), (16, 48), (64, 8), (1, 1)]
)
def test_head_dims(E, Ev):
    q, k, v = inputs(L=65, E=E, Ev=Ev)
    check(q, k, v, score_mods()["rel_causal"])
    check(*inputs(L=65, E=E, Ev=Ev, dtype=torch.bfloat16), score_mods()["softcap"])


@pytest.mark.parametrize("Hq, Hkv", [(4, 2), (8, 1), (6, 2), (4, 4)])
def test_grouped_heads(Hq, Hkv):
    q, k, v = inputs(Hq=Hq, Hkv=Hkv, L=100)
    check(q, k, v, score_mods()["per_head"], enable_gqa=True)
    block_mask = flexion.create_block_mask(mask_mods()["head_window"], None, Hq, 100, 100)
    check(q, k, v, None, block_mask, enable_gqa=True)


def test_keys_of_one_batch():
    q, k, v = inputs(B=4, Bkv=1, L=100)
    for name in ("causal", "batch_document"):
        check(q, k, v, None, flexion.create_block_mask(mask_mods()[name], 4, None, 100, 100))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_strides(dtype):
    base = torch.randn(2, 70, 3, 4, 32).to(dtype)
    q, k, v = (base[:, :, i].transpose(1, 2) for i in range(3))  # (B, H, L, E) of (B, L, 3, H, E)
    out = check(q, k, v, score_mods()["causal"])
    assert out.stride() == (70 * 4 * 32, 32, 4 * 32, 1)  # dense, in query's order
    wide = torch.randn(2, 4, 70, 64).to(dtype)
    check(wide[..., ::2], wide[..., 1::2], wide[..., :32], score_mods()["rel_bias"])
    check(q.transpose(2, 3).contiguous().transpose(2, 3), k, v)
    offset = torch.randn(10_000).as_strided((1, 2, 20, 16), (3000, 1000, 17, 1), 5).to(dtype)
    check(offset, offset, offset)


@pytest.mark.parametrize(
    "order", [(0, 1, 2, 3), (0, 2, 1, 3), (1, 0, 2, 3), (2, 1, 0, 3), (2, 0, 1, 3)]
)
def test_stride_order_of_the_output(order):
    shape = [3, 4, 50, 16]
    q = torch.randn([shape[d] for d in order]).permute([order.index(d) for d in range(4)])
    out = flexion.flex_attention(q, q, q)
    assert out.shape == q.shape and out.stride() == q.stride()


def test_last_dimension_of_the_output_is_innermost():
    q = torch.randn(3, 16, 4, 50).permute(2, 0, 3, 1)  # of (head, batch, length, embedding)
    out = flexion.flex_attention(q, q, q)
    assert out.shape == (4, 3, 50, 16)
    order = torch_strides(out, q.stride())
    assert out.stride() == order.stride() and out.stride(-1) == 1


def test_same_tensor_thrice_and_scale():
    q = torch.randn(1, 2, 90, 32)
    check(q, q, q, score_mods()["squared"], scale=0.3)
    check(q, q, q, scale=1.0)
    check(q, q, q, scale=0.0)
    check(q, q, q, scale=-0.5)


def test_f64():
    q, k, v = doubled(inputs(Hq=8))
    out, (lse, _) = flexion.flex_attention(
        q, k, v, score_mods()["alibi"], return_aux=flexion.AuxRequest(lse=True)
    )
    golden, golden_lse, _ = dense(q, k, v, score_mods()["identity"])
    slopes_mod = score_mods()["times_two"]
    ours = flexion.flex_attention(q, k, v, slopes_mod)
    torch.testing.assert_close(ours, dense(q, k, v, slopes_mod)[0], rtol=1e-12, atol=1e-12)
    assert lse.dtype == out.dtype == torch.float64


def test_aux():
    q, k, v = inputs(Hq=8)
    mod = score_mods()["alibi"]
    request = flexion.AuxRequest
    golden, golden_lse, golden_max = dense(q, k, v, mod)
    out, aux = flexion.flex_attention(q, k, v, mod, return_aux=request(lse=True, max_scores=True))
    assert aux.lse.shape == (2, 8, 96) and aux.lse.dtype == aux.max_scores.dtype == torch.float32
    torch.testing.assert_close(aux.lse, golden_lse, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(aux.max_scores, golden_max, rtol=1e-5, atol=1e-5)
    for asked in (request(), request(lse=True), request(max_scores=True)):
        again, partial = flexion.flex_attention(q, k, v, mod, return_aux=asked)
        assert torch.equal(again, out)
        assert (partial.lse is None) == (not asked.lse)
        assert (partial.max_scores is None) == (not asked.max_scores)
    legacy = flexion.flex_attention(q, k, v, mod, return_lse=True)
    assert torch.equal(legacy[1], aux.lse) and torch.equal(legacy[0], out)


def test_mixed_dtypes():
    q, k, v = inputs()
    for low in (torch.bfloat16, torch.float16):
        out = flexion.flex_attention(q, k.to(low), v.to(low))
        expected = flexion.flex_attention(q, k.to(low).float(), v.to(low).float())
        assert out.dtype == torch.float32 and torch.equal(out, expected)
    out = flexion.flex_attention(q.half(), k, v)
    assert out.dtype == torch.float16


def test_autocast():
    q, k, v = inputs()
    with torch.autocast("cpu", dtype=torch.float16):
        out = flexion.flex_attention(q.half(), k, v)
    assert out.dtype == torch.float16
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = flexion.flex_attention(q, k, v)
    assert out.dtype == torch.bfloat16
    expected = flexion.flex_attention(q.bfloat16(), k.bfloat16(), v.bfloat16())
    assert torch.equal(out, expected)


def test_several_calls_and_modes():
    q, k, v = inputs()
    mod, block_mask = (
        score_mods()["softcap"],
        flexion.create_block_mask(mask_mods()["causal"], None, None, 96, 96),
    )
    expected = flexion.flex_attention(q, k, v, mod, block_mask)
    with torch.inference_mode():
        assert torch.equal(flexion.flex_attention(q, k, v, mod, block_mask), expected)
    with torch.no_grad(), torch.device("cpu"):
        assert torch.equal(flexion.flex_attention(q, k, v, mod, block_mask), expected)
    parameter = torch.nn.Parameter(q)
    assert torch.equal(flexion.flex_attention(parameter, k, v, mod, block_mask), expected)
    neg = torch._neg_view(-q)
    assert torch.equal(flexion.flex_attention(neg, k, v, mod, block_mask), expected)


def test_many_heads():
    q = torch.randn(22720, 3, 2, 4)
    out = flexion.flex_attention(q, q, q)
    expected = torch.nn.functional.scaled_dot_product_attention(q, q, q)
    torch.testing.assert_close(out, expected, rtol=1e-5, atol=1e-5)

# SPDX-License-Identifier: Apache-2.0
"""Dense attention by torch's eager definition, with gradients, and the reference's metric."""

import math

import torch
from torch._higher_order_ops.flex_attention import math_attention, sdpa_dense_backward
from torch.nn.attention.flex_attention import _identity, noop_mask

DTYPES = [torch.float32, torch.bfloat16, torch.float16]


def dense(query, key, value, score_mod=None, mask_mod=None, scale=None):
    """(out, lse, max_scores) of [B, H, S, S] scores, differentiable."""
    scale = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    mods = (score_mod or _identity, (mask_mod or noop_mask,))
    out, lse, max_scores = math_attention(query, key, value, *mods, scale, {}, (), ())
    return out, lse * math.log(2), max_scores * math.log(2)


def dense_backward(query, key, value, d_out, d_lse, score_mod=None, mask_mod=None):
    """(d_query, d_key, d_value) of torch's eager backward pass, which takes the rounded output."""
    score_mod = score_mod or _identity
    masks, scale = (mask_mod or noop_mask,), 1 / math.sqrt(query.shape[-1])
    with torch.no_grad():
        out, lse2, _ = math_attention(query, key, value, score_mod, masks, scale, {}, (), ())

        def joint(score, b, h, q, k, gradient):
            _, vjp = torch.func.vjp(lambda s: score_mod(s, b, h, q, k), score)
            return [vjp(gradient)[0], None, None, None, None]

        d_lse2 = None if d_lse is None else d_lse * math.log(2)
        return sdpa_dense_backward(
            query, key, value, out, lse2, d_out, d_lse2, score_mod, joint, masks, scale, {}, (), ()
        )[:3]


def gridded(query, key, value, score_mod):
    """The output with score_mod called once on grids of indices: gathers have gradients that
    torch's vmapped definition does not."""
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    index = torch.meshgrid(*map(torch.arange, scores.shape), indexing="ij")
    return score_mod(scores, *index).softmax(-1) @ value


def mean_error(x, golden):
    """Mean |x - golden|; positions where both are the same infinity count as equal."""
    x, golden = x.detach().double(), golden.detach().double()
    return torch.where(x == golden, 0.0, x - golden).abs().mean().item()


def assert_close_to(golden, ours, torchs, dtype, what="out"):
    """Our mean error is at most 1.1 times torch's in 16 bits, 10 times in f32. Torch's error of a
    few sums can be far below their rounding by luck, which is then the measure in f32."""
    assert ours.shape == golden.shape, (what, ours.shape, golden.shape)
    factor = 10 if dtype == torch.float32 else 1.1
    error, reference = mean_error(ours, golden), mean_error(torchs, golden)
    few = dtype == torch.float32 and golden.numel() < 64
    rounding = torch.finfo(dtype).eps * golden.abs().mean().item() if few else 0
    assert error <= factor * max(reference, rounding) + 1e-7, (what, dtype, error, reference)


def inputs(B=2, Hq=4, L=96, E=32, *, Hkv=None, S=None, Ev=None, Bkv=None, dtype=torch.float32):
    """query, key, value of normal numbers."""
    Hkv, S, Ev, Bkv = Hkv or Hq, S or L, Ev or E, Bkv or B
    shapes = ((B, Hq, L, E), (Bkv, Hkv, S, E), (Bkv, Hkv, S, Ev))
    return [torch.randn(shape, dtype=torch.float32).to(dtype) for shape in shapes]


def doubled(tensors):
    return [each.double() for each in tensors]

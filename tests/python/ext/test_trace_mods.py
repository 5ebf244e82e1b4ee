# SPDX-License-Identifier: Apache-2.0
"""Mods of every form: the kernels give what torch's own evaluation of the same callable gives."""
import functools
import math
import operator
import types

import numpy as np
import pytest

torch = pytest.importorskip("torch")
import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402
from torch._dynamo._trace_wrapped_higher_order_op import TransformGetItemToIndex  # noqa: E402
from torch.nn.attention.flex_attention import (  # noqa: E402
    _vmap_for_bhqkv, and_masks, noop_mask, or_masks)

from flexion import _C  # noqa: E402

B, H, Q, K, D = 2, 4, 12, 13, 8
torch.manual_seed(0)
slopes = torch.rand(H)
slopes16 = slopes.bfloat16()
doc = torch.arange(16) // 5
block = torch.tensor([2, 3, 4, 5])
bias4 = torch.randn(B, H, Q, K)
bias3 = torch.randn(H, Q, K)
table = torch.randn(2 * K)
ints = torch.randint(0, 3, (K,), dtype=torch.int8)
flags = torch.arange(K) % 3 == 0
scale0 = torch.tensor(1.7)
shift0 = torch.tensor(3)
par = nn.Parameter(torch.rand(H))
qv, kv = torch.randn(Q, 3), torch.randn(K, 3)
coords = torch.stack([torch.arange(K) // 4, torch.arange(K) % 4], 1)
window, cap, factor = 5, 20.0, 3


class Module(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.rand(H))
        self.emb = nn.Embedding(2 * K, H)
        self.cap = 7.0
        self.radius = torch.tensor(4)

    def forward(self, s, b, h, q, k):
        return self.cap * torch.tanh((s + self.w[h]) / self.cap)

    def relative(self, s, b, h, q, k):
        return s + self.emb.weight[torch.clamp(k - q + K, 0, 2 * K - 1), h]

    def embedded(self, s, b, h, q, k):
        return s + self.emb(k - q + K)[h]

    def near(self, b, h, q, k):
        return (q - k).abs() <= self.radius


class Window:
    def __init__(self, width):
        self.width = width

    def __call__(self, b, h, q, k):
        return (q - k).abs() <= self.width


def partial_mod(t, s, b, h, q, k):
    return s * t[h]


module = Module()
causal = lambda b, h, q, k: q >= k  # noqa: E731
document = lambda b, h, q, k: doc[q] == doc[k]  # noqa: E731


def unrolled_loop(s, b, h, q, k):
    for i in range(3):
        s = s + kv[k, i] * qv[q, i]
    return s


SCORES = dict(
    identity=lambda s, b, h, q, k: s,
    alibi=lambda s, b, h, q, k: s + slopes[h] * (k - q),
    softcap=lambda s, b, h, q, k: cap * torch.tanh(s / cap),
    chained=lambda s, b, h, q, k: s + table[doc[q // block[h]]],
    bias4=lambda s, b, h, q, k: s + bias4[b, h, q, k],
    partial_index=lambda s, b, h, q, k: s + bias4[b, h][q, k],
    one_by_one=lambda s, b, h, q, k: s + bias3[h][q][k],
    ellipsis=lambda s, b, h, q, k: s + bias4[b, ..., k][h, q],
    list_index=lambda s, b, h, q, k: s + bias3[0][[q, k]],
    mixed=lambda s, b, h, q, k: s + bias4[0][b, h][q] if False else s + bias4[b][h][q, k],
    relative=lambda s, b, h, q, k: s + table[q - k + K],
    zero_dim=lambda s, b, h, q, k: scale0 * s + shift0,
    parameter=lambda s, b, h, q, k: s * par[h],
    view=lambda s, b, h, q, k: s + slopes.view(2, 2)[h // 2, h % 2],
    slice=lambda s, b, h, q, k: s + bias3[:, 1:][h, 0, k],
    slice_inside=lambda s, b, h, q, k: s + bias3[h, 2:][0, k],
    strided=lambda s, b, h, q, k: s + bias3.transpose(1, 2)[h, k, q],
    where=lambda s, b, h, q, k: torch.where(q >= k, s, -float("inf")),
    where_method=lambda s, b, h, q, k: s.where(q >= k, -math.inf),
    functions=lambda s, b, h, q, k: torch.maximum(s, slopes[h]).clamp(max=2).abs().exp().log()
    .sigmoid() + torch.pow(s, 2) + s**3,
    floor=lambda s, b, h, q, k: torch.where(torch.floor_divide(q, 3) == torch.remainder(k, 3), s,
                                            0.0),
    convert=lambda s, b, h, q, k: s.to(torch.float32) + q.float() * 0.5 + (k % 2 == 0).to(s.dtype),
    flag_to=lambda s, b, h, q, k: s + flags[k].to(s.dtype),
    add_bool=lambda s, b, h, q, k: s + flags[k],
    small_ints=lambda s, b, h, q, k: s + ints[k] * ints[k],
    compare_int=lambda s, b, h, q, k: torch.where(s <= doc[k], s, s * 0.5),
    module=module,
    method=module.relative,
    embedding=module.embedded,
    partial=functools.partial(partial_mod, slopes),
    partial_keyword=functools.partial(lambda s, b, h, q, k, t: s * t[h], t=slopes),
    numpy_number=lambda s, b, h, q, k: np.float32(2.5) * s + np.int64(2),
    dot=lambda s, b, h, q, k: s + torch.dot(qv[q], kv[k]),
    reduction=lambda s, b, h, q, k: s + (qv[q] * kv[k]).sum(-1),
    weights=lambda s, b, h, q, k: s + (qv[q] * torch.tensor([0.5, 1.0, 2.0])).sum(),
    amax=lambda s, b, h, q, k: s + (qv[q] - kv[k]).abs().amax(-1) + (qv[q] - kv[k]).square().mean(),
    distance=lambda s, b, h, q, k: s - (coords[q] - coords[k]).abs().sum(-1),
    stack=lambda s, b, h, q, k: s + torch.stack([q, k]).sum() * 0.1,
    loop=unrolled_loop,
    silu=lambda s, b, h, q, k: F.silu(s) + s.sigmoid() + F.relu(s) + F.gelu(s)
    + F.gelu(s, approximate="tanh") + F.softplus(s, beta=2) + F.leaky_relu(s, 0.1) + F.elu(s),
    more=lambda s, b, h, q, k: torch.log1p(s.abs()) + torch.expm1(s * 0.1) + torch.rsqrt(s * s + 1)
    + torch.special.expit(s) + torch.sign(s) + s.round() + s.trunc() + torch.lerp(s, s * 2, 0.25),
    new=lambda s, b, h, q, k: s + torch.full_like(s, 2) + s.new_zeros(()) + h.new_ones(h.shape),
    idx_div=lambda s, b, h, q, k: s + q / 4 + torch.tan(b) + q.abs(),
    exp2=lambda s, b, h, q, k: s * torch.exp2(-((h + 1) * 8.0 / H)),
    derived=lambda s, b, h, q, k: s + torch.exp(par)[h],
    negative_index=lambda s, b, h, q, k: s + bias3[-1][q, k] + table[-1 - k],
    bool_times=lambda s, b, h, q, k: s + (q == k) * 3,
    alpha=lambda s, b, h, q, k: torch.add(s, k - q, alpha=0.25),
    aten=lambda s, b, h, q, k: torch.ops.aten.add.Tensor(s, torch.ops.aten.mul(s, 2.0)),
    reflected=lambda s, b, h, q, k: 2 - s + 2 * s + 1 / (s.abs() + 1) + (2 ** h) + 7 % (k + 1)
    + 7 // (k + 1),
    tensor_first=lambda s, b, h, q, k: s + shift0 // (k + 1) + (shift0 & k) + (shift0 % (q + 1)),
    inplace_name=lambda s, b, h, q, k: operator.iadd(s, slopes[h]),
    shifts=lambda s, b, h, q, k: s + (q << 1) + (k >> 1) + (q ^ k) + (~q),
    isfinite=lambda s, b, h, q, k: torch.where(torch.isfinite(s), s, 0.0),
    unpack=lambda s, b, h, q, k: s + (lambda y, x: y * 0.1 + x)(*coords[k]),
    item_of_zero_dim=lambda s, b, h, q, k: s * scale0.item(),
)

MASKS = dict(
    causal=causal,
    document=document,
    both=and_masks(causal, document),
    either=or_masks(causal, and_masks(document, Window(3))),
    noop=noop_mask,
    window=Window(4),
    module=module.near,
    operators=lambda b, h, q, k: ~((q < k) | (q - k > window)) & (b >= 0),
    xor=lambda b, h, q, k: (q < k) ^ (k < 3),
    dilated=lambda b, h, q, k: (q >= k) & ((q - k) % 2 == 0),
    logical=lambda b, h, q, k: torch.logical_and(q >= k, torch.logical_not(k == 0)),
    prefix=lambda b, h, q, k: (k < 4) | (q >= k),
    shift=lambda b, h, q, k: (q >> 1) >= (k >> 1),
    true=lambda b, h, q, k: torch.ones_like(q, dtype=torch.bool),
    flags=lambda b, h, q, k: flags[k],
    per_head=lambda b, h, q, k: q - k < block[h],
    compare_float=lambda b, h, q, k: bias4[b, h, q, k] > 0,
)


def dense(mod, is_mask):
    """The callable on all positions, by torch's own vmap."""
    positions = [torch.arange(n) for n in (B, H, Q, K)]
    with TransformGetItemToIndex():
        if is_mask:
            return _vmap_for_bhqkv(mod, prefix=())(*positions)
        score = torch.linspace(-3, 3, B * H * Q * K).reshape(B, H, Q, K)
        return _vmap_for_bhqkv(mod, prefix=(0,))(score, *positions).broadcast_to(B, H, Q, K)


def scores_of(mod):
    """The same through a kernel: values that are one-hot in k, one key at a time unmasked."""
    score = torch.linspace(-3, 3, B * H * Q * K).reshape(B, H, Q, K)
    # q = row of the wanted scores, k = unit vectors: q . k is the score itself.
    query = torch.zeros(B, H, Q, K)
    query[:] = score
    key = torch.eye(K).expand(B, H, K, K)
    value = torch.ones(B, H, K, 1)
    rows = []
    for k in range(K):
        only = _C.BlockMaskCore.create(lambda b, h, q, kv: kv == k, None, None, Q, K)
        call = _C.prepare(query, key, value, mod, only, lambda b, h, q, kv: kv == k, scale=1.0,
                          want_lse=True)
        rows.append(call.run()[1])
    return torch.stack(rows, -1)


@pytest.mark.parametrize("name", SCORES)
def test_score_mods(name):
    mod = SCORES[name]
    expected = dense(mod, False).detach().float()
    torch.testing.assert_close(scores_of(mod), expected, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("name", MASKS)
def test_mask_mods(name):
    mod = MASKS[name]
    expected = dense(mod, True).broadcast_to(B, H, Q, K)
    assert torch.equal(_C.create_mask(mod, B, H, Q, K), expected)


def test_products_with_16_bit_captures_are_not_rounded():
    """Eager torch rounds bf16 * int to bf16; compiled torch and Flexion compute in f32."""
    mod = lambda s, b, h, q, k: s + slopes16[h] * (q - k)  # noqa: E731
    exact = lambda s, b, h, q, k: s + slopes16.float()[h] * (q - k)  # noqa: E731
    torch.testing.assert_close(scores_of(mod), dense(exact, False), rtol=1e-6, atol=1e-6)


def test_scores_of_f64_problems_are_f64():
    traced = _C.trace_score_mod(lambda s, b, h, q, k: s * scale0 + 0.1, f64=True)
    assert "%s: f64" in traced.text


def test_a_flag_that_flips_is_seen_at_each_call():
    state = types.SimpleNamespace(flag=True)
    mod = lambda s, b, h, q, k: s + 1 if state.flag else s - 1  # noqa: E731
    first = scores_of(mod)
    state.flag = False
    torch.testing.assert_close(first - scores_of(mod), torch.full_like(first, 2.0))

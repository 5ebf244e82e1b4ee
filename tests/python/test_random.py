# SPDX-License-Identifier: Apache-2.0
"""Random shapes, strides, dtypes and mods against torch's eager definition."""

import torch
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

import conftest
import flexion
from reference import dense

OPTIONS = settings(
    max_examples=40,
    deadline=None,
    database=None,
    phases=[Phase.generate],  # shrinking takes minutes; the seed of a failure is printed
    suppress_health_check=list(HealthCheck),
)
LENGTHS = st.integers(1, 70)


@st.composite
def tensors(draw):
    """query, key, value with any order of strides, steps and offsets."""
    B, Hkv = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    Hq = Hkv * draw(st.integers(1, 3))
    L, S, E, Ev = draw(LENGTHS), draw(LENGTHS), draw(st.integers(1, 40)), draw(st.integers(1, 40))
    dtype = draw(st.sampled_from([torch.float32, torch.bfloat16, torch.float16, torch.float64]))
    order = draw(st.permutations(range(4)))
    step = draw(st.sampled_from([1, 1, 2]))

    def make(*shape):
        wide = torch.randn([shape[d] * (step if d == 2 else 1) + 1 for d in order])
        x = wide.permute([order.index(d) for d in range(4)])[:-1, :-1, 1::step, 1:]
        return x[:, :, : shape[2]].to(dtype)

    return make(B, Hq, L, E), make(B, Hkv, S, E), make(B, Hkv, S, Ev)


LEAVES = [
    lambda s, b, h, q, k: s,
    lambda s, b, h, q, k: q - k,
    lambda s, b, h, q, k: (k % 7) * 0.25,
    lambda s, b, h, q, k: h + b * 2,
    lambda s, b, h, q, k: s * 0.5 - 1.0,
    lambda s, b, h, q, k: q // 5,
]


@st.composite
def expressions(draw, depth):
    """A random expression of the arguments of a score_mod, as a function of them."""
    if depth == 0:
        return draw(st.sampled_from(LEAVES))
    x, y = draw(expressions(depth - 1)), draw(expressions(depth - 1))
    c = draw(st.floats(-3, 3, width=16))
    nodes = [
        lambda *a: x(*a) + y(*a),
        lambda *a: x(*a) - y(*a) * c,
        lambda *a: torch.where(a[3] >= a[4], x(*a), y(*a)),
        lambda *a: torch.tanh(x(*a) * 0.3) * 2,
        lambda *a: torch.sigmoid(y(*a) * 1.0) + c,
        lambda *a: (x(*a) * 1.0).clamp(-4, 4),
        lambda *a: torch.abs(x(*a) - c) * -0.5,
    ]
    return draw(st.sampled_from(nodes))


@st.composite
def score_mods(draw):
    inner = draw(expressions(draw(st.integers(0, 3))))
    return lambda s, b, h, q, k: s + inner(s, b, h, q, k) * 0.1


@st.composite
def mask_mods(draw):
    w, m = draw(st.integers(0, 30)), draw(st.integers(1, 5))
    kinds = [
        lambda b, h, q, k: q >= k,
        lambda b, h, q, k: (q - k).abs() <= w,
        lambda b, h, q, k: (q + k) % m == 0,
        lambda b, h, q, k: k <= w,
        lambda b, h, q, k: (h % m == 0) | (k < q),
        lambda b, h, q, k: k + b > w // 4,
    ]
    x, y = draw(st.sampled_from(kinds)), draw(st.sampled_from(kinds))
    return draw(st.sampled_from([x, flexion.and_masks(x, y), flexion.or_masks(x, y)]))


@OPTIONS
@seed(conftest.SEED)
@given(tensors(), score_mods(), st.none() | mask_mods(), st.sampled_from([8, 16, 32, 128]))
def test_forward_and_backward(qkv, score_mod, mask_mod, size):
    torch.manual_seed(conftest.SEED)
    q, k, v = qkv
    block_mask = None
    if mask_mod is not None:
        shape = (q.shape[0], q.shape[1], q.shape[2], k.shape[2])
        block_mask = flexion.create_block_mask(mask_mod, *shape, BLOCK_SIZE=size)
    leaves = [x.detach().requires_grad_() for x in (q, k, v)]
    out = flexion.flex_attention(*leaves, score_mod, block_mask, enable_gqa=True)
    d_out = torch.randn(out.shape)
    mine = torch.autograd.grad(out, leaves, d_out.to(out.dtype))
    wide = [x.detach().double().requires_grad_() for x in (q, k, v)]
    golden = dense(*wide, score_mod, mask_mod)[0]
    expected = torch.autograd.grad(golden, wide, d_out.to(out.dtype).double())
    # torch computes with indices in f32, whatever the scores are
    tolerance = {torch.float64: 1e-5, torch.float32: 1e-3}.get(q.dtype, 6e-2)
    for a, b in zip((out, *mine), (golden, *expected)):
        scale = 1 + b.abs().max().item()
        torch.testing.assert_close(a.double() / scale, b / scale, rtol=0, atol=tolerance)

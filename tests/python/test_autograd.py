# SPDX-License-Identifier: Apache-2.0
"""Gradients: of query, key, value and captured tensors, and autograd's own rules."""

import functools

import pytest
import torch
from torch.autograd import forward_ad
from torch.utils.checkpoint import checkpoint

import flexion
from reference import DTYPES, assert_close_to, dense, dense_backward, doubled, gridded, inputs
from variants import mask_mods, score_mods

SMOOTH = ["identity", "times_two", "squared", "rel_causal", "alibi", "softcap", "table", "relative",
          "per_head", "silu", "gate", "integer_ops", "reduction", "methods", "view"]  # fmt: skip


def leaves(tensors):
    return [each.detach().clone().requires_grad_() for each in tensors]


def gradients(function, tensors, d_out, d_lse=None):
    out, lse, *_ = function(*tensors)
    loss = (out * d_out.to(out.dtype)).sum()
    if d_lse is not None:
        loss = loss + (torch.where(lse.isneginf(), 0.0, lse) * d_lse.to(lse.dtype)).sum()
    return torch.autograd.grad(loss, tensors)


def ours(score_mod=None, block_mask=None, **options):
    def function(q, k, v):
        out, aux = flexion.flex_attention(
            q, k, v, score_mod, block_mask, return_aux=flexion.AuxRequest(lse=True), **options
        )
        return out, aux.lse

    return function


def check(tensors, score_mod=None, block_mask=None, with_lse=True, **options):
    mask_mod = block_mask.mask_mod if block_mask is not None else None
    d_out = torch.randn(*tensors[0].shape[:-1], tensors[2].shape[-1])
    d_lse = torch.randn(tensors[0].shape[:-1]) if with_lse else None
    d_out = d_out.to(tensors[0].dtype).to(torch.float32)
    reference = functools.partial(dense, score_mod=score_mod, mask_mod=mask_mod)
    golden = gradients(reference, leaves(doubled(tensors)), d_out, d_lse)
    low = d_out.to(tensors[0].dtype)
    torchs = dense_backward(*tensors, low, d_lse, score_mod, mask_mod)
    mine = gradients(ours(score_mod, block_mask, **options), leaves(tensors), d_out, d_lse)
    for name, *triple in zip("qkv", golden, mine, torchs):
        assert_close_to(*triple, tensors[0].dtype, f"d_{name}")


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", SMOOTH)
def test_score_mods(name, dtype):
    check(inputs(Hq=8, L=70, E=16, dtype=dtype), score_mods()[name])


@pytest.mark.parametrize("name", ["causal", "document", "padding", "head_window", "empty", "tree"])
def test_mask_mods(name):
    block_mask = flexion.create_block_mask(mask_mods()[name], 2, 8, 150, 150)
    check(inputs(Hq=8, L=150, E=16), None, block_mask)
    check(inputs(Hq=8, L=150, E=16, dtype=torch.bfloat16), None, block_mask, with_lse=False)


def test_shapes():
    check(inputs(Hq=4, Hkv=2, L=90, E=24, Ev=40), score_mods()["alibi"], enable_gqa=True)
    check(inputs(L=33, S=140), None)
    block_mask = flexion.create_block_mask(mask_mods()["causal"], 4, None, 60, 60)
    check(inputs(B=4, Bkv=1, L=60), None, block_mask)


def test_captured_tensors():
    shapes = {"slopes": (4,), "table": (60, 60), "scale": (), "one": (1,), "gate": (4, 60)}

    def run(attention, tensors, captured, cast, transposed):
        c = {name: cast(x).detach().clone().requires_grad_() for name, x in captured.items()}

        def mod(s, b, h, q, k):
            s = s * c["scale"] + c["slopes"][h] * (k - q) / 60 + c["table"][q, k]
            s = s + transposed(c, q, k)
            return s * torch.sigmoid(c["gate"][h, q]) + c["one"][0] * s

        out = attention(*map(cast, tensors), mod)
        return torch.autograd.grad(out.square().sum(), list(c.values()))

    pair = lambda c, q, k: c["table"][k, q]
    single, double = lambda x: x, lambda x: x.double()
    runs = []
    # Eight draws in one mean: a sum over all scores may cancel by luck, and its error then is many
    # times its size. Small scores: lse is kept in f32, so weights of scores near 100 are off by 32
    # eps in a whole row, which those of a dense softmax are not.
    for _ in range(8):
        drawn = inputs(Hq=4, L=60, E=16), {n: torch.randn(s) / 2 for n, s in shapes.items()}
        golden = run(gridded, *drawn, double, pair)
        torchs = run(gridded, *drawn, single, pair)
        mine = run(flexion.flex_attention, *drawn, single, lambda c, q, k: c["table"][k][q])
        assert all(each.dtype == torch.float32 for each in mine)
        runs.append((golden, mine, torchs))
    for index, name in enumerate(shapes):
        triple = [torch.stack([run[which][index] for run in runs]) for which in range(3)]
        assert_close_to(*triple, torch.float32, name)


def test_captures_of_lower_precision_and_views():
    q, k, v = doubled(inputs(L=40))
    bias = torch.randn(40, dtype=torch.bfloat16, requires_grad=True)
    base = torch.randn(40, 6, requires_grad=True)

    def mod(s, b, h, q, k):
        return s + bias[k] + torch.exp(base)[q, 3] * base[:, 2][k]

    flexion.flex_attention(q, k, v, mod).square().sum().backward()
    mine = bias.grad, base.grad
    assert mine[0].dtype == torch.bfloat16 and mine[1].dtype == torch.float32
    bias.grad = base.grad = None
    dense(q, k, v, mod)[0].square().sum().backward()
    torch.testing.assert_close(mine[0], bias.grad, rtol=2e-2, atol=1e-2)
    torch.testing.assert_close(mine[1], base.grad, rtol=1e-4, atol=1e-4)


def test_bias_constant_along_rows_gets_noise_only():
    q, k, v = inputs(L=100)
    bias = torch.randn(100, requires_grad=True)
    flexion.flex_attention(q, k, v, lambda s, b, h, q, k: s + bias[q]).sum().backward()
    assert bias.grad.abs().max() < 1e-4


def test_only_what_is_needed():
    q, k, v = inputs(L=50)
    table = torch.randn(50, requires_grad=True)
    mod = lambda s, b, h, q, k: s + table[k]
    flexion.flex_attention(q, k, v, mod).sum().backward()
    assert table.grad is not None and q.grad is None
    q.requires_grad_()
    out = flexion.flex_attention(q, k, v)
    out.sum().backward()
    assert q.grad is not None and k.grad is None and v.grad is None
    with torch.no_grad():
        assert not flexion.flex_attention(q, k, v, mod).requires_grad
    frozen = flexion.flex_attention(q.detach(), k, v)
    assert not frozen.requires_grad


def test_lse_alone_and_max_scores():
    q, k, v = leaves(inputs(L=50))
    request = flexion.AuxRequest(lse=True, max_scores=True)
    out, aux = flexion.flex_attention(q, k, v, return_aux=request)
    assert aux.lse.requires_grad and not aux.max_scores.requires_grad
    d_q, d_v = torch.autograd.grad(aux.lse.sum(), [q, v], allow_unused=True)
    expected = torch.autograd.grad(dense(q, k, v)[1].sum(), q)[0]
    torch.testing.assert_close(d_q, expected, rtol=1e-4, atol=1e-5)
    assert d_v is None or (d_v == 0).all()


def test_gradcheck():
    q, k, v = leaves(doubled(inputs(B=2, Hq=2, L=11, E=4)))
    bias = torch.randn(2, 11, dtype=torch.float64, requires_grad=True)
    block_mask = flexion.create_block_mask(lambda b, h, q, k: q >= k, None, None, 11, 11)

    def function(q, k, v, bias):
        mod = lambda s, b, h, q, k: torch.tanh(s) * 2 + bias[h, k] * bias[h, q]
        request = flexion.AuxRequest(lse=True)
        out, aux = flexion.flex_attention(q, k, v, mod, block_mask, return_aux=request)
        return out, aux.lse

    assert torch.autograd.gradcheck(function, (q, k, v, bias), fast_mode=True)


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (0, 2, 1, 3), (2, 1, 0, 3)])
def test_stride_order_of_gradients(order):
    shape = [2, 4, 30, 16]
    make = lambda: torch.randn([shape[d] for d in order]).permute(
        [order.index(d) for d in range(4)]
    )
    q, k, v = leaves([make(), make(), make()])
    q, k, v = (
        x.detach().as_strided(x.shape, x.stride()).requires_grad_()
        for x in (make(), make(), make())
    )
    d_out = torch.randn(2, 30, 4, 16).transpose(1, 2)
    flexion.flex_attention(q, k, v).backward(d_out)
    for x in (q, k, v):
        assert x.grad.stride() == x.stride()


def test_one_tensor_as_query_key_and_value():
    (x,) = leaves([torch.randn(1, 2, 40, 16)])
    (mine,) = torch.autograd.grad(flexion.flex_attention(x, x, x).square().sum(), x)
    (expected,) = torch.autograd.grad(dense(x, x, x)[0].square().sum(), x)
    torch.testing.assert_close(mine, expected, rtol=1e-4, atol=1e-4)


def test_several_calls_and_retain_graph():
    q, k, v = leaves(inputs(L=50))
    block_mask = flexion.create_block_mask(lambda b, h, q, k: q >= k, None, None, 50, 50)

    def two(attention):
        x = attention(q, k, v, score_mods()["softcap"])
        return attention(x + q, k * 2, x).square().sum()

    loss = two(flexion.flex_attention)
    first = torch.autograd.grad(loss, [q, k, v], retain_graph=True)
    again = torch.autograd.grad(loss, [q, k, v])
    expected = torch.autograd.grad(two(lambda *a: dense(*a)[0]), [q, k, v])
    for a, b, c in zip(first, again, expected):
        assert torch.equal(a, b)
        torch.testing.assert_close(a, c, rtol=1e-3, atol=1e-4)
    with pytest.raises(RuntimeError, match="second time"):
        torch.autograd.grad(loss, q)
    assert flexion.flex_attention(q, k, v, None, block_mask).requires_grad


def test_writes_between_forward_and_backward_are_noticed():
    q, k, v = leaves(inputs(L=30))
    bias, document = torch.randn(30), torch.arange(30) // 7
    block_mask = flexion.create_block_mask(
        lambda b, h, q, k: document[q] == document[k], None, None, 30, 30
    )
    for captured in (bias, document):
        out = flexion.flex_attention(q, k, v, lambda s, b, h, q, k: s + bias[k], block_mask)
        captured.add_(1)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            out.sum().backward()


def test_double_backward_is_refused():
    q, k, v = leaves(inputs(L=30))
    out = flexion.flex_attention(q, k, v)
    (d_q,) = torch.autograd.grad(out.square().sum(), q, create_graph=True)
    with pytest.raises(RuntimeError, match="double backward is not supported"):
        d_q.sum().backward()


@pytest.mark.parametrize("which", ["query", "key", "value", "captured"])
def test_tangents_are_refused(which):
    tensors = dict(zip(("query", "key", "value"), inputs(L=30)), captured=torch.randn(30))
    block_mask = flexion.create_block_mask(mask_mods()["causal"], None, None, 30, 30)

    def attention(query, key, value, captured):
        mod = lambda s, b, h, q, k: s + captured[k]
        return flexion.flex_attention(query, key, value, mod, block_mask)

    one = tensors[which]
    function = lambda x: attention(**{**tensors, which: x})
    expected = function(one)
    with forward_ad.dual_level():
        torch.testing.assert_close(function(one), expected)  # without a tangent
        with pytest.raises(NotImplementedError, match="forward-mode differentiation"):
            function(forward_ad.make_dual(one, torch.ones_like(one)))
    with pytest.raises(NotImplementedError, match="forward-mode differentiation"):
        torch.func.jvp(function, (one,), (one,))


@pytest.mark.parametrize("reentrant", [False, True])
def test_checkpointing(reentrant):
    q, k, v = leaves(inputs(L=40))
    bias = torch.randn(40, requires_grad=True)

    def block(q, k, v):
        return flexion.flex_attention(q, k, v, lambda s, b, h, q, k: s + bias[k]) * 2

    expected = torch.autograd.grad(block(q, k, v).square().sum(), [q, k, v])
    loss = checkpoint(block, q, k, v, use_reentrant=reentrant).square().sum()
    loss.backward()
    for x, e in zip((q, k, v), expected):
        assert torch.equal(x.grad, e)
    assert bias.grad is not None


def test_selective_checkpointing_sees_the_operator():
    from torch.utils.checkpoint import CheckpointPolicy, create_selective_checkpoint_contexts

    q, k, v = leaves(inputs(L=40))
    seen = []

    def policy(ctx, op, *args, **kwargs):
        seen.append(str(op))
        save = op is torch.ops.flexion.attention.default
        return CheckpointPolicy.MUST_SAVE if save else CheckpointPolicy.PREFER_RECOMPUTE

    contexts = functools.partial(create_selective_checkpoint_contexts, policy)
    block = lambda q, k, v: flexion.flex_attention(q, k, v, score_mods()["softcap"]).sin()
    loss = checkpoint(block, q, k, v, use_reentrant=False, context_fn=contexts).sum()
    mine = torch.autograd.grad(loss, [q, k, v])
    expected = torch.autograd.grad(block(q, k, v).sum(), [q, k, v])
    assert "flexion.attention.default" in seen
    for a, b in zip(mine, expected):
        torch.testing.assert_close(a, b)


def test_autocast_gradients_have_the_dtype_of_the_leaves():
    q, k, v = leaves(inputs(L=40))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = flexion.flex_attention(q, k, v)
    out.float().sum().backward()
    assert out.dtype == torch.bfloat16 and q.grad.dtype == torch.float32
    expected = torch.autograd.grad(dense(q, k, v)[0].sum(), v)[0]
    torch.testing.assert_close(v.grad, expected, rtol=5e-2, atol=5e-2)


def test_bitwise_equal_from_run_to_run():
    q, k, v = leaves(inputs(L=150))
    bias = torch.randn(150, requires_grad=True)
    runs = []
    for threads in (1, 2, 2):
        torch.set_num_threads(threads)
        out = flexion.flex_attention(q, k, v, lambda s, b, h, q, k: s + bias[k] * bias[q])
        runs.append((out, *torch.autograd.grad(out.square().sum(), [q, k, v, bias])))
    for other in runs[1:]:
        assert all(torch.equal(a, b) for a, b in zip(runs[0], other))

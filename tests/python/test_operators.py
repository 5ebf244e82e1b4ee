# SPDX-License-Identifier: Apache-2.0
"""The operators of torch.library, and the calls that become them."""

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

import flexion
from flexion import operators
from reference import gridded, inputs


def causal(b, h, q, k):
    return q >= k


def arguments(requires_grad, with_tables=False):
    """Of the operator, for a call with a bias, a document mask and grouped heads."""
    q, k, v = inputs(Hq=4, Hkv=2, L=50, E=16)
    bias = torch.randn(4, 50)
    for each in (q, k, v, bias):
        each.requires_grad_(requires_grad)
    document = torch.arange(50) // 20
    block_mask = flexion.create_block_mask(
        lambda b, h, q, k: (document[q] == document[k]) & (q > 3), 1, None, 50, 50, BLOCK_SIZE=16
    )
    if with_tables:
        block_mask = flexion.BlockMask.from_kv_blocks(
            *(getattr(block_mask, name) for name in operators.KV), 16, block_mask.mask_mod, (50, 50)
        )
    score = flexion._C.trace_score_mod(lambda s, b, h, q, k: torch.tanh(s) + bias[h, k] * 2.5)
    mask = flexion._C.trace_mask_mod(block_mask.mask_mod)
    mods = (score, mask, score.captured, mask.captured)
    spec, captured = operators._spec(*mods, block_mask, 0.25, True, True)
    return (q, k, v, *spec.mods(captured), True)


@pytest.mark.parametrize("with_tables", [False, True])
@pytest.mark.parametrize("requires_grad", [False, True])
def test_opcheck(requires_grad, with_tables):
    torch.library.opcheck(
        torch.ops.flexion.attention.default, arguments(requires_grad, with_tables)
    )


def test_opcheck_of_backward():
    q, k, v, *mods, want = arguments(False)
    out, lse, _ = torch.ops.flexion.attention(q, k, v, *mods, want)
    d_out, d_lse = torch.randn_like(out), torch.randn_like(lse)
    for d in ((d_out, d_lse), (d_out, None)):
        torch.library.opcheck(
            torch.ops.flexion.attention_backward.default,
            (q, k, v, out, lse, *d, *mods, [True, False, True, True]),
        )


def test_fake_and_meta_tensors():
    bias = torch.randn(4, 50)
    with FakeTensorMode() as mode:
        base = mode.from_tensor(torch.randn(2, 50, 4, 16))
        q = base.transpose(1, 2)
        fake_bias = mode.from_tensor(bias)
        block_mask = flexion.create_block_mask(causal, None, None, 50, 50, "cpu")
        out, aux = flexion.flex_attention(
            q, q, q, lambda s, b, h, q, k: s + fake_bias[h, k], block_mask,
            return_aux=flexion.AuxRequest(True, True),
        )  # fmt: skip
    assert out.shape == (2, 4, 50, 16) and out.stride() == q.stride()
    assert aux.lse.shape == aux.max_scores.shape == (2, 4, 50) and aux.lse.dtype == torch.float32
    meta = torch.empty(2, 4, 50, 16, device="meta")
    assert flexion.flex_attention(meta, meta, meta).device.type == "meta"


def test_func_grad_and_vmap():
    q, k, v = inputs(B=1, Hq=2, L=30)
    bias = torch.randn(30)

    def loss(attention):
        def function(q, bias):
            return attention(q, k, v, lambda s, b, h, q, k: s + bias[k] * bias[q]).square().sum()

        return function

    mine = torch.func.grad(loss(flexion.flex_attention), argnums=(0, 1))(q, bias)
    expected = torch.func.grad(loss(gridded), argnums=(0, 1))(q, bias)
    for a, b in zip(mine, expected):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-4)

    many = torch.randn(3, *q.shape)
    out = torch.func.vmap(lambda q: flexion.flex_attention(q, k, v, block_mask=mask))(many)
    for each, x in zip(out, many):
        assert torch.equal(each, flexion.flex_attention(x, k, v, block_mask=mask))
    samples = torch.func.vmap(torch.func.grad(loss(flexion.flex_attention)), in_dims=(0, None))(
        many, bias
    )
    for each, x in zip(samples, many):
        torch.testing.assert_close(
            each, torch.func.grad(loss(gridded))(x, bias), rtol=1e-3, atol=1e-4
        )


mask = flexion.create_block_mask(causal, None, None, 30, 30)


def test_gradients_batched_the_old_way_are_refused():
    q, k, v = (x.requires_grad_() for x in inputs(B=1, Hq=1, L=6, E=4))
    out = flexion.flex_attention(q, k, v)
    eye = torch.eye(out.numel()).view(-1, *out.shape)
    with pytest.raises(NotImplementedError, match="torch.func.vmap"):
        torch.autograd.grad(out, q, eye, is_grads_batched=True)


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.slopes = torch.nn.Parameter(torch.rand(4))
        self.register_buffer("document", torch.arange(50) // 20)

    def forward(self, q, k, v):
        block_mask = flexion.create_block_mask(
            lambda b, h, q, k: self.document[q] == self.document[k], None, None, 50, 50, "cpu"
        )
        return flexion.flex_attention(
            q, k, v, lambda s, b, h, q, k: s + self.slopes[h] * (k - q), block_mask
        )


def test_export():
    model, tensors = Model(), inputs(L=50)
    exported = torch.export.export(model, tuple(tensors), strict=False)
    assert any(node.target is torch.ops.flexion.attention.default for node in exported.graph.nodes)
    torch.testing.assert_close(exported.module()(*tensors), model(*tensors))


def test_double_backward_of_the_operator_is_refused():
    q, k, v, *rest = arguments(True)
    out, _, _ = torch.ops.flexion.attention(q, k, v, *rest)
    (d_q,) = torch.autograd.grad(out.sum(), q, create_graph=True)
    with pytest.raises(RuntimeError, match="double backward is not supported"):
        d_q.sum().backward()


def test_tensor_subclasses():
    class Sub(torch.Tensor):
        pass

    q, k, v = inputs(L=20)
    out = flexion.flex_attention(q.as_subclass(Sub), k, v)
    torch.testing.assert_close(out.as_subclass(torch.Tensor), flexion.flex_attention(q, k, v))


def test_names_of_torch_that_the_package_rests_on():
    """Fails when a torch moves one: flexion/_torch.py, mods.py, operators.py, block_mask.py."""
    from torch.nn.attention import flex_attention as torch_flex

    for name in ("BlockMask", "_sliced_mask_mod_error", "noop_mask", "create_mask"):
        assert hasattr(torch_flex, name)
    for name in ("_flatten", "_unflatten", "_flatten_with_keys", "_TENSOR_ATTRS"):
        assert hasattr(torch_flex.BlockMask, name)
    assert hasattr(torch._C, "_AutoDispatchBelowAutograd")
    assert hasattr(torch._C._functorch, "peek_interpreter_stack")
    assert hasattr(torch.Tensor, "__dlpack_c_exchange_api__")
    reference = torch_flex.create_block_mask(causal, 1, 1, 8, 8, "cpu")
    assert len(reference.as_tuple()) in (13, 17)

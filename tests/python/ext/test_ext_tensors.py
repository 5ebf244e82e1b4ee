# SPDX-License-Identifier: Apache-2.0
"""Tensors across the border: who they belong to, their strides, what is refused."""
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from flexion import _C  # noqa: E402


def reference(query, key, value):
    scores = query.double() @ key.double().transpose(-1, -2) / query.shape[-1] ** 0.5
    return scores.softmax(-1) @ value.double()


def random(*shape, dtype=torch.float32):
    return torch.randn(*shape).to(dtype)


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (0, 2, 1, 3), (1, 0, 2, 3), (2, 1, 0, 3)])
def test_out_is_dense_in_the_order_of_querys_strides(order):
    inverse = [order.index(i) for i in range(4)]
    shape = (2, 3, 5, 8)
    query = random(*(shape[i] for i in order)).permute(inverse)
    assert query.shape == shape
    out = _C.prepare(query, query, query).run()[0]
    assert out.stride() == query.stride()
    assert out.untyped_storage().nbytes() == out.numel() * 4
    torch.testing.assert_close(out.double(), reference(query, query, query), rtol=1e-5, atol=1e-5)


def test_strides_offsets_and_broadcasts_are_taken_as_they_are():
    base = random(3, 50, 9)
    query = base.as_strided((2, 3, 5, 8), (7, 450, 9, 1), 11)
    key = random(1, 1, 6, 8).expand(2, 3, 6, 8)
    value = random(2, 3, 6, 16)[..., ::2]
    out = _C.prepare(query, key, value).run()[0]
    torch.testing.assert_close(out.double(), reference(query, key, value), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
def test_dtypes(dtype):
    query, key, value = (random(1, 2, 9, 8, dtype=dtype) for _ in range(3))
    out, lse, top = _C.prepare(query, key, value, want_lse=True, want_max=True).run()
    assert out.dtype == dtype
    assert lse.dtype == top.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    tolerance = {torch.float32: 1e-5, torch.float64: 1e-12}.get(dtype, 2e-2)
    torch.testing.assert_close(out.double(), reference(query, key, value), rtol=tolerance,
                               atol=tolerance)
    scores = query.double() @ key.double().transpose(-1, -2) / 8**0.5
    torch.testing.assert_close(lse.double(), scores.logsumexp(-1), rtol=1e-2, atol=1e-2)


def test_numpy_in_numpy_out():
    x = np.random.rand(1, 2, 8, 4)
    table = np.random.rand(2)
    out, lse, _ = _C.prepare(x, x, x, want_lse=True).run()
    assert type(out) is np.ndarray and out.dtype == np.float64 and out.shape == x.shape
    expected = reference(*(torch.from_numpy(x),) * 3)
    np.testing.assert_allclose(out, expected.numpy(), rtol=1e-10)
    buffer, tanh = _C.Buffer(table), _C.function("tanh")
    mod = lambda s, b, h, q, k: tanh(s) + buffer[h]  # noqa: E731
    tensors = (torch.from_numpy(x),) * 3
    t = torch.from_numpy(table)
    same = _C.prepare(*tensors, lambda s, b, h, q, k: torch.tanh(s) + t[h]).run()[0]
    np.testing.assert_array_equal(_C.prepare(x, x, x, mod).run()[0], same.numpy())


def test_read_only_arrays_and_other_dlpack_objects():
    x = np.random.rand(1, 1, 4, 4).astype(np.float32)
    expected = _C.prepare(x, x, x).run()[0]
    x.setflags(write=False)
    np.testing.assert_array_equal(_C.prepare(x, x, x).run()[0], expected)

    class Foreign:
        def __init__(self, tensor):
            self.tensor = tensor

        def __dlpack__(self, **options):
            return self.tensor.__dlpack__(**options)

        def __dlpack_device__(self):
            return self.tensor.__dlpack_device__()

    foreign = Foreign(torch.from_numpy(x.copy()))
    np.testing.assert_array_equal(_C.prepare(foreign, foreign, foreign).run()[0], expected)


def test_parameters_and_negated_views_are_read_right():
    x = torch.nn.Parameter(random(1, 1, 4, 4))
    _C.prepare(x, x, x).run()
    y = torch._neg_view(x.detach())
    assert y.is_neg()
    torch.testing.assert_close(_C.prepare(x, x, y).run()[0],
                               _C.prepare(x, x, y.resolve_neg()).run()[0])


def test_what_is_not_plain():
    class Sub(torch.Tensor):
        pass

    x = random(1, 1, 4, 4)
    assert _C.is_plain(x, torch.nn.Parameter(x), np.ones(3))
    assert not _C.is_plain(x, x.as_subclass(Sub))
    with torch._subclasses.fake_tensor.FakeTensorMode():
        assert not _C.is_plain(x)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert not _C.is_plain(x)
    seen = []
    torch.func.vmap(lambda t: (seen.append(_C.is_plain(t)), t)[1])(x)
    torch.func.grad(lambda t: (seen.append(_C.is_plain(t)), t.sum())[1])(x)
    assert seen == [False, False]
    with torch.inference_mode():
        assert _C.is_plain(x)
    with pytest.raises(_C.UserError, match="Sub, a subclass of torch.Tensor"):
        _C.prepare(x.as_subclass(Sub), x, x)


@pytest.mark.parametrize("bad, words", [
    (3, "query is of type int"),
    ("text", "query is of type str"),
    (torch.ones(2, 2), "query has 2 dimensions; expected 4"),
    (torch.ones(1, 1, 1, 1, dtype=torch.complex64), "query has dtype"),
    (torch.ones(1, 1, 1, 1, 1, 1, 1), "query has 7 dimensions"),
])
def test_refused(bad, words):
    x = random(1, 1, 4, 4)
    with pytest.raises(_C.Error, match=words):
        _C.prepare(bad, x, x)


def test_errors_of_the_library_are_exceptions_of_python():
    x = random(1, 3, 4, 4)
    with pytest.raises(ValueError, match="enable_gqa"):
        _C.prepare(x, x[:, :1], x[:, :1]).run()
    _C.prepare(x, x[:, :1], x[:, :1], enable_gqa=True).run()
    with pytest.raises(NotImplementedError, match="may be f32"):
        _C.prepare(x.int(), x.int(), x.int()).run()


def test_a_scale_of_zero_is_not_the_default():
    x = random(1, 1, 5, 8)
    out = _C.prepare(x, x, x, scale=0.0).run()[0]
    torch.testing.assert_close(out, x.mean(2, keepdim=True).expand_as(x))


def test_who_needs_gradients():
    x, w = random(1, 1, 4, 4), torch.rand(1, requires_grad=True)
    mod = lambda s, b, h, q, k: s * w[h]  # noqa: E731
    assert not _C.prepare(x, x, x).needs_grad
    assert _C.prepare(x, x, x, mod).needs_grad
    assert _C.prepare(x, x.clone().requires_grad_(), x).needs_grad
    with torch.no_grad():
        assert not _C.prepare(x, x, x, mod).needs_grad


def test_gradients_equal_those_of_dense_torch():
    q, k, v = (random(2, 2, 9, 8, dtype=torch.float64).requires_grad_() for _ in range(3))
    w = torch.rand(2, 9, dtype=torch.float64, requires_grad=True)
    mask_mod = lambda b, h, i, j: i >= j  # noqa: E731
    mod = lambda s, b, h, i, j: s + w[h, j] * torch.tanh(s)  # noqa: E731
    core = _C.BlockMaskCore.create(mask_mod, None, None, 9, 9)
    call = _C.prepare(q, k, v, mod, core, mask_mod, want_lse=True)
    out, lse, _ = call.run()
    captured = call.captured
    call.release()
    assert call.captured == []
    d_out, d_lse = random(2, 2, 9, 8).double(), random(2, 2, 9).double()
    got = call.backward(q, k, v, captured, out, lse, d_out, d_lse, [True, True, True, True])
    s = q @ k.transpose(-1, -2) / 8**0.5
    s = s + w[None, :, None, :] * torch.tanh(s)
    s = s.masked_fill(~torch.ones(9, 9, dtype=torch.bool).tril(), -float("inf"))
    dense_out = s.softmax(-1) @ v
    wanted = torch.autograd.grad((dense_out, s.logsumexp(-1)), (q, k, v, w), (d_out, d_lse))
    for a, b in zip(got, wanted):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9)
    some = call.backward(q, k, v, captured, out, lse, d_out, None, [False, True, False, False])
    assert [each is None for each in some] == [True, False, True, True]

# SPDX-License-Identifier: Apache-2.0
"""Which mods share a kernel: structure decides, and literals of the source are structure."""
import functools

import pytest

torch = pytest.importorskip("torch")

from flexion import _C  # noqa: E402


def same(a, b, mask=False):
    trace = _C.trace_mask_mod if mask else _C.trace_score_mod
    x, y = trace(a), trace(b)
    assert (x.hash == y.hash) == x.same_structure(y)
    assert (x.text == y.text) == x.same_structure(y)
    return x.same_structure(y)


def softcap(cap):
    return lambda s, b, h, q, k: cap * torch.tanh(s / cap)


def window(width):
    return lambda b, h, q, k: q - k < width


def gather(table):
    return lambda s, b, h, q, k: s + table[h]


def scaled(c, s, b, h, q, k):
    return s * c


class Scaled:
    def __init__(self, c):
        self.c = c

    def __call__(self, s, b, h, q, k):
        return s + self.c * (q - k)


def test_captured_values_are_no_structure():
    assert same(softcap(20.0), softcap(30.0))
    assert same(window(64), window(128), mask=True)
    assert same(functools.partial(scaled, 0.3), functools.partial(scaled, 0.4))
    assert same(Scaled(2.0), Scaled(5.0))
    assert same(gather(torch.rand(8)), gather(torch.rand(16)))
    assert not same(gather(torch.rand(8)), gather(torch.rand(8).bfloat16()))
    assert not same(gather(torch.rand(8)), gather(torch.rand(8, 1)[:, 0].double()))


def test_literals_are_structure():
    assert not same(lambda s, b, h, q, k: s * 2.5, lambda s, b, h, q, k: s * 3.5)
    assert same(lambda s, b, h, q, k: s * 2.5, lambda s, b, h, q, k: s * 2.5)


def test_literals_and_scalars_in_the_text():
    traced = _C.trace_score_mod(softcap(30.0))
    assert traced.scalars == [30.0, 30.0]
    assert "%scalar0: f32" in traced.text
    literal = _C.trace_score_mod(lambda s, b, h, q, k: 30.0 * torch.tanh(s / 30.0))
    assert literal.scalars == []
    negative = lambda b, h, q, k: q - k >= -4  # noqa: E731: a 4 is written
    assert _C.trace_mask_mod(negative).scalars == []
    assert _C.trace_mask_mod(window(2**40)).scalars == [2**40]
    assert "i64" in _C.trace_mask_mod(window(2**40)).text


def test_captures_come_in_the_order_of_their_first_use():
    x, y = torch.rand(4), torch.rand(4)
    traced = _C.trace_score_mod(lambda s, b, h, q, k: s * y[h] + x[h] * y[q])
    assert [each is t for each, t in zip(traced.captured, (y, x))] == [True, True]
    assert len(traced.captured) == 2


def test_text_makes_the_same_mod_again():
    x = torch.rand(4)
    query, key, value = (torch.randn(1, 4, 16, 8) for _ in range(3))
    cap = 3.0
    mod = lambda s, b, h, q, k: cap * torch.tanh(s * x[h])  # noqa: E731
    traced = _C.trace_score_mod(mod)
    text = _C.prepare_from_ir(query, key, value, traced.text, traced.captured, traced.scalars)
    assert torch.equal(text.run()[0], _C.prepare(query, key, value, mod).run()[0])
    assert torch.equal(_C.prepare(query, key, value, traced).run()[0], text.run()[0])


def test_fake_tensors_are_traced_by_their_outlines():
    from torch._subclasses.fake_tensor import FakeTensorMode

    real = torch.rand(8)
    with FakeTensorMode() as mode:
        fake = mode.from_tensor(real)
        assert _C.trace_score_mod(gather(fake)).text == _C.trace_score_mod(gather(real)).text


def test_modes_of_torch_functions_do_not_disturb():
    with torch.device("cpu"):
        assert same(gather(torch.rand(8)), gather(torch.rand(8)))


def test_a_mod_may_trace_another():
    inner = lambda b, h, q, k: q >= k  # noqa: E731
    texts = []

    def outer(s, b, h, q, k):
        texts.append(_C.trace_mask_mod(inner).text)
        return s + q

    assert "add" in _C.trace_score_mod(outer).text
    assert texts == [_C.trace_mask_mod(inner).text]


def test_new_values_compile_nothing():
    query, key, value = (torch.randn(1, 4, 40, 8) for _ in range(3))

    def run(cap, width, table, length):
        mask_mod = lambda b, h, q, k: (q >= k) & (q - k < width)  # noqa: E731
        mask = _C.BlockMaskCore.create(mask_mod, None, None, length, length, 16, 16)
        mod = lambda s, b, h, q, k: cap * torch.tanh(s / cap) + table[h]  # noqa: E731
        inputs = (t[:, :, :length] for t in (query, key, value))
        return _C.prepare(*inputs, mod, mask, mask_mod).run()[0]

    run(20.0, 7, torch.rand(4), 40)
    before = _C.cache_info()
    for i in range(5):
        run(21.0 + i, 8 + i, torch.rand(4), 39 - i)
    after = _C.cache_info()
    assert after["compiled"] == before["compiled"]
    assert after["memory_misses"] == before["memory_misses"]
    assert after["memory_hits"] > before["memory_hits"]

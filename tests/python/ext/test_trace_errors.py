# SPDX-License-Identifier: Apache-2.0
"""What cannot be traced is an error that names the file, the line, and what to write instead."""
import inspect
import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from flexion import _C  # noqa: E402

slopes = torch.rand(4)
bias = torch.randn(2, 4, 12, 100)
small = torch.randn(4, 12, 8)


def py_if(b, h, q, k):
    if q > 3:
        return q >= k
    return q < k


def py_not(b, h, q, k):
    return not q > k


def write(s, b, h, q, k):
    slopes[h] = 0
    return s


def inplace(s, b, h, q, k):
    return slopes.add_(s)


kept = []


def keep(s, b, h, q, k):
    kept.append(s)
    return s


CASES = dict(
    py_if=(py_if, "torch.where"),
    py_not=(py_not, "& | ~"),
    py_and=(lambda b, h, q, k: q > 1 and k > 1, "& | ~"),
    py_min=(lambda b, h, q, k: min(q, 3) >= k, "torch.minimum"),
    chained=(lambda b, h, q, k: 0 <= q < 5, "& | ~"),
    item=(lambda b, h, q, k: q.item() > 3, ".item()"),
    math_exp=(lambda s, b, h, q, k: math.exp(s), "function of that name in torch"),
    to_range=(lambda s, b, h, q, k: list(range(q)), "Python integer"),
    to_list=(lambda s, b, h, q, k: [1, 2, 3][h], "Python integer"),
    write=(write, "must not write"),
    inplace=(inplace, "must not write"),
    inplace_value=(lambda s, b, h, q, k: s.add_(1), "must not write"),
    float_index=(lambda s, b, h, q, k: slopes[s], "is a float"),
    bool_index=(lambda s, b, h, q, k: slopes[q > k], "indexed by a bool"),
    no_meaning=(lambda s, b, h, q, k: torch.svd(s), "'svd' has no meaning"),
    no_method=(lambda s, b, h, q, k: s.cholesky(), "'cholesky' has no meaning"),
    array_result=(lambda s, b, h, q, k: s + small[h, q], "array of 8 values"),
    large_part=(lambda s, b, h, q, k: bias[b, h, q].sum(), "up to 64 elements"),
    numpy_index=(lambda s, b, h, q, k: np.arange(9)[h] + s, "flexion.Buffer"),
    numpy_function=(lambda s, b, h, q, k: np.where(q > k, s, 0), "torch.where"),
    tensor_of_value=(lambda s, b, h, q, k: torch.tensor(q) + s, "torch.full_like"),
    foreign=(lambda s, b, h, q, k: s + "1", "type str"),
    too_many=(lambda s, b, h, q, k: s + slopes[h, q], "2 indices for a tensor of 1 dimensions"),
    iterate=(lambda s, b, h, q, k: sum(x for x in s), "cannot be iterated"),
    number=(lambda s, b, h, q, k: 1.0, "Expected output".lower()),
    nothing=(lambda s, b, h, q, k: None, "return"),
    bool_score=(lambda s, b, h, q, k: q > k, "returned a bool"),
    size=(lambda s, b, h, q, k: s + s.new_zeros((3,)), "size must be ()"),
)


@pytest.mark.parametrize("name", CASES)
def test_untraceable(name):
    mod, words = CASES[name]
    score = len(inspect.signature(mod).parameters) == 5
    with pytest.raises(_C.TraceError) as caught:
        (_C.trace_score_mod if score else _C.trace_mask_mod)(mod)
    text = str(caught.value)
    assert words in text
    if name not in ("number", "nothing", "array_result", "bool_score"):  # returned: no line runs
        line = mod.__code__.co_firstlineno
        assert any(f"{__file__}:{line + i}: " in text for i in range(3)), text


def test_an_index_out_of_range_is_an_index_error():
    with pytest.raises(IndexError, match="index 4 is out of bounds for a dimension of size 4"):
        _C.trace_score_mod(lambda s, b, h, q, k: s + bias[b, 4, q, k])


def test_a_value_that_escapes_is_recognised():
    _C.trace_score_mod(keep)
    with pytest.raises(_C.TraceError, match="after its mod has returned"):
        kept[0] + 1
    with pytest.raises(_C.UserError, match="do not keep it"):
        _C.trace_score_mod(lambda s, b, h, q, k: s + kept[0])
    kept.clear()


def test_the_exceptions_of_a_mod_pass_through():
    def mod(s, b, h, q, k):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        _C.trace_score_mod(mod)


def test_hasattr_is_answered():
    seen = []
    _C.trace_score_mod(lambda s, b, h, q, k: (seen.append(hasattr(s, "cholesky")), s)[1])
    assert seen == [False]


def test_not_callable():
    with pytest.raises(_C.UserError, match="expected a callable"):
        _C.trace_score_mod(3)


def test_types_of_errors():
    assert issubclass(_C.UserError, ValueError)
    assert issubclass(_C.TraceError, TypeError) and issubclass(_C.TraceError, _C.UserError)
    assert issubclass(_C.Unsupported, NotImplementedError)
    for each in (_C.CompileError, _C.DeviceError, _C.InternalError):
        assert issubclass(each, RuntimeError) and issubclass(each, _C.Error)

# SPDX-License-Identifier: Apache-2.0
"""What must not compile anything: new closures, values, lengths and batches of one structure."""

import functools

import torch

import flexion
from reference import dense, inputs


def compiled():
    return flexion.cache_info()["compiled"]


def alibi(slopes):
    return lambda s, b, h, q, k: s + slopes[h] * (k - q)


def window(width):
    return lambda b, h, q, k: (q - k < width) & (q >= k)


class Softcap:
    def __init__(self, cap):
        self.cap = cap

    def __call__(self, s, b, h, q, k):
        return self.cap * torch.tanh(s / self.cap)


def scaled(factor, s, b, h, q, k):
    return s * factor


def call(score_mod, mask_mod=None, **shape):
    q, k, v = inputs(**shape)
    block_mask = None
    if mask_mod is not None:
        block_mask = flexion.create_block_mask(mask_mod, None, None, q.shape[2], k.shape[2])
    out = flexion.flex_attention(q, k, v, score_mod, block_mask)
    expected = dense(q, k, v, score_mod, mask_mod)[0]
    torch.testing.assert_close(out, expected, rtol=1e-4, atol=1e-4)


def test_nothing_compiles_again():
    families = [
        lambda x: (alibi(torch.rand(4) * x), None),
        lambda x: (Softcap(x * 3.7), None),
        lambda x: (Softcap(x * 1.3).__call__, None),
        lambda x: (functools.partial(scaled, 0.5 + x), None),
        lambda x: (None, window(int(10 * x + 7))),
    ]
    for family in families:
        call(*family(1.0), L=100, S=100)
        call(*family(1.5), L=1, S=100)  # the kernels of few queries
        before = compiled()
        for x, L, S, B in (
            (2.0, 100, 100, 2),
            (3.0, 77, 130, 1),
            (4.0, 130, 50, 3),
            (0.5, 3, 64, 2),
        ):
            call(*family(x), L=L, S=S, B=B)
        assert compiled() == before


def test_documents_may_change():
    q, k, v = inputs(L=120)
    counts = []
    for n in (3, 17, 60):
        document = torch.arange(120) // n
        mask_mod = lambda b, h, q, k: document[q] == document[k]
        block_mask = flexion.create_block_mask(mask_mod, None, None, 120, 120, BLOCK_SIZE=32)
        out = flexion.flex_attention(q, k, v, None, block_mask)
        torch.testing.assert_close(out, dense(q, k, v, None, mask_mod)[0], rtol=1e-4, atol=1e-4)
        counts.append(compiled())
    assert counts[1] == counts[2]

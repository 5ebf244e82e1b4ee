# SPDX-License-Identifier: Apache-2.0
"""The mods that tests go through, each as a user would write it."""

import functools

import torch
import torch.nn.functional as F

S = 200  # captured tensors are for lengths up to this


def score_mods():
    """name: score_mod, on captured tensors of random numbers."""
    slopes, scalar = torch.rand(8), torch.tensor(0.7)
    rel, table = torch.randn(2 * S), torch.randn(S, S)
    per_head, per_batch = torch.randn(8, S, S), torch.randn(4, 8, S, S)
    offset = torch.randint(0, S, (S,))
    gate, half = torch.randn(8, S), torch.randn(8).bfloat16()
    vectors = torch.randn(S, 3)
    cap = 20.0

    def relative(score, b, h, q, k):
        return score + rel[q - k + S]

    def scaled(factor, score, b, h, q, k):
        return score * factor

    class Softcap:
        def __init__(self, cap):
            self.cap = cap

        def __call__(self, score, b, h, q, k):
            return self.cap * torch.tanh(score / self.cap)

    def method_forms(score, b, h, q, k):
        distance = (q - k).abs().to(score.dtype)
        return score - distance.sqrt().clamp(max=3.0) + score.sigmoid()

    return {
        "identity": lambda score, b, h, q, k: score,
        "times_two": lambda score, b, h, q, k: score * 2,
        "squared": lambda score, b, h, q, k: score * score,
        "causal": lambda score, b, h, q, k: torch.where(q >= k, score, float("-inf")),
        "inverse_causal": lambda score, b, h, q, k: torch.where(q <= k, score, float("-inf")),
        "rel_bias": lambda score, b, h, q, k: score + (q - k),
        "rel_causal": lambda score, b, h, q, k: torch.where(q >= k, score + (q - k), -float("inf")),
        "alibi": lambda score, b, h, q, k: score + slopes[h] * (k - q),
        "softcap": lambda score, b, h, q, k: cap * torch.tanh(score / cap),
        "partial": functools.partial(scaled, 0.5),
        "object": Softcap(10.0),
        "method": Softcap(7.0).__call__,
        "relative": relative,
        "table": lambda score, b, h, q, k: score + table[q, k],
        "table_chained": lambda score, b, h, q, k: score + table[q][k],
        "per_head": lambda score, b, h, q, k: score + per_head[h, q, k],
        "per_batch": lambda score, b, h, q, k: score + per_batch[b, h, q, k],
        "per_batch_chained": lambda score, b, h, q, k: score + per_batch[b, h][q][k],
        "scalar_tensor": lambda score, b, h, q, k: score * scalar,
        "indirect": lambda score, b, h, q, k: score + table[offset[q], offset[k]],
        "negative_index": lambda score, b, h, q, k: score + rel[-1 - k],
        "gate": lambda score, b, h, q, k: score * torch.sigmoid(gate[h, k]),
        "silu": lambda score, b, h, q, k: F.silu(score),
        "gelu_log": lambda score, b, h, q, k: F.gelu(score) + torch.log1p(score * score),
        "bf16_capture": lambda score, b, h, q, k: score + half[h],
        "skip_odd": lambda score, b, h, q, k: torch.where(k % 2 == 0, score, float("-inf")),
        "integer_ops": lambda score, b, h, q, k: score + ((q // 3 + k % 5) ^ (h << 1)) * 0.01,
        "true_division": lambda score, b, h, q, k: score + (q - k) / 7,
        "natten": lambda score, b, h, q, k: torch.where(
            ((q // 14 - k // 14).abs() <= 3) & ((q % 14 - k % 14).abs() <= 3), score, -1e4
        ),
        "reduction": lambda score, b, h, q, k: score + (vectors[q] * vectors[k]).sum(-1),
        "view": lambda score, b, h, q, k: score + table.T[k, q] + per_head[:, 3][h, k],
        "methods": method_forms,
        "full_like": lambda score, b, h, q, k: torch.where(
            q == k, torch.full_like(score, 2.0), score
        ),
        "new_zeros": lambda score, b, h, q, k: score + torch.where(q > k, q.new_zeros(()), k - q),
        "min_max": lambda score, b, h, q, k: torch.minimum(torch.maximum(score, k * 0.01), q * 0.1),
        "pow_exp2": lambda score, b, h, q, k: (
            score + torch.exp2(-(h + 1) * 8.0 / 4) * (k - q) ** 2 * 1e-3
        ),
    }


def mask_mods():
    """name: mask_mod of lengths up to S, four batches and eight heads."""
    documents = torch.sort(torch.randint(0, 6, (S,))).values
    by_batch = torch.sort(torch.randint(0, 4, (4, S)), dim=1).values
    lengths = torch.randint(S // 2, S, (4,))
    dense = torch.rand(S, S) < 0.3
    heads = torch.tensor([1, 3, 9, 27, 2, 4, 8, 16])
    window, prefix = 40, torch.tensor(33)

    def causal(b, h, q, k):
        return q >= k

    def tree(b, h, q, k):
        return (q >= k) & ((q - k) % heads[h] == 0)

    return {
        "causal": causal,
        "full": lambda b, h, q, k: q >= 0,
        "empty": lambda b, h, q, k: q < 0,
        "inverse": lambda b, h, q, k: q <= k,
        "window": lambda b, h, q, k: (q >= k) & (q - k <= window),
        "band": lambda b, h, q, k: (q - k).abs() < 17,
        "dilated": lambda b, h, q, k: (q >= k) & ((q - k) % 3 == 0),
        "strided": lambda b, h, q, k: (q // 16) % 2 == (k // 16) % 2,
        "prefix": lambda b, h, q, k: (k < prefix) | (q >= k),
        "document": lambda b, h, q, k: documents[q] == documents[k],
        "causal_document": lambda b, h, q, k: (q >= k) & (documents[q] == documents[k]),
        "batch_document": lambda b, h, q, k: by_batch[b, q] == by_batch[b, k],
        "padding": lambda b, h, q, k: k < lengths[b],
        "padding_both": lambda b, h, q, k: (k < lengths[b]) & (q < lengths[b]),
        "dense_table": lambda b, h, q, k: dense[q, k],
        "head_window": lambda b, h, q, k: (q - k).abs() <= heads[h],
        "head_causal": lambda b, h, q, k: (q >= k) | (h % 2 == 0),
        "tree": tree,
        "not_causal": lambda b, h, q, k: ~causal(b, h, q, k),
        "xor": lambda b, h, q, k: (q >= k) ^ (documents[q] == 2),
        "global_tokens": lambda b, h, q, k: (q < 5) | (k < 5) | ((q - k).abs() < 10),
        "checkerboard": lambda b, h, q, k: (q + k) % 2 == 0,
        "blocks": lambda b, h, q, k: q // 32 == k // 32,
        "offset": lambda b, h, q, k: q + 60 >= k,
        "half_rows": lambda b, h, q, k: (q < 100) & (q >= k),
        "diagonal": lambda b, h, q, k: q == k,
        "off_diagonal": lambda b, h, q, k: q != k,
        "bits": lambda b, h, q, k: (q & k) == 0,
        "hash": lambda b, h, q, k: ((q * 31 + k * 17) % 7) < 3,
        "float_distance": lambda b, h, q, k: (q - k).abs().float().sqrt() < 5.5,
        "batch_parity": lambda b, h, q, k: (b % 2 == 0) | (q >= k),
        "two_sided": lambda b, h, q, k: torch.where(q < 50, q >= k, q <= k),
        "morton": lambda b, h, q, k: ((q >> 4) ^ (k >> 4)) < 4,
        "last_column": lambda b, h, q, k: k == S - 1,
        "first_row": lambda b, h, q, k: q == 0,
        "scaled_causal": lambda b, h, q, k: q * 2 >= k,
        "anti_diagonal": lambda b, h, q, k: q + k < 150,
        "sum_window": lambda b, h, q, k: ((q + k) > 80) & ((q + k) < 220),
        "document_prefix": lambda b, h, q, k: (documents[q] >= documents[k]) & (k < 180),
        "constant_true": lambda b, h, q, k: b.new_ones((), dtype=torch.bool),
        "clamped_gather": lambda b, h, q, k: documents[(q - 10).clamp(min=0)] == documents[k],
        "logical": lambda b, h, q, k: torch.logical_and(q >= k, torch.logical_not(k % 4 == 3)),
    }


READ_B = {"batch_document", "padding", "padding_both", "batch_parity"}
READ_H = {"head_window", "head_causal", "tree"}

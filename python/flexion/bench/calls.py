# SPDX-License-Identifier: Apache-2.0
"""What flexion.bench times: for each row the calls of Flexion, compiled flex_attention and SDPA."""

import math

import torch
import torch.nn.functional as F
from torch.nn.attention import flex_attention as torch_flex

import flexion
from flexion.bench import DTYPES, memory_free

CAP = 30.0
DOCUMENTS = 12  # of equal length, in a row of any length
TORCH_MASK_BYTES = 12 * 2**30  # torch's create_block_mask of 32,768 tokens needs about 11 GB


def causal(b, h, q, k):
    return q >= k


def mods(row):
    """(score_mod, mask_mod, dense additive or bool mask for SDPA or None, whether SDPA can)."""
    S = row.seq
    i = torch.arange(S)
    if row.variant == "causal":
        return None, causal, None, True
    if row.variant == "alibi":
        slopes = torch.exp2(-8.0 * (torch.arange(row.Hq) + 1) / row.Hq)
        bias = slopes[:, None, None] * (i - i[:, None])
        return (lambda s, b, h, q, k: s + slopes[h] * (k - q)), None, bias, True
    if row.variant == "softcap":
        return (lambda s, b, h, q, k: CAP * torch.tanh(s / CAP)), None, None, False
    if row.variant == "document":
        document = i * DOCUMENTS // S
        keep = (document[:, None] == document) & (i[:, None] >= i)
        mask_mod = lambda b, h, q, k: (document[q] == document[k]) & (q >= k)
        return None, mask_mod, keep, True
    if row.variant == "dense_mask":
        keep = torch.rand(S, S) < 0.5
        keep.fill_diagonal_(True)
        return None, (lambda b, h, q, k: keep[q, k]), keep, True
    return None, None, None, True


def tensors(row):
    torch.manual_seed(0)
    dtype = getattr(torch, DTYPES[row.dtype])
    make = lambda heads, length: torch.randn(row.B, heads, length, row.head_dim).to(dtype)
    return make(row.Hq, row.queries), make(row.Hkv, row.seq), make(row.Hkv, row.seq)


def calls(row, peers):
    """name: call, of those competitors that the row has."""
    if row.direction == "mask":
        made = mask_calls(row)
    elif row.direction == "host":
        made = host_calls(row)
    else:
        made = attention_calls(row)
    return made if peers == "torch" else {n: made[n] for n in ("flexion", "host") if n in made}


def attention_calls(row):
    q, k, v = tensors(row)
    score_mod, mask_mod, dense_mask, sdpa_can = mods(row)
    gqa = row.Hq != row.Hkv
    block_mask = torch_mask = None
    if mask_mod is not None:
        block_mask = flexion.create_block_mask(mask_mod, None, None, row.queries, row.seq, "cpu")
        names = ("kv_num_blocks", "kv_indices", "full_kv_num_blocks", "full_kv_indices")
        torch_mask = torch_flex.BlockMask.from_kv_blocks(
            *(getattr(block_mask, name) for name in names),
            mask_mod=mask_mod,
            seq_lengths=block_mask.seq_lengths,
        )
    compiled = torch.compile(torch_flex.flex_attention, dynamic=False)
    if dense_mask is not None and dense_mask.is_floating_point():
        dense_mask = dense_mask.to(q.dtype)

    def ours(q, k, v):
        return flexion.flex_attention(q, k, v, score_mod, block_mask, enable_gqa=gqa)

    def flex(q, k, v):
        return compiled(q, k, v, score_mod, torch_mask, enable_gqa=gqa)

    def sdpa(q, k, v):
        return F.scaled_dot_product_attention(
            q, k, v, dense_mask, is_causal=mask_mod is causal, enable_gqa=gqa
        )

    def dense(q, k, v):
        scores = q @ k.transpose(-1, -2) * (1 / math.sqrt(q.shape[-1]))
        scores = CAP * torch.tanh(scores / CAP) if row.variant == "softcap" else scores
        if dense_mask is not None and dense_mask.dtype == torch.bool:
            scores = scores.masked_fill(~dense_mask, -math.inf)
        elif dense_mask is not None:
            scores = scores + dense_mask
        return scores.softmax(-1) @ v

    functions = {"flexion": ours, "flex": flex}
    if sdpa_can:
        functions["sdpa"] = sdpa
    if row.direction == "training":
        del functions["flex"]  # refused on the CPU
        if row.variant in ("alibi", "softcap", "document"):
            functions["dense"] = dense
        leaves = [x.requires_grad_() for x in (q, k, v)]
        d_out = torch.randn(q.shape).to(q.dtype)

        def step(function):
            return torch.autograd.grad(function(*leaves), leaves, d_out)

        return {name: (lambda f=f: step(f)) for name, f in functions.items()}
    if row.direction == "first":
        functions = {"flexion": ours, "flex": flex}

    def without_gradients(function):
        with torch.no_grad():
            return function(q, k, v)

    return {name: (lambda f=f: without_gradients(f)) for name, f in functions.items()}


def mask_calls(row):
    i = torch.arange(row.seq)
    document = i * 100 // row.seq
    if row.variant == "causal":
        mask_mod = causal
    else:
        mask_mod = lambda b, h, q, k: (document[q] == document[k]) & (q >= k)

    def theirs():
        if memory_free() < TORCH_MASK_BYTES:
            raise MemoryError(f"torch's dense mask needs 11 GB, {memory_free() >> 30} are free")
        return torch_flex.create_block_mask(mask_mod, None, None, row.seq, row.seq, "cpu")

    return {
        "flexion": lambda: flexion.create_block_mask(mask_mod, None, None, row.seq, row.seq, "cpu"),
        "flex": theirs,
    }


def host_calls(row):
    """ALiBi under a causal document mask on tensors of next to nothing. `host` is the same call on
    a batch of none, which does all but look its kernel up and launch it. `alternating`: a torch
    operator between calls, as in a model."""
    q, k, v = tensors(row)
    nothing = [x[:0].contiguous() for x in (q, k, v)]
    slopes, document = torch.rand(row.Hq), torch.arange(row.seq) // 3
    mask_mod = flexion.and_masks(causal, lambda b, h, q, k: document[q] == document[k])
    block_mask = flexion.create_block_mask(mask_mod, None, None, row.seq, row.seq, "cpu")
    theirs = torch_flex.create_block_mask(mask_mod, None, None, row.seq, row.seq, "cpu")
    kept = lambda s, b, h, q, k: s + slopes[h] * (k - q)
    compiled = torch.compile(torch_flex.flex_attention, dynamic=False)
    if row.variant == "gradient":
        leaf, no_leaf = (x.clone().requires_grad_() for x in (q, nothing[0]))
        return {
            "flexion": lambda: flexion.flex_attention(leaf, k, v, kept, block_mask),
            "host": lambda: flexion.flex_attention(no_leaf, *nothing[1:], kept, block_mask),
        }

    def run(attention, mask, q=q, k=k, v=v):
        with torch.no_grad():
            if row.variant == "new_lambda":
                return attention(q, k, v, lambda s, b, h, q, k: s + slopes[h] * (k - q), mask)
            out = attention(q, k, v, kept, mask)
            return out + 1 if row.variant == "alternating" else out

    return {
        "flexion": lambda: run(flexion.flex_attention, block_mask),
        "host": lambda: run(flexion.flex_attention, block_mask, *nothing),
        "flex": lambda: run(compiled, theirs),
    }


def error(row, results):
    """Mean |Flexion - dense attention in f64| over the last queries of the first batch and head, of
    the output; of a training step, of the gradient of query. None where it has no meaning."""
    if row.direction in ("mask", "host"):
        return None
    q, k, v = (x.double() for x in tensors(row))
    rows = slice(max(0, row.queries - 64), row.queries)
    score_mod, mask_mod, *_ = mods(row) if row.variant != "dense_mask" else (None, None)
    if row.variant == "dense_mask":
        return None  # a random mask, made anew
    q, k, v = q[:1, :1, rows], k[:1, :1], v[:1, :1]
    q.requires_grad_()
    scores = q @ k.transpose(-1, -2) / math.sqrt(row.head_dim)
    i = torch.arange(rows.start, rows.stop)[:, None]
    j = torch.arange(row.seq)
    head = torch.zeros((), dtype=torch.int64)
    if score_mod is not None:
        scores = score_mod(scores, head, head, i, j)
    if mask_mod is not None:
        scores = scores.masked_fill(~mask_mod(head, head, i, j), -math.inf)
    golden = scores.softmax(-1) @ v
    ours = results["flexion"]
    if row.direction == "training":
        torch.manual_seed(0)
        for shape in ((row.Hq, row.queries), (row.Hkv, row.seq), (row.Hkv, row.seq)):
            torch.randn(row.B, shape[0], shape[1], row.head_dim)
        d_out = torch.randn(row.B, row.Hq, row.queries, row.head_dim)[:1, :1, rows]
        d_out = d_out.to(ours[0].dtype).double()
        (golden,) = torch.autograd.grad(golden, q, d_out)
        ours = ours[0]
    return (ours.detach()[:1, :1, rows].double() - golden).abs().mean().item()

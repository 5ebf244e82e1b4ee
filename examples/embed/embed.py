# SPDX-License-Identifier: Apache-2.0
"""Embeds the sentences of this project's documents with all-MiniLM-L6-v2: packed into one sequence
under a document mask through Flexion, and one by one through torch. The two must agree."""

import pathlib
import re
import sys
import time

import torch
import torch.nn.functional as F
from bert import encode, load

from flexion import create_block_mask, flex_attention

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOLERANCE = 1e-4


def sentences(limit=160):
    """Sentences of prose in the project's Markdown files."""
    found = []
    for name in ("ARCHITECTURE.md", "CONTRIBUTING.md", "README.md", "docs/ir.md"):
        text = re.sub(r"```.*?```", " ", (ROOT / name).read_text(), flags=re.S)
        for paragraph in re.split(r"\n\s*\n", text):
            if not re.match(r"\s*[#|!\-*]", paragraph):
                found += re.split(r"(?<=[.:;]) +", " ".join(paragraph.split()))
    return [each for each in dict.fromkeys(found) if len(each.split()) > 5][:limit]


def pooled(hidden, document, count):
    """The mean over each document's tokens, of length 1."""
    sums = torch.zeros(count, hidden.shape[1]).index_add_(0, document, hidden)
    return F.normalize(sums / document.bincount(minlength=count)[:, None], dim=1)


def packed(weights, tokens):
    """All sentences as one sequence: no padding, and no score between two of them."""
    lengths = torch.tensor([len(each) for each in tokens])
    document = torch.repeat_interleave(torch.arange(len(tokens)), lengths)
    positions = torch.cat([torch.arange(n) for n in lengths])
    S = len(document)
    mask = create_block_mask(lambda b, h, q, k: document[q] == document[k], None, None, S, S)
    ids = torch.cat([torch.tensor(each) for each in tokens])
    hidden = encode(
        weights, ids, positions, lambda q, k, v: flex_attention(q, k, v, block_mask=mask)
    )
    return pooled(hidden, document, len(tokens)), mask


def one_by_one(weights, tokens):
    rows = []
    for each in tokens:
        n = len(each)
        hidden = encode(
            weights, torch.tensor(each), torch.arange(n), F.scaled_dot_product_attention
        )
        rows.append(pooled(hidden, torch.zeros(n, dtype=torch.int64), 1))
    return torch.cat(rows)


def main():
    torch.set_grad_enabled(False)
    texts = sentences()
    tokenizer, weights = load()
    tokens = [tokenizer.encode(text).ids for text in texts]
    packed(weights, tokens[:4])  # compiles
    start = time.perf_counter()
    ours, mask = packed(weights, tokens)
    middle = time.perf_counter()
    torchs = one_by_one(weights, tokens)
    end = time.perf_counter()
    error = (ours - torchs).abs().max().item()
    print(f"{len(texts)} sentences, {mask.shape[-1]} tokens in one sequence, "
          f"{mask.sparsity():.1f}% of the blocks empty")  # fmt: skip
    print(f"packed through Flexion {1e3 * (middle - start):.0f} ms, one by one through torch "
          f"{1e3 * (end - middle):.0f} ms; largest difference {error:.1e}")  # fmt: skip
    near = ours @ ours.T - 2 * torch.eye(len(texts))
    for index in near.flatten().argsort(descending=True)[:6:2]:
        i, j = divmod(index.item(), len(texts))
        print(f"  {near[i, j]:.2f}  {texts[i][:70]!r}\n        {texts[j][:70]!r}")
    if error > TOLERANCE:
        sys.exit(f"embeddings differ by more than {TOLERANCE}")


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""Trains a byte-level language model twice: with Flexion's attention and with dense attention.

The text is this repository's own, packed: a sequence holds pieces of several files, and a byte
sees only those before it in its own file. Distances are told by ALiBi, whose slope each head
learns. Both models begin with the same weights and see the same bytes; the losses of both are
written as an SVG.

    python examples/training/train.py [--steps 120] [--svg losses.svg]
"""

import argparse
import math
import pathlib
import random
import time

import torch
from torch import nn
from torch.nn import functional as F

from flexion import create_block_mask, flex_attention

LAYERS, WIDTH, HEADS, BATCH, LENGTH = 2, 64, 4, 4, 256


def flexion_attention(q, k, v, slopes, document):
    """[B, H, S, D] from q, k, v of that shape, slopes [H], document [B, S]."""

    def causal_in_document(b, h, q_index, k_index):
        return (q_index >= k_index) & (document[b, q_index] == document[b, k_index])

    def alibi(score, b, h, q_index, k_index):
        return score + slopes[h] * (k_index - q_index)

    mask = create_block_mask(causal_in_document, BATCH, None, LENGTH, LENGTH, device="cpu")
    return flex_attention(q, k, v, score_mod=alibi, block_mask=mask)


def dense_attention(q, k, v, slopes, document):
    """The same as a matrix of scores."""
    position = torch.arange(LENGTH)
    distance = position[None, :] - position[:, None]
    score = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]) + slopes[:, None, None] * distance
    keep = (distance <= 0) & (document[:, :, None] == document[:, None, :])
    return torch.softmax(score.masked_fill(~keep[:, None], -torch.inf), dim=-1) @ v


class Layer(nn.Module):
    def __init__(self, attention):
        super().__init__()
        self.attention = attention
        self.before_attention, self.before_mlp = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH, bias=False)
        self.out = nn.Linear(WIDTH, WIDTH, bias=False)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(),
                                 nn.Linear(4 * WIDTH, WIDTH))
        self.slopes = nn.Parameter(torch.tensor([2.0 ** (-2 * (h + 1)) for h in range(HEADS)]))

    def forward(self, x, document):
        q, k, v = (part.view(BATCH, LENGTH, HEADS, -1).transpose(1, 2)
                   for part in self.qkv(self.before_attention(x)).chunk(3, dim=-1))
        attended = self.attention(q, k, v, self.slopes, document)
        x = x + self.out(attended.transpose(1, 2).reshape(BATCH, LENGTH, WIDTH))
        return x + self.mlp(self.before_mlp(x))


class Model(nn.Module):
    def __init__(self, attention):
        super().__init__()
        self.embedding = nn.Embedding(256, WIDTH)
        self.layers = nn.ModuleList(Layer(attention) for _ in range(LAYERS))
        self.last = nn.LayerNorm(WIDTH)

    def forward(self, tokens, document):
        x = self.embedding(tokens)
        for layer in self.layers:
            x = layer(x, document)
        return self.last(x) @ self.embedding.weight.T


def repository():
    """The files of this repository, as bytes."""
    root = pathlib.Path(__file__).resolve().parents[2]
    return [path.read_bytes() for folder in ("src", "include", "docs")
            for path in sorted((root / folder).rglob("*"))
            if path.suffix in (".h", ".cpp", ".md")]


def packed(files, seed):
    """Batches of (bytes, next bytes, number of the file each is from), without end."""
    choose = random.Random(seed)
    while True:
        tokens, documents = [], []
        for _ in range(BATCH):
            row, document = [], []
            while len(row) <= LENGTH:
                text = choose.choice(files)
                piece = choose.randint(64, LENGTH)
                start = choose.randint(0, max(0, len(text) - piece))
                row += text[start:start + piece]
                document += [len(set(document))] * (len(row) - len(document))
            tokens.append(row[:LENGTH + 1])
            documents.append(document[:LENGTH + 1])
        tokens, documents = torch.tensor(tokens), torch.tensor(documents, dtype=torch.int32)
        following = tokens[:, 1:].clone()
        following[documents[:, 1:] != documents[:, :-1]] = -100  # of another file: no target
        yield tokens[:, :-1].contiguous(), following, documents[:, :-1].contiguous()


def train(attention, files, steps):
    torch.manual_seed(1)
    model = Model(attention)
    for parameter in (p for p in model.parameters() if p.dim() == 2):
        nn.init.normal_(parameter, std=0.05)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    losses, start = [], time.perf_counter()
    for _, (tokens, following, document) in zip(range(steps), packed(files, seed=1)):
        loss = F.cross_entropy(model(tokens, document).flatten(0, 1), following.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    slopes = [round(s, 4) for layer in model.layers for s in layer.slopes.tolist()]
    last = sum(losses[-20:]) / len(losses[-20:])
    print(f"{attention.__name__}: loss {losses[0]:.3f} to {last:.3f}, "
          f"{time.perf_counter() - start:.1f} s, slopes {slopes}")
    return losses


def svg(curves):
    """Losses over steps, a curve each."""
    width, height, left, bottom = 640, 360, 50, 40
    steps = len(next(iter(curves.values())))
    top_loss = max(max(losses) for losses in curves.values())
    across = lambda step: left + (width - left - 20) * step / max(steps - 1, 1)
    down = lambda loss: height - bottom - (height - bottom - 20) * loss / top_loss
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
             'font-family="sans-serif" font-size="12">',
             f'<rect width="{width}" height="{height}" fill="white"/>']
    for loss in range(int(top_loss) + 1):
        lines.append(f'<path d="M{left} {down(loss):.1f}H{width - 20}" stroke="#ddd"/>'
                     f'<text x="{left - 8}" y="{down(loss) + 4:.1f}" text-anchor="end">{loss}'
                     '</text>')
    lines.append(f'<text x="{width / 2}" y="{height - 10}" text-anchor="middle">step (of {steps})'
                 '</text>')
    styles = [("#d62728", "5", "0.35"), ("#1f77b4", "1.5", "1")]
    for i, ((name, losses), (colour, thick, opacity)) in enumerate(zip(curves.items(), styles)):
        points = " ".join(f"{across(n):.1f},{down(loss):.1f}" for n, loss in enumerate(losses))
        style = f'stroke="{colour}" stroke-width="{thick}" opacity="{opacity}"'
        lines.append(f'<polyline points="{points}" fill="none" {style}/>')
        lines.append(f'<path d="M{width - 220} {40 + 20 * i}h30" {style}/>'
                     f'<text x="{width - 180}" y="{44 + 20 * i}">{name}</text>')
    return "\n".join(lines + ["</svg>", ""])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--svg", type=pathlib.Path, help="where to write the losses")
    arguments = parser.parse_args()
    files = repository()
    curves = {"dense attention": train(dense_attention, files, arguments.steps),
              "Flexion": train(flexion_attention, files, arguments.steps)}
    dense, fused = curves.values()
    differences = [abs(a - b) for a, b in zip(dense, fused)]
    print(f"largest difference of the losses: {max(differences):.1e}")
    if arguments.svg:
        arguments.svg.write_text(svg(curves))


if __name__ == "__main__":
    main()

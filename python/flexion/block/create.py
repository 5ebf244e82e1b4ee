# SPDX-License-Identifier: Apache-2.0
"""create_block_mask and create_mask."""

import warnings

from flexion import _C
from flexion.block import tables
from flexion._torch import default_device, is_tensor, torch, torch_flex
from flexion.block.block_mask import _DEFAULT_SPARSE_BLOCK_SIZE, BlockMask
from flexion.mods import _get_mod_type, _ModificationType


def create_block_mask(
    mask_mod,
    B,
    H,
    Q_LEN,
    KV_LEN,
    device=None,
    BLOCK_SIZE=_DEFAULT_SPARSE_BLOCK_SIZE,
    _compile=False,
    separate_full_blocks=True,
    compute_dq_write_order=False,
    dq_kv_order=True,
):
    """Decides for each block of BLOCK_SIZE, a number or (queries, keys), whether
    mask_mod(b, h, q_idx, kv_idx) is false all over it, true all over it, or neither.

    Most blocks are decided by interval arithmetic, so that nothing of size Q_LEN x KV_LEN exists:
    a causal mask of a million tokens takes milliseconds. B or H None: the mask is the same for all
    batches or heads, and must not read that index. Contents of captured tensors are those of this
    moment; mask_mod stays live and reads them again at each call.

    Torch's tables are made on their first use, on `device` (None: the accelerator, else the CPU).
    separate_full_blocks False: the tables list full blocks among the partial ones.
    compute_dq_write_order, dq_kv_order: torch's order of writes for its FLASH backward, for code
    that reads it. _compile has no effect.
    """
    if _get_mod_type(mask_mod) != _ModificationType.MASK_MOD:
        raise AssertionError(
            f"create_block_mask requires a mask_mod function of (b, h, q_idx, kv_idx)! "
            f"Got {mask_mod}"
        )
    if not isinstance(dq_kv_order, bool):
        raise ValueError("dq_kv_order must be a bool when using create_block_mask")
    if _compile:
        warnings.warn(
            "create_block_mask: _compile has no effect, blocks are decided without a dense mask",
            DeprecationWarning,
            stacklevel=2,
        )
    sizes = (BLOCK_SIZE, BLOCK_SIZE) if isinstance(BLOCK_SIZE, int) else tuple(BLOCK_SIZE)
    device = default_device(device)
    core = None
    traced = _C.trace_mask_mod(mask_mod)
    if _C.is_plain(*traced.captured) and type(Q_LEN) is int and type(KV_LEN) is int:
        core = _C.BlockMaskCore.create(traced, B, H, Q_LEN, KV_LEN, *sizes)
    mask = BlockMask._from_core(
        core,
        (Q_LEN, KV_LEN),
        sizes,
        mask_mod,
        device,
        _recipe=(B, H),
        _separate=separate_full_blocks,
    )
    if compute_dq_write_order:
        order = tables.dq_write_order(mask, dq_kv_order)
        mask.dq_write_order, mask.dq_write_order_full = order
        mask.dq_kv_order_spt = dq_kv_order
    return mask


def create_mask(mod_fn, B, H, Q_LEN, KV_LEN, device=None):
    """mod_fn, a mask_mod or a score_mod, as a dense bool array [B, H, Q_LEN, KV_LEN]. Of a
    score_mod: where it does not turn a score of 0 into -inf. B or H None is 1."""
    mask_mod = mod_fn
    if _get_mod_type(mod_fn) == _ModificationType.SCORE_MOD:

        def mask_mod(b, h, q_idx, kv_idx):
            return mod_fn(b * 0.0, b, h, q_idx, kv_idx) != -float("inf")

    device = default_device(device)
    B, H = 1 if B is None else B, 1 if H is None else H
    traced = _C.trace_mask_mod(mask_mod)
    if not _C.is_plain(*traced.captured):  # fake or traced contents: torch's definition
        return torch_flex.create_mask(mod_fn, B, H, Q_LEN, KV_LEN, device)
    mask = _C.create_mask(traced, B, H, Q_LEN, KV_LEN)
    return mask.to(device) if is_tensor(mask) else mask


def _round_up_to_multiple(x, multiple):
    return tables.ceil_div(x, multiple) * multiple


def _convert_mask_to_block_mask(
    mask,
    Q_BLOCK_SIZE=_DEFAULT_SPARSE_BLOCK_SIZE,
    KV_BLOCK_SIZE=_DEFAULT_SPARSE_BLOCK_SIZE,
    separate_full_blocks=False,
):
    """The blocks of a dense bool mask [..., Q, KV] as two int8 matrices [B, H, rows, cols], partial
    and full; or, not separated, the non-empty ones and None."""
    if mask.dtype != torch.bool:
        raise AssertionError(f"mask.dtype must be torch.bool, got {mask.dtype}")
    mask = mask[(None,) * (4 - mask.dim())]
    pad = [-mask.shape[-1] % KV_BLOCK_SIZE, -mask.shape[-2] % Q_BLOCK_SIZE]
    mask = torch.nn.functional.pad(mask, (0, pad[0], 0, pad[1]))
    blocks = mask.unflatten(-1, (-1, KV_BLOCK_SIZE)).unflatten(-3, (-1, Q_BLOCK_SIZE))
    count = blocks.sum(dim=(-3, -1))
    if not separate_full_blocks:
        return (count > 0).to(torch.int8), None
    full = count == Q_BLOCK_SIZE * KV_BLOCK_SIZE
    return ((count > 0) & ~full).to(torch.int8), full.to(torch.int8)

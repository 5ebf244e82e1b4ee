# SPDX-License-Identifier: Apache-2.0
"""From a mask object, ours or torch's, to the BlockMaskCore that a call takes."""

import weakref

from flexion import _C
from flexion._torch import is_tensor
from flexion.block.tables import KV, ceil_div

CACHED = "_from_tables"  # attribute of our masks: what unchanged() needs, and the core

_of_torch = weakref.WeakKeyDictionary()  # torch's masks keep none: they may be pickled


def _version(table):
    if is_tensor(table):
        return None if table.is_inference() else table._version
    return None if table is None else table.tobytes()  # NumPy counts no versions


def versions(tables):
    """A mark by which unchanged() tells later whether the tables were replaced or written to."""
    return [(table, _version(table)) for table in tables]


def unchanged(marks, tables):
    for (table, version), now in zip(marks, tables, strict=True):
        if table is not now or (now is not None and version is None and is_tensor(now)):
            return False
        if version != _version(now):
            return False
    return True


def core_of(mask):
    """The core of a mask at its present tables and lengths."""
    state = mask.__dict__
    core = state.get("_core")
    lengths = tuple(mask.seq_lengths)
    if core is not None and mask._pristine() and lengths == (core.q_len, core.kv_len):
        return core
    ours = hasattr(mask, "_pristine")
    cached = state.get(CACHED) if ours else _of_torch.get(mask)
    tables = [getattr(mask, name) for name in KV]
    if cached is not None and cached[0] == (lengths, mask.BLOCK_SIZE):
        if unchanged(cached[1], tables):
            return cached[2]
    core = from_tables(tables, lengths, mask.BLOCK_SIZE)
    cached = ((lengths, mask.BLOCK_SIZE), versions(tables), core)
    if ours:
        state[CACHED] = cached
    else:
        _of_torch[mask] = cached
    return core


def from_tables(tables, lengths, block_size):
    """The core of torch's tables. Rows of blocks past the lengths are left away, as torch's kernels
    do not come to them."""
    rows = ceil_div(lengths[0], block_size[0])
    have = tables[1].shape[-2]
    if have < rows:
        raise ValueError(
            f"BlockMask has {have} rows of blocks of {block_size[0]} queries, but seq_lengths "
            f"{lengths} has {rows}: assign seq_lengths after slicing rows"
        )
    parts = [None if t is None else _four(t, i % 2 == 0) for i, t in enumerate(tables)]
    parts = [None if t is None else t[:, :, :rows] for t in parts]
    return _C.BlockMaskCore.from_kv_blocks(
        *parts,
        q_block=block_size[0],
        kv_block=block_size[1],
        q_len=lengths[0],
        kv_len=lengths[1],
    )


def _four(table, numbers):
    """With batch and head dimensions, on the CPU."""
    if is_tensor(table):
        table = table.detach().cpu()
    missing = (3 if numbers else 4) - table.ndim
    return table[(None,) * missing] if missing > 0 else table

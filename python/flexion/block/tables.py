# SPDX-License-Identifier: Apache-2.0
"""Torch's tables of blocks: the number of listed blocks of each row, int32 [..., rows], and their
indices, int32 [..., rows, cols], listed ones first. Torch tensors or NumPy arrays."""

from flexion._torch import is_tensor, torch

KV = ("kv_num_blocks", "kv_indices", "full_kv_num_blocks", "full_kv_indices")
Q = ("q_num_blocks", "q_indices", "full_q_num_blocks", "full_q_indices")


def ceil_div(a, b):
    return -(-a // b)


def ordered_to_dense(num_blocks, indices, cols):
    """int32 [..., rows, cols]: 1 where a block is listed. Indices outside [0, cols) are nowhere."""
    if is_tensor(indices):
        order = torch.arange(indices.shape[-1], device=indices.device)
        listed = (order < num_blocks[..., None]) & (indices >= 0) & (indices < cols)
        dense = torch.zeros(
            (*indices.shape[:-1], cols + 1), dtype=torch.int32, device=indices.device
        )
        dense.scatter_(-1, torch.where(listed, indices, cols).long(), 1)
        return dense[..., :cols].contiguous()
    import numpy

    indices = numpy.asarray(indices)
    listed = numpy.arange(indices.shape[-1]) < numpy.asarray(num_blocks)[..., None]
    listed &= (indices >= 0) & (indices < cols)
    dense = numpy.zeros((*indices.shape[:-1], cols + 1), numpy.int32)
    numpy.put_along_axis(dense, numpy.where(listed, indices, cols).astype(numpy.int64), 1, -1)
    return numpy.ascontiguousarray(dense[..., :cols])


def dense_to_ordered(dense):
    """The inverse: (num_blocks, indices), the listed ones ascending, then the others ascending."""
    if is_tensor(dense):
        dense = dense.to(torch.int32)
        indices = torch.argsort(dense, dim=-1, descending=True, stable=True)
        return dense.sum(-1).to(torch.int32), indices.to(torch.int32).contiguous()
    import numpy

    indices = numpy.argsort(-dense.astype(numpy.int32), axis=-1, kind="stable")
    return dense.sum(-1, dtype=numpy.int32), indices.astype(numpy.int32)


def transpose(num_blocks, indices, cols):
    """The table of the columns."""
    return dense_to_ordered(_swap(ordered_to_dense(num_blocks, indices, cols)))


def _swap(x):
    return x.transpose(-2, -1) if is_tensor(x) else x.swapaxes(-2, -1)


def crop(num_blocks, indices, rows, cols):
    """The table of the upper left corner. (Torch counts the entries below the new number of listed
    blocks, which is the same where each row lists its first blocks and wrong elsewhere.)"""
    width = max(cols, indices.shape[-1])
    dense = ordered_to_dense(num_blocks, indices, width)
    return dense_to_ordered(dense[..., :rows, :cols])


def dq_write_order(mask, descending):
    """For each entry of the transposed tables its rank among the key blocks of its query row, the
    partial and full lists taken together: ascending, or from the end. What torch's deterministic
    FLASH backward orders its sums by; kept for code that reads it."""
    if mask.q_indices is None:
        raise ValueError("BlockMask must have q_num_blocks and q_indices for dq_write_order")
    cols = mask.q_indices.shape[-2]
    dense = ordered_to_dense(mask.kv_num_blocks, mask.kv_indices, cols)
    if mask.full_kv_indices is not None:
        full = ordered_to_dense(mask.full_kv_num_blocks, mask.full_kv_indices, cols)
        dense = (dense + full).clamp(max=1)
    rank = dense.cumsum(-1) - dense
    if descending:
        rank = dense.sum(-1, keepdim=True) - 1 - rank
    rank = rank.to(torch.int32).transpose(-2, -1)  # [..., cols, rows], as q_indices

    def gather(indices):
        if indices is None:
            return None
        return rank.expand(indices.shape).gather(-1, indices.long().clamp(0, rank.shape[-1] - 1))

    full = mask.full_q_indices if mask.full_kv_indices is not None else None
    return gather(mask.q_indices), gather(full)

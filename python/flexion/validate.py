# SPDX-License-Identifier: Apache-2.0
"""What flex_attention refuses, in the order and with the types of torch's function."""

from flexion._torch import is_tensor
from flexion.block.block_mask import _LARGE_SPARSE_BLOCK_SIZE

_DEVICES = ("cpu", "cuda", "xpu", "hpu", "mps", "meta")


def check_inputs(query, key, value, block_mask, enable_gqa):
    """Raises what is wrong with shapes and devices; dtypes may differ."""
    tensors = (query, key, value)
    if any(is_tensor(t) != is_tensor(query) for t in tensors):
        raise TypeError(
            "flex_attention: query, key and value must all be torch tensors or none, got "
            + ", ".join(type(t).__name__ for t in tensors)
        )
    if is_tensor(query):
        _check_torch(*tensors)
    dims = [len(t.shape) for t in tensors]
    if min(dims) < 2:
        raise ValueError(
            f"Expected query, key, and value to all be at least 2 dimensional, but got "
            f"query.dim: {dims[0]}, key.dim: {dims[1]} and value.dim: {dims[2]}"
        )
    if query.shape[-1] != key.shape[-1]:
        raise ValueError(
            f"Expect query and key/value to have the same embedding dimension but got "
            f"E={query.shape[-1]} and E={key.shape[-1]}."
        )
    if dims != [4, 4, 4]:
        raise NotImplementedError(
            f"NYI: query, key, and value must be 4D tensors [batch, heads, length, embedding], "
            f"got {dims[0]}, {dims[1]} and {dims[2]} dimensions"
        )
    _check_shapes(query.shape, key.shape, value.shape, enable_gqa)
    _check_batches(query.shape[0], key.shape[0], block_mask)


def _check_torch(query, key, value):
    if query.is_nested or key.is_nested or value.is_nested:
        raise NotImplementedError(
            "flex_attention does not support NestedTensor inputs: pack the sequences into one "
            "dense tensor and mask by documents, mask_mod = lambda b, h, q, k: doc[q] == doc[k]"
        )
    if not query.device == key.device == value.device:
        raise ValueError(
            f"Expected query, key, and value to have the same device type, but got query.device: "
            f"{query.device}, key.device: {key.device}, and value.device: {value.device} instead."
        )
    if query.device.type not in _DEVICES:
        raise ValueError(
            f"FlexAttention is only supported on CUDA, CPU, HPU, or MPS devices. Found input "
            f"tensors on {query.device.type} device."
        )


def _check_shapes(query, key, value, enable_gqa):
    Hq, Hkv = query[1], key[1]
    if not enable_gqa and Hq != Hkv:
        raise ValueError(
            f"Expect query and key/value to have the same number of heads but got Hq={Hq} and "
            f"Hkv={Hkv}. Try setting enable_gqa=True for GQA."
        )
    if Hq != Hkv and (Hkv == 0 or Hq % Hkv != 0):
        raise ValueError(
            f"Expect number of query heads to be a multiple of kv heads for GQA but got Hq={Hq} "
            f"and Hkv={Hkv}."
        )
    if key[:3] != value[:3]:
        raise ValueError(
            f"Expect key and value to have the same batch size, heads and length but got "
            f"key {tuple(key)} and value {tuple(value)}."
        )


def _check_batches(Bq, Bkv, block_mask):
    if Bq == Bkv:
        return
    if block_mask is None:
        raise ValueError(
            f"Expect query and key/value to have the same batch size, or non-none block_mask, but "
            f"got block_mask=None, Bq={Bq}, and Bkv={Bkv}."
        )
    B = block_mask.shape[0]
    if B != Bq:
        raise ValueError(
            f"Expect query and key/value to have the same batch size, or block_mask and query to "
            f"have the same batch size, but got Bq={Bq}, Bkv={Bkv}, B_block_mask={B}."
        )
    if Bkv != 1:
        raise RuntimeError(f"Bq and Bkv must broadcast. Got Bq={Bq} and Bkv={Bkv}")


def is_one_block(block_mask):
    """Whether a mask is a single block larger than any length, which fits every call."""
    return tuple(block_mask.BLOCK_SIZE) == (_LARGE_SPARSE_BLOCK_SIZE,) * 2


def check_lengths(block_mask, q_len, kv_len):
    """Raises when a mask was made for other lengths."""
    mask_q, mask_kv = block_mask.seq_lengths
    if (q_len, kv_len) == (mask_q, mask_kv):
        return
    start = (
        f"block_mask was created for block_mask.shape={block_mask.shape} but got q_len={q_len} "
        f"and kv_len={kv_len}. "
    )
    if q_len > mask_q or kv_len > mask_kv:
        raise ValueError(
            start + "As the block mask was created for a smaller length than you're using it for, "
            "you likely need to create a new block mask."
        )
    raise ValueError(
        start + "As the block mask was created for a larger length than you're using it for, you "
        "can either 1. create a new block mask with the correct length, or 2. 'adjust' the "
        "existing block mask to the correct length by calling block_mask._adjust(q_len, kv_len). "
        "This essentially 'crops' the block mask to the upper left corner, which does not work for "
        "all mask_mods!"
    )


def check_device(block_mask, query):
    """Raises when a mask's tables are elsewhere than the tensors."""
    if not is_tensor(query):
        return
    device = getattr(block_mask, "_device", None)
    if device is None:
        device = block_mask.kv_num_blocks.device
    if device != query.device and query.device.type != "meta":
        raise RuntimeError(
            f"Expect q/k/v and block_mask to be on the same device but got {query.device} and "
            f"{device}."
        )

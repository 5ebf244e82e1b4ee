# SPDX-License-Identifier: Apache-2.0
"""flex_attention, and under torch's names what code imports beside it."""

import logging

from flexion import _C, validate
from flexion._C import attend, is_plain, prepare, record
from flexion._torch import is_tensor, torch, torch_flex
from flexion.block.block_mask import (
    _DEFAULT_SPARSE_BLOCK_SIZE,
    _LARGE_SPARSE_BLOCK_SIZE,
    BlockMask,
    _create_empty_block_mask,
)
from flexion.block.cores import core_of, from_tables
from flexion.block.create import (
    _convert_mask_to_block_mask,
    _round_up_to_multiple,
    create_block_mask,
    create_mask,
)
from flexion.mods import (
    _get_mod_type,
    _identity,
    _mask_mod_signature,
    _ModificationType,
    _score_mod_signature,
    _sliced_mask_mod_error,
    _vmap_for_bhqkv,
    and_masks,
    is_noop,
    noop_mask,
    or_masks,
)
from flexion.options import (
    _WARNINGS_SHOWN,
    AuxOutput,
    AuxRequest,
    FlexKernelOptions,
    _apply_kernel_options,
    check_kernel_options,
    warn_once,
)

if torch is not None:
    from torch.nn.attention.flex_attention import flex_attention_hop

    from flexion import operators  # defines torch.ops.flexion

__all__ = [
    "AuxOutput",
    "AuxRequest",
    "BlockMask",
    "FlexKernelOptions",
    "and_masks",
    "create_block_mask",
    "create_mask",
    "flex_attention",
    "noop_mask",
    "or_masks",
]

# Torch's switch for breakpoints in mods. Mods always run in Python here: it has no effect.
_FLEX_ATTENTION_DISABLE_COMPILE_DEBUG = False

_log = logging.getLogger("flexion")

_noops = (noop_mask,) if torch is None else (noop_mask, torch_flex.noop_mask)
_C.set_masks(BlockMask, _noops, (_sliced_mask_mod_error,))


def flex_attention(
    query,
    key,
    value,
    score_mod=None,
    block_mask=None,
    scale=None,
    enable_gqa=False,
    return_lse=False,
    kernel_options=None,
    *,
    return_aux=None,
):
    """softmax(mask(score_mod(query key^T * scale))) value as one fused kernel, with gradients.

    query [B, Hq, L, E], key [Bkv, Hkv, S, E], value [Bkv, Hkv, S, Ev] -> [B, Hq, L, Ev]; torch
    tensors, NumPy arrays, or objects with __dlpack__ on the CPU. Bkv may be 1 under a block_mask of
    B batches; with enable_gqa, Hkv divides Hq. A lower precision of key and value is widened.

    score_mod(score, b, h, q_idx, kv_idx) changes a score. It is any callable of pointwise
    operations on its arguments and on captured tensors and numbers; it is run once per call, and
    what is captured may change between calls without a compilation. block_mask says what is masked
    after that: see create_block_mask. scale None is 1 / sqrt(E).

    return_aux=AuxRequest(lse=..., max_scores=...) returns (out, AuxOutput): [B, Hq, L], in natural
    units, f32 (f64 for f64); lse is differentiable. return_lse=True, deprecated: (out, lse).
    kernel_options: torch's tuning hints, see FlexKernelOptions.

    Gradients: of query, key, value and of captured floating tensors that require one; no second
    order. A row whose keys are all masked gives 0, lse -inf and gradients of 0. The source is Dong
    et al., "Flex Attention", 2024.
    """
    want_lse, want_max = return_lse, False
    if return_aux is not None:
        if return_lse:
            raise ValueError(
                "Cannot specify both return_lse and return_aux. return_lse is deprecated, please "
                "use return_aux=AuxRequest(lse=True) instead."
            )
        want_lse, want_max = return_aux
    if kernel_options:
        check_kernel_options(kernel_options, want_max)

    result = attend(
        query, key, value, score_mod, block_mask, scale, enable_gqa, want_lse, want_max
    )
    if result is None:
        result = _attention(
            query, key, value, score_mod, block_mask, scale, enable_gqa, want_lse, want_max
        )
    out, lse, max_scores = result
    if return_aux is not None:
        return out, AuxOutput(lse if want_lse else None, max_scores if want_max else None)
    if return_lse:
        warn_once(
            "deprecated_return_lse",
            "return_lse is deprecated and will be removed in v2.10. "
            "Please use return_aux=AuxRequest(lse=True) instead.",
            FutureWarning,
        )
        return out, lse
    return out


def _attention(q, k, v, score_mod, block_mask, scale, enable_gqa, want_lse, want_max):
    """(out, lse, max_scores) of what attend() leaves: after all checks, of any kind of tensors."""
    if not all(hasattr(each, "shape") for each in (q, k, v)):  # perhaps arrays by DLPack
        q, k, v = _arrays(q, k, v)
    validate.check_inputs(q, k, v, block_mask, enable_gqa)
    mask_mod = None
    if block_mask is not None:
        mask_mod = block_mask.mask_mod
        if mask_mod is _sliced_mask_mod_error:
            _sliced_mask_mod_error(None, None, None, None)
        if is_noop(mask_mod):
            mask_mod = None
        if not validate.is_one_block(block_mask):
            validate.check_lengths(block_mask, q.shape[2], k.shape[2])
        elif mask_mod is None:
            block_mask = None
    if block_mask is not None:
        validate.check_device(block_mask, q)
    one_dtype = q.dtype == k.dtype == v.dtype
    if not is_plain(q, k, v) or not one_dtype or (is_tensor(q) and q.is_meta):
        return _elsewhere(q, k, v, score_mod, block_mask, scale, enable_gqa, want_lse, want_max)
    core = None if block_mask is None else _core(block_mask, q.shape[2], k.shape[2])
    call = prepare(q, k, v, score_mod, core, mask_mod, scale, enable_gqa, want_lse, want_max)
    if call.needs_grad:
        return record(call, block_mask, scale)
    return call.run()


def _arrays(*objects):
    import numpy

    for each in objects:
        if not hasattr(each, "__dlpack__"):
            raise TypeError(
                f"flex_attention: query, key and value must be torch tensors, NumPy arrays or have "
                f"__dlpack__, got {type(each).__name__}"
            )
    return [x if hasattr(x, "shape") else numpy.from_dlpack(x) for x in objects]


def _core(block_mask, q_len, kv_len):
    if validate.is_one_block(block_mask):
        tables = [block_mask.kv_num_blocks, block_mask.kv_indices]
        full = [block_mask.full_kv_num_blocks, block_mask.full_kv_indices]
        return from_tables([*tables, *full], (q_len, kv_len), block_mask.BLOCK_SIZE)
    return core_of(block_mask)


def _elsewhere(q, k, v, score_mod, block_mask, scale, enable_gqa, want_lse, want_max):
    """Calls that are not of one plain dtype: brought to one, or given to the operator."""
    rest = (score_mod, block_mask, scale, enable_gqa, want_lse, want_max)
    if is_tensor(q):
        device = q.device.type
        if torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device):
            dtype = torch.get_autocast_dtype(device)
            q, k, v = (
                t.to(dtype) if t.is_floating_point() and t.dtype != torch.float64 else t
                for t in (q, k, v)
            )
            with torch.autocast(device, enabled=False):
                return _attention(q, k, v, *rest)
        if not q.dtype == k.dtype == v.dtype:
            dtype = torch.promote_types(torch.promote_types(q.dtype, k.dtype), v.dtype)
            _log.info("flex_attention: %s, %s, %s widened to %s", q.dtype, k.dtype, v.dtype, dtype)
            out, lse, max_scores = _attention(q.to(dtype), k.to(dtype), v.to(dtype), *rest)
            return out.to(q.dtype), lse, max_scores
        return operators.call(q, k, v, *rest[:4], want_max)
    raise TypeError(
        f"flex_attention: query, key and value must be of one dtype, got {q.dtype}, {k.dtype} and "
        f"{v.dtype}"
    )

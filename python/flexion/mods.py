# SPDX-License-Identifier: Apache-2.0
"""What is known about mods from outside: their kinds, and the ways to combine them."""

import enum
import inspect
import operator
from collections.abc import Callable
from typing import Any

from flexion._torch import torch, torch_flex

_score_mod_signature = Callable[[Any, Any, Any, Any, Any], Any]
_mask_mod_signature = Callable[[Any, Any, Any, Any], Any]

_SLICED = (
    "Cannot use mask_mod from a sliced BlockMask: slicing resets it, for it cannot know how the "
    "indices moved. Assign one: part = base[:, :, rows]; part.mask_mod = shifted(base.mask_mod)."
)


class _ModificationType(enum.Enum):
    SCORE_MOD = 1
    MASK_MOD = 2
    UNKNOWN = 3


def _get_mod_type(fn):
    """A mod of five positional parameters without defaults is a score_mod, of four a mask_mod,
    counted as a caller would: `self` and what a partial binds are none."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = inspect.signature(fn).parameters.values()
    count = sum(p.default is p.empty and p.kind in kinds for p in parameters)
    if count == 5:
        return _ModificationType.SCORE_MOD
    if count == 4:
        return _ModificationType.MASK_MOD
    raise AssertionError(f"Expected 4 or 5 positional args, got {count}, in {fn}")


def _identity(score, batch, head, token_q, token_kv):
    """The score_mod that changes nothing."""
    return score


def noop_mask(batch, head, token_q, token_kv):
    """The mask_mod that masks nothing."""
    return _truth(batch, True)


def _truth(like, value):
    """A bool that combines with what mods compute from `like`: a value, a tensor or a number."""
    if torch is not None and isinstance(like, torch.Tensor):
        return torch.full((), value, dtype=torch.bool, device=like.device)
    return value


def _sliced_mask_mod_error(batch, head, token_q, token_kv):
    """Stands where a sliced BlockMask has no mask_mod yet."""
    raise RuntimeError(_SLICED)


if torch is not None:  # torch's function tells its own masks by identity
    _sliced_mask_mod_error = torch_flex._sliced_mask_mod_error


def is_noop(mask_mod):
    """Whether mask_mod is one that masks nothing by its name, ours or torch's."""
    return (
        mask_mod is None
        or mask_mod is noop_mask
        or (torch is not None and mask_mod is torch_flex.noop_mask)
    )


def _combine(mask_mods, start, operation):
    if not all(callable(each) for each in mask_mods):
        raise RuntimeError(f"All inputs should be callable mask_mods: {mask_mods}")
    if not mask_mods:
        return lambda b, h, q_idx, kv_idx: _truth(b, start)
    first, *others = mask_mods

    def combined(b, h, q_idx, kv_idx):
        result = first(b, h, q_idx, kv_idx)
        for each in others:
            result = operation(result, each(b, h, q_idx, kv_idx))
        return result

    return combined


def and_masks(*mask_mods):
    """The mask_mod that is true where all of mask_mods are."""
    return _combine(mask_mods, True, operator.and_)


def or_masks(*mask_mods):
    """The mask_mod that is true where one of mask_mods is."""
    return _combine(mask_mods, False, operator.or_)


def _vmap_for_bhqkv(fn, prefix, suffix=(), out_dims=0, group_dim=False):
    """torch.vmap of a mod over (b, h, q, kv), or (b, h, group, q, kv), outermost first."""
    inner = [(None, None, None, 0), (None, None, 0, None), (None, 0, None, None)]
    if group_dim:
        inner.append((None, 0, None, None))
    for dims in (*inner, (0, None, None, None)):
        fn = torch.vmap(fn, in_dims=prefix + dims + suffix, out_dims=out_dims)
    return fn
